"""``prodcat review``: label titles, or say how pairs of products relate, on a local page."""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE, OUTPUT, OVERWRITE
from prodcat.cli.classifiers import inference_options, load_classifier
from prodcat.cli.destinations import check_new
from prodcat.cli.input import check_tables, column_options, keep_option, tables_argument
from prodcat.cli.output import check_writable, show
from prodcat.cli.pair_review import check_kept, decisions_of, review_pairs
from prodcat.cli.parser import Parser, add_command
from prodcat.cli.partly_labelled import read_optional, read_partly_labelled
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier
    from prodcat.insight.queue import QueueItem
    from prodcat.taxonomy.tree import Taxonomy

_ENDING = ".jsonl"
_BASIC = (
    "--queue", "--pairs", "--budget", "--serve", "--export", "--model", "--title", "--path",
    "--known",
)  # fmt: skip
_EXAMPLES = {
    "choose the 50 titles whose labels help most": (
        "review titles.csv --model model --queue queue.jsonl --budget 50"
    ),
    "label them in the browser": "review --model model --queue queue.jsonl --serve",
    "write what was decided as a catalog": (
        "review --model model --queue queue.jsonl --export decided.jsonl"
    ),
    "say in the browser how doubtful pairs of products relate": (
        "review --pairs doubtful.csv --serve"
    ),
    "write what was decided about doubtful pairs, for prodcat match --reviewed": (
        "review --pairs doubtful.csv --export answered.csv"
    ),
}


def add_review(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "review",
        "label titles, or say how pairs of products relate, on a local page",
        basic=_BASIC,
        examples=_EXAMPLES,
        description="With a file of titles and --model, choose titles to label and write them to "
        "--queue. With --serve, serve the page on which they are labelled. With --export, write "
        "the decisions as a catalog. With --pairs, the page shows the doubtful pairs of prodcat "
        "match, and --export writes their table with the answers.",
    )
    tables_argument(
        parser, "catalog", "titles to choose from, without those that have a category", nargs="*"
    )
    parser.add_argument("--queue", metavar="FILE.jsonl", help="file with the titles to label")
    parser.add_argument(
        "--pairs",
        metavar=FILE,
        help="a table of doubtful pairs that prodcat match wrote, to show instead of titles",
    )
    parser.add_argument(
        OVERWRITE,
        action="store_true",
        help="replace --queue and --export if they exist",
    )
    _choice_options(parser)
    inference_options(parser)
    parser.options["--model"].required = False  # nor is it needed with --pairs
    column_options(parser)
    parser.set_defaults(run=run)


def _choice_options(parser: Parser) -> None:
    """Add the options for choosing titles, and for the page."""
    parser.add_argument(
        "--budget",
        type=int,
        default=200,
        metavar="NUMBER",
        help="number of titles to choose; default 200",
    )
    parser.add_argument(
        "--per-node",
        type=int,
        metavar="NUMBER",
        help="most titles with the same answered category; no limit if not given",
    )
    parser.add_argument(
        "--value", metavar="COLUMN", help="column with the value of a title, such as its sales"
    )
    tables_argument(
        parser, "--known", "labelled titles, of which the most similar are shown with a title"
    )
    parser.add_argument(
        "--known-title",
        metavar="COLUMN",
        help="column with the title in the files of --known; that of --title if not given",
    )
    parser.add_argument(
        "--known-path",
        nargs="+",
        metavar="COLUMN",
        help="column or columns with the category in the files of --known; those of --path if not "
        "given",
    )
    keep_option(parser, "further columns to show and keep")
    parser.add_argument(
        "--serve", action="store_true", help="serve the page on which a person decides"
    )
    parser.add_argument(
        "--port", type=int, default=8008, metavar="PORT", help="port of the page; default 8008"
    )
    parser.add_argument(
        "--decisions",
        metavar="FILE.jsonl",
        help="file for the decisions; in the folder of the queue or the pairs if not given",
    )
    parser.add_argument(
        "--export",
        metavar=OUTPUT,
        help="write the decisions to this file as a catalog (.jsonl); with --pairs, their table "
        "with the answers (.parquet, .csv, .tsv, .jsonl, .xlsx)",
    )


def run(options: argparse.Namespace) -> None:
    """Choose titles, serve the page and export the decisions, or do so for pairs.

    Raises:
        ConfigError: The options are not consistent, there are decisions about an earlier queue of
            this name, or the packages of the page are not installed.
        CatalogError: The titles, the queue or the decisions cannot be read.
        ArtifactError: The classifier cannot be loaded.
        StoreError: There is no such version, or a file cannot be read or written.
    """
    if options.pairs is not None:
        return review_pairs(options, _page_server)
    _check_given(options)

    from prodcat.insight.queue import read_queue

    place = Path(options.decisions or decisions_of(options.queue.removesuffix(_ENDING)))
    _check(options, place)
    check_tables(options)
    serve_review = _page_server() if options.serve else None
    classifier = load_classifier(options, options.model)
    if options.catalog is not None:
        _choose(options, classifier, place)
    items = read_queue(options.queue)
    if serve_review is not None:
        from prodcat.insight.review_reasons import ReviewReasons

        serve_review(items, classifier.taxonomy, place, options.port, ReviewReasons(classifier))
    if options.export is not None:
        _export(options.export, items, classifier.taxonomy, place)


