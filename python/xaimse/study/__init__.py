"""The program xai-study: the whole comparison of models on a data set, as one command that can be stopped anywhere."""
