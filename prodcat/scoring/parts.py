"""Divide the input files into parts, in the same way in every process.

A part has several thousand rows: row groups of a Parquet file, or rows of a text file.  That is
enough titles of every length for batches with hardly any padding, and few enough that little work
is lost when a machine stops.  Where a part begins and ends depends on the files and on
``part_rows`` only, so processes need not communicate.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage.column_names import no_twins
from prodcat.storage.faults import store_faults
from prodcat.storage.parquet_tables import ParquetTables
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.table_files import (
    Files,
    check_once,
    expand,
    named_files,
    table_format,
    uris_of,
    visible_files,
)
from prodcat.storage.tables import Columns, iter_tables


@dataclass(frozen=True)
class Part:
    """A part of one input file: some of its rows.

    Attributes:
        file: The position of the file in the list of input files, from 0.
        number: The number of the part in its file, from 0.
        first: The number of the part's first row in the file, from 0.
        last: Whether this is the last part of its file.
        span: Approximately where the part begins and ends in its file, as two fractions from 0
            to 1.
        table: The rows: an Arrow table with the file's types (Parquet), or lists by column name
            (text files).
        unreadable: What is wrong with rows that could not be read, by their number in the part.
    """

    file: int
    number: int
    first: int
    last: bool
    span: tuple[float, float]
    table: Any
    unreadable: Mapping[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the part, such as ``"part-00000-00012"``; the same in every process."""
        return part_name(self.file, self.number)

    @property
    def is_first(self) -> bool:
        """Whether it is the first part of the first file."""
        return (self.file, self.number) == (0, 0)


def part_name(file: int, number: int) -> str:
    """The name of a part.

    Args:
        file: The position of the part's file in the list of input files, from 0.
        number: The number of the part in its file, from 0.

    >>> part_name(0, 12)
    'part-00000-00012'
    """
    return f"part-{file:05d}-{number:05d}"


def part_place(name: str) -> tuple[int, int] | None:
    """The inverse of :func:`part_name`.

    Args:
        name: The name of a part, without the ending of its file.

    Returns:
        The position of the part's file in the list of input files and the number of the part in
        that file, both from 0; None if this is not the name of a part.

    >>> part_place("part-00000-00012"), part_place("summary")
    ((0, 12), None)
    """
    match = re.fullmatch(r"part-([0-9]+)-([0-9]+)", name)
    return (int(match[1]), int(match[2])) if match else None


def is_named_like_part(file: str) -> bool:
    """Whether programs that read an output folder would read a file as one of its parts.

    Such programs also read subfolders, except those whose names begin with ``_`` or ``.``.

    Args:
        file: The name of the file, relative to the output folder.
    """
    *folders, last = file.split("/")
    is_hidden = any(folder.startswith(("_", ".")) for folder in folders)
    return not is_hidden and part_place(last.split(".")[0]) is not None


def list_files(source: str | Files) -> list[str]:
    """The URIs of the files of an input, in the order of their names.

    Args:
        source: The URI of a file or of a folder, or a glob; or several of them, in order.  In a
            folder, files and subfolders whose names begin with ``_`` or ``.`` are ignored.

    Raises:
        CatalogError: There are no files, one has an unknown format, or one is named twice.
        StoreError: The store cannot be reached.
    """
    return check_once([file for uri in uris_of(source) for file in _list_place(uri)])


def _list_place(uri: str) -> list[str]:
    """The URIs of the files of one file, folder or glob."""
    filesystem, path = located(uri)
    with store_faults(uri):
        if filesystem.isdir(path):
            paths = visible_files(filesystem, path)
            if not paths:
                raise CatalogError(f"The folder {uri!r} has no files; expected files with titles.")
            files = named_files(uri, filesystem, paths)
        else:
            files = expand(uri)
    for file in files:
        table_format(file)
    return files


