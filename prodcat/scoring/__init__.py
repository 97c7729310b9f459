"""Whole catalogs, scored in parts that are done exactly once."""
