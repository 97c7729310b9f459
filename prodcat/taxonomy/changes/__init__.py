"""What changed from one version of a tree to the next, and the table in which people check it."""
