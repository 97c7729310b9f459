"""The trained classifier, its answers and its files."""
