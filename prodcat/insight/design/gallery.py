"""A page with every component of the design, to look at and to test."""

from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Column, ColumnKind, Filters, Table
from prodcat.insight.files import HtmlPage

SAMPLES: tuple[tuple[ColumnKind, float], ...] = (
    ("count", 1234567), ("share", 0.1234), ("share", 0.00042), ("points", -0.0345),
    ("change", 0.125), ("price", 1234.5), ("factor", 2.1), ("more_count", -12),
)  # fmt: skip


def gallery(language: str = "en", currency: str = "EUR") -> HtmlPage:
    """Write the page.

    Args:
        language: The language of texts and numbers.
        currency: The ISO 4217 code of the currency of prices.

    Raises:
        ConfigError: There are no texts in this language.
    """
    page = DesignPage("Gallery", language, currency)
    text = page.text
    for subject in ("Rival", "Other"):
        page.group(subject)
        page.section("")
        page.headline(
            text("thin.twice", theirs=subject, category="Snacks", n="412", m="198"),
            text("sure.almost certain"),
            (text("method.link"), f"s-method-{subject}"),
        )
        page.cards([(text("q.category"), "Snacks", text("code.likely"))] * 3)
        page.downloads(text("download.products_to_list"), "", [("CSV", "list.csv", b"title\n")])
        page.legend()
        page.section(text("section.do"), text("section.do.text"))
        page.entries([("Snacks", text("sure.likely"), 100.0, _products(page))])
        page.empty(text("need.before"))
        page.section(text("section.shares"))
        page.table(_tree(page))
        page.table(_samples(page))
        page.table(Table("–", (Column("name", text("head.category")),), [], text("js.nothing")))
        page.section(text("section.method"), anchor=f"s-method-{subject}", closed=True)
        page.paragraph(text("method.bands"))
    page.filters(["Food", "Drinks"], ["Velmora", "Ostaryn"], prices=True)
    return page.html()


def _products(page: DesignPage) -> Table:
    rows = [
        {
            "title": f"Salted crisps {number}", "brand": "Velmora" if number % 2 else None,
            "price": 1.29 + number, "unit_price": 12.9, "unit": "kg", "department": "Food",
            "sure": sure, "is_new": number > 1, "index": 50.0 * number,
        }
        for number, sure in enumerate(("almost certain", "likely", "uncertain"))
    ]  # fmt: skip
    text = page.text
    return Table(
        text("caption.lack", category="Snacks"),
        (
            Column("title", text("head.product"), small=("brand", "text")),
            Column("price", text("head.price"), "price"),
            Column("unit_price", text("head.per.unit"), "price", unit="unit", wide=True),
            Column("is_new", text("head.new"), "flag", wide=True),
            Column("index", text("worth"), "bar", wide=True),
            Column("sure", text("head.sure"), "badge"),
        ),
        rows,
        text("empty.products"),
        limit=2,
        filters=Filters("department", "brand", "price", ("title", "brand")),
        is_compact=True,
    )


def _tree(page: DesignPage) -> Table:
    names = (("Food", -1), ("Snacks", 0), ("Crisps", 1), ("Drinks", -1), ("Water", 3))
    rows = [
        {
            "name": name, "above": above, "share": 0.2 + number / 10,
            "gap": (number - 2) / 100, "sure": "uncertain" if number == 3 else "likely",
            "range": [0.1, 0.3], "bands": [0.2, 0.3, 0.5], "kind": "brand",
            "department": "Food" if number < 3 else "Drinks",
        }
        for number, (name, above) in enumerate(names)
    ]  # fmt: skip
    text = page.text
    return Table(
        text("caption.shares"),
        (
            Column("name", text("head.category")),
            Column("share", text("head.ours"), "share"),
            Column("gap", text("head.difference"), "points", ("sure", "badge"), doubt="sure"),
            Column("range", text("head.interval"), "range", wide=True),
            Column("bands", text("section.bands"), "bands", wide=True),
            Column("kind", text("head.kind"), "code", wide=True),
        ),
        rows,
        text("empty.categories"),
        filters=Filters("department", words=("name",)),
        parent="above",
    )


def _samples(page: DesignPage) -> Table:
    """A row with a number of every kind."""
    keys = [f"{kind}{number}" for number, (kind, _) in enumerate(SAMPLES)]
    row = dict(zip(keys, (value for _, value in SAMPLES), strict=True))
    columns = [
        Column(key, kind, kind, sortable=False)
        for key, (kind, _) in zip(keys, SAMPLES, strict=True)
    ]
    name = Column("name", page.text("head.kind"))
    return Table("Numbers", (name, *columns), [{"name": "1", **row}], "")
