"""``prodcat predict``: answer all titles of files."""

import argparse
import csv
import io
import sys
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords, answer_options
from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.environment import cache_folder, key_paths, switch_off_ray_statistics
from prodcat.cli.input import file_options, read_options, tables_argument, title_option
from prodcat.cli.output import note, print_data, say
from prodcat.cli.parser import add_command
from prodcat.errors import ConfigError
from prodcat.scoring.config import ScoringConfig
from prodcat.text_encoding import for_csv, for_terminal

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier
    from prodcat.scoring.report import ScoringReport

_ASKED = ("top_k", "language", "objective", "guarantee", "max_error", "certainty")
_WHOLE = "0/1"
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
        basic=["--model", "--output", "--title", "--text", "--top-k", "--max-error"],
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
    parser.set_defaults(run=run, takes_lines=True)


def _output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the output, and for those who share the work."""
    parser.add_argument(
        "--output",
        default="-",
        metavar="OUTPUT",
        help="a folder or the URI of one, where the same command continues after an interruption; "
        "or one file: .parquet, .jsonl, .csv, .tsv, .xlsx; or - for CSV on stdout",
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
        "--overwrite",
        action="store_true",
        help="begin again if the output was made with another model, input or settings",
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
        _tell(options, _score_on_ray(options, scoring))
        return
    classifier = load_classifier(options, options.model)
    if options.output != "-":
        _tell(options, _score(options, classifier, scoring))
        return
    if options.shard != _WHOLE or options.overwrite:
        raise ConfigError(
            "--shard and --overwrite are for an output folder; found --output -. Name a folder."
        )
    _stream(options, classifier, scoring)


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
    """Answer to the standard output, as CSV."""
    from prodcat.scoring.jobs import stream

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    rows = 0
    for piece, size in stream(classifier, options.input, scoring=scoring):
        text = piece.decode()
        print_data(_for_people(text) if sys.stdout.isatty() else text)
        rows += size
    note(f"{rows:,} titles answered")


def _for_people(text: str) -> str:
    """CSV in which no cell has more than one line."""
    csv.field_size_limit(len(text) + 1)
    rows = csv.reader(io.StringIO(text, newline=""))
    return for_csv([for_terminal(cell) or None for cell in row] for row in rows)


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
    # What is missing or wrong is a warning, which --quiet leaves.
    (note if report.complete and not report.errors else say)(str(report))
