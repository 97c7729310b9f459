"""Prices by category."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prodcat.errors import CatalogError
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.numbers import first_of, numbers_of
from prodcat.offers import read_money
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
BANDS = ("low", "middle", "high")
MOST_TIMES = 1_000  # that two prices of one kind of product may differ
_LEAST_PRICES = 3  # that tell a median
_QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of one retailer's products at or below each node.

    Attributes:
        rows: int64 [nodes]: number of products with a price.
        quarters: float64 [nodes, 3]: the three quartiles of their prices; NaN without such a
            product.
        bands: float64 [nodes, 3]: shares of these products whose price is in the lower, middle and
            upper third of all retailers' prices in the department; NaN without such a product.
    """

    rows: Ints
    quarters: Floats
    bands: Floats

    @classmethod
    def none(cls, nodes: int) -> "Prices":
        """Create the prices of a retailer without any price, for a tree of ``nodes`` nodes."""
        return cls(
            np.zeros(nodes, np.int64), np.full((nodes, 3), np.nan), np.full((nodes, 3), np.nan)
        )

    def columns(self) -> dict[str, Any]:
        """Columns for a table with a row for each node, by name; NaN becomes null."""
        import pyarrow as pa

        columns: dict[str, Any] = {"price_rows": self.rows}
        names = [f"price_{100 * quarter:.0f}" for quarter in _QUARTERS]
        names += [f"price_{band}_share" for band in BANDS]
        for name, values in zip(names, np.hstack([self.quarters, self.bands]).T, strict=True):
            columns[name] = pa.array(values, from_pandas=True)
        return columns


@dataclass(frozen=True, eq=False)
class PricedProducts:
    """The categories and prices of one retailer's products.

    Attributes:
        nodes: int64 [products]: the node of each product's label or answer.
        prices: float64 [products]: the price of each product; NaN if it is not known.
    """

    nodes: Ints
    prices: Floats

    @property
    def without_price(self) -> int:
        """Number of products whose price is not known."""
        return int(np.isnan(self.prices).sum())

    def of_nodes(self, tree: Taxonomy, edges: Floats) -> Prices:
        """Summarise the prices at or below each node.

        Args:
            tree: The tree.
            edges: float64 [nodes, 2]: the two prices that separate the three bands of each node's
                department; NaN if the department has no price.

        Returns:
            The prices of all nodes.
        """
        node_prices = Prices.none(len(tree))
        priced = ~np.isnan(self.prices)
        chains, prices = tree.chains[self.nodes[priced]], self.prices[priced]
        for level in range(tree.depth):
            at = chains[:, level]
            order = np.lexsort((prices, at))
            order = order[at[order] >= 0]
            if not len(order):
                continue
            nodes, starts = np.unique(at[order], return_index=True)
            for node, products in zip(nodes.tolist(), np.split(order, starts[1:]), strict=True):
                values = prices[products]
                node_prices.rows[node] = len(values)
                node_prices.quarters[node] = np.quantile(values, _QUARTERS)
                band = np.searchsorted(edges[node], values, "left")
                node_prices.bands[node] = np.bincount(band, minlength=3) / len(values)
        return node_prices


def read_prices(
    retailer: str, column: str, values: Sequence[Any], rows: Ints | None = None
) -> Floats:
    """Convert prices to numbers, and log a warning with the number of unusable ones.

    A price is usable if it is a finite number of at least 0, or a text with one, which may have a
    decimal comma or a currency; see :func:`prodcat.insight.numbers.numbers_of`.  If some prices
    have a decimal comma and others a point, each is read by itself, and a warning says so.

    Args:
        retailer: Name of the retailer, for messages.
        column: Name of the column in the retailer's own file, for messages.
        values: The values of the column.
        rows: int64 [products]: the number of each row in that file, counted from 0, for messages;
            by default they are counted.

    Returns:
        float64 [products]: the prices; NaN for unusable ones.

    Raises:
        CatalogError: No price is usable, or it cannot be told whether a comma or a point stands
            before the decimals.
    """
    try:
        prices = numbers_of(values, column, f"{retailer}: ")
    except CatalogError:
        prices = _each_by_itself(values)
        if not _tells_marks(values, prices):
            raise
        logger.warning(
            "%s: some prices in %s have a decimal comma and others a decimal point; each is read "
            "by itself.",
            retailer,
            column,
        )
    prices[prices < 0] = np.nan
    unusable = np.flatnonzero(np.isnan(prices)).tolist()
    if len(unusable) == len(prices):
        raise CatalogError(
            f"{retailer!r} has no usable price: {column} is, for example, {first_of(values)!r}; "
            "expected numbers of at least 0, such as 12.90 or 12,90 €."
        )
    if unusable:
        numbers = np.arange(len(values)) if rows is None or len(rows) != len(values) else rows
        logger.warning(
            "%s: %s of %s products have no usable price (%s is, for example, %r in row %s); they "
            "are left out of the price figures.",
            retailer,
            f"{len(unusable):,}",
            f"{len(prices):,}",
            column,
            values[unusable[0]],
            f"{int(numbers[unusable[0]]) + 1:,}",
        )
    return prices


