"""The fitted classifier, its answers and its files."""
