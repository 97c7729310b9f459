"""Training: from a catalog of labelled titles to a classifier."""