def _each_by_itself(values: Sequence[Any]) -> Floats:
    """float64 [values]: each price, whatever the others are; NaN if it may be read in two ways."""
    moneys = [read_money(value) for value in values]
    return np.array([np.nan if money is None else money.amount for money in moneys])


def _tells_marks(values: Sequence[Any], prices: Floats) -> bool:
    """Whether any price that was read is a text with a comma or a point."""
    return any(
        isinstance(value, str) and ("," in value or "." in value) and not np.isnan(price)
        for value, price in zip(values, prices, strict=True)
    )


def plausible_prices(retailer: str, tree: Taxonomy, products: PricedProducts) -> Floats:
    """The prices without those more than 1,000 times the median of their category.

    The category is that of the product, or its department if fewer than three products of the
    category have a price.  A warning in the log tells how many prices are left out.

    Args:
        retailer: Name of the retailer, for the message.
        tree: The tree.
        products: Its products.

    Returns:
        float64 [products]: the prices; NaN for those left out and those not known.
    """
    kept: Floats = products.prices.copy()
    rows = np.flatnonzero(~np.isnan(kept))
    limit = _limits(products.nodes[rows], kept[rows])
    in_department = _limits(tree.chains[products.nodes[rows], 0], kept[rows])
    wrong = rows[kept[rows] > np.where(np.isnan(limit), in_department, limit)]
    if len(wrong):
        logger.warning(
            "%s: %s of %s prices are more than %s times the median of their category, such as "
            "%s; they are left out of the price figures.",
            retailer,
            f"{len(wrong):,}",
            f"{len(rows):,}",
            f"{MOST_TIMES:,}",
            f"{kept[wrong[0]]:,.2f}",
        )
    kept[wrong] = np.nan
    return kept


def _limits(categories: Ints, prices: Floats) -> Floats:
    """float64 [prices]: the largest plausible price of each; NaN where too few prices tell it."""
    limits = np.full(len(prices), np.nan)
    order = np.argsort(categories, kind="stable")
    _, starts = np.unique(categories[order], return_index=True)
    for members in np.split(order, starts[1:]) if len(order) else ():
        median = float(np.quantile(prices[members], 0.5, method="lower"))
        if len(members) >= _LEAST_PRICES and median > 0:
            limits[members] = MOST_TIMES * median
    return limits


def prices_of(tree: Taxonomy, products: Mapping[str, PricedProducts]) -> dict[str, Prices]:
    """Summarise the prices of each retailer by category.

    Args:
        tree: The tree.
        products: The products of each retailer by the retailer's name.

    Returns:
        The prices of each retailer by the retailer's name.
    """
    if not products:
        return {}
    edges = _band_edges(tree, list(products.values()))
    return {name: priced.of_nodes(tree, edges) for name, priced in products.items()}


def _band_edges(tree: Taxonomy, retailers: Sequence[PricedProducts]) -> Floats:
    """float64 [nodes, 2]: the terciles of all retailers' prices in each node's department."""
    nodes = np.concatenate([products.nodes for products in retailers])
    prices = np.concatenate([products.prices for products in retailers])
    department = tree.chains[nodes, 0]
    edges = np.full((len(tree), 2), np.nan)
    for node in tree.children():
        values = prices[(department == node) & ~np.isnan(prices)]
        if len(values):
            edges[node] = np.quantile(values, (1 / 3, 2 / 3))
    node_edges: Floats = edges[tree.chains[:, 0]]
    return node_edges


def band_edges(retailers: Sequence[PricedProducts]) -> dict[int, Floats]:
    """The terciles of all retailers' prices at each node.

    Args:
        retailers: The products of each retailer; those of other nodes below a node do not count.

    Returns:
        float64 [2], the two prices that separate three bands, by the node.
    """
    nodes = np.concatenate([products.nodes for products in retailers])
    prices = np.concatenate([products.prices for products in retailers])
    priced = ~np.isnan(prices)
    nodes, prices = nodes[priced], prices[priced]
    order = np.argsort(nodes, kind="stable")
    present, starts = np.unique(nodes[order], return_index=True)
    parts = np.split(prices[order], starts[1:]) if len(present) else []
    return {
        node: np.quantile(values, (1 / 3, 2 / 3))
        for node, values in zip(present.tolist(), parts, strict=True)
    }
