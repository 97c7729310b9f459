"""The command line: one module for each verb."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.cli")
