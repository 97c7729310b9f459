"""The fitted classifier, its answers and its files."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.classifier")
