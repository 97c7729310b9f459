"""``prodcat assortment``, ``audit``, ``drift`` and ``review``: what people look at."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from prodcat.cli.input import column_options, load_classifier, read_titles
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog

_FORMS = (".html", ".parquet", ".csv", ".jsonl")


def add_insight(commands: Any) -> None:
    """Add the commands to a parser's commands."""
    _add_assortment(commands)
    _add_audit(commands)
    _add_drift(commands)
    _add_review(commands)


def _model(parser: argparse.ArgumentParser, required: bool = True) -> None:
    parser.add_argument(
        "--model",
        required=required,
        help="a saved classifier: a folder, a URI, model.tar.gz or STORE/model@alias",
    )
    parser.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    parser.add_argument("--precision", default="auto", choices=get_args(ReadingPrecision))


def _outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help=f"also write it: {', '.join(_FORMS)}; more than once",
    )


def _check_outputs(options: argparse.Namespace) -> None:
    for own in options.output:
        if not own.lower().endswith(_FORMS):
            raise ConfigError(f"--output {own!r} ends with none of {', '.join(_FORMS)}.")


def _write(options: argparse.Namespace, found: Any) -> None:
    print(found)
    for own in options.output:
        found.save(own)
        print(f"written to {own}", file=sys.stderr)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _has(source: str, columns: Sequence[str]) -> bool:
    """Whether a file has all of these columns."""
    from prodcat.storage.tables import iter_tables

    first = next(iter(iter_tables(source, 1_000)), None)
    return first is not None and set(columns) <= set(first)


def _named(options: argparse.Namespace, source: str, **extra: Any) -> "Catalog":
    """Titles with categories; what is wrong is said with the file's name."""
    try:
        return read_titles(options, source, **extra)
    except CatalogError as error:
        raise CatalogError(f"{source}: {error}") from error


def _empty(value: object) -> bool:
    from prodcat.storage.tables import is_missing

    return is_missing(value) or value == "" or (isinstance(value, (list, tuple)) and not value)


def _titles(options: argparse.Namespace, source: str, **extra: Any) -> "Catalog":
    """Titles, with their categories where the file has them; an empty one is none."""
    import numpy as np

    names = [*options.path, *(options.path_ids or [])]
    own = argparse.Namespace(**{**vars(options), "path": None, "path_ids": None})
    tree = extra.pop("taxonomy", None)
    keep = list(extra.pop("keep", []))
    if not _has(source, names):
        if options.path != ["path"] or options.path_ids:
            raise CatalogError(
                f"{source}: the file has not all of the columns {names}; name those with the "
                "category with --path."
            )
        titles = _named(own, source, keep=keep, **extra)
        _say(f"{source}: there is no column 'path'; all {len(titles):,} titles are unlabelled")
        return titles
    titles = _named(own, source, keep=list(dict.fromkeys([*keep, *names])), **extra)
    columns = {name: titles.columns[name] for name in names}
    labelled = np.array(
        [not all(map(_empty, row)) for row in zip(*columns.values(), strict=True)], np.bool_
    )
    titles = replace(titles, columns={name: titles.columns[name] for name in keep})
    if not labelled.any():
        return titles
    rows = np.flatnonzero(labelled)
    table: dict[str, Any] = {
        name: [values[row] for row in rows] for name, values in columns.items()
    }
    table[options.title] = [titles.titles[row] for row in rows]
    if options.language is not None and titles.languages is not None:
        table[options.language] = [titles.languages[row] for row in rows]
    plain = argparse.Namespace(**{**vars(options), "text": []})
    try:
        known = read_titles(plain, table, taxonomy=tree)  # type: ignore[arg-type]
    except CatalogError as error:
        raise CatalogError(f"{source}, rows with a category: {error}") from error
    targets = np.full(len(titles), -1, np.int64)
    targets[rows[known.rows]] = known.targets
    if len(known) < len(rows):  # rows that were put aside
        kept = ~labelled
        kept[rows[known.rows]] = True
        return replace(titles, targets=targets, taxonomy=known.tree).take(kept)
    return replace(titles, targets=targets, taxonomy=known.tree)


# -- assortment -------------------------------------------------------------------


