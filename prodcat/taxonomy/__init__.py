"""The tree of categories: reading it and showing it."""