def located(uri: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URI, and the path of the URI in that filesystem.

    Raises:
        CatalogError: No installed filesystem supports the URI.
    """
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
    except (ValueError, ImportError) as error:
        raise CatalogError(f"Cannot read {uri!r}: {error}. Check the address.") from error
    return filesystem, path


def read_parts(
    files: list[str],
    is_due: Callable[[int, int], bool],
    rows: int,
    reading: ReadOptions = DEFAULTS,
) -> Iterator[Part]:
    """Read the requested parts of all files, one after another in order.

    Args:
        files: The URIs of the files, as :func:`list_files` returns them.
        is_due: Returns whether to read a part; gets the position of its file and its number in
            that file, both from 0.
        rows: The approximate number of rows in a part.  Parquet row groups with at least twice as
            many rows are divided.
        reading: How text files and workbooks are read.

    Yields:
        The parts for which ``is_due`` returns true.

    Raises:
        CatalogError: A file cannot be read.
        StoreError: The store cannot be reached.
    """
    for place, file in enumerate(files):
        if table_format(file) == "parquet":
            yield from _parquet_parts(place, file, is_due, rows)
        else:
            yield from _text_parts(place, file, is_due, rows, reading)


@dataclass(frozen=True)
class _Cut:
    """Several row groups that form one part, or one large row group that is divided into parts.

    Attributes:
        groups: The numbers of the row groups.
        sizes: The number of rows in each part.
    """

    groups: list[int]
    sizes: list[int]


def _parquet_parts(
    place: int, uri: str, is_due: Callable[[int, int], bool], rows: int
) -> Iterator[Part]:
    with opened_parquet(uri) as tables:
        no_twins(tables.schema.names, repr(uri))
        metadata = tables.metadata
        cuts = [
            _Cut(cut.groups, tables.sizes(cut.groups, cut.sizes))
            for cut in _cut(
                [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)], rows
            )
        ]
        count = sum(len(cut.sizes) for cut in cuts)
        whole = max(metadata.num_rows, 1)
        first = number = 0
        for cut in cuts:
            due = [is_due(place, number + piece) for piece in range(len(cut.sizes))]
            pieces = tables.pieces(cut.groups, cut.sizes, due) if any(due) else iter(())
            for size, is_part_due in zip(cut.sizes, due, strict=True):
                table = next(pieces, None)
                if is_part_due:
                    span = (first / whole, (first + size) / whole)
                    yield Part(place, number, first, number == count - 1, span, table)
                first, number = first + size, number + 1


@contextlib.contextmanager
def opened_parquet(uri: str) -> Iterator[ParquetTables]:
    """The tables of a Parquet file, for a ``with`` block.

    Raises:
        CatalogError: The file cannot be read.
        StoreError: The store cannot be reached.
    """
    import pyarrow as pa

    filesystem, path = located(uri)
    try:
        with store_faults(uri), filesystem.open(path, "rb") as raw:
            yield ParquetTables(raw, uri)
    except (OSError, pa.ArrowException) as error:
        raise CatalogError(
            f"Cannot read {uri!r} as parquet: {error}. Write the file again, without columns of "
            "types that Arrow cannot read."
        ) from error


def is_empty(uri: str) -> bool:
    """Whether a file has no bytes.

    Raises:
        StoreError: The store cannot be reached.
    """
    filesystem, path = located(uri)
    with store_faults(uri):
        return bool(filesystem.size(path) == 0)


def _cut(sizes: list[int], rows: int) -> list[_Cut]:
    """Join small row groups to parts of at least ``rows`` rows, and divide large row groups.

    There is at least one part, and every part has less than three times ``rows`` rows.

    Args:
        sizes: The number of rows in each row group.
        rows: The requested number of rows in a part.
    """
    cuts: list[_Cut] = []
    groups: list[int] = []
    size = 0
    for group, group_rows in enumerate(sizes):
        if group_rows >= 2 * rows:
            if groups:
                cuts.append(_Cut(groups, [size]))
                groups, size = [], 0
            pieces = group_rows // rows
            cuts.append(_Cut([group], [rows] * (pieces - 1) + [group_rows - rows * (pieces - 1)]))
            continue
        groups.append(group)
        size += group_rows
        if size >= rows:
            cuts.append(_Cut(groups, [size]))
            groups, size = [], 0
    if groups or not cuts:
        cuts.append(_Cut(groups, [size]))
    return cuts


def _text_parts(
    place: int, uri: str, is_due: Callable[[int, int], bool], rows: int, reading: ReadOptions
) -> Iterator[Part]:
    """The due parts of a text file or a workbook, which is always read from its beginning."""
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri)
    whole = max(int(filesystem.size(path) or 0), 1)
    ends = [0.0]

    def note_progress(bytes_read: int) -> None:
        ends.append(min(bytes_read / whole, 1.0))

    # Whether a part is the last one is known only once the next table is read.  An empty file has
    # one part without rows, so that the file counts as finished.
    part = Part(place, 0, 0, True, (0.0, 1.0), {})
    is_started, first = False, 0
    wrong: dict[int, str] = {}  # what is wrong with rows of the table, by their number in the file
    tables: Iterable[Columns] = ()
    if not is_empty(uri):
        tables = iter_tables(uri, rows, note_progress, reading, wrong.__setitem__)
    for number, columns in enumerate(tables):
        size = len(next(iter(columns.values()), []))
        if is_started and size and is_due(place, part.number):
            yield replace(part, last=False)
        if not is_started or size:
            span = (ends[number], ends[number + 1])
            unreadable = {row - first: reason for row, reason in wrong.items()}
            part = Part(place, number, first, True, span, columns, unreadable)
            is_started = True
        wrong.clear()
        first += size
    if is_due(place, part.number):
        yield part
