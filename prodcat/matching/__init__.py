"""Matching: which products two retailers both sell, and what changed between two dates.

``match_products`` matches two tables, and ``compare_dates`` two dates of one.  ``read_products``,
``read_pairs`` and ``Matcher`` are the steps of the former.  It needs the package pint, which
``pip install 'prodcat[matching]'`` installs, with one that makes the search fast.
"""

from prodcat.matching.changes import Changes, compare_dates
from prodcat.matching.columns import CHANGES, COLUMNS
from prodcat.matching.comparison import Candidates
from prodcat.matching.labelled import LabelledPairs, labelled_pairs, read_pairs
from prodcat.matching.matcher import Matcher
from prodcat.matching.matching import match_products, read_both
from prodcat.matching.products import MatchColumns, Products, read_products
from prodcat.matching.relations import RELATIONS
from prodcat.matching.results import Matches
from prodcat.matching.writing import write_table

__all__ = [
    "CHANGES",
    "COLUMNS",
    "RELATIONS",
    "Candidates",
    "Changes",
    "LabelledPairs",
    "MatchColumns",
    "Matcher",
    "Matches",
    "Products",
    "compare_dates",
    "labelled_pairs",
    "match_products",
    "read_both",
    "read_pairs",
    "read_products",
    "write_table",
]
