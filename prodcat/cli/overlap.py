"""``prodcat overlap``: how many of a competitor's products we have, with intervals."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE, OUTPUT
from prodcat.cli.destinations import check_file
from prodcat.cli.input import check_tables, file_options, read_options, title_option
from prodcat.cli.output import note, say, show
from prodcat.cli.parser import add_command
from prodcat.errors import CatalogError, ConfigError, no_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodcat.cli.overlap_tables import NamedRows

_ENDINGS = (".parquet", ".csv", ".xlsx", ".jsonl")
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
    from prodcat.cli.overlap_tables import check_unanswered, read_answers, read_match_rows
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
    check_unanswered(options.to_check)
    matches = read_match_rows(options.matches)
    if not matches.pairs:
        say(f"{options.matches}: the table has no rows, so that no product is known to be shared")
    named: list[NamedRows] = [matches]
    answers: dict[int, bool] = {}
    if options.checked is not None:
        checked, answers = read_answers(options.checked)
        named.append(checked)
    titles, categories = _their_columns(options, named)
    rows, pairs, certain = matches.likeliest(len(categories))
    same = [answers.get(row) for row in range(len(categories))]
    overlap = count_overlap(rows, categories, same=same, certain=certain.tolist())
    show(overlap)
    options.facts.update(shared=overlap.overall[0], output=options.output)
    if options.output is not None:
        overlap.save(options.output)
        note(f"written to {options.output}")
    if options.to_check is not None:
        count = _write_sample(options, titles, categories, pairs)
        note(f"{count:,} products to check written to {options.to_check}")


def _their_columns(
    options: argparse.Namespace, named: "Sequence[NamedRows]"
) -> tuple[list[str | None], list[str | None]]:
    """The title and the category of each row of their table; all None if they are not read.

    The titles that other tables have for their rows are compared with the column of ``--title``,
    or with every column if their table has none of that name.

    Args:
        options: The options.
        named: The rows that the other tables name.

    Raises:
        CatalogError: It lacks a column, or is not the table whose rows the others name.
    """
    from prodcat.storage.tables import iter_tables

    column_options = {"--title": None if options.to_check is None else options.title}
    if options.title != "title":  # a name that the user gave
        column_options["--title"] = options.title
    column_options["--category"] = options.category
    names = [name for name in column_options.values() if name is not None]
    columns: list[list[str | None]] = [[], []]
    start = 0
    for piece in iter_tables(options.theirs, options=read_options(options, *names)):
        rows = len(next(iter(piece.values()), ()))
        for column, (option, name) in zip(columns, column_options.items(), strict=True):
            if name is not None and name not in piece:
                missing = no_column(repr(options.theirs), name, piece)
                raise CatalogError(f"{missing} Name the column with {option}.")
            values = [None] * rows if name is None else list(piece[name])
            column += [None if value is None else str(value) for value in values]
        for name in [options.title] if options.title in piece else list(piece):
            values = list(piece[name])
            for each in named:
                each.compare(name, values, start)
        start += rows
    for each in named:
        each.check(start)
    return columns[0], columns[1]


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
