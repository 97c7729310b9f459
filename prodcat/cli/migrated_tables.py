"""Migrates the labels of a table in files: all other columns and all rows stay as they are."""

import argparse
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prodcat.cli.input import read_options
from prodcat.cli.output import STDOUT, note, say, show, write_file
from prodcat.errors import CatalogError, ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.label_columns import LabelColumns
    from prodcat.catalog.label_guesses import Guess
    from prodcat.catalog.migrating import Fallback, OldLabels
    from prodcat.catalog.relabelling import Relabelling
    from prodcat.catalog.undecided import Choices, LabelMigration
    from prodcat.classifier.classifier import Classifier
    from prodcat.scoring.input_columns import InputColumns
    from prodcat.scoring.parts import Part
    from prodcat.storage.table_files import Files

_ROWS = 65_536  # in a part
_SHOWN = 3  # faulty rows in a message


@dataclass(frozen=True)
class WholeTable:
    """All rows of a table.

    Attributes:
        source: The name of the table, for messages.
        columns: Its columns with their types.
        parts: The rows, one part after the other.
        given: The columns of each part by name: lists or Arrow arrays.
    """

    source: "str | Files"
    columns: "InputColumns"
    parts: "Sequence[Part]"
    given: Sequence[Mapping[str, Any]]

    def values(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """The values of some columns by name; None where a row lacks the column."""
        from prodcat.classifier.results import raw_column

        return {
            name: [value for given in self.given for value in raw_column(given, name)]
            for name in names
        }

    def with_columns(self, columns: Mapping[str, Sequence[Any]]) -> "WholeTable":
        """The same table with other values, [rows], of some columns."""
        from prodcat.scoring.scorer import row_count

        given, first = [], 0
        for each in self.given:
            last = first + row_count(dict(each))
            changed = {name: list(values[first:last]) for name, values in columns.items()}
            given.append({**each, **changed})
            first = last
        return replace(self, given=given)

    @property
    def unreadable(self) -> dict[int, str]:
        """What is wrong with rows that cannot be read, by their number, from 0."""
        from prodcat.scoring.scorer import row_count

        problems: dict[int, str] = {}
        first = 0
        for part, given in zip(self.parts, self.given, strict=True):
            problems |= {first + row: reason for row, reason in part.unreadable.items()}
            first += row_count(dict(given))
        return problems


@dataclass(frozen=True)
class TableRequest:
    """How the labels of a table are to be migrated.

    Attributes:
        names: The columns with the titles and labels.
        relabelling: What each label becomes.
        fallback: The label where a person must choose.
        chosen: What a person chose, or None.
        guesser: A classifier of the new tree, or None.
        accepts: Whether rows with a faulty label are migrated without one, and listed.
    """

    names: "LabelColumns"
    relabelling: "Relabelling"
    fallback: "Fallback" = "ancestor"
    chosen: "Choices | None" = None
    guesser: "Classifier | None" = None
    accepts: bool = False


def read_whole(
    options: argparse.Namespace, source: "str | Files", needed: Sequence[str]
) -> WholeTable:
    """Read all rows of a table.

    Args:
        options: The parsed options, which include those of
            :func:`~prodcat.cli.input.file_options`.
        source: A file, a folder or a glob, or several of them.
        needed: The columns that it must have.

    Raises:
        CatalogError: It cannot be read, lacks a column, or has rows with too many or few fields.
    """
    from prodcat.scoring.input_columns import InputColumns
    from prodcat.scoring.parts import list_files, read_parts

    reading = read_options(options, *needed)
    files = list_files(source)
    columns = InputColumns.of(source, files, needed, reading)
    parts = list(read_parts(files, lambda file, number: True, _ROWS, reading))
    table = WholeTable(source, columns, parts, [columns.given(p.file, p.table) for p in parts])
    unreadable = table.unreadable
    if unreadable:
        shown = "; ".join(list(unreadable.values())[:_SHOWN])
        raise CatalogError(
            f"{len(unreadable):,} rows cannot be read, so that they cannot be written again: "
            f"{shown}"
        )
    return table


def migrate_table(
    table: WholeTable, request: TableRequest
) -> "tuple[dict[str, list[Any]], LabelMigration]":
    """Find the labels of the new tree for all rows of a table.

    Args:
        table: The table.
        request: How its labels are to be migrated.

    Returns:
        The new values of the columns with labels, by name, and the labels that a person must
        choose.

    Raises:
        CatalogError: Rows have a faulty label and are not accepted, or a choice is wrong.
    """
    import numpy as np

    from prodcat.catalog.label_columns import NewLabels, read_labels, written_labels
    from prodcat.catalog.migrating import migrate_labels

    names, relabelling = request.names, request.relabelling
    columns = table.values(names.requested.names())
    read = read_labels(columns, names, relabelling.old)
    _tell_problems(table, read.problems.by_row(), request)
    labels = read.labels
    guess = None if request.guesser is None else _guess(table, request, labels)
    nodes, report = migrate_labels(
        labels, relabelling, fallback=request.fallback, chosen=request.chosen, guess=guess
    )
    rows = len(columns[names.title])
    before, after = np.full(rows, -1, np.int64), np.full(rows, -1, np.int64)
    has_label = np.zeros(rows, np.bool_)
    before[labels.rows], after[labels.rows], has_label[labels.rows] = labels.nodes, nodes, True
    new_labels = NewLabels(relabelling.old, relabelling.new, before, after, has_label)
    return written_labels(columns, names, new_labels), report


def _tell_problems(table: WholeTable, problems: Sequence[Any], request: TableRequest) -> None:
    """Refuse rows with faulty labels, or tell which they are if they are accepted.

    Raises:
        CatalogError: There are some, and they are not accepted.
    """
    from prodcat.catalog.report import NO_CATEGORY, CatalogReport

    faulty = tuple(problem for problem in problems if problem.reason != NO_CATEGORY)
    if not faulty:
        return
    report = CatalogReport(0, faulty, "accept")
    text = "\n".join(report.problems_text().split("\n")[1:])
    if not request.accepts:
        new = request.relabelling.new
        known = sum(1 for problem in faulty if _is_in(new, problem.record, request.names))
        hint = (
            " Most are in the new tree: is the table migrated already?"
            if (2 * known > report.wrong_rows)
            else ""
        )
        raise CatalogError(
            f"{report.wrong_rows:,} rows of {table.source!r} have a label that is not in the old "
            f"tree, or cannot be read:\n{text}\nCorrect them, or add --on-error accept to leave "
            f"them without a label and to list them.{hint}"
        )
    say(f"{report.wrong_rows:,} rows have a faulty label, and are left without one:\n{text}")


def _is_in(new: Any, record: Mapping[str, Any], names: "LabelColumns") -> bool:
    """Whether the path of a row is in the new tree."""
    from prodcat.errors import TaxonomyError
    from prodcat.taxonomy.cells import cell_path, cell_text

    try:
        if isinstance(names.path, str):
            return new.get(cell_path(record[names.path], names.separator)) is not None
        return new.get([cell_text(record[name]) for name in names.path or ()]) is not None
    except TaxonomyError:
        return False


def _guess(
    table: WholeTable, request: TableRequest, labels: "OldLabels"
) -> "Callable[[Sequence[int], Sequence[Sequence[int]]], list[Guess]]":
    """What the classifier takes for the likeliest choice for the titles of a table."""
    from prodcat.catalog.label_guesses import guesses
    from prodcat.catalog.reading import read_catalog

    classifier = request.guesser
    assert classifier is not None

    def guess(positions: Sequence[int], choices: Sequence[Sequence[int]]) -> "list[Guess]":
        title = request.names.title
        texts = [n for n in classifier.text_columns if n in table.columns.names and n != title]
        columns = table.values([title, *texts])
        rows = labels.rows[list(positions)].tolist()
        chosen = {name: [values[row] for row in rows] for name, values in columns.items()}
        titles = read_catalog(chosen, title=title, path=None, text=texts, on_error="accept")
        return guesses(classifier, titles, range(len(rows)), choices)

    return guess


def write_table(table: WholeTable, written: Mapping[str, list[Any]], output: str) -> None:
    """Write the table with new values of some columns, in the format of the output's extension.

    Args:
        table: The table.
        written: The new values of columns, [rows], by name; further ones are put after the others
            of these.
        output: The file, at any fsspec URI; ``-`` for the standard output.

    Raises:
        ConfigError: The rows do not fit into a sheet of Excel.
        StoreError: The file cannot be written.
    """
    from prodcat.classifier.results import encode
    from prodcat.classifier.text_values import plain_json
    from prodcat.scoring.scorer import row_count

    kind: Any = "csv" if output == STDOUT else table_kind(output)
    names = _ordered(table.columns.names, list(written))
    if kind in ("parquet", "xlsx"):
        write_file(output, _table_bytes(table, written, names, kind))
        return
    pieces, first = [], 0
    for number, given in enumerate(table.given):
        last = first + row_count(dict(given))
        columns = table.columns.all_columns(given)
        columns |= {
            name: [plain_json(value) for value in values[first:last]]
            for name, values in written.items()
        }
        ordered = {name: columns[name] for name in names}
        pieces.append(encode(ordered, kind, header=number == 0))
        first = last
    content = b"".join(pieces)
    if output.lower().endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    write_file(output, content)


def table_kind(output: str) -> Any:
    """The format of an output file.

    Raises:
        ConfigError: It has no name of a file in a format that is written.
    """
    from prodcat.scoring.single_file import file_kind

    kind = file_kind(output)
    if kind is None:
        raise ConfigError(
            f"--output is {output!r}, which is no name of a table; expected one that ends with "
            ".csv, .tsv, .jsonl, .parquet or .xlsx."
        )
    return kind


def _ordered(names: Sequence[str], written: Sequence[str]) -> list[str]:
    """The names of all columns, with further ones behind the last that is written."""
    ordered = list(names)
    further = [name for name in written if name not in ordered]
    places = [ordered.index(name) for name in written if name in ordered]
    last = max(places, default=len(ordered) - 1) + 1
    return [*ordered[:last], *further, *ordered[last:]]


def _table_bytes(
    table: WholeTable, written: Mapping[str, list[Any]], names: Sequence[str], kind: str
) -> bytes:
    """The table as a file of Parquet or Excel."""
    import pyarrow as pa

    from prodcat.scoring.sheets import sheet_cells
    from prodcat.storage.spreadsheets import sheet_bytes
    from prodcat.storage.tables import parquet_bytes

    whole = pa.concat_tables([table.columns.table(given) for given in table.given])
    fields, columns = [], []
    for name in names:
        field = whole.schema.field(name) if name in whole.schema.names else None
        column = whole.column(name) if name in whole.schema.names else None
        if name in written:
            column = _label_column(written[name], None if field is None else field.type)
            field = pa.field(name, column.type)
        fields.append(field)
        columns.append(column)
    whole = pa.table(columns, schema=pa.schema(fields, metadata=whole.schema.metadata))
    if kind == "xlsx":
        return sheet_bytes(sheet_cells(whole, repr(table.source), 0))
    return parquet_bytes(whole)


def _label_column(values: list[Any], kind: Any) -> Any:
    """The values as an Arrow array of the type that the column had, if it holds them."""
    import pyarrow as pa

    from prodcat.classifier.text_values import text_of
    from prodcat.classifier.widening import type_of

    for each in (kind, type_of(values)):
        if each is not None and not pa.types.is_null(each):
            try:
                return pa.array(values, each)
            except (pa.ArrowException, OverflowError, TypeError, ValueError):
                continue
    return pa.array([None if value is None else text_of(value) for value in values], pa.string())


def finish_labels(options: argparse.Namespace, report: "LabelMigration", write: Any) -> None:
    """Write a migrated table and the list of what a person must choose, and print a summary.

    Args:
        options: The parsed options.
        report: What became of the labels.
        write: Writes the table.

    Raises:
        ConfigError: A person must choose, and there is no file for the list.
    """
    if report.undecided and options.undecided is None:
        show(report)
        raise ConfigError(
            f"A person must choose the categories of {len(report.undecided):,} titles. Nothing was "
            "written: name a file for their list with --undecided."
        )
    write()
    options.facts["undecided"] = len(report.undecided)
    show(report)
    if options.output != STDOUT:
        note(f"written to {options.output}")
    if report.undecided:
        report.save(options.undecided)
        note(f"to be chosen by a person: {options.undecided}")
