"""The method of the page, and the statistics that it rests on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prodcat.insight.assortment.contents import PageContents
from prodcat.insight.assortment.page_limits import PageLimits, tree_caption
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.assortment.versus import used_nodes
from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Column, Filters, Table
from prodcat.insight.prevalence.counts import shares

_PARTS = ("sure", "worth", "shares", "prices", "bands", "changes")


def add_method(
    page: DesignPage, contents: PageContents, statistics: Sequence[Table], *, anchor: str = ""
) -> None:
    """Add how the figures are computed, and the statistics of all retailers and categories.

    Args:
        page: The page.
        contents: The comparison.
        statistics: The tables of :func:`statistics_of`.
        anchor: What other parts of the page link to.
    """
    page.section(page.text("section.method"), anchor=anchor, closed=True)
    for part in _PARTS:
        count = page.numbers.number(contents.judged)
        page.paragraph(page.text(f"method.{part}", count=count))
    for table in statistics:
        page.table(table)


def statistics_of(page: DesignPage, contents: PageContents) -> list[Table]:
    """The tables with the statistics of all retailers and of all categories."""
    return [_retailer_table(page, contents), _statistics(page, contents)]


def _retailer_table(page: DesignPage, contents: PageContents) -> Table:
    departments = list(contents.taxonomy.children())
    rows = [
        {
            "name": retailer.name,
            "products": retailer.counts.rows,
            "labelled": retailer.labelled,
            "categories": int(retailer.leaves[departments].sum()),
            "unpriced": retailer.without_price if retailer.prices is not None else None,
        }
        for retailer in contents.retailers
    ]
    text = page.text
    return Table(
        text("caption.retailers"),
        (
            Column("name", text("head.retailer")),
            Column("products", text("head.products"), "count"),
            Column("labelled", text("head.labelled"), "count"),
            Column("categories", text("head.categories"), "count"),
            Column("unpriced", text("head.unpriced"), "count", wide=True),
        ),
        rows,
        text("empty.categories"),
    )


def _statistics(page: DesignPage, contents: PageContents) -> Table:
    """The share of each retailer in each category with its interval, and the answers."""
    tree, text = contents.taxonomy, page.text
    used = used_nodes(tree, *contents.retailers)
    # Each further retailer adds four columns.
    limits = PageLimits(max(len(contents.retailers) - 1, 1))
    sizes = np.sum([retailer.counts.count for retailer in contents.retailers], axis=0)
    kept = limits.largest(tree, used, sizes)
    caption = tree_caption(page, text("caption.statistics"), len(kept), len(used))
    place = {node: number for number, node in enumerate(kept)}
    columns = [Column("name", text("head.category"))]
    values: dict[str, Any] = {}
    for number, retailer in enumerate(contents.retailers):
        values |= {f"{key}{number}": each for key, each in _columns(retailer).items()}
        name = retailer.name
        columns += [
            Column(f"share{number}", f"{name}: {text('head.share')}", "share"),
            Column(f"range{number}", f"{name}: {text('head.interval')}", "range"),
            Column(f"count{number}", f"{name}: {text('head.products')}", "count"),
            Column(f"answers{number}", f"{name}: {text('head.answers')}", "count"),
        ]
    rows = [
        {
            "name": tree.names[node],
            "above": place.get(int(tree.parent[node]), -1),
            **{key: each[node] for key, each in values.items()},
        }
        for node in kept
    ]
    return Table(
        caption, columns, rows, text("empty.categories"), 60,
        Filters("name", words=("name",)), "above",
    )  # fmt: skip


def _columns(retailer: Retailer) -> dict[str, list[Any]]:
    share = shares(retailer.counts)
    ends = zip(share["low"].round(5).tolist(), share["high"].round(5).tolist(), strict=True)
    return {
        "share": share["count"].tolist(),
        "range": list(ends),
        "count": np.rint(retailer.counts.count).astype(int).tolist(),
        "answers": retailer.counts.naive.tolist(),
    }
