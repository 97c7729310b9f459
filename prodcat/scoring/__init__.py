"""Classify whole catalogs in parts, each of which is scored exactly once."""
