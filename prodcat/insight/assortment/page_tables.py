"""The tables of the page: which columns of the tables behind it are shown, and how."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from prodcat.insight.assortment.page_limits import PageLimits, Rows, tree_caption
from prodcat.insight.assortment.tables import BuyingTables
from prodcat.insight.assortment.versus import used_nodes
from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Column, Filters, Table

_FIRST_PRODUCTS = 5  # of an opportunity, which are shown without a click
_MARKS = "①②③④⑤⑥⑦⑧⑨⑩"


def share_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """Our share, theirs and the difference of every category, as a tree."""
    versus, tree = tables.versus, tables.versus.tree
    nodes = used_nodes(tree, versus.ours, versus.theirs)
    kept = limits.largest(tree, nodes, versus.ours.counts.count + versus.theirs.counts.count)
    caption = tree_caption(page, page.text("caption.shares"), len(kept), len(nodes))
    names = {tree.ids[node]: tree.names[node] for node in kept}
    rows = [row for row in tables.rows["categories"] if row["node_id"] in names]
    position = {row["node_id"]: number for number, row in enumerate(rows)}
    shown = [
        {
            **row,
            "name": names[row["node_id"]],
            "above": -1 if row["parent_id"] is None else position[row["parent_id"]],
            "our_text": _span(page, row, "our"),
            "their_text": _span(page, row, "their"),
        }
        for row in rows
    ]
    order = sorted(range(len(shown)), key=lambda number: shown[number]["difference"])
    place = {number: rank for rank, number in enumerate(order)}
    sorted_rows = [
        {**shown[number], "above": place.get(shown[number]["above"], -1)} for number in order
    ]
    points = page.text("head.difference.points")
    return Table(
        caption,
        (
            Column("name", page.text("head.category")),
            Column("our_share", versus.ours.name, "share", small=("our_text", "text")),
            Column("their_share", versus.theirs.name, "share", small=("their_text", "text")),
            Column("difference", points, "points", small=("sure", "badge"), doubt="sure"),
        ),
        sorted_rows,
        page.text("empty.categories"),
        limit=60,
        filters=Filters("name", words=("name",)),
        parent="above",
    )


def _span(page: DesignPage, row: Mapping[str, Any], side: str) -> str:
    """The number of products, with its interval unless it is counted."""
    count, low, high = (row[f"{side}_products{end}"] for end in ("", "_low", "_high"))
    text = page.numbers.number(count)
    if low == high:
        return text
    return f"{text} ({page.numbers.number(low)}–{page.numbers.number(high)})"


def product_table(page: DesignPage, tables: BuyingTables, rows: Rows, caption: str) -> Table:
    """The products of theirs that we lack in a category."""
    text, priced = page.text, tables.versus.theirs.products.has_prices
    new, marks = text("code.new"), repeated_closest(rows)
    rows = [
        {
            **row,
            "note": " · ".join(filter(None, [row["brand"], row["is_new"] and new])) or None,
            "closest": marks.get(row["closest_of_ours"], row["closest_of_ours"]),
        }
        for row in rows
    ]
    columns = [Column("title", text("head.product"), small=("note", "text"))]
    if priced:
        columns.append(Column("price", text("head.price"), "price"))
        columns.append(
            Column("price_per_unit", text("head.per.unit"), "price", unit="unit", wide=True)
        )
    if tables.versus.matches is not None:
        column = Column("closest", text("head.closest"), small=("relation", "badge"), wide=True)
        if closest_of_all(rows) is not None:
            column = Column("relation", text("head.closest"), "badge", wide=True)
        columns.append(column)
    columns.append(Column("sure", text("head.category.sure"), "badge"))
    return Table(
        caption, columns, rows, text("empty.products"), _FIRST_PRODUCTS,
        Filters("department", "brand", "price", ("title", "brand", "category")), is_compact=True,
    )  # fmt: skip


def closest_of_all(rows: Rows) -> str | None:
    """Our product that is the closest to all of several products of theirs; None if none is."""
    titles = {row["closest_of_ours"] for row in rows}
    return next(iter(titles)) if len(titles) == 1 and len(rows) > 1 else None


def repeated_closest(rows: Rows) -> dict[str, str]:
    """A mark for each of our products that is the closest to several of theirs, such as ①.

    The page says once what it stands for; its name in every row would hide what differs.
    """
    counts = Counter(row["closest_of_ours"] for row in rows if row["closest_of_ours"])
    several = [title for title, number in counts.most_common(len(_MARKS)) if number > 1]
    return dict(zip(several, _MARKS, strict=False))


def closest_sentence(page: DesignPage, rows: Rows) -> str:
    """Which of our products is the closest to several of theirs; empty if none is."""
    title = closest_of_all(rows)
    if title is not None:
        return page.text("closest.all", title=title)
    counts = Counter(row["closest_of_ours"] for row in rows)
    listed = [
        page.text("closest.item", mark=mark, title=title, n=page.numbers.number(counts[title]))
        for title, mark in repeated_closest(rows).items()
    ]
    return page.text("closest.repeated", list=", ".join(listed)) if listed else ""


def opportunity_table(page: DesignPage, rows: Rows, limits: PageLimits) -> Table:
    """The opportunities that have no entry of their own."""
    text = page.text
    caption, rows = limits.cut(page, text("caption.further"), rows)
    return Table(
        caption,
        (
            Column("category", text("head.category")),
            Column("worth_index", text("worth"), "bar"),
            Column("our_products", text("head.ours"), "count"),
            Column("their_products", text("head.theirs"), "count"),
            Column("missing_products", text("head.missing"), "count", wide=True),
            Column("sure", text("head.sure"), "badge"),
        ),
        rows,
        text("empty.opportunities"),
        filters=Filters("department", words=("category",)),
    )


def brand_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """The brands by category, those that we lack most first."""
    text, versus = page.text, tables.versus
    caption, rows = limits.cut(page, text("caption.brands"), tables.rows["brands"])
    return Table(
        caption,
        (
            Column("brand", text("head.brand"), small=("category", "text")),
            Column("our_products", versus.ours.name, "count"),
            Column("their_products", versus.theirs.name, "count"),
            Column("difference", text("head.difference"), "more_count"),
        ),
        rows,
        text("need.brands"),
        filters=Filters("department", "brand", words=("brand", "category")),
    )


def only_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """The ranges of which we have nothing."""
    text = page.text
    caption, rows = limits.cut(page, text("caption.only"), tables.rows["only_theirs"])
    shown = [
        {
            **row,
            "range": row["brand"] or row["category"],
            "above": row["category"] if row["brand"] else None,
            "kind_code": row["kind"],
        }
        for row in rows
    ]
    return Table(
        caption,
        (
            Column("range", text("head.range"), small=("above", "text")),
            Column("kind_code", text("head.kind"), "code", wide=True),
            Column("products", text("head.products"), "count"),
            Column("examples", text("head.examples"), wide=True, sortable=False),
            Column("sure", text("head.sure"), "badge"),
        ),
        shown,
        text("empty.only"),
        filters=Filters("department", "brand", words=("range", "category", "examples")),
    )


def changed_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """The changes by category."""
    text = page.text
    caption, rows = limits.cut(page, text("caption.changed"), tables.rows["changed_categories"])
    shown = [{**row, "change": row["products_now"] - row["products_before"]} for row in rows]
    return Table(
        caption,
        (
            Column("category", text("head.category")),
            Column("products_before", text("head.before"), "count", wide=True),
            Column("products_now", text("head.now"), "count"),
            Column("change", text("head.difference"), "more_count"),
            Column("new_products", text("head.new"), "count"),
            Column("gone_products", text("head.gone"), "count"),
            Column("dearer_products", text("head.dearer"), "count", wide=True),
            Column("cheaper_products", text("head.cheaper"), "count", wide=True),
        ),
        shown,
        text("empty.changes"),
        filters=Filters("department", words=("category",)),
    )


def change_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """The products that are new, gone or have another price."""
    text = page.text
    order = {"new": 0, "price": 1, "gone": 2}
    rows = tables.rows["changes"]
    kinds, differences = (tables.column("changes", name) for name in ("kind", "difference"))
    numbers = sorted(
        range(len(kinds)), key=lambda row: (order[kinds[row]], -abs(differences[row] or 0))
    )
    first = [rows[number] for number in numbers[: limits.changes]]
    caption, shown = limits.cut(page, text("caption.changes"), first, len(rows))
    columns = [
        Column("title", text("head.product"), small=("category", "text")),
        Column("kind", text("head.kind"), "code"),
    ]
    if tables.versus.theirs.products.has_prices:
        columns += [
            Column("price_before", text("head.before"), "price", wide=True),
            Column("price", text("head.now"), "price"),
            Column("difference", text("head.difference"), "change", wide=True),
        ]
    columns.append(Column("sure", text("head.category.sure"), "badge", wide=True))
    return Table(
        caption,
        columns,
        shown,
        text("empty.changes"),
        filters=Filters("department", "brand", "price", ("title", "brand", "category")),
    )
