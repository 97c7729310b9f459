"""Benchmarks: each folder asks one question; run them from the repository's root with ``-m``."""
