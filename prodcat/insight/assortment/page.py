"""The page that a buyer acts on: questions first, then what answers them, then the method."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from prodcat.errors import ConfigError
from prodcat.insight.assortment import page_price_tables as price_tables
from prodcat.insight.assortment import page_tables as tables_of
from prodcat.insight.assortment.contents import PageContents
from prodcat.insight.assortment.method import add_method, statistics_of
from prodcat.insight.assortment.page_limits import PageLimits
from prodcat.insight.assortment.sentences import Sentences
from prodcat.insight.assortment.tables import BuyingTables, arrow_rows
from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Table
from prodcat.insight.files import HtmlPage, spreadsheet_csv
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import parquet_bytes

_MOST_ENTRIES = 12
_MOST_LISTED = 40  # products of an opportunity on the page
_MOST_EMBEDDED = 5_000  # rows of the files in the page
_MOST_BRANDS = 2_000  # that are suggested in the filter
# Bytes of the files of one table in the page, with all comparisons.
_FILE_BYTES = {"products_to_list": 2_800_000, "shared_products": 900_000}
_FEWER = 0.9  # of the rows that would fill these bytes


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
        add_method(page, contents, statistics_of(page, contents))
        return page.html()
    statistics = statistics_of(page, contents)
    for tables in contents.comparisons.values():
        page.group(tables.versus.name)
        _add_comparison(page, contents, tables, statistics)
    _add_filters(page, list(contents.comparisons.values()))
    return page.html()


def _add_filters(page: DesignPage, comparisons: Sequence[BuyingTables]) -> None:
    rows = [row for tables in comparisons for row in tables.rows["categories"]]
    departments = sorted({row["department"] for row in rows})
    brands: dict[str, None] = {}
    for tables in comparisons:
        brands |= dict.fromkeys(tables.column("brands", "brand"))
    prices = any(
        retailer.products.has_prices
        for tables in comparisons
        for retailer in (tables.versus.ours, tables.versus.theirs)
    )
    page.filters(departments, sorted(list(brands)[:_MOST_BRANDS]), prices)


def _add_comparison(
    page: DesignPage, contents: PageContents, tables: BuyingTables, statistics: Sequence[Table]
) -> None:
    sentences = Sentences(page, contents.retailers[0].name, tables)
    limits = PageLimits(len(contents.comparisons))
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
    _add_downloads(page, tables, "products_to_list", limits)
    if tables.versus.matches is None:
        page.empty(page.text("need.matches"))
    page.legend()
    _add_opportunities(page, sentences, limits)
    page.section(
        page.text("section.shares"),
        page.text("section.shares.text", ours=sentences.ours, theirs=sentences.theirs),
    )
    _add_sentence(page, sentences.corrected())
    page.table(tables_of.share_table(page, tables, limits))
    _add_prices(page, sentences, limits)
    _add_ranges(page, sentences, limits)
    _add_changes(page, sentences, limits)
    add_method(page, contents, statistics, anchor=method)


def _add_sentence(page: DesignPage, sentence: str) -> None:
    if sentence:
        page.paragraph(sentence)


def _add_opportunities(page: DesignPage, sentences: Sentences, limits: PageLimits) -> None:
    tables = sentences.tables
    rows, products = tables.rows["opportunities"], tables.rows["products_to_list"]
    page.section(page.text("section.do"), page.text("section.do.text"))
    if not rows:
        page.empty(page.text("empty.opportunities"))
        return
    entries, start = [], 0
    for row in rows[:_MOST_ENTRIES]:
        listed = products[start : start + min(row["listed_products"], _MOST_LISTED)]
        start += row["listed_products"]
        caption = page.text("caption.lack", category=row["category"])
        table = tables_of.product_table(page, tables, listed, caption)
        texts = sentences.opportunity(row, len(listed)), tables_of.closest_sentence(page, listed)
        text = " ".join(filter(None, texts))
        entries.append((row["category"], text, row["worth_index"], table))
    page.entries(entries)
    if len(rows) > _MOST_ENTRIES:
        page.table(tables_of.opportunity_table(page, rows[_MOST_ENTRIES:], limits))


def _add_prices(page: DesignPage, sentences: Sentences, limits: PageLimits) -> None:
    page.section(
        page.text("section.prices"),
        page.text("section.prices.text", ours=sentences.ours, theirs=sentences.theirs),
    )
    tables, versus = sentences.tables, sentences.tables.versus
    if not (versus.ours.products.has_prices and versus.theirs.products.has_prices):
        page.empty(page.text("need.prices"))
    else:
        page.table(price_tables.comparison_table(page, tables, limits))
    if versus.matches is None:
        page.empty(page.text("need.matches.prices"))
    if tables.rows["shared_products"]:
        page.table(price_tables.shared_table(page, tables, limits))
        _add_downloads(page, tables, "shared_products", limits)
    if tables.rows["price_bands"]:
        page.section(page.text("section.bands"), page.text("section.bands.text"))
        if not any(row["sure"] != "uncertain" for row in tables.rows["price_bands"]):
            page.paragraph(page.text("bands.uncertain"))
        page.table(price_tables.band_table(page, tables, limits))


def _add_ranges(page: DesignPage, sentences: Sentences, limits: PageLimits) -> None:
    tables = sentences.tables
    page.section(page.text("section.only"), page.text("section.only.text"))
    page.table(tables_of.only_table(page, tables, limits))
    page.section(page.text("section.brands"), page.text("section.brands.text"))
    if tables.rows["brands"]:
        _add_sentence(page, sentences.counted_one_by_one())
        page.table(tables_of.brand_table(page, tables, limits))
    else:
        page.empty(page.text("need.brands"))


def _add_changes(page: DesignPage, sentences: Sentences, limits: PageLimits) -> None:
    page.section(page.text("section.changes"))
    tables = sentences.tables
    if tables.versus.before is None:
        page.empty(page.text("need.before"))
        return
    page.legend(page.text("legend.changes.more"), page.text("legend.changes.less"))
    _add_sentence(page, sentences.counted_one_by_one(shows_changes=True))
    page.table(tables_of.changed_table(page, tables, limits))
    page.table(tables_of.change_table(page, tables, limits))


def _add_downloads(page: DesignPage, tables: BuyingTables, name: str, limits: PageLimits) -> None:
    """Add a table as files of three kinds, which are part of the page."""
    rows = tables.rows[name]
    if not rows:
        return
    most_bytes = _FILE_BYTES[name] // limits.comparisons
    kept = min(len(rows), max(_MOST_EMBEDDED // limits.comparisons, 1))
    files = _files(name, rows[:kept])
    while kept > 1 and (size := sum(len(content) for _, _, content in files)) > most_bytes:
        kept = max(int(kept * _FEWER * most_bytes / size), 1)
        files = _files(name, rows[:kept])
    count = page.numbers.number(len(rows))
    if kept == len(rows):
        note = page.text("download.note", n=count)
    else:
        note = page.text("download.cut", n=page.numbers.number(kept), count=count)
    page.downloads(page.text(f"download.{name}"), note, files)


def _files(name: str, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, bytes]]:
    """The text of the button, the name and the content of the files with some rows of a table."""
    table = arrow_rows(name, rows)
    stem = name.replace("_", "-")
    files = []
    with suppress(ConfigError):  # the package that writes workbooks may not be installed
        files.append(("Excel", f"{stem}.xlsx", sheet_bytes(table, name.replace("_", " "))))
    files.append(("CSV", f"{stem}.csv", spreadsheet_csv(table)))
    files.append(("Parquet", f"{stem}.parquet", parquet_bytes(table)))
    return files
