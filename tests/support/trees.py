"""A small tree of uneven depth, with a name under two parents."""

from prodcat.taxonomy.tree import Taxonomy

RAGGED = Taxonomy.from_paths([("A", "X", "1"), ("A", "X"), ("B", "X"), ("C",), ("A", "Y")])
