"""The tables of the page: which columns of the tables behind it are shown, and how."""

from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.insight.assortment.price_rows import BAND_WORDS
from prodcat.insight.assortment.tables import BuyingTables
from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Column, Filters, Table

_MOST_ROWS = 2_000  # of a table on the page, of which the largest are kept
_MOST_CHANGES = 1_000
Rows = Sequence[Mapping[str, Any]]


def _cut(page: DesignPage, caption: str, rows: Rows, most: int = _MOST_ROWS) -> tuple[str, Rows]:
    """The first rows, and the caption, which says so if there are more."""
    if len(rows) <= most:
        return caption, rows
    numbers = [page.numbers.number(number) for number in (most, len(rows))]
    return f"{caption}. {page.text('caption.cut', n=numbers[0], count=numbers[1])}", rows[:most]


def share_table(page: DesignPage, tables: BuyingTables) -> Table:
    """Our share, theirs and the difference of every category, as a tree."""
    versus, rows = tables.versus, tables.rows["categories"]
    position = {row["node_id"]: number for number, row in enumerate(rows)}
    names = dict(zip(versus.tree.ids, versus.tree.names, strict=True))
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
        page.text("caption.shares"),
        (
            Column("name", page.text("head.category")),
            Column("our_share", versus.ours.name, "share", small=("our_text", "text")),
            Column("their_share", versus.theirs.name, "share", small=("their_text", "text")),
            Column("difference", points, "points", small=("sure", "badge"), doubt="sure"),
        ),
        sorted_rows,
        page.text("empty.categories"),
        limit=60,
        filters=Filters("department", words=("category",)),
        parent="above",
    )


def _span(page: DesignPage, row: Mapping[str, Any], side: str) -> str:
    """The number of products, with its interval unless it is counted."""
    count, low, high = (row[f"{side}_products{end}"] for end in ("", "_low", "_high"))
    text = page.numbers.number(count)
    if low == high:
        return text
    return f"{text} ({page.numbers.number(low)}–{page.numbers.number(high)})"


def product_table(
    page: DesignPage, tables: BuyingTables, rows: Rows, caption: str, limit: int
) -> Table:
    """The products of theirs that we lack in a category."""
    text, priced = page.text, tables.versus.theirs.products.has_prices
    new = text("code.new")
    rows = [
        {**row, "note": " · ".join(filter(None, [row["brand"], row["is_new"] and new])) or None}
        for row in rows
    ]
    columns = [Column("title", text("head.product"), small=("note", "text"))]
    if priced:
        columns.append(Column("price", text("head.price"), "price"))
        columns.append(
            Column("price_per_unit", text("head.per.unit"), "price", unit="unit", wide=True)
        )
    if tables.versus.matches is not None:
        columns.append(
            Column("closest_of_ours", text("head.closest"), small=("relation", "badge"), wide=True)
        )
    columns.append(Column("sure", text("head.category.sure"), "badge"))
    return Table(
        caption, columns, rows, text("empty.products"), limit,
        Filters("department", "brand", "price", ("title", "brand", "category")), is_compact=True,
    )  # fmt: skip


def opportunity_table(page: DesignPage, rows: Rows) -> Table:
    """The opportunities that have no entry of their own."""
    text = page.text
    caption, rows = _cut(page, text("caption.further"), rows)
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


def comparison_table(page: DesignPage, tables: BuyingTables) -> Table:
    """By how much our prices differ from theirs, by category."""
    text, versus = page.text, tables.versus
    rows = [
        {
            **row,
            "basis_text": text(f"basis.{row['basis']}", n=page.numbers.number(row["our_compared"])),
            "basis_small": None if row["basis"] == "shared products" else text(
                "basis.compared", m=page.numbers.number(row["our_compared"]),
                n=page.numbers.number(row["their_compared"]),
            ),
            "interval": _interval(page, row),
        }
        for row in tables.rows["price_comparison"]
    ]  # fmt: skip
    caption, rows = _cut(page, text("caption.comparison"), rows)  # type: ignore[assignment]
    return Table(
        caption,
        (
            Column("category", text("head.category")),
            Column("our_typical", versus.ours.name, "price", wide=True),
            Column("their_typical", versus.theirs.name, "price", wide=True),
            Column(
                "difference", text("head.our.price"), "change", ("interval", "text"), doubt="sure"
            ),
            Column("basis_text", text("head.basis"), small=("basis_small", "text"), wide=True),
            Column("sure", text("head.sure"), "badge"),
        ),
        rows,
        text("empty.comparison"),
        filters=Filters("department", words=("category",)),
    )


