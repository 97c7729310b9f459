"""Reads Parquet files in pieces of bounded size, however large their unpacked content is.

A file stores equal values only once, so 600 bytes can contain thousands of long texts.  Unless all
texts are short, they are therefore read as Arrow dictionaries, and expanded only in pieces that are
still small afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.storage.expanded import MOST_BYTES, byte_slices, expanded_bytes, row_bytes
from prodcat.storage.safe_batches import safe_rows

_Bytes = NDArray[np.float64]


class ParquetTables:
    """The row groups of a Parquet file.

    Args:
        raw: The Parquet file, opened for reading bytes.
        name: The name of the file, for messages.

    Attributes:
        schema: The names and types of the columns, as an Arrow schema.
        metadata: The metadata at the end of the file.

    Raises:
        OSError: The file cannot be read.
        pyarrow.ArrowInvalid: The file is not a Parquet file; a ValueError.
    """

    def __init__(self, raw: IO[bytes], name: str) -> None:
        import pyarrow.parquet as pq

        self.plain = plain = pq.ParquetFile(raw)
        self.schema, self.metadata = plain.schema_arrow, plain.metadata
        self.raw, self.name = raw, name
        self.leaves = [plain.schema.column(place) for place in range(len(plain.schema))]
        groups = [self.metadata.row_group(n) for n in range(self.metadata.num_row_groups)]
        self.dictionaries = [
            leaf.path
            for place, leaf in enumerate(self.leaves)
            if leaf.physical_type == "BYTE_ARRAY"
            and not any(_has_delta(group.column(place)) for group in groups)
        ]
        self.file = pq.ParquetFile(raw, metadata=self.metadata, read_dictionary=self.dictionaries)

    def tables(self, rows: int) -> Iterator[Any]:
        """Yield all rows as Arrow tables of a bounded size in bytes.

        Args:
            rows: The maximum number of rows in a table.

        Raises:
            CatalogError: The rows have too many bytes, or the file is damaged.
        """
        for group in range(self.metadata.num_row_groups):
            for batch in self._batches(group, rows):
                for part in byte_slices(batch):
                    yield self._written_out(part)

    def column(self, name: str, rows: int) -> Iterator[Any]:
        """Yield the values of one column as Arrow arrays.

        Args:
            name: The name of the column.
            rows: The maximum number of rows in an array.

        Raises:
            CatalogError: The rows have too many bytes, or the file is damaged.
        """
        kind = self.schema.field(name).type
        columns = [leaf.path for leaf in self.leaves if _is_within(leaf.path, name)]
        for group in range(self.metadata.num_row_groups):
            for batch in self._batches(group, rows, columns):
                for part in byte_slices(batch.select([name])):
                    yield _as_stored(part.column(0), kind)

    def sizes(self, groups: Sequence[int], sizes: Sequence[int]) -> list[int]:
        """Divide pieces of some row groups further, so that each has a bounded size in bytes.

        The result depends only on the file and the arguments.

        Args:
            groups: The numbers of the row groups.
            sizes: The number of rows in each piece.

        Returns:
            The number of rows in each piece of the result.
        """
        metadata = [self.metadata.row_group(group) for group in groups]
        rows = max(sum(group.num_rows for group in metadata), 1)
        stored = sum(group.total_byte_size for group in metadata) / rows
        stored += sum(max(leaf.length, 0) for leaf in self.leaves)  # values of a fixed length
        longest = max(map(self._longest, groups), default=0.0)
        if max(sizes) * (stored + longest) <= MOST_BYTES:
            return list(sizes)
        return list(_cut_by_bytes(sizes, self._row_bytes(groups, stored)))

    def pieces(
        self, groups: Sequence[int], sizes: Sequence[int], due: Sequence[bool]
    ) -> Iterator[Any]:
        """Yield the table of each piece of some row groups, or None for a piece to be skipped.

        Args:
            groups: The numbers of the row groups.
            sizes: The number of rows in each piece, as :meth:`sizes` returns them.
            due: For each piece, whether to read it; otherwise it is skipped.

        Raises:
            CatalogError: The rows have too many bytes, or the file is damaged.
        """
        import pyarrow as pa

        batches = (batch for group in groups for batch in self._batches(group, max(*sizes, 1)))
        batch: Any = ()
        for size, is_due in zip(sizes, due, strict=True):
            parts = [self._empty()]
            missing, used = size, 0
            while missing:
                if not len(batch):
                    batch = _next(batches, self.name)
                part, batch = batch.slice(0, missing), batch.slice(missing)
                missing -= len(part)
                used += expanded_bytes(part) if is_due else 0
                if used > 4 * MOST_BYTES:
                    raise CatalogError(
                        f"{self.name!r} has more than {4 * MOST_BYTES:,} bytes in {size:,} "
                        "consecutive rows; expected smaller values. Leave out columns with large "
                        "values, or write smaller row groups."
                    )
                if is_due:
                    parts.append(self._written_out(part))
            yield pa.concat_tables(parts) if is_due else None

    def _batches(
        self,
        group: int,
        rows: int,
        columns: Sequence[str] | None = None,
        as_dictionaries: bool = False,
    ) -> Iterator[Any]:
        """Yield Arrow batches of a row group, in which long texts are dictionaries.

        Args:
            group: The number of the row group.
            rows: The maximum number of rows in a batch.
            columns: The paths of the columns to read; None for all.
            as_dictionaries: Whether short texts are dictionaries too.

        Raises:
            CatalogError: The row group unpacks to too many bytes, or its pages are damaged.
        """
        metadata = self.metadata.row_group(group)
        leaves = {
            place: leaf
            for place, leaf in enumerate(self.leaves)
            if columns is None or leaf.path in columns
        }
        try:
            size, are_short = safe_rows(self.raw, metadata, leaves, self.dictionaries, rows)
        except ValueError as error:
            raise CatalogError(f"Cannot read {self.name!r} as parquet: {error}.") from error
        file = self.plain if are_short and not as_dictionaries else self.file
        yield from file.iter_batches(size, row_groups=[group], columns=columns)

    def _empty(self) -> Any:
        """A table without rows."""
        import pyarrow as pa

        columns = [pa.nulls(0, kind) for kind in self.schema.types]  # also of extension types
        return pa.Table.from_arrays(columns, schema=self.schema)

    def _written_out(self, batch: Any) -> Any:
        """Expand the dictionaries of a batch, and return a table with the file's column types."""
        import pyarrow as pa

        columns = [
            _as_stored(column, field.type)
            for field, column in zip(self.schema, batch.columns, strict=True)
        ]
        return pa.Table.from_arrays(columns, schema=self.schema)

    def _shared_texts(self, group: int) -> dict[int, Any]:
        """The columns of a row group whose equal texts are stored only once, by position."""
        metadata = self.metadata.row_group(group)
        return {
            place: leaf
            for place, leaf in enumerate(self.leaves)
            if leaf.physical_type == "BYTE_ARRAY"
            and (leaf.path not in self.dictionaries or metadata.column(place).has_dictionary_page)
        }

    def _longest(self, group: int) -> float:
        """The maximum size in bytes of the shared texts in one row of a row group."""
        shared = self._shared_texts(group)
        if not shared or not self.metadata.row_group(group).num_rows:
            return 0.0
        if any(
            leaf.max_repetition_level or leaf.path not in self.dictionaries
            for leaf in shared.values()
        ):
            return float("inf")
        names = [leaf.path for leaf in shared.values()]
        batch = _next(self._batches(group, 1, names, as_dictionaries=True), self.name)
        return sum(map(_longest_value, batch.columns))

    def _row_bytes(self, groups: Sequence[int], stored: float) -> Iterator[_Bytes]:
        """Yield the size in bytes of each row, float64 [row of a batch], batch by batch.

        Args:
            groups: The numbers of the row groups.
            stored: The average size in bytes of a row as the file stores it.
        """
        for group in groups:
            names = [leaf.path for leaf in self._shared_texts(group).values()]
            if not names:
                yield np.full(self.metadata.row_group(group).num_rows, stored)
                continue
            for batch in self._batches(group, 8_192, names):
                yield sum(map(row_bytes, batch.columns), np.full(len(batch), stored))


