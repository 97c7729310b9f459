"""``prodcat match``: which products two retailers both sell, or what changed between two dates."""

import argparse
from typing import TYPE_CHECKING

from prodcat.cli.arrangement import FILE, OUTPUT
from prodcat.cli.classifiers import in_usual_store, load_classifier
from prodcat.cli.destinations import check_file
from prodcat.cli.input import check_tables, file_options, first_piece, read_options, title_option
from prodcat.cli.output import note
from prodcat.cli.pair_review import decisions_about_pairs
from prodcat.cli.parser import add_command
from prodcat.errors import ConfigError, no_column

if TYPE_CHECKING:
    from typing import Any

    from prodcat.classifier.classifier import Classifier
    from prodcat.matching.labelled import LabelledPairs
    from prodcat.matching.matcher import Matcher
    from prodcat.matching.products import MatchColumns, Products

_FIRST_ROWS = 1_000
_MARKS = {"comma": ",", "point": "."}
_BASIC = (
    "--title", "--price", "--brand", "--id", "--output", "--model", "--labelled-pairs",
    "--reviewed", "--doubtful", "--one-to-one", "--changes",
)  # fmt: skip
_EXAMPLES = {
    "which of their products are ours, at what price for a kilogram": (
        "match ours.csv shop/1.csv --their-title name --output matches.parquet"
    ),
    "with a table of the pairs that a person should look at": (
        "match ours.csv theirs.csv --price price --output matches.xlsx --doubtful doubtful.csv"
    ),
    "what came, what went and what has another price between two dates of one retailer": (
        "match --changes day/1.csv day/2.csv --output changes.csv"
    ),
}
# The columns that may have other names in their table.
_COLUMNS = {
    "brand": "column with the brand",
    "price": "column with the price of the pack",
    "id": "column with an id that names a product in every table of its retailer",
    "code": "column with the model or article number",
}


def add_match(commands: "Any") -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "match",
        "find the products that two retailers both sell, and what changed between two dates",
        basic=_BASIC,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "ours",
        metavar="BEFORE",
        help="our products: a file, folder, glob or URI; with --changes, those of the earlier date",
    )
    parser.add_argument(
        "theirs", metavar="AFTER", help="their products; with --changes, those of the later date"
    )
    _column_names(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar=OUTPUT,
        help="the file to write (.parquet, .csv, .tsv, .jsonl, .xlsx)",
    )
    parser.add_argument(
        "--changes",
        action="store_true",
        help="both files are of one retailer, at two dates: write what came, what went, and what "
        "has another price",
    )
    parser.add_argument(
        "--model",
        type=in_usual_store,
        metavar="MODEL",
        help="a saved classifier, whose categories are compared, too",
    )
    parser.add_argument(
        "--vectors",
        action="store_true",
        help="also look for candidates by the vectors of the encoder of --model, which find other "
        "words for the same; it reads every title",
    )
    _pair_options(parser)
    file_options(parser)
    parser.set_defaults(run=run)


