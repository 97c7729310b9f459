"""The columns of all files of an input, which every part of the output has.

They are read before the first part is scored, in the same way in every process: from the footers of
Parquet files, the headers of CSV files and all lines of JSONL files.  So files may differ, and what
cannot be read is refused before any row is answered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from prodcat.classifier.results import to_table
from prodcat.classifier.text_values import json_values, plain_json, text_of
from prodcat.classifier.widening import (
    holds_all,
    joint_type,
    type_of,
    widened,
    without_inner_views,
)
from prodcat.errors import CatalogError, no_column
from prodcat.scoring.parts import is_empty, opened_parquet
from prodcat.scoring.scorer import row_count
from prodcat.storage.column_names import no_twins
from prodcat.storage.folder_columns import folder_columns
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.table_files import Files, table_format
from prodcat.storage.tables import Columns, iter_tables

_AT_ONCE = 16  # files
_ROWS = 8_192


@dataclass(frozen=True)
class _FileColumn:
    """A column in one file.

    Attributes:
        types: The Arrow types of its pieces; None for a piece that only text can hold.
        metadata: The metadata of the column in a Parquet file, or None.
    """

    types: frozenset[Any]
    metadata: Mapping[bytes, bytes] | None = None


@dataclass(frozen=True)
class InputColumns:
    """The columns of an input.

    Attributes:
        files: The URIs of the files.
        folders: For each file, the columns that its folders give; see
            :func:`prodcat.storage.folder_columns.folder_columns`.
        schema: All columns with the Arrow types to which those of all files are widened: the
            columns of the files, in the order in which they first appear, then those of folders.
    """

    files: Sequence[str]
    folders: Sequence[Mapping[str, Any]]
    schema: Any

    @classmethod
    def of(
        cls,
        source: str | Files,
        files: Sequence[str],
        needed: Sequence[str],
        reading: ReadOptions = DEFAULTS,
    ) -> "InputColumns":
        """Read the columns of an input.

        Args:
            source: The URI of the input: a file, a folder or a glob; or several of them.
            files: The URIs of its files.
            needed: The columns that every file with rows must have.
            reading: How text files and workbooks are read.

        Raises:
            CatalogError: A file cannot be read or lacks a needed column, or a column of a file
                contradicts the name of its folder.
            StoreError: The store cannot be reached.
        """
        import pyarrow as pa

        folders = folder_columns(source, files)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            columns = list(pool.map(partial(_file_columns, reading=reading), files))
        for file, present, values in zip(files, columns, folders, strict=True):
            _check_needed(file, present, values, needed)
            for name, value in values.items():
                if name in present:
                    _check_folder(file, name, value, reading)
                else:
                    present[name] = _FileColumn(frozenset([type_of([value])]))
        of_folders = {name: None for values in folders for name in values}
        names = {name: None for present in columns for name in present if name not in of_folders}
        fields = [_joint_field(name, files, columns, reading) for name in (*names, *of_folders)]
        if not all(name in (*names, *of_folders) for name in needed):
            raise CatalogError(
                f"The files at {source!r} are empty; expected at least one with the columns "
                f"{list(needed)}."
            )
        return cls(files, folders, pa.schema(fields))

    @property
    def names(self) -> list[str]:
        """The names of all columns: those of the files in order of appearance, then of folders."""
        return list(self.schema.names)

    def given(self, file: int, columns: Any) -> dict[str, Any]:
        """The columns of a part with those of its folders, by name.

        Args:
            file: The position of the part's file.
            columns: The rows: lists by column name, or an Arrow table.
        """
        rows = row_count(columns)
        names = columns if isinstance(columns, dict) else columns.schema.names
        folders = {name: [value] * rows for name, value in self.folders[file].items()}
        return {**folders, **{name: columns[name] for name in names}}

    def table(self, given: Mapping[str, Any]) -> Any:
        """The rows of a part as an Arrow table with all columns and their widened types.

        Args:
            given: The columns of the part, from :meth:`given`.
        """
        return to_table(given, self.schema)

    def all_columns(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All columns of a part by name, not widened.

        Args:
            given: The columns of the part, from :meth:`given`.

        Returns:
            Arrow arrays, or lists of values that JSON can represent.
        """
        missing = [None] * row_count(given)
        columns = {name: given.get(name, missing) for name in self.names}
        return {
            name: list(map(plain_json, column)) if isinstance(column, list) else column
            for name, column in columns.items()
        }


