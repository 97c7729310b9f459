"""From a catalog to a classifier."""
