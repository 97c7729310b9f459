"""Offers: brands, packs and unit prices of the products in a retailer's table.

``read_pack`` reads one text, ``read_offers`` a whole table, and ``write_offers`` a table of any
size into a file.  It needs the package pint, which ``pip install 'prodcat[offers]'`` installs.
"""

from prodcat.offers.brands import Brands, learn_brands
from prodcat.offers.pack import Pack, StatedPrice
from prodcat.offers.prices import Money, read_money, unit_prices
from prodcat.offers.reading import OfferReport, read_offers, write_offers
from prodcat.offers.rows import OfferColumns, OfferCounts
from prodcat.offers.texts import read_pack

__all__ = [
    "Brands",
    "Money",
    "OfferColumns",
    "OfferCounts",
    "OfferReport",
    "Pack",
    "StatedPrice",
    "learn_brands",
    "read_money",
    "read_offers",
    "read_pack",
    "unit_prices",
    "write_offers",
]
