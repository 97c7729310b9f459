"""``prodcat predict``: answer all titles of files."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords, answer_options
from prodcat.cli.arrangement import OUTPUT, OVERWRITE
from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.destinations import check_file, check_folder, check_new
from prodcat.cli.environment import cache_folder, key_paths, switch_off_ray_statistics
from prodcat.cli.input import (
    check_tables,
    check_title,
    file_options,
    read_options,
    tables_argument,
    title_option,
)
from prodcat.cli.output import STDOUT, note, say
from prodcat.cli.parser import add_command
from prodcat.cli.printed_answers import PrintedAnswers
from prodcat.errors import CatalogError, ConfigError, StoreError
from prodcat.scoring.config import ScoringConfig

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier
    from prodcat.scoring.report import ScoringReport

_ASKED = ("top_k", "language", "objective", "guarantee", "max_error", "certainty")
_WHOLE = "0/1"
_COUNTED = 1_000_000  # titles of an output up to which those with an answer are counted
_EXAMPLES = {
    "answer all titles of a table, which gets further columns": (
        "predict titles.csv --model model --output answers.csv"
    ),
    "answer many files; the same command continues after an interruption": (
        "predict shop/*.csv --model model --output answers/"
    ),
    "answer titles from another program, one a line": "predict - --model model",
}


def add_predict(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "predict",
        "answer titles with category paths",
        basic=["--model", "--output", "--columns", "--title", "--text", "--top-k", "--max-error"],
        examples=_EXAMPLES,
    )
    tables_argument(parser, "input", "titles")
    model_option(parser)
    title_option(parser)
    parser.add_argument(
        "--text",
        nargs="*",
        metavar="COLUMN",
        help="further text columns; those of the training if not given",
    )
    _output_options(parser)
    file_options(parser)
    answer_options(parser, ["precision", "cascade"], precision="auto")
    answer_options(parser, _ASKED)
    device_option(parser)
    parser.set_defaults(run=run, takes_lines=True, checks_output=True)


def _output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the output, and for those who share the work."""
    parser.add_argument(
        OVERWRITE,
        action="store_true",
        help="replace an output file that exists; begin again if an output folder was made with "
        "another model, input or settings",
    )
    parser.add_argument(
        "--output",
        default="-",
        metavar=OUTPUT,
        help="a folder or the URI of one, where the same command continues after an interruption; "
        "or one file: .parquet, .jsonl, .csv, .tsv, .xlsx; or - for stdout: CSV, and on a "
        "terminal a table of titles, paths and confidences",
    )
    parser.add_argument(
        "--columns",
        nargs="+",
        metavar="COLUMN",
        help="columns to print to stdout, as CSV; if not given all, and on a terminal a table of "
        "titles, paths and confidences; files get all columns",
    )
    parser.add_argument(
        "--format",
        default="parquet",
        choices=["parquet", "jsonl", "csv", "tsv"],
        help="format of the files in an output folder; default parquet",
    )
    parser.add_argument(
        "--shard",
        default=_WHOLE,
        metavar="INDEX/COUNT",
        help="share of the parts to answer, such as 0/4 in the first of four processes",
    )
    parser.add_argument(
        "--part-rows",
        type=int,
        default=ScoringConfig.part_rows,
        metavar="NUMBER",
        help="approximate number of rows in a part",
    )
    parser.add_argument(
        "--engine",
        default="local",
        choices=["local", "ray"],
        help="answer on this machine (local, the default) or on a Ray cluster",
    )
    parser.add_argument(
        "--actors",
        type=int,
        metavar="NUMBER",
        help="number of Ray actors; one for each GPU if not given",
    )


def run(options: argparse.Namespace) -> None:
    """Answer the titles, into files or to the standard output."""
    scoring = ScoringConfig(
        title=options.title,
        text=None if options.text is None else tuple(options.text),
        format=options.format,
        part_rows=options.part_rows,
        reading=read_options(options),
        **answer_keywords(options, ["precision", "cascade", *_ASKED]),
    )
    if options.engine == "ray":
        check_tables(options)
        _tell(options, _score_on_ray(options, scoring))
        return
    _check_output(options)
    check_tables(options)
    check_title(options, options.input)
    classifier = load_classifier(options, options.model)
    if options.output != STDOUT:
        _tell(options, _score(options, classifier, scoring))
    else:
        _stream(options, classifier, scoring)


def _check_output(options: argparse.Namespace) -> None:
    """Refuse an output that cannot be written, before the classifier is loaded.

    Raises:
        ConfigError: The ending or the place of the output is wrong, or options contradict it.
    """
    from prodcat.scoring.single_file import file_kind

    if options.output != STDOUT:
        if options.columns is not None:
            raise ConfigError(
                "--columns is for the standard output; found --output "
                f"{options.output!r}, which gets all columns. Leave one of them out."
            )
        is_folder = file_kind(options.output) is None
        (check_folder if is_folder else check_file)("--output", options.output)
        if not is_folder and not _is_begun(options.output):
            check_new(options, "--output", options.output)
    elif options.shard != _WHOLE or options.overwrite:
        raise ConfigError(
            "--shard and --overwrite are for files and folders; found --output -. Name one."
        )


