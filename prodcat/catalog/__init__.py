"""Titles with their categories: rows checked, texts, splits."""
