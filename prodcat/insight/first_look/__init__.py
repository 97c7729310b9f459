"""A first look at a table of products: guess its columns, train in seconds, show the mistakes."""

from prodcat.insight.first_look.guessing import GuessedColumns, guess_columns
from prodcat.insight.first_look.result import Mistake, WeakCategory

__all__ = ["GuessedColumns", "Mistake", "WeakCategory", "guess_columns"]
