"""What the page is written from."""

from collections.abc import Mapping
from dataclasses import dataclass

from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.assortment.tables import BuyingTables
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class PageContents:
    """What the page is written from.

    Attributes:
        taxonomy: The tree.
        retailers: The retailers, our own first.
        comparisons: The tables about each other retailer by the retailer's name.
        judged: Number of labelled titles that the classifier's mistakes were measured on.
        language: The language of the page.
    """

    taxonomy: Taxonomy
    retailers: tuple[Retailer, ...]
    comparisons: Mapping[str, BuyingTables]
    judged: int
    language: str
