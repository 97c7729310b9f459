"""The sections of the page that shows retailers side by side."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from prodcat.insight.assortment.gaps import Gap, lacking
from prodcat.insight.assortment.prices import BANDS, Prices
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.page import Page
from prodcat.insight.prevalence.counts import shares
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_GAPS = 60
_COLOURS = ("#2166ac", "#b35806", "#1b7837", "#762a83", "#666666", "#c51b7d", "#8c6d00", "#00737d")


def add_retailers(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add a table of what was compared."""
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
         ("categories", "count"), ("products in each", "price"), ("without a price", "count")],
        rows,
        "What was compared",
    )  # fmt: skip


def add_departments(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add a chart with the share of each department."""
    page.section("Departments", "Share of all products of the retailer, with its interval of 95 %.")
    data, layout = _bars(tree, retailers)
    page.add(
        page.figure("Shares of departments; the table below says the same", data, layout, tall=True)
    )


def _bars(tree: Taxonomy, retailers: Sequence[Retailer]) -> tuple[Any, Any]:
    """Traces and layout of a bar chart, the largest department of the first retailer on top."""
    nodes = np.array(tree.children(), np.int64)
    nodes = nodes[np.argsort(-retailers[0].counts.count[nodes], kind="stable")]
    names = [tree.paths[node][0] for node in nodes]
    traces = []
    for place, retailer in enumerate(retailers):
        share = {name: values[nodes] for name, values in shares(retailer.counts).items()}
        traces.append(
            {
                "type": "bar", "name": retailer.name, "orientation": "h", "y": names,
                "x": share["count"].round(6).tolist(),
                "marker": {"color": _COLOURS[place % len(_COLOURS)]},
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
    """Add a table of what the first retailer lacks.

    Args:
        page: The page.
        tree: The tree.
        first: Name of the first retailer.
        gaps: What it lacks.
    """
    cut = "" if len(gaps) <= _MOST_GAPS else f" The largest {_MOST_GAPS} of {len(gaps):,}."
    page.section(
        "Gaps", f"What others have and {first} does not, the highest category of each.{cut}"
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
    columns: list[dict[str, Any]] = []
    values: list[list[Any]] = []
    for retailer in retailers:
        for label, kind, cells in _retailer_columns(retailer):
            columns.append({"label": f"{retailer.name}: {label}", "kind": kind})
            values.append(cells)
    filters: dict[str, int] = {}
    for other in retailers[1:]:
        lacks = lacking(retailers[0].counts, other.counts)
        filters[f"gaps against {other.name}"] = len(columns)
        columns.append({"label": f"lacking, {other.name} has", "kind": "count"})
        values.append(np.where(lacks, np.rint(other.counts.count), 0).astype(int).tolist())
    used = np.zeros(len(tree), bool)
    for retailer in retailers:
        used |= (retailer.counts.count >= 0.05) | (retailer.counts.naive > 0)
    page.section("The whole tree", "Open a category to see what is below it, or filter by name.")
    page.tree(
        "Categories with each retailer's products",
        tree,
        columns,
        list(zip(*values, strict=True)),
        kept=np.flatnonzero(used).tolist(),
        only=filters or None,
    )


def _retailer_columns(retailer: Retailer) -> list[tuple[str, str, list[Any]]]:
    """Label, kind and cells, one for each node, of each column about a retailer."""
    counts, share = retailer.counts, shares(retailer.counts)
    low, high = share["low"].round(5).tolist(), share["high"].round(5).tolist()
    return [
        ("share", "share", share["count"].round(6).tolist()),
        ("95 % interval", "interval", list(zip(low, high, strict=True))),
        ("products", "count", np.rint(counts.count).astype(int).tolist()),
        ("by answers", "count", counts.naive.tolist()),
        ("categories", "count", retailer.leaves.tolist()),
    ]


def add_prices(page: Page, tree: Taxonomy, retailers: Sequence[Retailer]) -> None:
    """Add the tree with the prices of every retailer that has some."""
    columns: list[dict[str, Any]] = []
    values: list[list[Any]] = []
    used = np.zeros(len(tree), bool)
    for retailer in retailers:
        if retailer.prices is None:
            continue
        used |= retailer.prices.rows > 0
        for label, kind, cells in _price_columns(retailer.prices):
            columns.append({"label": f"{retailer.name}: {label}", "kind": kind})
            values.append(cells)
    page.section(
        "Prices",
        "Of products that were answered with a category. Bands are the thirds of all retailers' "
        "prices in the department.",
    )
    page.tree(
        "Categories with prices",
        tree,
        columns,
        list(zip(*values, strict=True)),
        kept=np.flatnonzero(used).tolist(),
    )


def _price_columns(prices: Prices) -> list[tuple[str, str, list[float | None]]]:
    """Label, kind and cells, one for each node, of each column about prices."""
    columns = [
        ("a quarter up to", "price", prices.quarters[:, 0]),
        ("median", "price", prices.quarters[:, 1]),
        ("three quarters up to", "price", prices.quarters[:, 2]),
        *((f"{band} band", "share", prices.bands[:, place]) for place, band in enumerate(BANDS)),
    ]
    return [
        (label, kind, [None if math.isnan(value) else round(value, 4) for value in cells.tolist()])
        for label, kind, cells in columns
    ]


def add_legend(page: Page, first: str) -> None:
    """Add how the figures are to be read.

    Args:
        page: The page.
        first: Name of the first retailer.
    """
    page.section(
        "How to read this",
        "A count by answers alone (by answers) is biased where categories are confused; it is "
        "shown beside. Below departments the classifier's own probabilities are counted, and the "
        "intervals have the error that was measured for each level. Products in each is the depth "
        f"of range. A gap is what another retailer has for sure and {first} is expected not "
        "to have.",
    )
