"""Comparison of what several retailers sell, by category and with an interval for each figure."""

from prodcat.insight.assortment.comparison import compare_assortments
from prodcat.insight.assortment.gaps import Gap
from prodcat.insight.assortment.prices import Prices
from prodcat.insight.assortment.products import Products
from prodcat.insight.assortment.result import Assortment
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.assortment.supplements import Supplements

__all__ = [
    "Assortment",
    "Gap",
    "Prices",
    "Products",
    "Retailer",
    "Supplements",
    "compare_assortments",
]
