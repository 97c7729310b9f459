"""The tables of the page about prices: which columns are shown, and how."""

from collections.abc import Mapping
from typing import Any

from prodcat.insight.assortment.page_limits import PageLimits
from prodcat.insight.assortment.price_rows import BAND_WORDS
from prodcat.insight.assortment.tables import BuyingTables
from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Column, Filters, Table


def comparison_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
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
    caption, rows = limits.cut(page, text("caption.comparison"), rows)  # type: ignore[assignment]
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


def shared_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """The products that both have, with both prices and the difference."""
    text, versus = page.text, tables.versus
    rows = tables.rows["shared_products"]
    caption, rows = limits.cut(page, text("caption.shared"), rows)  # type: ignore[assignment]
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


def has_certain_band(row: Mapping[str, Any]) -> bool:
    """Whether a difference in one of a category's bands is at least likely."""
    return any(row[f"{word}_sure"] != "uncertain" for word in BAND_WORDS)


def band_table(page: DesignPage, tables: BuyingTables, limits: PageLimits) -> Table:
    """Entry, middle and premium prices by category."""
    text, versus = page.text, tables.versus
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    for row in tables.rows["price_bands"]:
        by_node.setdefault(row["node_id"], []).append(row)
    rows = []
    for bands in by_node.values():
        middle = bands[1]
        ends = [page.numbers.price(middle[f"price_{end}"], page.currency)
                for end in ("from", "to")]  # fmt: skip
        rows.append(
            {
                **middle,
                "ours": [band["our_share"] for band in bands],
                "theirs": [band["their_share"] for band in bands],
                **{f"{band['band']}_gap": band["difference"] for band in bands},
                **{f"{band['band']}_sure": band["sure"] for band in bands},
                "surest": min(band["p_value"] for band in bands),
                "limits": text("small.bands", low=ends[0], high=ends[1]),
            }
        )
    rows.sort(key=lambda row: (not has_certain_band(row), row["surest"]))
    caption, shown = limits.cut(page, text("caption.bands"), rows)
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
