"""``prodcat assortment``: compare what retailers sell, category by category."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE, NAMED_FILE
from prodcat.cli.classifiers import inference_options, load_classifier
from prodcat.cli.input import check_tables, column_options, first_piece
from prodcat.cli.output import check_outputs, note, output_option, say, write_report
from prodcat.cli.page_language import page_language_option
from prodcat.cli.parser import add_command
from prodcat.cli.partly_labelled import read_named, read_partly_labelled
from prodcat.errors import CatalogError, ConfigError, no_column

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.taxonomy.tree import Taxonomy


_BASIC = (
    "--labelled", "--model", "--price", "--output", "--title", "--path", "--their-title",
    "--their-price", "--matches", "--before", "--page-language",
)  # fmt: skip


def add_assortment(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "assortment",
        "compare what retailers sell, category by category",
        basic=_BASIC,
        examples={
            "compare two retailers, and write the page that people read": (
                "assortment ours=ours.csv theirs=theirs.csv --labelled labelled.csv --model model "
                "--output comparison.html"
            ),
            "with prices": (
                "assortment ours.csv theirs.csv --labelled labelled.csv --model model --price price"
            ),
            "with the products that both have, and the rival's products of last month": (
                "assortment ours=ours.csv Rival=theirs.csv --labelled labelled.csv --model model "
                "--price price --matches matches.parquet --before theirs-may.csv "
                "--page-language de --output comparison.html"
            ),
            "the other table has no categories, and its columns have other names": (
                "assortment ours.csv shop/1.csv --labelled labelled.csv --model model "
                "--their-title name"
            ),
        },
    )
    parser.add_argument(
        "retailers",
        nargs="+",
        metavar=NAMED_FILE,
        help="file, folder or glob with the products of a retailer, your own first, with or "
        "without categories; the name is that of the file if not given",
    )
    parser.add_argument(
        "--labelled",
        nargs="+",
        metavar=FILE,
        required=True,
        help="titles with categories that the model was not trained on, to measure its mistakes",
    )
    _column_names(parser)
    _supplement_options(parser)
    inference_options(parser)
    output_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def _column_names(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the price, and the columns of the other retailers' files."""
    parser.add_argument("--price", metavar="COLUMN", help="column with the price of a product")
    parser.add_argument(
        "--their-title",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="column with the title in the other retailers' files, if it has another name there; "
        "of several names, the first one that a file has",
    )
    parser.add_argument(
        "--their-price", nargs="+", default=[], metavar="COLUMN", help="the same for the price"
    )


def _supplement_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name further tables, and those of the page."""
    parser.add_argument(
        "--brand",
        metavar="COLUMN",
        help="column with the brand; by default brands are learned from the titles",
    )
    parser.add_argument(
        "--matches",
        nargs="+",
        default=[],
        metavar=NAMED_FILE,
        help="table of matched products with the columns our_title, their_title and relation; "
        "the name of the other retailer is needed if there are several",
    )
    parser.add_argument(
        "--before",
        nargs="+",
        default=[],
        metavar=NAMED_FILE,
        help="earlier products of another retailer, to see what changed; the name is needed if "
        "there are several",
    )
    page_language_option(parser, "language of the page")
    parser.add_argument(
        "--tables",
        metavar="FOLDER",
        help="folder for the tables behind the page, one Parquet file for each part",
    )


def run(options: argparse.Namespace) -> None:
    """Compare the retailers, print the comparison, and write it to the files of ``--output``.

    Raises:
        ConfigError: A name is missing or given twice, or a file of ``--output`` has an unknown
            ending.
        CatalogError: A file cannot be read, or lacks a column.
        ArtifactError: The classifier cannot be loaded.
        StoreError: There is no such version, or a file cannot be written.
    """
    _check(options)
    sources = _by_name(options.retailers)
    others = list(sources)[1:]
    matches = _of_others(options.matches, others, "--matches")
    before = _of_others(options.before, others, "--before")
    check_tables(options, *sources.values(), *before.values())

    from prodcat.insight.assortment import Supplements, compare_assortments

    classifier = load_classifier(options, options.model)
    labelled = read_named(options, options.labelled, taxonomy=classifier.taxonomy)
    read = {
        name: _read_retailer(options, source, classifier.taxonomy, is_first=not place)
        for place, (name, source) in enumerate(sources.items())
    }
    catalogs = {name: catalog for name, (catalog, _) in read.items()}
    if options.brand is not None and not any(
        options.brand in catalog.columns for catalog in catalogs.values()
    ):
        raise CatalogError(
            f"No file has a column {options.brand!r}. Name the column with the brand with --brand, "
            "or leave it out to have brands learned from the titles."
        )
    earlier = {
        name: _read_retailer(options, source, classifier.taxonomy, is_first=False)
        for name, source in before.items()
    }
    supplements = Supplements(
        brand=options.brand,
        matches=matches,
        before={name: catalog for name, (catalog, _) in earlier.items()},
        price_columns=_price_columns(sources, read),
        price_columns_before=_price_columns(before, earlier),
    )
    comparison = compare_assortments(
        catalogs,
        classifier,
        labelled,
        price=options.price,
        supplements=supplements,
        language=options.page_language,
        precision=options.precision,
    )
    for name, rows in comparison.matches.items():
        shared = sum(row["relation"] == "same product" for row in rows)
        note(f"{name}: {len(rows):,} matches, of which {shared:,} are the same product")
    write_report(options, comparison)
    if options.tables is not None:
        comparison.save_tables(options.tables)
        say(f"wrote the tables behind the page to {options.tables}")


def _price_columns(
    sources: Mapping[str, str], read: "Mapping[str, tuple[Catalog, str | None]]"
) -> dict[str, str]:
    """The file and the column of each retailer's prices, for messages."""
    return {
        name: f"{sources[name]}, column {price!r},"
        for name, (_, price) in read.items()
        if price is not None
    }


