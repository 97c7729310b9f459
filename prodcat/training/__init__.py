"""From a catalog to a classifier."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.training")
