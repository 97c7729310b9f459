"""``prodcat try``: a first look at a table of products, without knowing anything about it."""

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.destinations import check_file, check_model_folder
from prodcat.cli.input import file_options, one_or_many, read_options, tables_argument
from prodcat.cli.output import ENDINGS, note, show
from prodcat.cli.parser import add_command
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.insight.first_look.result import FirstLook

_KEPT = ("--sheet", "--delimiter", "--file-encoding", "--merge")  # options of the next commands
_EXAMPLES = {
    "see what n-grams alone make of a table: accuracy, worst categories, wrong titles": (
        "try catalog.csv"
    ),
    "also answer a title of your own, and keep the model": (
        'try catalog.csv --answer "Whole Milk 1 L" --output model'
    ),
    "write all wrong titles to a file for Excel": "try catalog.csv --mistakes mistakes.xlsx",
}


def add_try(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "try",
        "train on a table in seconds, and see what is answered wrongly and why",
        basic=["--title", "--path", "--answer", "--output", "--mistakes"],
        examples=_EXAMPLES,
    )
    tables_argument(parser, "catalog", "titles with categories")
    parser.add_argument(
        "--title", metavar="COLUMN", help="column with the titles; guessed if not given"
    )
    parser.add_argument(
        "--path",
        nargs="+",
        metavar="COLUMN",
        help="column with the categories, or one for each level, coarsest first; guessed if not "
        "given",
    )
    parser.add_argument(
        "--separator",
        metavar="TEXT",
        help="text between the names of a path; guessed if not given",
    )
    parser.add_argument(
        "--merge",
        choices=["spelling", "accents"],
        help="make one category of siblings whose names differ only in case, blanks and Unicode's "
        "form (spelling), or also in accents",
    )
    parser.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="TITLE",
        help="also answer this title; may be repeated",
    )
    parser.add_argument(
        "--mistakes",
        metavar="OUTPUT",
        help="also write all titles that are answered wrongly (.xlsx, .csv, .parquet, .jsonl), or "
        "a page about them (.html)",
    )
    parser.add_argument("--output", metavar=MODEL_FOLDER, help="also save the classifier there")
    parser.add_argument(
        "--most",
        type=int,
        default=20_000,
        metavar="NUMBER",
        help="largest number of titles to use, a random sample of more; default 20000",
    )
    file_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Guess the columns, train, and print what was found.

    Raises:
        CatalogError: The titles cannot be read, the columns cannot be guessed, or there are too few
            labelled titles.
        TaxonomyError: The paths do not form a tree.
        ArtifactError: The classifier cannot be saved.
        ConfigError: The name of the file for the mistakes has an unknown ending.
        StoreError: A store cannot be reached.
    """
    from prodcat.insight.first_look.look import first_look

    _check_outputs(options)
    note(f"reading {options.catalog}")
    look = first_look(
        options.catalog,
        title=options.title,
        path=one_or_many(options.path),
        separator=options.separator,
        merge=options.merge,
        most=options.most,
        reading=read_options(options),
    )
    options.facts.update(
        path_accuracy=look.evaluation.path_accuracy,
        title=look.columns.title,
        path=look.columns.path,
        output=options.output,
    )
    show(look)
    _answer(options, look)
    if options.output:
        look.classifier.save(options.output)
        show(f"\nsaved to {options.output}")
    if options.mistakes:
        look.save(options.mistakes)
        show(f"\nwrong titles in {options.mistakes}")
    show(f"\n{_next_commands(options, look)}")


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written, before anything is trained.

    Raises:
        ConfigError: The ending of ``--mistakes`` is not supported, or an output is in a place where
            it cannot be written.
    """
    if options.mistakes and not options.mistakes.lower().endswith(ENDINGS):
        raise ConfigError(
            f"--mistakes is {options.mistakes!r}; expected a name ending with one of "
            f"{', '.join(ENDINGS)}."
        )
    if options.mistakes:
        check_file("--mistakes", options.mistakes)
    if options.output:
        check_model_folder(options, "--output", options.output)


def _answer(options: argparse.Namespace, look: "FirstLook") -> None:
    """Print the answers to the titles of ``--answer``."""
    if not options.answer:
        return
    show("\nyour titles:")
    answers = look.classifier.predict(options.answer)
    for title, (answer,) in zip(options.answer, answers, strict=True):
        show(f"  {title}: {answer}")


def _next_commands(options: argparse.Namespace, look: "FirstLook") -> str:
    """The commands that go on from here, with the columns that were found."""
    columns = look.columns
    files = " ".join(shlex.quote(name) for name in options.given.places)
    names = [columns.path] if isinstance(columns.path, str) else columns.path
    named = f"--title {shlex.quote(columns.title)} --path {' '.join(map(shlex.quote, names))}"
    if columns.separator.strip() != ">":
        named += f" --separator {shlex.quote(columns.separator)}"
    for name in _KEPT:
        for value in options.given.options.get(name, ()):
            named += f" {name} {shlex.quote(value)}"
    if look.report.problems:
        named += " --on-error aside"
    lines = [
        f"prodcat train {files} {named} --compare none,ENCODER   # is an encoder worth it?",
        f"prodcat train {files} {named} --suggest-columns        # would more columns help?",
        f"prodcat audit {files} {named} --output suspicious.xlsx # which labels are wrong?",
    ]
    if options.output:
        model = shlex.quote(options.output)
        title = f" --title {shlex.quote(columns.title)}"
        lines.append(f"prodcat predict TITLES.csv --model {model} --output answers.csv{title}")
    else:
        lines.append(f"prodcat train {files} {named} --encoder none --output model")
    return "\n".join(["next:", *(f"  {line}" for line in lines)])