def _add_assortment(commands: Any) -> None:
    own = commands.add_parser(
        "assortment", help="compare what retailers sell, category by category"
    )
    own.add_argument(
        "retailers",
        nargs="+",
        metavar="[NAME=]FILE",
        help="products of each, your own first; named after the file if not said",
    )
    own.add_argument(
        "--labelled",
        required=True,
        help="titles with categories that the model was not trained on: its mistakes are measured "
        "on them",
    )
    own.add_argument("--price", help="column with the price")
    _model(own)
    _outputs(own)
    column_options(own)
    own.set_defaults(run=_assortment)


def _assortment(options: argparse.Namespace) -> None:
    from prodcat.insight.assortment import compare_assortments

    _check_outputs(options)
    named: dict[str, str] = {}
    for own in options.retailers:
        name, found, source = own.partition("=")
        if not found or "/" in name or Path(own).exists():
            name, source = Path(own.rstrip("/")).name.partition(".")[0], own
        if not name or not source:
            raise ConfigError(f"{own!r} lacks a name or a file; expected NAME=FILE or FILE.")
        if name in named:
            raise ConfigError(
                f"Two retailers are named {name!r}: {named[name]!r} and {source!r}. Name them: "
                "NAME=FILE."
            )
        named[name] = source
    classifier = load_classifier(options, options.model)
    keep = [] if options.price is None else [options.price]
    catalogs = {
        name: _titles(options, source, taxonomy=classifier.taxonomy, keep=keep)
        for name, source in named.items()
    }
    labelled = _named(options, options.labelled, taxonomy=classifier.taxonomy)
    _write(
        options,
        compare_assortments(
            catalogs, classifier, labelled, price=options.price, precision=options.precision
        ),
    )


# -- label errors -----------------------------------------------------------------


def _add_audit(commands: Any) -> None:
    own = commands.add_parser("audit", help="find labels that are probably wrong")
    own.add_argument("catalog", help="titles with categories")
    own.add_argument("--held-out", help="also tell which of these titles are in the catalog")
    own.add_argument("--folds", type=int, default=5, help="parts that are judged by turns")
    own.add_argument(
        "--encoder", help="judge with an encoder too, which takes longer; n-grams if not given"
    )
    own.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    own.add_argument("--quiet", action="store_true", help="no progress bar")
    _outputs(own)
    column_options(own)
    own.set_defaults(run=_audit)


def _audit(options: argparse.Namespace) -> None:
    from prodcat.insight.audit import audit
    from prodcat.model.config import ModelConfig

    _check_outputs(options)
    catalog = _named(options, options.catalog)
    held_out = None
    if options.held_out:
        held_out = _named(options, options.held_out)
    _write(
        options,
        audit(
            catalog,
            held_out=held_out,
            folds=options.folds,
            model=ModelConfig(encoder=options.encoder),
            device=options.device,
            progress=not options.quiet and sys.stderr.isatty(),
        ),
    )


# -- drift ------------------------------------------------------------------------


def _add_drift(commands: Any) -> None:
    own = commands.add_parser("drift", help="tell what changed between two sets of titles")
    own.add_argument("before", help="titles of the past")
    own.add_argument("after", help="titles of today")
    own.add_argument(
        "--labelled",
        help="titles with categories that the model was not trained on: estimates its accuracy on "
        "today's titles",
    )
    own.add_argument(
        "--level", type=float, default=0.05, help="of false alarms, of all categories together"
    )
    own.add_argument("--tree-before", help="the tree of the past (.json, .jsonl or .csv)")
    own.add_argument("--tree-after", help="that of today; the two are compared by their ids")
    own.add_argument(
        "--fail", action="store_true", help="end with 1 where anything changed, for a schedule"
    )
    _model(own)
    _outputs(own)
    column_options(own)
    own.set_defaults(run=_drift)


def _drift(options: argparse.Namespace) -> None:
    from prodcat.insight.drift import find_drift
    from prodcat.taxonomy.tree import read_taxonomy

    _check_outputs(options)
    classifier = load_classifier(options, options.model)
    before, after = (
        _titles(options, own, taxonomy=classifier.taxonomy)
        for own in (options.before, options.after)
    )
    labelled = None
    if options.labelled:
        labelled = _named(options, options.labelled, taxonomy=classifier.taxonomy)
    trees = None
    if (options.tree_before is None) != (options.tree_after is None):
        raise ConfigError("Trees are compared in pairs: give --tree-before and --tree-after.")
    if options.tree_before is not None:
        old, new = (
            read_taxonomy(own, separator=options.separator, inner=options.inner)
            for own in (options.tree_before, options.tree_after)
        )
        trees = (old, new)
    found = find_drift(
        before,
        after,
        classifier,
        labelled=labelled,
        trees=trees,
        level=options.level,
        precision=options.precision,
    )
    options.facts["changed"] = list(found.kinds)
    _write(options, found)
    if options.fail and found.alarms + found.changes:
        raise SystemExit(1)


