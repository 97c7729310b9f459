"""Writes generated catalogs of seven countries, and a ``countries.toml`` for their jobs."""

from pathlib import Path

from prodcat.demo.csv_catalog import write_catalog
from prodcat.demo.folders import made_folder
from prodcat.demo.quick_commerce import generate

COUNTRIES = {
    "tr": "Europe/Istanbul",
    "en": "Europe/London",
    "nl": "Europe/Amsterdam",
    "de": "Europe/Berlin",
    "fr": "Europe/Paris",
    "es": "Europe/Madrid",
    "it": "Europe/Rome",
}
_HEAD = """\
[pipeline]
store = "store"
work = "work"

[defaults]
path = ["department", "category", "subcategory", "type"]
encoder = "{encoder}"
train_schedule = "cron(0 3 ? * SUN *)"
score_schedule = "cron(0 6 * * ? *)"
"""
_COUNTRY = """
[countries.{name}]
language = "{name}"
timezone = "{timezone}"
labelled = "data/{name}/labelled.csv"
validation = "data/{name}/frozen.csv"
assortment = "data/{name}/assortment"
"""


def write_demo(folder: Path, titles: int, encoder: str) -> Path:
    """Write generated catalogs and a ``countries.toml`` for them.

    Args:
        folder: The folder to write to; created if it does not exist.
        titles: The number of labelled titles of each country, of which a fifth is frozen.
        encoder: The setting ``encoder``; see :class:`prodcat.pipeline.countries.Country`.

    Returns:
        The path of ``countries.toml``.

    Raises:
        ConfigError: Others can write to the folder.
    """
    made_folder(folder)
    text = _HEAD.format(encoder=encoder)
    for name, timezone in COUNTRIES.items():
        home = folder / "data" / name
        (home / "assortment").mkdir(parents=True, exist_ok=True)
        rows = generate(titles, name)
        # A frozen title must not be among the titles to train on.
        frozen = {row.title for row in rows[: titles // 5]}
        write_catalog(rows[: titles // 5], home / "frozen.csv")
        write_catalog([row for row in rows if row.title not in frozen], home / "labelled.csv")
        for number, source in enumerate(("own", "competitor")):
            assortment = generate(titles // 2, name, seed=1 + number)
            write_catalog(assortment, home / "assortment" / f"{source}.csv")
        text += _COUNTRY.format(name=name, timezone=timezone)
    path = folder / "countries.toml"
    path.write_text(text, encoding="utf-8")
    return path
