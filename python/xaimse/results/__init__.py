"""The program xai-results: tables and pictures of runs, for the terminal and for other programs."""