def _listed(column: Any) -> list[Any]:
    return list(map(plain_json, column)) if isinstance(column, list) else json_values(column)


def _file_columns(uri: str, reading: ReadOptions) -> dict[str, _FileColumn]:
    """The columns of a file, by name; none for an empty text file."""
    import pyarrow as pa

    kind = table_format(uri)
    if kind == "parquet":
        with opened_parquet(uri) as tables:
            no_twins(tables.schema.names, repr(uri))
            return {
                field.name: _FileColumn(frozenset([field.type]), field.metadata)
                for field in tables.schema
            }
    if kind == "csv":
        piece: Iterable[str] = () if is_empty(uri) else next(_tables(uri, 1, reading))
        return {name: _FileColumn(frozenset([pa.string()])) for name in piece}
    types: dict[str, set[Any]] = {}
    for columns in _tables(uri, _ROWS, reading):
        for name, values in columns.items():
            types.setdefault(name, set()).add(type_of(values))
    return {name: _FileColumn(frozenset(each)) for name, each in types.items()}


def _tables(uri: str, rows: int, reading: ReadOptions) -> Iterator[Columns]:
    """The rows of a text file or a workbook; those that are wrong are reported with their part."""
    return iter_tables(uri, rows, options=reading, report=lambda row, reason: None)


def _check_needed(
    file: str, present: Mapping[str, Any], values: Mapping[str, Any], needed: Sequence[str]
) -> None:
    missing = [name for name in needed if name not in present and name not in values]
    if missing and present:
        raise CatalogError(
            f"{no_column(repr(file), missing[0], present)} All files of the input must "
            "have the columns that are read: name these with title= and text=."
        )


def _check_folder(file: str, name: str, value: Any, reading: ReadOptions) -> None:
    """Refuse a column of a file whose values are not those of the file's folder."""
    expected = text_of(value)
    row = 0
    for values in _column(file, name, reading):
        for text in map(text_of, _listed(values)):
            row += 1
            if text != expected:
                raise CatalogError(
                    f"{file!r}, row {row:,}: the column {name!r} is {str(text)[:80]!r}, but the "
                    f"file's folder says {str(expected)[:80]!r}. Move the file, or rename the "
                    "column."
                )


def _column(uri: str, name: str, reading: ReadOptions) -> Iterator[Any]:
    """The values of one column of a file, in pieces: Arrow arrays, or lists."""
    if table_format(uri) == "parquet":
        with opened_parquet(uri) as tables:
            yield from tables.column(name, _ROWS)
    elif not is_empty(uri):
        for columns in _tables(uri, _ROWS, reading):
            yield columns.get(name, [])


def _joint_field(
    name: str,
    files: Sequence[str],
    columns: Sequence[Mapping[str, Any]],
    reading: ReadOptions,
) -> Any:
    """A column of all files as a field of Arrow, whose type holds the values of each file."""
    import pyarrow as pa

    present = {file: each[name] for file, each in zip(files, columns, strict=True) if name in each}
    types = {kind for column in present.values() for kind in column.types}
    if len(types) == 1 and None not in types:
        [kind] = types
        first = next(iter(present.values()))
        if pa.types.is_null(kind) and table_format(next(iter(present))) != "parquet":
            kind = pa.string()
        return pa.field(name, without_inner_views(kind), metadata=first.metadata)
    ordered = list(dict.fromkeys(kind for file in present for kind in _sorted(present[file].types)))
    joint = None if None in types else joint_type(ordered)
    if joint is not None:
        uncertain = [
            file
            for file, column in present.items()
            if not all(holds_all(kind, joint) for kind in column.types)
        ]
        joint = joint if all(_fits(file, name, joint, reading) for file in uncertain) else None
    return pa.field(name, pa.string() if joint is None else without_inner_views(joint))


def _sorted(types: Iterable[Any]) -> list[Any]:
    return sorted(types, key=str)


def _fits(file: str, name: str, kind: Any, reading: ReadOptions) -> bool:
    """Whether a type holds all values of a column of a file."""
    import pyarrow as pa

    try:
        for values in _column(file, name, reading):
            widened(values, kind)
    except (pa.ArrowException, OverflowError):
        return False
    return True
