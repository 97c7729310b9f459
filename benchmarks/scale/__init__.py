"""How far training on n-grams alone scales, and what its solver loses."""
