"""``prodcat overlap``: how many of a competitor's products we have, with intervals."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE, OUTPUT
from prodcat.cli.destinations import check_file
from prodcat.cli.input import check_tables, file_options, read_options, title_option
from prodcat.cli.output import note, show
from prodcat.cli.parser import add_command
from prodcat.errors import CatalogError, ConfigError, no_column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ENDINGS = (".parquet", ".csv", ".xlsx", ".jsonl")
_YES, _NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}
_EXAMPLES = {
    "how many of their products we have, in each category": (
        "overlap matches.csv shop/1.csv --category department --output overlap.xlsx"
    ),
    "also draw 300 of their products at random, for somebody to check": (
        "overlap matches.csv shop/1.csv --title name --category department --to-check check.csv"
    ),
}


def add_overlap(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "overlap",
        "count how many of a competitor's products we have, with intervals",
        basic=["--category", "--checked", "--to-check", "--output"],
        examples=_EXAMPLES,
    )
    parser.add_argument("matches", metavar=FILE, help="the table that prodcat match wrote")
    parser.add_argument("theirs", metavar=FILE, help="their products, the table that was matched")
    title_option(parser)
    parser.add_argument(
        "--category", metavar="COLUMN", help="column of their table with the category"
    )
    parser.add_argument(
        "--checked",
        metavar=FILE,
        help="a table of --to-check whose column answer was filled in (1: we have it, 0: we do "
        "not); the matcher's mistakes are measured on it",
    )
    parser.add_argument(
        "--to-check",
        metavar=OUTPUT,
        help="a further file with some of their products, drawn at random, and an empty column "
        "answer (.parquet, .csv, .tsv, .jsonl, .xlsx)",
    )
    parser.add_argument(
        "--products",
        type=int,
        default=300,
        metavar="NUMBER",
        help="how many products --to-check draws; default 300",
    )
    parser.add_argument(
        "--output", metavar=OUTPUT, help=f"a file for the table ({', '.join(_ENDINGS)})"
    )
    file_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Count the products, print the numbers, and write what was asked for.

    Raises:
        CatalogError: A table cannot be read, lacks a column, or does not fit the others.
        ConfigError: An output has an unknown ending, or cannot be written.
        StoreError: A file cannot be written.
    """
    from prodcat.insight.overlap import count_overlap
    from prodcat.offers.files import file_kind

    if options.output is not None and not options.output.lower().endswith(_ENDINGS):
        raise ConfigError(
            f"--output is {options.output!r}; expected a name ending with one of "
            f"{', '.join(_ENDINGS)}."
        )
    if options.to_check is not None:
        file_kind(options.to_check)
    for option in ("output", "to_check"):
        if (uri := getattr(options, option)) is not None:
            check_file(f"--{option.replace('_', '-')}", uri)
    check_tables(options)
    titles, categories = _their_columns(options)
    rows, pairs = _likeliest(options.matches, len(categories))
    answers = None if options.checked is None else _answers(options.checked, len(categories))
    overlap = count_overlap(rows, categories, same=answers)
    show(overlap)
    options.facts.update(shared=overlap.overall[0], output=options.output)
    if options.output is not None:
        overlap.save(options.output)
        note(f"written to {options.output}")
    if options.to_check is not None:
        count = _write_sample(options, titles, categories, pairs)
        note(f"{count:,} products to check written to {options.to_check}")


def _their_columns(options: argparse.Namespace) -> tuple[list[str | None], list[str | None]]:
    """The title and the category of each row of their table; all None if they are not read.

    Raises:
        CatalogError: It lacks a column.
    """
    from prodcat.storage.tables import iter_tables

    column_options = {"--title": None if options.to_check is None else options.title}
    column_options["--category"] = options.category
    names = [name for name in column_options.values() if name is not None]
    columns: list[list[str | None]] = [[], []]
    for piece in iter_tables(options.theirs, options=read_options(options, *names)):
        rows = len(next(iter(piece.values()), ()))
        for column, (option, name) in zip(columns, column_options.items(), strict=True):
            if name is not None and name not in piece:
                missing = no_column(repr(options.theirs), name, piece)
                raise CatalogError(f"{missing} Name the column with {option}.")
            values = [None] * rows if name is None else list(piece[name])
            column += [None if value is None else str(value) for value in values]
    return columns[0], columns[1]


