"""Files cut into parts, the same ones whoever cuts them.

A part is some row groups of a Parquet file, or some rows of a text file, some thousand rows
each: enough titles of every length that batches hold hardly any padding, few enough that little
is lost when a machine goes.  The cut depends on the files alone, so that many processes agree
on it without speaking to each other.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage.faults import store_faults
from prodcat.storage.table_files import expand, table_format
from prodcat.storage.tables import iter_tables, no_twins


@dataclass(frozen=True)
class Part:
    """Some rows of one file.

    Attributes:
        file: The file's position in the list of files.
        number: Of the part in its file, from 0.
        first: Number of its first row in the file, from 0.
        last: Whether it is the last one of its file.
        span: About where it begins and ends in its file, from 0 to 1.
        table: The rows, as an Arrow table with the file's own types.
    """

    file: int
    number: int
    first: int
    last: bool
    span: tuple[float, float]
    table: Any

    @property
    def name(self) -> str:
        """A name that every process gives it."""
        return part_name(self.file, self.number)

    @property
    def is_first(self) -> bool:
        """Whether it is the first part of the first file."""
        return (self.file, self.number) == (0, 0)


def part_name(file: int, number: int) -> str:
    """The name of a part."""
    return f"part-{file:05d}-{number:05d}"


def part_place(name: str) -> tuple[int, int] | None:
    """The file and the number of a part, by its name; None for what is no part's."""
    found = re.fullmatch(r"part-(\d+)-(\d+)", name)
    return (int(found[1]), int(found[2])) if found else None


def list_files(uri: str) -> list[str]:
    """The files of an input, a folder's too, in the order of their names.

    Raises:
        CatalogError: There is none, or one of a kind that is not read.
        StoreError: The store cannot be reached.
    """
    filesystem, path = located(uri)
    with store_faults(uri):
        if filesystem.isdir(path):
            found = sorted(own for own in filesystem.find(path) if not _is_hidden(own, path))
            if not found:
                raise CatalogError(f"The folder {uri!r} has no files; expected tables of titles.")
            files = [str(filesystem.unstrip_protocol(own)) for own in found]
        else:
            files = expand(uri)
    for own in files:
        table_format(own)
    return files


def located(uri: str) -> tuple[Any, str]:
    """The filesystem of an input, and its path there.

    Raises:
        CatalogError: There is no such kind of address.
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


def read_parts(files: list[str], wanted: Callable[[int, int], bool], rows: int) -> Iterator[Part]:
    """The wanted parts of all files, in order, read one by one.

    Args:
        files: From :func:`list_files`.
        wanted: Whether a part is, by its file and its number.
        rows: About how many a part has; row groups of Parquet are cut where they have twice
            as many.

    Raises:
        CatalogError: A file cannot be read.
    """
    for place, file in enumerate(files):
        if table_format(file) == "parquet":
            yield from _parquet_parts(place, file, wanted, rows)
        else:
            yield from _text_parts(place, file, wanted, rows)


@dataclass(frozen=True)
class _Cut:
    """Row groups that are one part together, or the pieces that a large one is cut into."""

    groups: list[int]
    sizes: list[int]


def _parquet_parts(
    place: int, uri: str, wanted: Callable[[int, int], bool], rows: int
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
                own = [wanted(place, number + piece) for piece in range(len(cut.sizes))]
                tables = _tables(file, cut) if any(own) else iter(())
                for size, is_wanted in zip(cut.sizes, own, strict=True):
                    table = next(tables, None)
                    if is_wanted:
                        span = (first / whole, (first + size) / whole)
                        yield Part(place, number, first, number == count - 1, span, table)
                    first, number = first + size, number + 1
    except (OSError, pa.ArrowException) as error:
        raise CatalogError(f"Cannot read {uri!r} as parquet: {error}.") from error


def _tables(file: Any, cut: _Cut) -> Iterator[Any]:
    """The tables of a cut; a large row group is never in memory as a whole."""
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
    """Small row groups together until they have so many rows, large ones in pieces.

    There is one part at least, and no part has three times as many.
    """
    cuts: list[_Cut] = []
    groups: list[int] = []
    size = 0
    for group, own in enumerate(sizes):
        if own >= 2 * rows:
            if groups:
                cuts.append(_Cut(groups, [size]))
                groups, size = [], 0
            pieces = own // rows
            cuts.append(_Cut([group], [rows] * (pieces - 1) + [own - rows * (pieces - 1)]))
            continue
        groups.append(group)
        size += own
        if size >= rows:
            cuts.append(_Cut(groups, [size]))
            groups, size = [], 0
    if groups or not cuts:
        cuts.append(_Cut(groups, [size]))
    return cuts


def _text_parts(
    place: int, uri: str, wanted: Callable[[int, int], bool], rows: int
) -> Iterator[Part]:
    """Parts of a text file, which must be read from its start to find any of them."""
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri)
    whole = max(int(filesystem.size(path) or 0), 1)
    ends = [0.0]

    def told(bytes_read: int) -> None:
        ends.append(min(bytes_read / whole, 1.0))

    waiting: _Waiting | None = None
    first = 0
    for number, columns in enumerate(iter_tables(uri, rows, told)):
        size = len(next(iter(columns.values()), []))
        if waiting is not None and size:
            yield from _if_wanted(place, waiting, False, wanted)
        if waiting is None or size:
            waiting = (number, first, (ends[number], ends[number + 1]), columns)
        first += size
    # A file without a row is a part without a row, so that it is seen to be done.
    yield from _if_wanted(place, waiting or (0, 0, (0.0, 1.0), {}), True, wanted)


def _if_wanted(
    place: int, own: "_Waiting", last: bool, wanted: Callable[[int, int], bool]
) -> Iterator[Part]:
    number, first, span, columns = own
    if wanted(place, number):
        yield Part(place, number, first, last, span, columns)


_Waiting = tuple[int, int, tuple[float, float], Any]