def _is_within(path: str, name: str) -> bool:
    """Whether the leaf at a path is in the column of this name."""
    return path == name or path.startswith(f"{name}.")


def _as_stored(column: Any, kind: Any) -> Any:
    """A column that was read with dictionaries, as an array of the file's type."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    if column.type == kind:
        return column
    try:
        return column.cast(kind)
    except pa.ArrowNotImplementedError:  # from dictionaries inside lists to views
        return pa.array(column.to_pylist(), kind)


def _has_delta(chunk: Any) -> bool:
    """Whether texts are stored as differences, which Arrow cannot read as dictionaries."""
    return any(encoding.startswith("DELTA") for encoding in chunk.encodings)


def _next(batches: Iterator[Any], name: str) -> Any:
    batch = next(batches, None)
    if batch is None:
        raise CatalogError(
            f"Cannot read {name!r} as parquet: it has fewer rows than its footer states."
        )
    return batch


def _longest_value(column: Any) -> float:
    import pyarrow as pa

    if pa.types.is_struct(column.type):
        return sum(map(_longest_value, column.flatten()))
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    return float(row_bytes(values).max(initial=0.0))


def _cut_by_bytes(sizes: Sequence[int], batches: Iterator[_Bytes]) -> Iterator[int]:
    """Divide pieces into smaller ones, each with a bounded number of bytes.

    Args:
        sizes: The number of rows in each piece.
        batches: The size in bytes of each row, float64 [row of a batch], batch by batch.
    """
    batch = np.zeros(0)
    for size in sizes:
        rows, used, missing = 0, 0.0, size
        while missing:
            if not len(batch):
                batch = _next(batches, "the file")
            part, batch = batch[:missing], batch[missing:]
            missing -= len(part)
            totals = np.append(0.0, np.cumsum(part))
            start = 0
            while start < len(part):
                most = totals[start] + MOST_BYTES - used
                end = max(int(np.searchsorted(totals, most, "right")) - 1, start + (not rows))
                rows, used = rows + end - start, used + totals[end] - totals[start]
                if end < len(part):
                    yield rows
                    rows, used = 0, 0.0
                start = end
        if rows:
            yield rows
