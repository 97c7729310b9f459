"""How well two tables of products are matched."""
