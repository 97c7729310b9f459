"""Migrates what people and audits said of labels: review queues with decisions, and audits."""

import argparse
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prodcat.cli.migrated_models import MigratedModel
from prodcat.cli.migrated_tables import (
    TableRequest,
    WholeTable,
    finish_labels,
    migrate_table,
    read_whole,
    write_table,
)
from prodcat.cli.output import STDOUT, note, show
from prodcat.errors import CatalogError, ConfigError, no_column
from prodcat.text_encoding import for_spreadsheet

if TYPE_CHECKING:
    from prodcat.catalog.undecided import LabelMigration
    from prodcat.insight.migration import MigratedReview
    from prodcat.insight.queue import QueueItem
    from prodcat.taxonomy.changes.changes import TreeChanges
    from prodcat.taxonomy.tree import Taxonomy

_ENDING = ".jsonl"
_LABEL, _SUGGESTION, _LEVEL = "label", "suggestion", "level"


def decisions_of(queue: str) -> Path:
    """The file of the decisions about a queue, if no other is named."""
    return Path(queue.removesuffix(_ENDING) + f".decisions{_ENDING}")


def check_review(options: argparse.Namespace) -> None:
    """Refuse files of a review that cannot be migrated, before anything is read.

    Raises:
        ConfigError: A name has another ending, or there are decisions beside the output.
    """
    for option, uri in (("--queue", options.queue), ("--output", options.output)):
        if not uri.endswith(_ENDING):
            raise ConfigError(f"{option} is {uri!r}; expected a name ending with {_ENDING}.")
    if "://" in options.output:
        raise ConfigError(
            f"--output is {options.output!r}, but decisions are written to the disk of this "
            "machine; expected a file there."
        )
    if "://" in options.queue and options.decisions is None:
        raise ConfigError(
            "--queue is a URI, and decisions are on the disk of this machine. Name their file with "
            "--decisions FILE.jsonl."
        )
    if options.decisions is not None and not Path(options.decisions).is_file():
        raise ConfigError(f"--decisions is {options.decisions!r}, but there is no such file.")
    place = decisions_of(options.output)
    if place.exists() and place.stat().st_size:
        raise ConfigError(
            f"{str(place)!r} holds decisions already, which would be mixed with the migrated ones. "
            "Name another --output."
        )


def migrate_review(
    options: argparse.Namespace, changes: "TreeChanges", model: MigratedModel | None
) -> None:
    """Migrate a review queue and the decisions about it.

    Raises:
        CatalogError: The queue or the decisions cannot be read, or are of another tree.
        ConfigError: Another process is adding decisions.
        StoreError: A file cannot be written.
    """
    from prodcat.insight import migration
    from prodcat.insight.decisions import Decisions
    from prodcat.insight.queue import read_queue, save_queue

    items = read_queue(options.queue)
    of_queue = changes if model is None or model.report is None else model.changes
    place = Path(options.decisions) if options.decisions else decisions_of(options.queue)
    history = []
    tree = _tree_of(items, of_queue, options)
    if place.exists():
        with Decisions(place, items, tree) as decisions:  # so that nobody adds any meanwhile
            history = decisions.history
    classifier = None if model is None else model.after
    migrated = migration.migrate_review(items, history, of_queue, classifier)
    save_queue(migrated.items, options.output)
    _take_all(migrated, decisions_of(options.output), of_queue)
    options.facts["undecided"] = len(migrated.labels.undecided)
    show(_review_text(migrated, options.output))


def _tree_of(
    items: "list[QueueItem]", changes: "TreeChanges", options: argparse.Namespace
) -> "Taxonomy":
    """The old tree, if it has the ids of the answers of a queue.

    Raises:
        CatalogError: It has not.
    """
    ids = set(changes.old.ids)
    unknown = [answer["id"] for item in items for answer in item.answers if answer["id"] not in ids]
    if unknown:
        remedy = (
            "Give the classifier that the queue was made with as --model"
            if options.model is None
            else "Give the trees and the classifier that the queue was made with"
        )
        raise CatalogError(
            f"{options.queue!r} has {len(unknown):,} answers that are not in the old tree, such as "
            f"the id {unknown[0]!r}. {remedy}."
        )
    return cast("Taxonomy", changes.old)


def _take_all(migrated: "MigratedReview", place: Path, changes: "TreeChanges") -> None:
    """Write the decisions beside the migrated queue."""
    from prodcat.insight.decisions import Decisions

    if not migrated.decisions:
        return
    with Decisions(place, migrated.items, changes.new) as decisions:  # type: ignore[arg-type]
        for event in migrated.decisions:
            decisions.take(event)


