"""Carries a classifier over to the next version of its tree, without training."""
