"""Intervals of shared products and of shares of categories; see README.md."""
