"""``prodcat offers``: brands, pack sizes and unit prices of the products in a table."""

import argparse
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE, OUTPUT
from prodcat.cli.destinations import check_file
from prodcat.cli.input import (
    check_tables,
    file_options,
    first_piece,
    read_options,
    tables_argument,
    title_advice,
    title_option,
)
from prodcat.cli.output import STDOUT, note, say
from prodcat.cli.parser import add_command
from prodcat.errors import CatalogError, no_column

if TYPE_CHECKING:
    from prodcat.offers.brands import Brands
    from prodcat.offers.rows import OfferColumns

_FIRST_ROWS = 1_000
_MARKS = {"comma": ",", "point": "."}
# What retailers call these columns in eight languages, in small letters without accents.
_PRICES = "price precio prix preis prijs fiyat prezzo preco"
_BRANDS = "brand marca marque marke merk marka"
_TYPES = "path category categoria categorie kategorie kategori product_type"
_EXAMPLES = {
    "brands, sizes and unit prices of a table, which gets further columns": (
        "offers catalog.csv --price price --output offers.xlsx"
    ),
    "titles from another program, one a line": "offers - --output offers.csv",
}


def add_offers(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "offers",
        "read brands, pack sizes and unit prices from titles and columns",
        basic=["--title", "--pack", "--brand", "--price", "--unit-price", "--output"],
        examples=_EXAMPLES,
    )
    tables_argument(parser, "input", "products")
    title_option(parser)
    parser.add_argument(
        "--pack",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns that tell about the pack, such as size and unit, beside the title",
    )
    parser.add_argument(
        "--brand", metavar="COLUMN", help="column with the brand; guessed by its name if not given"
    )
    parser.add_argument(
        "--price",
        metavar="COLUMN",
        help="column with the price of the pack; guessed by its name if not given",
    )
    parser.add_argument(
        "--unit-price", metavar="COLUMN", help="column with a unit price, such as 3,98 €/kg"
    )
    parser.add_argument(
        "--product-type",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns with the category, from which brands are learned; guessed by its name if "
        "not given",
    )
    parser.add_argument(
        "--brands",
        metavar=FILE,
        help="a table whose column 'brand' lists the brands to look for; learned if not given",
    )
    parser.add_argument(
        "--decimal",
        choices=list(_MARKS),
        help="decimal mark of all prices; recognised in each if not given",
    )
    parser.add_argument(
        "--output",
        default=STDOUT,
        metavar=OUTPUT,
        help="the file to write (.parquet, .csv, .tsv, .jsonl, .xlsx); CSV to the standard output "
        "(-) if not given",
    )
    file_options(parser)
    parser.set_defaults(run=run, takes_lines=True)


def run(options: argparse.Namespace) -> None:
    """Read the offers, write the table, and tell what was read and what was not."""
    from prodcat.offers.files import file_kind
    from prodcat.offers.reading import write_offers

    if options.output != STDOUT:
        file_kind(options.output)
        check_file("--output", options.output)
    check_tables(options)
    piece = first_piece(options, options.input, _FIRST_ROWS)
    columns = _columns(options, list(piece))
    try:
        report = write_offers(
            options.input,
            sys.stdout.buffer if options.output == STDOUT else options.output,
            columns,
            brands=None if options.brands is None else _given_brands(options),
            decimal=_MARKS.get(options.decimal),  # type: ignore[arg-type]
            options=read_options(options, *columns.names()),
        )
    except CatalogError as error:
        if f"no column {options.title!r}" not in str(error):
            raise
        raise CatalogError(f"{error}{title_advice(options, piece)}") from error
    counts = report.counts
    options.facts.update(rows=counts.rows, sizes=dict(counts.statuses), output=options.output)
    lines = str(report).split("\n")
    note(lines[0])
    if len(lines) > 1:  # what could not be read is a warning, which --quiet leaves
        say("\n".join(["not read, or contradictory:", *lines[1:]]))
    if options.output != STDOUT:
        note(f"written to {options.output}")


def _columns(options: argparse.Namespace, names: Sequence[str]) -> "OfferColumns":
    """The columns in the options, and those that are guessed by their names, which are told."""
    from prodcat.offers.rows import OfferColumns

    taken = {options.title, *options.pack, options.unit_price}
    price = options.price or _guessed(names, _PRICES, taken)
    brand = options.brand or _guessed(names, _BRANDS, taken)
    kind = options.product_type or [_guessed(names, _TYPES, taken)]
    kinds = tuple(name for name in kind if name is not None)
    guesses = {"--price": (options.price, price), "--brand": (options.brand, brand)}
    guesses["--product-type"] = (options.product_type or None, " ".join(kinds) or None)
    told = [
        f"{option} {name!r}"
        for option, (given, name) in guesses.items()
        if given is None and name is not None
    ]
    if told:
        note(f"columns by their names: {', '.join(told)}")
    return OfferColumns(options.title, tuple(options.pack), brand, price, options.unit_price, kinds)


def _guessed(names: Sequence[str], words: str, taken: Collection[str]) -> str | None:
    """The only column that has one of these names; None if there are none or several."""
    from prodcat.offers.amounts import folded

    matches = [name for name in names if name not in taken and folded(name) in words.split()]
    return matches[0] if len(matches) == 1 else None


def _given_brands(options: argparse.Namespace) -> "Brands":
    """The brands of ``--brands``.

    Raises:
        CatalogError: The table has no column ``brand``, or no brand in it.
    """
    from prodcat.offers.brands import Brands
    from prodcat.storage.tables import iter_tables

    names: list[str] = []
    for piece in iter_tables(options.brands):
        if "brand" not in piece:
            raise CatalogError(no_column(repr(options.brands), "brand", piece))
        names += [str(name).strip() for name in piece["brand"] if name is not None]
    names = [name for name in names if name]
    if not names:
        raise CatalogError(f"{options.brands!r} lists no brand in its column 'brand'.")
    return Brands(tuple(names))
