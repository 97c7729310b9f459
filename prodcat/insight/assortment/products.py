"""The products of one retailer: what a person may look up behind every figure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Floats, Ints
from prodcat.offers import Brands, learn_brands, read_money, read_pack, unit_prices
from prodcat.storage.containers import is_missing
from prodcat.taxonomy.tree import Taxonomy

_UNITS = ("kg", "l", "wash", "dose", "piece")  # the first one that a pack tells is compared
_UNREAD, _NO_UNIT = -2, -1  # in place of a unit
_MOST_TITLES = 200_000  # that brands are learned from
# What tables write in place of a brand or a title that is not known.
_UNKNOWN = re.compile(
    r"[-–./?\s]*|n/?[av]|null|none|unknown|generic|no brand|not available|"
    r"(marca |nombre )?no disponible|sin (marca|nombre)|ohne marke|keine angabe|unbekannt|"
    r"sans marque|inconnue?|non disponib(le|ile)|senza marca|onbekend|geen merk|sem marca|"
    r"desconhecid[ao]|indisponível|bilinmiyor|markasız",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Products:
    """The products of one retailer, row by row.

    Attributes:
        titles: The title of each product.
        nodes: int64 [products]: the label of each product, or the answer if it has no label.
        confidence: float64 [products]: the probability that the node is right; 1 for labels.
        prices: float64 [products]: the price of each product; NaN if it is not known.
        brands: The brand of each product; empty if it is not known.
        rows: int64 [products]: the number of each row in its source, counted from 0.
        currency: The ISO 4217 code of the currency; empty if the prices do not tell one.
    """

    titles: Sequence[str]
    nodes: Ints
    confidence: Floats
    prices: Floats
    brands: Sequence[str]
    rows: Ints
    currency: str = ""

    def __len__(self) -> int:
        """The number of products."""
        return len(self.titles)

    @property
    def has_prices(self) -> bool:
        """Whether any price is known."""
        return bool((~np.isnan(self.prices)).any())

    @cached_property
    def keys(self) -> Sequence[str]:
        """The key of each title; see :func:`title_key`."""
        return [title_key(title) for title in self.titles]

    @cached_property
    def first_rows(self) -> dict[str, int]:
        """The row of the first product of each title that says something, by its key."""
        keys = self.keys
        rows = {keys[row]: row for row in reversed(range(len(keys)))}
        return {key: row for key, row in rows.items() if not says_nothing(key)}

    def price_per_unit(self, row: int) -> tuple[float, str] | None:
        """The price of one unit of a product, and the unit; see :func:`unit_price`.

        A pack is read once, as a comparison needs it several times.
        """
        prices, units = self._read_packs
        if units[row] == _UNREAD:
            told = unit_price(self.titles[row], float(self.prices[row]))
            prices[row], units[row] = (
                (told[0], _UNITS.index(told[1])) if told is not None else (np.nan, _NO_UNIT)
            )
        return None if units[row] == _NO_UNIT else (float(prices[row]), _UNITS[units[row]])

    @cached_property
    def _read_packs(self) -> tuple[Floats, Any]:
        """float64 and int8 [products]: the price per unit, and the unit's place in _UNITS."""
        return np.full(len(self), np.nan), np.full(len(self), _UNREAD, np.int8)


def title_key(title: str) -> str:
    """The form of a title in which equal titles are written alike.

    >>> title_key(" Fresh  MILK ")
    'fresh milk'
    """
    return " ".join(title.casefold().split())


def says_nothing(text: str) -> bool:
    """Whether a brand or a title is a mark for one that is not known.

    >>> says_nothing("Marca no disponible"), says_nothing("Sin"), says_nothing("-")
    (True, False, True)
    """
    return _UNKNOWN.fullmatch(text) is not None


def unit_price(title: str, price: float) -> tuple[float, str] | None:
    """The price per kilogram, litre, wash, dose or piece that a title's pack tells.

    Args:
        title: The title of the product.
        price: Its price; NaN if it is not known.

    Returns:
        The price of one unit, and the unit; None if the pack or the price is not known.
    """
    if np.isnan(price):
        return None
    try:
        prices = unit_prices(price, read_pack(title))
    except ConfigError:  # the package that knows units is not installed
        return None
    return next(((prices[unit], unit) for unit in _UNITS if unit in prices), None)


def given_brands(catalog: Catalog, column: str, retailer: str) -> list[str] | None:
    """The brands in a column of a catalog; None if the catalog lacks it.

    Args:
        catalog: The catalog.
        column: Name of the column.
        retailer: Name of the retailer, for the error message.

    Raises:
        CatalogError: No row has a brand.
    """
    values = catalog.columns.get(column, catalog.texts.get(column))
    if values is None:
        return None
    texts = ["" if is_missing(value) else str(value).strip() for value in values]
    brands = ["" if says_nothing(text) else text for text in texts]
    if not any(brands):
        raise CatalogError(
            f"{retailer!r} has no brand: all values of {column} are empty; expected brands such as "
            "'Danone'. Leave the column out to have brands learned from the titles."
        )
    return brands


def learned_brands(tree: Taxonomy, catalogs: Iterable[tuple[Sequence[str], Ints]]) -> Brands:
    """Learn brands from the titles of all retailers.

    Args:
        tree: The tree.
        catalogs: The titles of each retailer, and int64 [products], their nodes.
    """
    pairs = [
        (titles[row], str(nodes[row]))
        for titles, nodes in catalogs
        for row in np.linspace(0, len(titles) - 1, min(len(titles), _MOST_TITLES)).astype(int)
    ]
    return learn_brands(pairs)


def currency_of(values: Sequence[object]) -> str:
    """The currency that the first hundred prices of a column tell alike; empty if they do not."""
    moneys = [read_money(value) for value in values[:100]]
    names = {money.currency for money in moneys if money is not None}
    return next(iter(names)) or "" if len(names) == 1 else ""


def named_rows(products: Products, rows: Iterable[int]) -> Iterator[int]:
    """The rows of products with different titles, the first one of each title."""
    seen = set()
    for row in rows:
        key = products.keys[row]
        if key not in seen and not says_nothing(key):
            seen.add(key)
            yield row
