"""The page that a buyer acts on: questions first, then what answers them, then the method."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from prodcat.errors import ConfigError
from prodcat.insight.assortment import page_tables as tables_of
from prodcat.insight.assortment.contents import PageContents
from prodcat.insight.assortment.method import add_method
from prodcat.insight.assortment.sentences import Sentences
from prodcat.insight.assortment.tables import BuyingTables, arrow_rows
from prodcat.insight.design.page import DesignPage
from prodcat.insight.files import HtmlPage, spreadsheet_csv
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import parquet_bytes

_MOST_ENTRIES = 12
_MOST_LISTED = 40  # products of an opportunity on the page
_MOST_EMBEDDED = 5_000  # rows of the files in the page
_MOST_BRANDS = 2_000  # that are suggested in the filter


def buying_page(contents: PageContents) -> HtmlPage:
    """Write a comparison as a page for a buyer.

    Args:
        contents: The comparison.
    """
    first = contents.retailers[0]
    names = ", ".join(retailer.name for retailer in contents.retailers[1:])
    currency = next((each.products.currency for each in contents.retailers), "")
    page = DesignPage("", contents.language, currency)
    page.title = page.text("assortment.title", ours=first.name, theirs=names)
    if len(contents.retailers) == 1:
        page.title = first.name
        page.group(first.name)
        page.section("")
        page.empty(page.text("need.rival"))
        add_method(page, contents)
        return page.html()
    for tables in contents.comparisons.values():
        page.group(tables.versus.name)
        _add_comparison(page, contents, tables)
    _add_filters(page, list(contents.comparisons.values()))
    return page.html()


def _add_filters(page: DesignPage, comparisons: Sequence[BuyingTables]) -> None:
    rows = [row for tables in comparisons for row in tables.rows["categories"]]
    departments = sorted({row["department"] for row in rows})
    brands: dict[str, None] = {}
    for tables in comparisons:
        brands |= dict.fromkeys(row["brand"] for row in tables.rows["brands"])
    prices = any(
        retailer.products.has_prices
        for tables in comparisons
        for retailer in (tables.versus.ours, tables.versus.theirs)
    )
    page.filters(departments, sorted(list(brands)[:_MOST_BRANDS]), prices)


def _add_comparison(page: DesignPage, contents: PageContents, tables: BuyingTables) -> None:
    sentences = Sentences(page, contents.retailers[0].name, tables)
    page.section("")
    sentence, note = sentences.headline()
    method = f"s-method-{list(contents.comparisons).index(tables.versus.name)}"
    page.headline(sentence, note, (page.text("method.link"), method))
    page.cards(
        [
            sentences.category_card(),
            sentences.product_card(),
            sentences.price_card(),
            sentences.change_card(),
            sentences.certainty_card(contents.judged),
            sentences.send_card(),
        ]
    )
    _add_downloads(page, tables, "products_to_list")
    if tables.versus.matches is None:
        page.empty(page.text("need.matches"))
    page.legend()
    _add_opportunities(page, sentences, tables)
    page.section(
        page.text("section.shares"),
        page.text("section.shares.text", ours=sentences.ours, theirs=sentences.theirs),
    )
    page.table(tables_of.share_table(page, tables))
    _add_prices(page, sentences, tables)
    _add_ranges(page, tables)
    _add_changes(page, tables)
    add_method(page, contents, anchor=method)


def _add_opportunities(page: DesignPage, sentences: Sentences, tables: BuyingTables) -> None:
    rows, products = tables.rows["opportunities"], tables.rows["products_to_list"]
    page.section(page.text("section.do"), page.text("section.do.text"))
    if not rows:
        page.empty(page.text("empty.opportunities"))
        return
    by_category: dict[int, list[Mapping[str, Any]]] = {}
    for product in products:
        by_category.setdefault(product["category_rank"], []).append(product)
    entries = []
    for row in rows[:_MOST_ENTRIES]:
        listed = by_category[row["rank"]]
        caption = page.text("caption.lack", category=row["category"])
        table = tables_of.product_table(page, tables, listed[:_MOST_LISTED], caption, 5)
        text = sentences.thin(row) + " " + page.text(
            "answer.missing", missing=page.numbers.number(row["missing_products"]),
            listed=page.numbers.number(min(len(listed), _MOST_LISTED)),
        )  # fmt: skip
        entries.append((row["category"], f"{text} {sentences.code(row['sure'])}.",
                        row["worth_index"], table))  # fmt: skip
    page.entries(entries)
    if len(rows) > _MOST_ENTRIES:
        page.table(tables_of.opportunity_table(page, rows[_MOST_ENTRIES:]))


def _add_prices(page: DesignPage, sentences: Sentences, tables: BuyingTables) -> None:
    page.section(
        page.text("section.prices"),
        page.text("section.prices.text", ours=sentences.ours, theirs=sentences.theirs),
    )
    versus = tables.versus
    if not (versus.ours.products.has_prices and versus.theirs.products.has_prices):
        page.empty(page.text("need.prices"))
    else:
        page.table(tables_of.comparison_table(page, tables))
    if versus.matches is None:
        page.empty(page.text("need.matches.prices"))
    if tables.rows["shared_products"]:
        page.table(tables_of.shared_table(page, tables))
        _add_downloads(page, tables, "shared_products")
    if tables.rows["price_bands"]:
        page.section(page.text("section.bands"), page.text("section.bands.text"))
        page.table(tables_of.band_table(page, tables))


def _add_ranges(page: DesignPage, tables: BuyingTables) -> None:
    page.section(page.text("section.only"), page.text("section.only.text"))
    page.table(tables_of.only_table(page, tables))
    page.section(page.text("section.brands"), page.text("section.brands.text"))
    if tables.rows["brands"]:
        page.table(tables_of.brand_table(page, tables))
    else:
        page.empty(page.text("need.brands"))


def _add_changes(page: DesignPage, tables: BuyingTables) -> None:
    page.section(page.text("section.changes"))
    if tables.versus.before is None:
        page.empty(page.text("need.before"))
        return
    page.table(tables_of.changed_table(page, tables))
    page.table(tables_of.change_table(page, tables))


def _add_downloads(page: DesignPage, tables: BuyingTables, name: str) -> None:
    """Add a table as files of three kinds, which are part of the page."""
    rows = tables.rows[name]
    if not rows:
        return
    table = arrow_rows(name, rows[:_MOST_EMBEDDED])
    stem = name.replace("_", "-")
    files = []
    with suppress(ConfigError):  # the package that writes workbooks may not be installed
        files.append(("Excel", f"{stem}.xlsx", sheet_bytes(table, name.replace("_", " "))))
    files.append(("CSV", f"{stem}.csv", spreadsheet_csv(table)))
    files.append(("Parquet", f"{stem}.parquet", parquet_bytes(table)))
    count = page.numbers.number(len(rows))
    if len(rows) <= _MOST_EMBEDDED:
        note = page.text("download.note", n=count)
    else:
        note = page.text("download.cut", n=page.numbers.number(_MOST_EMBEDDED), count=count)
    page.downloads(page.text(f"download.{name}"), note, files)
