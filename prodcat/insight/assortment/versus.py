"""Our products and those of one other retailer, and the categories that a buyer works with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from prodcat.insight.arrays import Ints
from prodcat.insight.assortment.products import Products, title_key
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.assortment.supplements import SAME
from prodcat.insight.assortment.sureness import Figure
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_PRODUCTS = 12  # in the category of a typical product, at the level that a buyer works with


@dataclass(frozen=True, eq=False)
class Versus:
    """Our assortment and that of one other retailer.

    Attributes:
        tree: The tree.
        ours: Our assortment.
        theirs: The other assortment.
        matches: The matched products as :func:`.read_matches` returns them; None if there is no
            table of them.
        before: The other assortment at an earlier date; None if there is none.
    """

    tree: Taxonomy
    ours: Retailer
    theirs: Retailer
    matches: Sequence[Mapping[str, Any]] | None = None
    before: Retailer | None = None
    _labels: dict[int, str] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """Name of the other retailer."""
        return self.theirs.name

    @cached_property
    def level(self) -> int:
        """The level of the categories that a buyer works with, counted from 0.

        It is the deepest level at which a typical product of theirs shares its category with at
        least eleven others.
        """
        chains = self.tree.chains[self.theirs.products.nodes]
        best = 0
        for level in range(self.tree.depth):
            nodes = chains[:, level]
            counts = np.bincount(nodes[nodes >= 0], minlength=len(self.tree))
            if (nodes >= 0).mean() < 0.5 or np.median(counts[nodes[nodes >= 0]]) < _PRODUCTS:
                break
            best = level
        return best

    def categories(self, products: Products) -> Ints:
        """int64 [products]: the category of each product at that level, or the node above it."""
        chains = self.tree.chains[products.nodes]
        at_level: Ints = np.where(chains[:, self.level] >= 0, chains[:, self.level], products.nodes)
        return at_level

    @cached_property
    def our_categories(self) -> Ints:
        """int64 [our products]: the category of each product at the buyer's level."""
        return self.categories(self.ours.products)

    @cached_property
    def their_categories(self) -> Ints:
        """int64 [their products]: the category of each product at the buyer's level."""
        return self.categories(self.theirs.products)

    def label(self, node: int) -> str:
        """The whole path of a category."""
        if node not in self._labels:
            self._labels[node] = join_path(self.tree.paths[node])
        return self._labels[node]

    def places(self, nodes: Ints) -> dict[str, list[str]]:
        """The columns of many categories; see :meth:`place`.

        Args:
            nodes: int64 [rows]: the node of each category.
        """
        numbers, inverse = np.unique(nodes, return_inverse=True)
        places = [self.place(node) for node in numbers.tolist()]
        order = inverse.tolist()
        return {
            name: [values[number] for number in order]
            for name in ("retailer", "node_id", "department", "category")
            for values in [[place[name] for place in places]]
        }

    def place(self, node: int) -> dict[str, str]:
        """The columns of a category that every table has: retailer, node_id, department, path."""
        return {
            "retailer": self.name,
            "node_id": self.tree.ids[node],
            "department": self.tree.paths[node][0],
            "category": self.label(node),
        }

    @cached_property
    def our_titles(self) -> Mapping[str, int]:
        """The row of our first product of each title, by the key of the title."""
        return self.ours.products.first_rows

    @cached_property
    def their_titles(self) -> Mapping[str, int]:
        """The row of their first product of each title, by the key of the title."""
        return self.theirs.products.first_rows

    @cached_property
    def earlier_titles(self) -> Mapping[str, int] | None:
        """The row of their first earlier product of each title; None without an earlier catalog."""
        return None if self.before is None else self.before.products.first_rows

    @cached_property
    def related(self) -> Mapping[str, Mapping[str, Any]]:
        """The closest match of each of their products, by the key of its title."""
        order = {SAME: 0, "same but other size": 1, "substitute": 2}
        closest: dict[str, Mapping[str, Any]] = {}
        for match in sorted(
            self.matches or (), key=lambda row: (order[row["relation"]], -_probability(row))
        ):
            closest.setdefault(title_key(str(match["their_title"])), match)
        return closest


def _probability(match: Mapping[str, Any]) -> float:
    """The probability of a match; 1 if it is not known."""
    return 1.0 if match["probability"] is None else float(match["probability"])


def count_figure(retailer: Retailer, node: int) -> Figure:
    """The number of a retailer's products at or below a node."""
    counts = retailer.counts
    return Figure(float(counts.count[node]), float(counts.low[node]), float(counts.high[node]))


def share_figure(retailer: Retailer, node: int) -> Figure:
    """The share of a retailer's products that are at or below a node, 0 to 1."""
    count, rows = count_figure(retailer, node), max(retailer.counts.rows, 1)
    return Figure(count.value / rows, count.low / rows, count.high / rows)


def used_nodes(tree: Taxonomy, *retailers: Retailer) -> list[int]:
    """The nodes at or below which one of the retailers has a product, in the tree's order."""
    used = np.zeros(len(tree), bool)
    for retailer in retailers:
        used |= (retailer.counts.count >= 0.5) | (retailer.counts.naive > 0)
    return np.flatnonzero(used).tolist()
