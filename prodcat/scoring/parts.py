"""Cut files into parts, which depend on the files alone.

A part has several thousand rows: row groups of a Parquet file, or rows of a text file.  That is
enough titles of every length for batches with hardly any padding, and few enough that little work
is lost when a machine stops.  Processes cut the same files in the same way, without communicating.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage.faults import store_faults
from prodcat.storage.table_files import expand, table_format
from prodcat.storage.tables import iter_tables, no_twins


@dataclass(frozen=True)
class Part:
    """A part of one file.

    Attributes:
        file: The position of the file in the list of files.
        number: The number of the part in its file, from 0.
        first: The number of its first row in the file, from 0.
        last: Whether it is the last part of its file.
        span: Where it begins and ends in its file, approximately, from 0 to 1.
        table: The rows: an Arrow table with the file's types, or lists by the names of columns.
    """

    file: int
    number: int
    first: int
    last: bool
    span: tuple[float, float]
    table: Any

    @property
    def name(self) -> str:
        """The name of the part, which is the same in every process."""
        return part_name(self.file, self.number)

    @property
    def is_first(self) -> bool:
        """Whether it is the first part of the first file."""
        return (self.file, self.number) == (0, 0)


def part_name(file: int, number: int) -> str:
    """The name of a part, by the position of its file and its number in the file.

    >>> part_name(0, 12)
    'part-00000-00012'
    """
    return f"part-{file:05d}-{number:05d}"


def part_place(name: str) -> tuple[int, int] | None:
    """The position of the file and the number in it that a part's name states, or None.

    >>> part_place("part-00000-00012"), part_place("summary")
    ((0, 12), None)
    """
    match = re.fullmatch(r"part-(\d+)-(\d+)", name)
    return (int(match[1]), int(match[2])) if match else None


def list_files(uri: str) -> list[str]:
    """The files of an input, which may be a folder, in the order of their names.

    Raises:
        CatalogError: There are no files, or one has an unknown format.
        StoreError: The store cannot be reached.
    """
    filesystem, path = located(uri)
    with store_faults(uri):
        if filesystem.isdir(path):
            paths = sorted(file for file in filesystem.find(path) if not _is_hidden(file, path))
            if not paths:
                raise CatalogError(f"The folder {uri!r} has no files; expected tables of titles.")
            files = [str(filesystem.unstrip_protocol(file)) for file in paths]
        else:
            files = expand(uri)
    for file in files:
        table_format(file)
    return files


def located(uri: str) -> tuple[Any, str]:
    """The filesystem of an input, and the path of the input in it.

    Raises:
        CatalogError: There is no filesystem for such an address.
    """
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
    except (ValueError, ImportError) as error:
        raise CatalogError(f"Cannot read {uri!r}: {error}. Check the address.") from error
    return filesystem, path


def _is_hidden(path: str, root: str) -> bool:
    names = path[len(root) :].strip("/").split("/")
    return any(name.startswith(("_", ".")) for name in names)


def read_parts(files: list[str], is_due: Callable[[int, int], bool], rows: int) -> Iterator[Part]:
    """Read parts of all files, one after another in order.

    Args:
        files: The files, as :func:`list_files` returns them.
        is_due: Whether to read a part, by its file and its number.
        rows: The approximate number of rows in a part; row groups of Parquet with at least twice
            as many are cut.

    Raises:
        CatalogError: A file cannot be read.
    """
    for place, file in enumerate(files):
        if table_format(file) == "parquet":
            yield from _parquet_parts(place, file, is_due, rows)
        else:
            yield from _text_parts(place, file, is_due, rows)


@dataclass(frozen=True)
class _Cut:
    """Row groups that form one part, or one large row group that is cut into several.

    Attributes:
        groups: The numbers of the row groups.
        sizes: The number of rows in each part.
    """

    groups: list[int]
    sizes: list[int]


def _parquet_parts(
    place: int, uri: str, is_due: Callable[[int, int], bool], rows: int
) -> Iterator[Part]:
    import fsspec
    import pyarrow as pa
    import pyarrow.parquet as pq

    filesystem, path = fsspec.url_to_fs(uri)
    try:
        with store_faults(uri), filesystem.open(path, "rb") as raw:
            file = pq.ParquetFile(raw)
            no_twins(file.schema_arrow.names, repr(uri))
            cuts = _cut(
                [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)], rows
            )
            count = sum(len(cut.sizes) for cut in cuts)
            whole = max(file.metadata.num_rows, 1)
            first = number = 0
            for cut in cuts:
                due = [is_due(place, number + piece) for piece in range(len(cut.sizes))]
                tables = _tables(file, cut) if any(due) else iter(())
                for size, is_part_due in zip(cut.sizes, due, strict=True):
                    table = next(tables, None)
                    if is_part_due:
                        span = (first / whole, (first + size) / whole)
                        yield Part(place, number, first, number == count - 1, span, table)
                    first, number = first + size, number + 1
    except (OSError, pa.ArrowException) as error:
        raise CatalogError(f"Cannot read {uri!r} as parquet: {error}.") from error


def _tables(file: Any, cut: _Cut) -> Iterator[Any]:
    """The table of each part; a large row group is never in memory as a whole."""
    import pyarrow as pa

    if len(cut.sizes) == 1:
        yield file.read_row_groups(cut.groups) if cut.groups else file.schema_arrow.empty_table()
        return
    batches = file.iter_batches(batch_size=cut.sizes[0], row_groups=cut.groups)
    rest = file.schema_arrow.empty_table()
    for size in cut.sizes:
        while len(rest) < size:
            rest = pa.concat_tables([rest, pa.Table.from_batches([next(batches)])])
        yield rest.slice(0, size)
        rest = rest.slice(size)


def _cut(sizes: list[int], rows: int) -> list[_Cut]:
    """Join small row groups until they have enough rows, and cut large ones into pieces.

    There is at least one part, and every part has less than three times the requested rows.

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
    place: int, uri: str, is_due: Callable[[int, int], bool], rows: int
) -> Iterator[Part]:
    """Parts of a text file, which is read from its start whichever parts are due."""
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri)
    whole = max(int(filesystem.size(path) or 0), 1)
    ends = [0.0]

    def note_progress(bytes_read: int) -> None:
        ends.append(min(bytes_read / whole, 1.0))

    # Only the table after it shows whether a part is the last one; an empty file has one part
    # without rows, so that it counts as finished.
    part = Part(place, 0, 0, True, (0.0, 1.0), {})
    is_started, first = False, 0
    for number, columns in enumerate(iter_tables(uri, rows, note_progress)):
        size = len(next(iter(columns.values()), []))
        if is_started and size and is_due(place, part.number):
            yield replace(part, last=False)
        if not is_started or size:
            span = (ends[number], ends[number + 1])
            part = Part(place, number, first, True, span, columns)
            is_started = True
        first += size
    if is_due(place, part.number):
        yield part