def _interval(page: DesignPage, row: Mapping[str, Any]) -> str:
    low, high = (page.numbers.change(row[f"difference_{end}"]) for end in ("low", "high"))
    return page.text("small.interval", low=low, high=high)


def shared_table(page: DesignPage, tables: BuyingTables) -> Table:
    """The products that both have, with both prices and the difference."""
    text, versus = page.text, tables.versus
    rows = tables.rows["shared_products"]
    caption, rows = _cut(page, text("caption.shared"), rows)  # type: ignore[assignment]
    shown = [
        {
            **row,
            "our_unit": _per_unit(page, row, "our"),
            "their_unit": _per_unit(page, row, "their"),
            "their_name": row["their_title"] if row["their_title"] != row["our_title"] else None,
        }
        for row in rows
    ]
    return Table(
        caption,
        (
            Column("our_title", text("head.product"), small=("their_name", "text")),
            Column("our_price", versus.ours.name, "price", small=("our_unit", "text")),
            Column("their_price", versus.theirs.name, "price", small=("their_unit", "text")),
            Column("difference", text("head.our.price"), "change"),
            Column("sure", text("head.same.sure"), "badge", wide=True),
        ),
        shown,
        text("empty.shared"),
        filters=Filters(
            "department", "brand", "our_price", ("our_title", "their_title", "brand", "category")
        ),
    )


def _per_unit(page: DesignPage, row: Mapping[str, Any], side: str) -> str | None:
    price = row[f"{side}_price_per_unit"]
    if price is None or row["unit"] is None:
        return None
    return f"{page.numbers.price(price, page.currency)} / {unit_text(page, row['unit'])}"


def unit_text(page: DesignPage, unit: str) -> str:
    """The name of a unit; a unit that the page does not know is shown as it is."""
    known = ("kg", "l", "piece", "wash", "dose")
    return page.text(f"unit.{unit}") if unit in known else unit


def band_table(page: DesignPage, tables: BuyingTables) -> Table:
    """Entry, middle and premium prices by category."""
    text, versus = page.text, tables.versus
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    for row in tables.rows["price_bands"]:
        by_node.setdefault(row["node_id"], []).append(row)
    rows = []
    for bands in by_node.values():
        middle = bands[1]
        limits = [page.numbers.price(middle[f"price_{end}"], page.currency)
                  for end in ("from", "to")]  # fmt: skip
        rows.append(
            {
                **middle,
                "ours": [band["our_share"] for band in bands],
                "theirs": [band["their_share"] for band in bands],
                **{f"{band['band']}_gap": band["difference"] for band in bands},
                **{f"{band['band']}_sure": band["sure"] for band in bands},
                "surest": min(band["p_value"] for band in bands),
                "limits": text("small.bands", low=limits[0], high=limits[1]),
            }
        )
    rows.sort(key=lambda row: row["surest"])
    caption, shown = _cut(page, text("caption.bands"), rows)
    gaps = [
        Column(
            f"{word}_gap", text(f"band.{word}"), "points", (f"{word}_sure", "badge"),
            doubt=f"{word}_sure",
        )
        for word in BAND_WORDS
    ]  # fmt: skip
    return Table(
        caption,
        (
            Column("category", text("head.category"), small=("limits", "text")),
            Column("ours", versus.ours.name, "bands", wide=True),
            Column("theirs", versus.theirs.name, "bands", wide=True),
            *gaps,
        ),
        shown,
        text("empty.bands"),
        filters=Filters("department", words=("category",)),
    )


def brand_table(page: DesignPage, tables: BuyingTables) -> Table:
    """The brands by category, those that we lack most first."""
    text, versus = page.text, tables.versus
    caption, rows = _cut(page, text("caption.brands"), tables.rows["brands"])
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


def only_table(page: DesignPage, tables: BuyingTables) -> Table:
    """The ranges of which we have nothing."""
    text = page.text
    caption, rows = _cut(page, text("caption.only"), tables.rows["only_theirs"])
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


def changed_table(page: DesignPage, tables: BuyingTables) -> Table:
    """The changes by category."""
    text = page.text
    caption, rows = _cut(page, text("caption.changed"), tables.rows["changed_categories"])
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


def change_table(page: DesignPage, tables: BuyingTables) -> Table:
    """The products that are new, gone or have another price."""
    text = page.text
    order = {"new": 0, "price": 1, "gone": 2}
    rows = sorted(
        tables.rows["changes"], key=lambda row: (order[row["kind"]], -abs(row["difference"] or 0))
    )
    caption, shown = _cut(page, text("caption.changes"), rows, _MOST_CHANGES)
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
