"""Brands, packs and unit prices: how much is read, and how much of it is right; see README.md."""
