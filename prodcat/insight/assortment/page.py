"""The sections of the page that compares retailers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prodcat.insight.arrays import Flags, Floats
from prodcat.insight.assortment.gaps import Gap, lacking
from prodcat.insight.assortment.prices import BANDS, Prices
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.page import Page
from prodcat.insight.prevalence.counts import shares
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_GAPS = 60
_COLOURS = ("#2166ac", "#b35806", "#1b7837", "#762a83", "#666666", "#c51b7d", "#8c6d00", "#00737d")
_Column = tuple[str, str, list[Any]]  # label, kind, and a cell for each node


def add_retailers(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add a table of the retailers with their numbers of products and categories."""
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
    """Add a chart with the share of each department."""
    page.section("Departments", "Share of the retailer's products, with its 95 % interval.")
    label = "Shares of departments; the table of the whole tree has the same figures"
    page.charts([(label, *_bars(tree, retailers))], tall=True)


def _bars(tree: Taxonomy, retailers: Sequence[Retailer]) -> tuple[Any, Any]:
    """Traces and layout of a bar chart; the first retailer's largest department is on top."""
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
        "yaxis": {"autorange": "reversed", "automargin": True},
    }  # fmt: skip
    return traces, layout


def add_gaps(page: Page, tree: Taxonomy, first: str, gaps: Sequence[Gap]) -> None:
    """Add a table of the gaps.

    Args:
        page: The page.
        tree: The tree.
        first: Name of the first retailer.
        gaps: The categories that it lacks.
    """
    cut = "" if len(gaps) <= _MOST_GAPS else f" The {_MOST_GAPS} largest of {len(gaps):,} gaps."
    page.section(
        "Gaps",
        f"Categories that others have and {first} lacks. The categories below a missing category "
        f"are missing too and are not listed.{cut}",
    )
    page.table(
        [("category", "text"), ("retailer", "text"), ("products", "count"), ("at least", "count"),
         ("for sure", "text")],
        [
            (join_path(tree.paths[gap.node]), gap.retailer, round(gap.count), math.ceil(gap.low),
             "yes" if gap.sure else "probably")
            for gap in gaps[:_MOST_GAPS]
        ],
        "Categories that are missing",
    )  # fmt: skip


def add_tree(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add the whole tree with every retailer's products."""
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
    page.section("The whole tree", "Open a category to see what is below it, or filter by name.")
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
    """Add the tree with the prices of every retailer that has any."""
    columns: list[_Column] = []
    used = np.zeros(len(tree), bool)
    for retailer in retailers:
        if retailer.prices is not None:
            columns += _price_columns(retailer.name, retailer.prices)
            used |= retailer.prices.rows > 0
    page.section(
        "Prices",
        "A product whose category is not known counts where the classifier's answer puts it. The "
        "low, middle and high bands are the thirds of all retailers' prices in the department.",
    )
    _add_columns(page, "Categories with prices", tree, columns, used)


def _price_columns(name: str, prices: Prices) -> list[_Column]:
    columns: list[tuple[str, str, Floats]] = [
        ("a quarter up to", "price", prices.quarters[:, 0]),
        ("median", "price", prices.quarters[:, 1]),
        ("three quarters up to", "price", prices.quarters[:, 2]),
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
    """Add an explanation of the figures.

    Args:
        page: The page.
        first: Name of the first retailer.
    """
    page.section(
        "How to read this",
        "Answers is the number of products that the classifier answered with a category. Where "
        "categories are confused this number is biased, so shares and products are corrected for "
        "it. Below departments they are sums of the classifier's probabilities, and the intervals "
        "include the error that was measured at each level. Products per category is the depth of "
        f"the range. A gap is a category in which another retailer surely has products and {first} "
        "is expected to have none.",
    )
