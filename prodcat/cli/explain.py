"""``prodcat explain``: the words that decide answers, or those of a category."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords, answer_options
from prodcat.cli.arrangement import FILE
from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.input import (
    check_tables,
    column_options,
    first_piece,
    read_titles,
    tables_argument,
)
from prodcat.cli.output import check_outputs, output_option, save_report, say, show
from prodcat.cli.parser import add_command
from prodcat.errors import CatalogError, ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier

_ASKED = ("objective", "guarantee", "max_error", "certainty")
_MOST_TITLES = 1_000
_FIRST_ROWS = 1_000  # of a table, in which the further columns are looked for
_EXAMPLES = {
    "say which words decide the answer to a title, level by level": (
        'explain "Whole Milk 1 L" --model model'
    ),
    "with the labelled titles that are most similar": (
        'explain "Whole Milk 1 L" --model model --catalog catalog.csv'
    ),
    "a page about the titles of a table": (
        "explain --input titles.csv --model model --output reasons.html"
    ),
    "the words of a category, and titles whose label with it is doubtful": (
        'explain --node "Dairy & Eggs > Milk" --catalog catalog.csv --model model'
    ),
}


def add_explain(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "explain",
        "say why titles get their answers, or what a category is known by",
        basic=["--model", "--input", "--node", "--catalog", "--output", "--title", "--path"],
        examples=_EXAMPLES,
    )
    parser.add_argument("titles", nargs="*", metavar="TITLE", help="titles to explain")
    model_option(parser)
    tables_argument(parser, "--input", "a table of titles to explain")
    parser.add_argument(
        "--node", metavar="PATH", help="explain this category instead, such as 'Food > Fish'"
    )
    parser.add_argument(
        "--catalog",
        nargs="+",
        metavar=FILE,
        help="labelled titles, of which the most similar ones are shown and, with --node, those "
        "whose label is doubtful",
    )
    parser.add_argument(
        "--most",
        type=int,
        default=100,
        metavar="NUMBER",
        help=f"largest number of titles of --input, at most {_MOST_TITLES:,}; default 100",
    )
    output_option(parser)
    answer_options(parser, ["precision", "cascade"], precision="auto")
    answer_options(parser, _ASKED)
    device_option(parser)
    column_options(parser)
    parser.set_defaults(run=run, takes_lines=True)


def run(options: argparse.Namespace) -> None:
    """Explain the titles, or the category.

    Raises:
        ConfigError: Options contradict each other, or nothing is asked for.
        CatalogError: A table cannot be read.
        TaxonomyError: There is no such category.
    """
    _check(options)
    check_outputs(options)
    check_tables(options)
    classifier = load_classifier(options, options.model)
    known = None
    if options.catalog is not None:
        known = read_titles(options, options.catalog, taxonomy=classifier.taxonomy)
    if options.node is not None:
        show(classifier.explain_node(options.node, catalog=known))
        return
    _explain(options, classifier, known)


def _explain(
    options: argparse.Namespace, classifier: "Classifier", known: "Catalog | None"
) -> None:
    from prodcat.insight.reasons import Reasons

    titles = options.titles if options.input is None else _titles(options, classifier)
    explanations = classifier.explain(
        titles,
        neighbours=known,
        **answer_keywords(options, ["precision", "cascade", *_ASKED]),
    )
    options.facts.update(
        titles=len(explanations),
        deletions=sum(each.deletion is not None for each in explanations),
    )
    reasons = Reasons(explanations)
    show(reasons)
    for uri in options.output:
        save_report(reasons, uri, ".csv")


def _titles(options: argparse.Namespace, classifier: "Classifier") -> "Catalog":
    """The first titles of ``--input``, with the further columns that the classifier reads."""
    import numpy as np

    from prodcat.catalog.reading import read_catalog

    promised = options.guarantee is not None or options.max_error is not None
    group = classifier.group_column(promised)
    further = [*classifier.text_columns, *([] if group is None else [group])]
    present = first_piece(options, options.input, _FIRST_ROWS, *further) if further else {}
    titles = read_catalog(
        options.input,
        title=options.title,
        path=None,
        text=[name for name in classifier.text_columns if name in present],
        keep=[] if group is None else [group],
        on_error="accept",
        delimiter=options.delimiter,
        encoding=options.file_encoding,
        sheet=options.sheet,
    )
    if titles.report.problems:
        say(titles.report.problems_text())
    if len(titles) > options.most:
        say(f"The first {options.most:,} of {len(titles):,} titles are explained; see --most.")
        titles = titles.take(np.arange(options.most))
    return titles


def _check(options: argparse.Namespace) -> None:
    """Refuse contradictory requests, before anything is loaded.

    Raises:
        ConfigError: Not exactly one of titles, ``--input`` and ``--node`` is given, or ``--most``
            is out of range.
        CatalogError: A title is the name of a file.
    """
    given = [bool(options.titles), options.input is not None, options.node is not None]
    if sum(given) != 1:
        what = "nothing to explain" if not any(given) else "several requests at once"
        raise ConfigError(
            f"Found {what}; expected titles, or --input with a table of titles, or --node with a "
            "category."
        )
    if options.node is not None and options.output:
        raise ConfigError("--output is for titles, and --node is explained as text. Leave it out.")
    if not 1 <= options.most <= _MOST_TITLES:
        raise ConfigError(f"--most is {options.most}; expected 1 to {_MOST_TITLES:,}.")
    for title in options.titles:
        if title == "-" or Path(title).is_file():
            raise CatalogError(
                f"{title!r} is {'standard input' if title == '-' else 'a file'}, not a title. "
                f"Explain the titles in it with --input {title}"
            )
