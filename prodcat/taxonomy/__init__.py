"""The tree of categories: reading, looking up and showing it."""