# -- review -----------------------------------------------------------------------


def _add_review(commands: Any) -> None:
    own = commands.add_parser(
        "review",
        help="choose what to label next, and label it on a local page",
        description="With a file of titles and --model, choose what to label and write it to "
        "--queue. With --serve, open the page for it. With --export, write what was decided as a "
        "catalog.",
    )
    own.add_argument("catalog", nargs="?", help="titles, of which those without category are taken")
    own.add_argument("--queue", required=True, metavar="FILE.jsonl", help="what to label")
    own.add_argument("--budget", type=int, default=200, help="titles to choose")
    own.add_argument("--per-node", type=int, help="at most so many of one answered category")
    own.add_argument("--value", help="column that says what a title is worth, such as its sales")
    own.add_argument("--known", help="labelled titles to show beside those that are like them")
    own.add_argument("--keep", nargs="*", default=[], help="further columns to show and keep")
    own.add_argument("--serve", action="store_true", help="open the page")
    own.add_argument("--port", type=int, default=8008, help="of the page")
    own.add_argument(
        "--decisions", metavar="FILE.jsonl", help="where they go; beside the queue if not given"
    )
    own.add_argument("--export", metavar="FILE.jsonl", help="write what was decided as a catalog")
    _model(own)
    column_options(own)
    own.set_defaults(run=_review)


def _review(options: argparse.Namespace) -> None:
    from prodcat.insight.decisions import Decisions
    from prodcat.insight.files import folder_and_name, json_lines
    from prodcat.insight.queue import read_queue, review_queue, save_queue
    from prodcat.storage.objects import Objects

    if options.catalog is None and not options.serve and options.export is None:
        raise ConfigError(
            "There is nothing to do; expected a file of titles to choose from, --serve or --export."
        )
    if not options.queue.endswith(".jsonl"):
        raise ConfigError(f"--queue {options.queue!r} does not end with .jsonl.")
    if options.export is not None and not options.export.endswith(".jsonl"):
        raise ConfigError(f"--export {options.export!r} does not end with .jsonl.")
    if "://" in options.queue and options.decisions is None:
        raise ConfigError(
            "The queue is at a URI, and decisions are written to this machine's disk: say where, "
            "with --decisions FILE.jsonl."
        )
    if options.serve:
        try:
            from prodcat.insight.review import serve_review
        except ImportError as error:
            raise ConfigError(
                "The page needs starlette and uvicorn, which are not installed; install them with "
                "pip install 'prodcat[serve]'."
            ) from error
    place = Path(options.decisions or options.queue.removesuffix(".jsonl") + ".decisions.jsonl")
    classifier = load_classifier(options, options.model)
    if options.catalog is not None:
        if place.exists():
            raise ConfigError(
                f"{str(place)!r} holds decisions on a queue; a new one in its place would lose "
                "what they mean. To go on with it leave out the file of titles; for a new queue "
                "name another --queue."
            )
        keep = list(dict.fromkeys([*options.keep, *([options.value] if options.value else [])]))
        catalog = _titles(options, options.catalog, taxonomy=classifier.taxonomy, keep=keep)
        known = None if options.known is None else _named(options, options.known)
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
        print(f"{len(items):,} titles to label, written to {options.queue}")
    items = read_queue(options.queue)
    if options.serve:
        serve_review(items, classifier.taxonomy, place, options.port)
    if options.export is not None:
        with Decisions(place, items, classifier.taxonomy, write=False) as decisions:
            labels, standing = decisions.labels(), decisions.standing
        folder, name = folder_and_name(options.export)
        Objects(folder).write(name, json_lines(labels))
        print(
            f"{len(labels):,} labelled titles written to {options.export}; "
            f"{len(standing) - len(labels):,} skipped, {len(items) - len(standing):,} open"
        )
