"""The program xai-report: the results of several runs as one HTML page that needs nothing but itself."""