def _check(options: argparse.Namespace) -> None:
    """Refuse inconsistent options, before anything is computed.

    Raises:
        ConfigError: The options are not consistent.
    """
    check_outputs(options)
    if options.tables is not None and not options.overwrite:
        _check_free(Path(options.tables))
    if options.their_price and options.price is None:
        raise ConfigError(
            "--their-price is given without --price; expected the column of your own file, too."
        )


def _check_free(folder: Path) -> None:
    """Refuse a folder in which tables would be replaced.

    Raises:
        ConfigError: It has one of the tables.
    """
    present = sorted(file.name for file in folder.glob("*.parquet")) if folder.is_dir() else []
    if present:
        raise ConfigError(
            f"The folder {str(folder)!r} of --tables has tables already, such as {present[0]!r}. "
            "Name another folder, or add --overwrite to replace them."
        )


def _read_retailer(
    options: argparse.Namespace, source: str, taxonomy: "Taxonomy", *, is_first: bool
) -> "tuple[Catalog, str | None]":
    """Read the products of a retailer, whose file may name the columns in its own way.

    Returns:
        The catalog, with the prices in a column of the name in ``--price``, and the name of the
        column with the price in the file.

    Raises:
        CatalogError: The file lacks a column, or cannot be read.
    """
    price = options.price
    if not is_first:
        options, price = _as_theirs(options, source)
    brand = options.brand
    if brand is not None and brand not in first_piece(options, source, 1):
        say(f"{source}: there is no column {brand!r}; brands are learned from the titles")
        brand = None
    keep = list(dict.fromkeys(name for name in (price, brand) if name is not None))
    catalog = read_partly_labelled(options, source, taxonomy, keep, path_is_elsewhere=True)
    columns = {} if price is None else {options.price: catalog.columns[price]}
    if brand is not None:
        columns[brand] = catalog.columns[brand]
    return replace(catalog, columns=columns), price


def _as_theirs(options: argparse.Namespace, source: str) -> tuple[argparse.Namespace, str | None]:
    """The options with the names of the columns in another retailer's file, and that of the price.

    Raises:
        CatalogError: The file has no column with the title or the price.
    """
    titles = list(dict.fromkeys([*options.their_title, options.title]))
    columns = list(first_piece(options, source, 1, *titles[:-1]))
    names: dict[str, Any] = {"title": _first(source, titles, columns, "--their-title")}
    price = None
    if options.price is not None:
        prices = list(dict.fromkeys([*options.their_price, options.price]))
        price = _first(source, prices, columns, "--their-price")
    names["text"] = [name for name in options.text if name in columns]
    names["language"] = options.language if options.language in columns else None
    missing = [name for name in options.text if name not in columns]
    if options.language is not None and names["language"] is None:
        missing.append(options.language)
    if missing:
        say(f"{source}: there is no column {' or '.join(map(repr, missing))}; read without")
    return argparse.Namespace(**{**vars(options), **names}), price


def _first(source: str, names: Sequence[str], columns: Sequence[str], option: str) -> str:
    """The first of some names that is a column's.

    Raises:
        CatalogError: None is.
    """
    for name in names:
        if name in columns:
            return name
    sentence = no_column(f"{source}: the file", names[0], columns)
    raise CatalogError(f"{sentence} Name the column in the other retailers' files with {option}.")


def _of_others(given: Sequence[str] | None, others: Sequence[str], option: str) -> dict[str, str]:
    """The file of each other retailer that has one, by the retailer's name.

    Args:
        given: ``NAME=FILE``, or ``FILE`` if there is one other retailer.
        others: The names of the other retailers.
        option: The option, for the error message.

    Raises:
        ConfigError: A file is of no other retailer, or it is not clear of which.
    """
    sources: dict[str, str] = {}
    for value in given or ():
        name, equals, source = value.partition("=")
        if not equals or "/" in name or Path(value).exists():
            if len(others) != 1:
                raise ConfigError(
                    f"{option} {value!r} does not say of which retailer it is; expected NAME=FILE "
                    f"with one of the names {', '.join(map(repr, others)) or '(none)'}."
                )
            name, source = others[0], value
        if name not in others:
            raise ConfigError(
                f"{option} names the retailer {name!r}; expected one of the other retailers: "
                f"{', '.join(map(repr, others)) or '(none)'}."
            )
        if name in sources:
            raise ConfigError(f"{option} has two files of {name!r}; expected one.")
        sources[name] = source
    return sources


def _by_name(retailers: Sequence[str]) -> dict[str, str]:
    """The file of each retailer by the retailer's name.

    Args:
        retailers: ``NAME=FILE`` or ``FILE``, in order; without a name, the retailer is named after
            the file.

    Raises:
        ConfigError: A name or a file is empty, or two retailers have the same name.
    """
    sources: dict[str, str] = {}
    for retailer in retailers:
        name, equals, source = retailer.partition("=")
        if not equals or "/" in name or Path(retailer).exists():
            name, source = Path(retailer.rstrip("/")).name.partition(".")[0], retailer
        if not name or not source:
            raise ConfigError(f"{retailer!r} lacks a name or a file; expected NAME=FILE or FILE.")
        if name in sources:
            raise ConfigError(
                f"Two retailers are named {name!r}: {sources[name]!r} and {source!r}. Give them "
                "different names: NAME=FILE."
            )
        sources[name] = source
    return sources
