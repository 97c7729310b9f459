"""Every country's jobs: train, judge, promote, score."""

from prodcat.deprecated import forward

__getattr__ = forward("prodcat.pipeline")
