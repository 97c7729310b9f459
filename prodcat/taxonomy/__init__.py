"""The tree of categories: reading it and showing it."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.taxonomy")
