"""Titles with their categories: reading and checking rows, normalising text, splitting."""