def _is_begun(output: str) -> bool:
    """Whether an earlier command was interrupted while it wrote this file, and can be continued."""
    from prodcat.scoring.single_file import parts_folder
    from prodcat.storage.objects import Objects

    try:
        return bool(Objects(parts_folder(output)).names(""))
    except (OSError, StoreError):
        return False


def _score_on_ray(options: argparse.Namespace, scoring: ScoringConfig) -> "ScoringReport":
    from prodcat.scoring.ray_engine import score_on_ray

    if options.shard != _WHOLE:
        raise ConfigError(
            "--shard and --engine ray are two ways to share the work; expected one of them."
        )
    switch_off_ray_statistics()
    return score_on_ray(
        options.model,
        options.input,
        options.output,
        scoring=scoring,
        actors=options.actors,
        overwrite=options.overwrite,
        device=options.device,
        cache=cache_folder(),
        keys=key_paths(),
    )


def _score(
    options: argparse.Namespace, classifier: "Classifier", scoring: ScoringConfig
) -> "ScoringReport":
    """Answer into a folder or one file."""
    from prodcat.scoring.jobs import score
    from prodcat.scoring.shards import parse_shard

    return score(
        classifier,
        options.input,
        options.output,
        scoring=scoring,
        shard=parse_shard(options.shard),
        overwrite=options.overwrite,
        progress=not options.quiet and sys.stderr.isatty(),
    )


def _stream(options: argparse.Namespace, classifier: "Classifier", scoring: ScoringConfig) -> None:
    """Answer to the standard output: as CSV, or on a terminal as a table."""
    from prodcat.scoring.jobs import stream

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    rows = 0
    counts = _Counts()
    printed = PrintedAnswers(options.title, options.columns, reads_rows=bool(_promise(options)))
    for piece, size in stream(classifier, options.input, scoring=scoring):
        listed = printed.add(piece.decode())
        if _promise(options):
            counts.add_rows(printed.header, listed)
        rows += size
    note(f"{rows:,} titles answered" if not _promise(options) else counts.text(options))


class _Counts:
    """Counts titles with and without an answer, where a promise leaves some of them empty."""

    def __init__(self) -> None:
        self.answered = self.empty = self.wrong = 0

    def add_rows(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Count rows of CSV."""
        path, error = header.index("predicted_path"), header.index("error")
        self.add((row[path], row[error]) for row in rows)

    def add(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Count rows, each as the answered path and the error, which are empty if there is none."""
        for path, error in pairs:
            self.answered += bool(path)
            self.wrong += bool(error) and not path
            self.empty += not path and not error

    def text(self, options: argparse.Namespace) -> str:
        """The counts, and the option that left titles empty."""
        wrong = f", {self.wrong:,} with an error" if self.wrong else ""
        return (
            f"{self.answered:,} answered, {self.empty:,} left empty by {_promise(options)}{wrong}"
        )


def _promise(options: argparse.Namespace) -> str:
    """The option that may leave titles without an answer, with its value; empty if none does."""
    for name in ("max_error", "guarantee"):
        value = getattr(options, name)
        if value is not None:
            return f"--{name.replace('_', '-')} {value:g}"
    return ""


def _output_counts(options: argparse.Namespace, rows: int) -> str:
    """How many titles of the complete output have an answer, or that some may have none.

    They are counted only where that is quick: on this machine's disk, and up to a million titles.
    """
    from prodcat.storage.tables import iter_tables

    counts = _Counts()
    if rows <= _COUNTED and "://" not in options.output:
        with suppress(CatalogError, KeyError):
            for piece in iter_tables(options.output, report=lambda row, detail: None):
                counts.add(zip(piece["predicted_path"], piece["error"], strict=True))
            return counts.text(options)
    return f"{_promise(options)} leaves titles empty that are not sure enough; they are not counted"


def _tell(options: argparse.Namespace, report: "ScoringReport") -> None:
    """Store what was done among the facts, and print it."""
    options.facts.update(
        output=report.output,
        rows=report.rows,
        errors=report.errors,
        parts=report.parts,
        skipped=report.skipped,
        complete=report.complete,
        summary=report.summary,
    )
    text = str(report)
    if report.summary is not None and _promise(options):
        read = f"{report.rows:,} titles read"
        text = text.replace(f"{report.rows:,} titles answered", read, 1)
        text = f"{text} {_output_counts(options, report.summary['rows'])}."
    # What is missing or wrong is a warning, which --quiet leaves.
    (note if report.complete and not report.errors else say)(text)
