"""The comparison of several retailers as an HTML page, a table and a text."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from prodcat.insight.arrays import Flags, Floats
from prodcat.insight.assortment.gaps import Gap, gaps_of, lacking
from prodcat.insight.assortment.prices import BANDS, Prices
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.insight.prevalence.counts import shares
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_terminal

_MOST_LINES = 10  # of gaps in the text
_MOST_GAPS = 60  # in the table of the page
_COLOURS = ("#2166ac", "#b35806", "#1b7837", "#762a83", "#666666", "#c51b7d", "#8c6d00", "#00737d")
_Column = tuple[str, str, list[Any]]  # label, kind, and a cell for each node


@dataclass(frozen=True, eq=False)
class Assortment(Shown):
    """The assortments of several retailers, counted in one tree of categories.

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
        """Categories that another retailer has and the first one lacks, largest first."""
        return gaps_of(self.taxonomy, self.retailers)

    def table(self) -> Any:
        """The figures of all retailers as an Arrow table, for business intelligence tools.

        Returns:
            One row for each retailer and node, with the columns retailer, node_id, parent_id, path,
            level, products (all products of the retailer), count, count_low, count_high, share,
            share_low, share_high, naive_count, naive_share, categories and gap (whether this
            retailer has the category and the first one lacks it); with prices also price_rows,
            price_25, price_50, price_75, price_low_share, price_middle_share and price_high_share.
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
        """The columns with the counts of one retailer; each has a value for each node."""
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
        """A self-contained HTML page."""
        tree, retailers = self.taxonomy, self.retailers
        page = Page(
            f"Assortments: {', '.join(retailer.name for retailer in retailers)}",
            "Shares are corrected for the mistakes that the classifier makes between departments, "
            f"which were measured on {self.judged:,} labelled titles. Each interval contains the "
            "true figure with a probability of 95 %.",
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
        """The numbers of products, the shares of the departments and the largest gaps, as text."""
        names = [for_terminal(retailer.name) for retailer in self.retailers]
        products = [
            f"{name}: {retailer.counts.rows:,} products"
            for name, retailer in zip(names, self.retailers, strict=True)
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
            yield f"  {for_terminal(self.taxonomy.paths[node][0])}: {'  '.join(cells)}"

    def _gap_lines(self) -> Iterator[str]:
        for gap in self.gaps[:_MOST_LINES]:
            path = join_path(self.taxonomy.paths[gap.node])
            yield for_terminal(f"  {path}: {gap.retailer} has about {gap.count:.0f}")


def add_retailers(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add a table of the retailers with their numbers of products and categories to the page."""
    departments = list(tree.children())
    rows = []
    for retailer in retailers:
        products = retailer.counts.rows
        categories = int(retailer.leaves[departments].sum())
        rows.append(
            (
                retailer.name,
                products,
                retailer.labelled,
                categories,
                products / categories if categories else None,
                retailer.without_price if retailer.prices is not None else None,
            )
        )
    page.section("Retailers")
    page.table(
        [("retailer", "text"), ("products", "count"), ("of these with a known category", "count"),
         ("categories", "count"), ("products per category", "price"), ("without a price", "count")],
        rows,
        "Retailers that are compared",
    )  # fmt: skip