def _likeliest(source: str, products: int) -> "tuple[NDArray[np.float64], dict[int, str]]":
    """The largest probability of each of their rows, and the title of ours in that pair.

    Raises:
        CatalogError: The table is none that ``prodcat match`` wrote, or of another table of theirs.
    """
    import numpy as np

    from prodcat.storage.tables import iter_tables

    largest, pairs = np.zeros(products), dict[int, str]()
    needed = ("their_row", "probability", "our_title")
    for piece in iter_tables(source):
        for name in needed:
            if name not in piece:
                raise CatalogError(
                    f"{no_column(repr(source), name, piece)} Expected the table that prodcat match "
                    "wrote."
                )
        columns = [list(piece[name]) for name in needed]
        for row, probability, title in zip(*columns, strict=True):
            place = _row(source, row, products)
            if float(probability) >= largest[place]:
                largest[place] = float(probability)
                pairs[place] = str(title)
    return largest, pairs


def _row(source: str, value: object, products: int) -> int:
    """The number of a row of their table, counted from 0.

    Raises:
        CatalogError: There is no such row.
    """
    try:
        place = int(float(str(value)))
    except ValueError:
        place = -1
    if not 0 <= place < products:
        raise CatalogError(
            f"{source!r} has the their_row {value!r}; their table has {products:,} rows, counted "
            "from 0. Give the table that was matched."
        )
    return place


def _answers(source: str, products: int) -> list[bool | None]:
    """Whether we have each of their products, as the table of ``--checked`` says.

    Raises:
        CatalogError: A column is missing, an answer is neither 1 nor 0, or there is none.
    """
    from prodcat.storage.tables import iter_tables

    answers: list[bool | None] = [None] * products
    count = 0
    for piece in iter_tables(source):
        for name in ("their_row", "answer"):
            if name not in piece:
                raise CatalogError(
                    f"{no_column(repr(source), name, piece)} Expected a table of --to-check whose "
                    "column answer was filled in."
                )
        for row, value in zip(list(piece["their_row"]), list(piece["answer"]), strict=True):
            text = "" if value is None else str(value).strip().lower()
            if not text or text == "nan":
                continue
            if text not in _YES | _NO:
                raise CatalogError(
                    f"{source!r} has the answer {value!r}; expected 1 if we have the product, 0 if "
                    "not, or nothing."
                )
            answers[_row(source, row, products)] = text in _YES
            count += 1
    if not count:
        raise CatalogError(
            f"{source!r} has no answer; expected 1 or 0 in its column answer. Fill in some, or "
            "leave --checked out."
        )
    return answers


def _write_sample(
    options: argparse.Namespace,
    titles: list[str | None],
    categories: list[str | None],
    pairs: dict[int, str],
) -> int:
    """Write some of their products, drawn at random, with the likeliest product of ours."""
    import numpy as np
    import pyarrow as pa

    from prodcat.matching.writing import write_table

    count: int = min(max(options.products, 1), len(categories))
    rows = np.sort(np.random.default_rng(0).choice(len(categories), count, replace=False)).tolist()
    table = pa.table(
        {
            "their_row": pa.array(rows, pa.int64()),
            "category": pa.array([categories[row] for row in rows], pa.string()),
            "their_title": pa.array([titles[row] for row in rows], pa.string()),
            "likeliest_of_ours": pa.array([pairs.get(row) for row in rows], pa.string()),
            "answer": pa.array([None] * count, pa.string()),
        }
    )
    write_table(table, options.to_check)
    return count