def _column_names(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the columns of both tables."""
    title_option(parser)
    parser.add_argument(
        "--their-title", metavar="COLUMN", help="the same in their table; as in ours if not given"
    )
    for name, text in _COLUMNS.items():
        parser.add_argument(f"--{name}", metavar="COLUMN", help=text)
        parser.add_argument(
            f"--their-{name}",
            metavar="COLUMN",
            help="the same in their table; as in ours if not given and if it is there",
        )
    parser.add_argument(
        "--text",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="further columns with texts that are compared, such as a description, of the tables "
        "that have them",
    )
    parser.add_argument(
        "--decimal",
        choices=list(_MARKS),
        help="decimal mark of all prices; recognised in each if not given",
    )


def _pair_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how pairs are found, and which are known."""
    parser.add_argument(
        "--labelled-pairs",
        metavar=FILE,
        help="a table of pairs to learn from, with the columns our_row and their_row, or our_id "
        "and their_id, and same (1 or 0) or relation",
    )
    parser.add_argument(
        "--reviewed",
        metavar=FILE,
        help="a table of --doubtful whose column answer was filled in: these relations are taken "
        "as they are, and learned from if there are enough",
    )
    parser.add_argument(
        "--doubtful",
        metavar=OUTPUT,
        help="a further file for the pairs about which it is least sure, with an empty column "
        "answer",
    )
    parser.add_argument(
        "--one-to-one",
        action="store_true",
        help="a product is the same as at most one of the other table",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="NUMBER",
        help="the least probability of the same product; default 0.5, and 0.8 with --changes",
    )
    parser.add_argument(
        "--candidates",
        type=int,
        default=10,
        metavar="NUMBER",
        help="how many candidates are looked at for each product; default 10",
    )


def run(options: argparse.Namespace) -> None:
    """Match the tables, or compare the dates; write the table, and tell the counts.

    Raises:
        CatalogError: A table cannot be read, or labelled pairs are wrong.
        ConfigError: Options contradict each other, or an output cannot be written.
        StoreError: A file cannot be written.
    """
    from prodcat.offers.files import file_kind

    _check(options)
    for option in ("output", "doubtful"):
        if (uri := getattr(options, option)) is not None:
            file_kind(uri)
            check_file(f"--{option}", uri)
    check_tables(options)
    _check_answers(options)
    if options.changes:
        _write_changes(options, *_products(options))
    else:
        # Loaded first, so that a wrong name is told before large tables are read.
        classifier = load_classifier(options, options.model) if options.model else None
        _write_matches(options, classifier, *_products(options))
    note(f"written to {options.output}")


def _check(options: argparse.Namespace) -> None:
    """Refuse options that say nothing of two dates, or that lack another one.

    Raises:
        ConfigError: One is given with ``--changes``, or ``--vectors`` without ``--model``.
    """
    if not options.changes:
        if options.vectors and not options.model:
            raise ConfigError(
                "--vectors is given without --model; expected a saved classifier with an encoder, "
                "which makes them."
            )
        return
    for name in ("model", "vectors", "labelled_pairs", "reviewed", "doubtful", "one_to_one"):
        if getattr(options, name):
            raise ConfigError(
                f"--{name.replace('_', '-')} is given with --changes, which compares two dates of "
                "one retailer; expected it with the tables of two retailers. Leave one of them out."
            )


def _check_answers(options: argparse.Namespace) -> None:
    """Refuse to replace a table of pairs that a person answered, there or on the page.

    Raises:
        ConfigError: It has answers, or there are decisions about it.
    """
    for name in ("output", "doubtful"):
        uri = getattr(options, name)
        if uri is None:
            continue
        if count := _count_answers(uri):
            raise ConfigError(
                f"--{name} {uri!r} has {count:,} answer{'s' * (count > 1)}, which would be lost. "
                f"Give it as --reviewed, and another name as --{name}."
            )
        if "://" in uri:
            continue
        place = decisions_about_pairs(uri)
        if place.exists() and place.stat().st_size:
            raise ConfigError(
                f"{str(place)!r} holds decisions about the pairs in --{name} {uri!r}, which would "
                "not match new pairs. Write them out with prodcat review --pairs --export, give "
                f"that file as --reviewed, and another name as --{name}."
            )


def _count_answers(uri: str) -> int:
    """How many answers a table has that is there already; 0 if it is no table."""
    from contextlib import suppress

    from prodcat.errors import CatalogError
    from prodcat.matching.answers import answer_word, column_called
    from prodcat.storage.tables import iter_tables

    count = 0
    with suppress(CatalogError, OSError):
        for piece in iter_tables(uri):
            column = column_called("answer", piece)
            if column is None:
                break
            count += sum(bool(answer_word(value)) for value in list(piece[column]))
    return count


def _products(options: argparse.Namespace) -> "tuple[Products, Products]":
    from prodcat.matching.matching import read_both

    sources = options.ours, options.theirs
    columns = [_columns(options, source, place) for place, source in enumerate(sources)]
    reading = [read_options(options, *each.names()) for each in columns]
    return read_both(
        *sources,
        *columns,
        decimal=_MARKS.get(options.decimal),  # type: ignore[arg-type]
        options=(reading[0], reading[1]),
    )


def _columns(options: argparse.Namespace, source: str, place: int) -> "MatchColumns":
    """The columns of one table.

    Raises:
        CatalogError: The table lacks a column that is named for it.
    """
    from prodcat.errors import CatalogError
    from prodcat.matching.products import MatchColumns

    present = first_piece(options, source, _FIRST_ROWS)
    named: dict[str, str | None] = {}
    for name in ("title", *_COLUMNS):
        theirs = getattr(options, f"their_{name}") if place else None
        column = theirs or getattr(options, name)
        # What is named for our table only may be missing in theirs, except for the title.
        is_needed = theirs is not None or not place or name == "title"
        if column is not None and present and column not in present:
            if is_needed:
                advice = f" Name the column with --{'their-' if place else ''}{name}."
                raise CatalogError(f"{no_column(repr(source), column, present)}{advice}")
            note(f"{source}: no column {column!r} for --{name}, which is not compared")
            column = None
        named[name] = column
    texts = tuple(name for name in options.text if not present or name in present)
    missing = [name for name in options.text if name not in texts]
    if missing:
        note(f"{source}: no column {missing[0]!r} for --text, which is not compared")
    return MatchColumns(named.pop("title") or "title", **named, text=texts)  # type: ignore[arg-type]


def _matcher(options: argparse.Namespace, threshold: float) -> "Matcher":
    from prodcat.matching.matcher import Matcher

    chosen = threshold if options.threshold is None else options.threshold
    return Matcher(options.candidates, chosen, options.one_to_one, options.vectors)


def _write_changes(options: argparse.Namespace, before: "Products", after: "Products") -> None:
    from prodcat.matching.changes import LEAST_SURE, compare_dates
    from prodcat.matching.writing import write_table

    changes = compare_dates(before, after, matcher=_matcher(options, LEAST_SURE))
    write_table(changes.table, options.output)
    options.facts.update(changes=dict(changes.counts), output=options.output)
    note(str(changes))


def _write_matches(
    options: argparse.Namespace,
    classifier: "Classifier | None",
    ours: "Products",
    theirs: "Products",
) -> None:
    from prodcat.matching.matching import match_products
    from prodcat.matching.writing import write_table

    labelled = _known_pairs("--labelled-pairs", options.labelled_pairs, ours, theirs)
    reviewed = _known_pairs("--reviewed", options.reviewed, ours, theirs)
    matches = match_products(
        ours,
        theirs,
        labelled=labelled,
        reviewed=reviewed,
        classifier=classifier,
        matcher=_matcher(options, 0.5),
    )
    _tell_lesson(labelled, reviewed)
    write_table(matches.table, options.output)
    if options.doubtful is not None:
        write_table(matches.doubtful, options.doubtful)
    options.facts.update(relations=dict(matches.counts), output=options.output)
    note(str(matches))
    if options.doubtful is not None:
        note(f"{matches.doubtful.num_rows:,} doubtful pairs written to {options.doubtful}")


def _known_pairs(
    option: str, source: str | None, ours: "Products", theirs: "Products"
) -> "LabelledPairs | None":
    """The pairs that an option names, after telling what was read; None if it is not given."""
    from collections import Counter

    from prodcat.matching.labelled import read_pairs
    from prodcat.matching.relations import RELATIONS

    if not source:
        return None
    pairs = read_pairs(source, ours, theirs, is_reviewed=option == "--reviewed")
    for remark in pairs.remarks:
        note(f"{option} {source}: {remark}")
    counts = Counter(pairs.relations)
    told = ", ".join(f"{counts[each]:,} {each}" for each in RELATIONS if counts[each])
    if told:
        note(f"{option} {source}: {len(pairs):,} answer{'s' * (len(pairs) > 1)} taken: {told}")
    return pairs


def _tell_lesson(labelled: "LabelledPairs | None", reviewed: "LabelledPairs | None") -> None:
    """Tell whether the matcher learned from the pairs that were given."""
    from prodcat.matching.learning import LEAST_OF_A_KIND
    from prodcat.matching.matching import lesson_of

    lesson = lesson_of(labelled, reviewed)
    if lesson is not None:
        note(f"the matcher learned from {len(lesson):,} pairs")
    elif reviewed is not None and len(reviewed):
        same = int(reviewed.same.sum())
        note(
            f"the matcher did not learn from the answers: {same:,} of the same product and "
            f"{len(reviewed) - same:,} others, and it needs {LEAST_OF_A_KIND} of each"
        )
