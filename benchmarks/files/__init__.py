"""Files as people write them, and what prodcat reads of them; see README.md."""
