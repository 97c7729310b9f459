"""The comparison of several retailers as a page, a table and a text."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from prodcat.insight.assortment.gaps import Gap, gaps_of, lacking
from prodcat.insight.assortment.page import (
    add_departments,
    add_gaps,
    add_legend,
    add_prices,
    add_retailers,
    add_tree,
)
from prodcat.insight.assortment.prices import Prices
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.insight.prevalence.counts import shares
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_LINES = 10  # of gaps in the text


@dataclass(frozen=True, eq=False)
class Assortment(Shown):
    """The assortments of several retailers over one tree.

    Attributes:
        taxonomy: The tree.
        retailers: The retailers, your own first.
        judged: Number of labelled titles that the classifier's mistakes were measured on.
    """

    taxonomy: Taxonomy
    retailers: tuple[Retailer, ...]
    judged: int

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Categories that others have and the first one lacks, the most products first."""
        return gaps_of(self.taxonomy, self.retailers)

    def table(self) -> "pa.Table":
        """One row for each retailer and node, for BI tools.

        Returns:
            The columns retailer, node_id, parent_id, path, level, products, count, count_low,
            count_high, share, share_low, share_high, naive_count, naive_share, categories and gap
            (whether the first retailer lacks it); with prices also price_rows, price_25,
            price_50, price_75, price_low_share, price_middle_share and price_high_share.
        """
        import pyarrow as pa

        tree = self.taxonomy
        nodes = {
            "node_id": list(tree.ids),
            "parent_id": [tree.ids[parent] if parent >= 0 else None for parent in tree.parent],
            "path": [join_path(path) for path in tree.paths],
            "level": tree.level.tolist(),
        }
        priced = any(retailer.prices is not None for retailer in self.retailers)
        parts = []
        for retailer in self.retailers:
            columns = {"retailer": [retailer.name] * len(tree), **nodes}
            columns |= self._figures(retailer)
            if priced:
                columns |= (retailer.prices or Prices.none(len(tree))).columns()
            parts.append(pa.table(columns))
        return pa.concat_tables(parts)

    def _figures(self, retailer: Retailer) -> dict[str, Any]:
        """Columns with the counts of one retailer, a value for each node."""
        counts, share = retailer.counts, shares(retailer.counts)
        return {
            "products": [counts.rows] * len(self.taxonomy),
            "count": counts.count,
            "count_low": counts.low,
            "count_high": counts.high,
            "share": share["count"],
            "share_low": share["low"],
            "share_high": share["high"],
            "naive_count": counts.naive,
            "naive_share": share["naive"],
            "categories": retailer.leaves,
            "gap": lacking(self.retailers[0].counts, counts),
        }

    def html(self) -> str:
        """One HTML file with everything in it."""
        tree, retailers = self.taxonomy, self.retailers
        page = Page(
            f"Assortments: {', '.join(retailer.name for retailer in retailers)}",
            "Shares are corrected for the classifier's confusions of departments, which were "
            f"measured on {self.judged:,} labelled titles. Each interval contains the true figure "
            "with a probability of 95 %.",
        )
        add_retailers(page, tree, retailers)
        add_departments(page, tree, retailers)
        if len(retailers) > 1:
            add_gaps(page, tree, retailers[0].name, self.gaps)
        add_tree(page, tree, retailers)
        if any(retailer.prices is not None for retailer in retailers):
            add_prices(page, tree, retailers)
        add_legend(page, retailers[0].name)
        return page.html()

    def __str__(self) -> str:
        """The departments' shares and the gaps as lines of text."""
        names = [retailer.name for retailer in self.retailers]
        products = [
            f"{retailer.name}: {retailer.counts.rows:,} products" for retailer in self.retailers
        ]
        lines = [
            "; ".join(products),
            "  ".join(["share of each department with its 95 % interval", *names]),
            *self._department_lines(),
            f"{len(self.gaps):,} categories that {names[0]} lacks and others have",
            *self._gap_lines(),
        ]
        return "\n".join(lines)

    def _department_lines(self) -> Iterator[str]:
        retailer_shares = [shares(retailer.counts) for retailer in self.retailers]
        for node in self.taxonomy.children():
            cells = [
                f"{share['count'][node]:.1%} ({share['low'][node]:.1%} – {share['high'][node]:.1%})"
                for share in retailer_shares
            ]
            yield f"  {self.taxonomy.paths[node][0]}: {'  '.join(cells)}"

    def _gap_lines(self) -> Iterator[str]:
        for gap in self.gaps[:_MOST_LINES]:
            path = join_path(self.taxonomy.paths[gap.node])
            yield f"  {path}: {gap.retailer} has about {gap.count:.0f}"