def _check_given(options: argparse.Namespace) -> None:
    """Refuse titles without a queue or a classifier.

    Raises:
        ConfigError: One is not given.
    """
    for name in ("--queue", "--model"):
        if getattr(options, name[2:]) is None:
            raise ConfigError(
                f"{name} is missing: {options.parser.options[name].help}. To review pairs, give "
                "their table as --pairs."
            )


def _check(options: argparse.Namespace, place: Path) -> None:
    """Refuse inconsistent options, before anything is computed.

    Args:
        options: The parsed options.
        place: The file of the decisions.

    Raises:
        ConfigError: The options are not consistent, an output exists, or there are decisions about
            an earlier queue of this name.
    """
    if options.catalog is None and not options.serve and options.export is None:
        raise ConfigError(
            "There is nothing to do. Give a file of titles to choose from, --serve or --export."
        )
    if not options.queue.endswith(_ENDING):
        raise ConfigError(f"--queue is {options.queue!r}; expected a name ending with .jsonl.")
    if options.export is not None and not options.export.endswith(_ENDING):
        raise ConfigError(f"--export is {options.export!r}; expected a name ending with .jsonl.")
    check_writable("--queue", options.queue)
    check_writable("--export", options.export)
    if options.catalog is not None:
        _check_undecided(place)
        check_new(options, "--queue", options.queue)
    if options.export is not None:
        check_new(options, "--export", options.export)
        check_kept(options.export, {"queue": options.queue, "file of decisions": str(place)})
    check_writable("--decisions", options.decisions)
    if "://" in options.queue and options.decisions is None:
        raise ConfigError(
            "--queue is a URI, but decisions are written to the disk of this machine. Name a file "
            "for them with --decisions FILE.jsonl."
        )


def _check_undecided(place: Path) -> None:
    """Refuse a new queue beside the decisions about an earlier one.

    Raises:
        ConfigError: There are decisions.
    """
    if place.exists() and place.stat().st_size:
        raise ConfigError(
            f"{str(place)!r} holds decisions about this queue, which would not match a new queue. "
            "To continue with the existing queue, leave out the file of titles; for a new queue, "
            "name another --queue."
        )


def _page_server() -> Callable[..., None]:
    try:
        from prodcat.insight.review import serve_review
    except ImportError as error:
        raise ConfigError(
            "The page needs starlette and uvicorn, which are not installed; install them with "
            "pip install 'prodcat[serve]'."
        ) from error
    return serve_review


def _choose(options: argparse.Namespace, classifier: "Classifier", place: Path) -> None:
    """Choose titles and write them as a new queue.

    Raises:
        ConfigError: There are decisions about an earlier queue of this name.
    """
    from prodcat.insight.decisions import Decisions
    from prodcat.insight.queue import review_queue, save_queue

    keep = list(dict.fromkeys([*options.keep, *([options.value] if options.value else [])]))
    known = _read_known(options)
    catalog = read_partly_labelled(
        options,
        options.catalog,
        classifier.taxonomy,
        keep,
        path_is_elsewhere=known is not None and not options.known_path,
    )
    # The opened decisions prevent that somebody labels titles of the queue that is replaced.
    with Decisions(place, (), classifier.taxonomy):
        items = review_queue(
            catalog,
            classifier,
            options.budget,
            value=options.value,
            per_node=options.per_node,
            known=known,
            precision=options.precision,
        )
        save_queue(items, options.queue)
    show(f"{len(items):,} titles to label, written to {options.queue}")


def _read_known(options: argparse.Namespace) -> "Catalog | None":
    """The labelled titles of ``--known``, whose file may name the columns in its own way.

    Raises:
        CatalogError: The file cannot be read, or lacks a column.
    """
    names = {"title": options.known_title or options.title, "text": [], "language": None}
    if options.known_path:
        names |= {"path": options.known_path, "path_ids": None}
    return read_optional(argparse.Namespace(**{**vars(options), **names}), options.known)


def _export(uri: str, items: "Sequence[QueueItem]", taxonomy: "Taxonomy", place: Path) -> None:
    """Write the decisions as a catalog."""
    from prodcat.insight.decisions import Decisions
    from prodcat.insight.files import json_lines, write_form

    with Decisions(place, items, taxonomy, write=False) as decisions:
        labels, standing = decisions.labels(), decisions.standing
        unlabelled = decisions.choices.unlabelled
    write_form(uri, {"jsonl": lambda: json_lines(labels)})
    counts = Counter(event["kind"] for event in standing.values())
    without = ", ".join(f"{counts[kind]:,} {name}" for kind, name in unlabelled.items())
    show(
        f"{len(labels):,} labelled titles written to {uri}; {without}, "
        f"{len(items) - len(standing):,} open"
    )