def add_departments(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add a chart with each retailer's share of each department to the page."""
    page.section(
        "Departments",
        "The share of a retailer's products that are in each department, with its 95 % interval.",
    )
    label = "Shares of the departments; the table of the whole tree has the same figures"
    page.charts([(label, *_bars(tree, retailers))], tall=True)


def _bars(tree: Taxonomy, retailers: Sequence[Retailer]) -> tuple[Any, Any]:
    """Plotly's bar chart, as traces and layout; the first retailer's largest department on top."""
    nodes = np.array(tree.children(), np.int64)
    nodes = nodes[np.argsort(-retailers[0].counts.count[nodes], kind="stable")]
    names = [tree.paths[node][0] for node in nodes]
    traces = []
    for number, retailer in enumerate(retailers):
        share = {name: values[nodes] for name, values in shares(retailer.counts).items()}
        traces.append(
            {
                "type": "bar", "name": retailer.name, "orientation": "h", "y": names,
                "x": share["count"].round(6).tolist(),
                "marker": {"color": _COLOURS[number % len(_COLOURS)]},
                "error_x": {
                    "type": "data", "symmetric": False, "color": "#8a8a84",
                    "array": np.maximum(share["high"] - share["count"], 0).round(6).tolist(),
                    "arrayminus": np.maximum(share["count"] - share["low"], 0).round(6).tolist(),
                },
            }
        )  # fmt: skip
    layout = {
        "barmode": "group", "xaxis": {"tickformat": ".0%", "rangemode": "tozero"},
        # Plotly would read a category whose name looks like a number or a date as such.
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
        "hoverlabel": {"namelength": -1},
    }  # fmt: skip
    return traces, layout


def add_gaps(page: Page, tree: Taxonomy, first: str, gaps: Sequence[Gap]) -> None:
    """Add a table of the largest gaps to the page.

    Args:
        page: The page.
        tree: The tree.
        first: Name of the first retailer.
        gaps: The categories that the first retailer lacks.
    """
    largest = f" The table has the {_MOST_GAPS} largest of {len(gaps):,} gaps."
    cut = "" if len(gaps) <= _MOST_GAPS else largest
    page.section(
        "Gaps",
        f"Categories that another retailer has and {first} lacks. The categories below a missing "
        f"category are missing as well and are not listed.{cut}",
    )
    page.table(
        [("category", "text"), ("retailer", "text"), ("products", "count"), ("at least", "count"),
         ("missing", "text")],
        [
            (join_path(tree.paths[gap.node]), gap.retailer, round(gap.count), math.ceil(gap.low),
             "almost certainly" if gap.sure else "probably")
            for gap in gaps[:_MOST_GAPS]
        ],
        "Categories that are missing",
    )  # fmt: skip


def add_tree(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add the whole tree with the products of each retailer to the page."""
    columns = [column for retailer in retailers for column in _product_columns(retailer)]
    filters: dict[str, int] = {}
    for other in retailers[1:]:
        lacks = lacking(retailers[0].counts, other.counts)
        filters[f"gaps against {other.name}"] = len(columns)
        cells = np.where(lacks, np.rint(other.counts.count), 0).astype(int).tolist()
        columns.append((f"missing, {other.name} has", "count", cells))
    used = np.zeros(len(tree), bool)
    for retailer in retailers:
        used |= (retailer.counts.count >= 0.05) | (retailer.counts.naive > 0)
    page.section("The whole tree", "Click a category to see those below it, or filter by name.")
    _add_columns(page, "Categories with each retailer's products", tree, columns, used, filters)


def _product_columns(retailer: Retailer) -> list[_Column]:
    counts, share = retailer.counts, shares(retailer.counts)
    low, high = share["low"].round(5).tolist(), share["high"].round(5).tolist()
    return [
        (f"{retailer.name}: share", "share", share["count"].round(6).tolist()),
        (f"{retailer.name}: 95 % interval", "interval", list(zip(low, high, strict=True))),
        (f"{retailer.name}: products", "count", np.rint(counts.count).astype(int).tolist()),
        (f"{retailer.name}: answers", "count", counts.naive.tolist()),
        (f"{retailer.name}: categories", "count", retailer.leaves.tolist()),
    ]


def add_prices(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add the tree with the prices of each retailer that has prices to the page."""
    columns: list[_Column] = []
    used = np.zeros(len(tree), bool)
    for retailer in retailers:
        if retailer.prices is not None:
            columns += _price_columns(retailer.name, retailer.prices)
            used |= retailer.prices.rows > 0
    page.section(
        "Prices",
        "A product without a label counts in the category that the classifier assigned it to. The "
        "low, middle and high band are the lower, middle and upper third of the prices of all "
        "retailers in the department.",
    )
    _add_columns(page, "Categories with prices", tree, columns, used)


def _price_columns(name: str, prices: Prices) -> list[_Column]:
    columns: list[tuple[str, str, Floats]] = [
        ("lower quartile", "price", prices.quarters[:, 0]),
        ("median", "price", prices.quarters[:, 1]),
        ("upper quartile", "price", prices.quarters[:, 2]),
        *((f"{band} band", "share", prices.bands[:, third]) for third, band in enumerate(BANDS)),
    ]
    return [
        (f"{name}: {label}", kind, [None if math.isnan(v) else round(v, 4) for v in cells.tolist()])
        for label, kind, cells in columns
    ]


def _add_columns(
    page: Page,
    label: str,
    tree: Taxonomy,
    columns: Sequence[_Column],
    used: Flags,
    filters: Mapping[str, int] | None = None,
) -> None:
    heads = [{"label": name, "kind": kind} for name, kind, _ in columns]
    rows = list(zip(*(cells for _, _, cells in columns), strict=True))
    page.tree(label, tree, heads, rows, kept=np.flatnonzero(used).tolist(), only=filters)


def add_legend(page: Page, first: str) -> None:
    """Add an explanation of the figures to the page; ``first`` is the first retailer's name."""
    page.section(
        "How to read this",
        "“Answers” is the number of products that the classifier assigned to a category. Where the "
        "classifier confuses categories this number is biased, so “share” and “products” are "
        "corrected for its mistakes. Below departments they are sums of the classifier's "
        "probabilities, and the intervals include the error that was measured at each level of the "
        "tree. “Products per category” is the depth of the range. A gap is a category in which "
        f"another retailer almost certainly has products and {first} is expected to have none.",
    )