def _review_text(migrated: "MigratedReview", output: str) -> str:
    """What became of a queue, for people."""
    again = len(migrated.labels.undecided)
    lines = [
        f"{len(migrated.items):,} titles, {len(migrated.decisions):,} decided; written to {output}"
    ]
    if again:
        lines.append(
            f"{again:,} decided titles are open again, as their category was split or dropped:"
        )
        lines += [f"  {label.title!r}: {label.reason}" for label in migrated.labels.undecided[:10]]
        lines += [f"  and {again - 10:,} more"] if again > 10 else []
    return "\n".join(lines)


def migrate_audit(options: argparse.Namespace, changes: "TreeChanges") -> "LabelMigration":
    """Migrate the labels and the suggestions of a table that ``prodcat audit`` wrote.

    The column ``level`` says at which level the new label and the new suggestion differ, 0 if they
    are the same category now.

    Returns:
        What became of the labels.

    Raises:
        CatalogError: The table lacks a column, or has labels that are not in the old tree.
    """
    from prodcat.catalog.label_columns import LabelColumns
    from prodcat.catalog.relabelling import Relabelling
    from prodcat.catalog.undecided import Choices

    table, names = _read_audit(options)
    relabelling = Relabelling(changes)
    chosen = None if options.decided is None else Choices.read(options.decided, relabelling.new)
    request = TableRequest(
        LabelColumns(names[options.title], names[_LABEL]),
        relabelling,
        options.fallback,
        chosen,
        accepts=options.on_error == "accept",
    )
    written, report = migrate_table(table, request)
    suggested = LabelColumns(names[options.title], names[_SUGGESTION])
    suggestions, unsure = migrate_table(
        table, TableRequest(suggested, relabelling, options.fallback, accepts=True)
    )
    written |= suggestions
    levels = zip(written[names[_LABEL]], written[names[_SUGGESTION]], strict=True)
    before = table.values([names[_LEVEL]])[names[_LEVEL]]
    written[names[_LEVEL]] = [
        type(old)(_first_difference(label, suggestion)) if old is not None else None
        for old, (label, suggestion) in zip(before, levels, strict=True)
    ]
    if _is_csv(options.output) or options.output == STDOUT:
        present = table.columns.names
        cells = {name: written.get(name, values) for name, values in table.values(present).items()}
        written = {name: list(map(_sheet_cell, values)) for name, values in cells.items()}
    if unsure.undecided:
        note(
            f"{len(unsure.undecided):,} suggestions are of categories that were split or dropped: "
            "they are the deepest category that is certain now, or empty"
        )
    finish_labels(options, report, lambda: write_table(table, written, options.output))
    return report


def _read_audit(options: argparse.Namespace) -> tuple[WholeTable, dict[str, str]]:
    """Read a table that ``prodcat audit`` wrote.

    Returns:
        The table, and the names of its columns with titles, labels, suggestions and levels.

    Raises:
        CatalogError: It cannot be read, or lacks a column.
    """
    from prodcat.storage.row_tables import plain_cell

    table = read_whole(options, options.audit, [])
    present = table.columns.names
    names = {}
    for name in (options.title, _LABEL, _SUGGESTION, _LEVEL):
        names[name] = f"prodcat_{name}" if f"prodcat_{name}" in present else name
        if names[name] not in present:
            raise CatalogError(
                f"{no_column(repr(options.audit), name, present)} Expected a table that prodcat "
                "audit wrote."
            )
    if _is_csv(options.audit):  # in which texts like formulas have an apostrophe before them
        cells = table.values([names[options.title], names[_LABEL], names[_SUGGESTION]])
        table = table.with_columns(
            {name: list(map(plain_cell, values)) for name, values in cells.items()}
        )
    return table, names


def _is_csv(uri: str) -> bool:
    return uri.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _sheet_cell(value: object) -> object:
    """A cell of a CSV in which a spreadsheet finds no formula, as in the CSV of an audit."""
    from prodcat.storage.row_tables import plain_cell

    return for_spreadsheet(plain_cell(value)) if isinstance(value, str) else value


def _first_difference(label: str | None, suggestion: str | None) -> int:
    """The first level at which a suggestion differs from a label, from 1; 0 for none."""
    from prodcat.taxonomy.paths import split_path

    paths = (split_path(text or "") for text in (label, suggestion))
    levels = zip_longest(*paths)
    return next(
        (n for n, (one, other) in enumerate(levels, 1) if one is not None and one != other), 0
    )
