"""Titles with their categories: rows checked, texts, splits."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.catalog")
