"""Whole catalogs, scored in parts that are done exactly once."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.scoring")
