"""One module for each concept of the decision on a CloudFunction."""
