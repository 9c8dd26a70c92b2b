"""The program xai-compare: models side by side, photograph by photograph, and what may be said of each difference."""
