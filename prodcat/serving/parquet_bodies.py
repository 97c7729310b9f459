"""Titles and answers as Parquet, which is read in a child process.

A damaged file can end the process that reads it; see :mod:`prodcat.serving.isolated`.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.serving.isolated import IsolatedFunction
from prodcat.serving.query import MOST_LETTERS, Query, check_letters, too_long
from prodcat.serving.refusal import Refusal, shown, too_large
from prodcat.serving.settings import Limits

_UNPACKED = 4  # most unpacked bytes, as a multiple of the largest body
# Others can unpack to a thousand times their size, and the size of a page is known only afterwards.
_COMPRESSIONS = ("UNCOMPRESSED", "SNAPPY")
_ROWS = 256  # rows that are unpacked at once
_BYTES_PER_LETTER = 4  # most bytes of a letter in UTF-8

_read_isolated = IsolatedFunction(
    "prodcat.serving.parquet_bodies:parquet_texts",
    "The body is not a Parquet table of texts: reading it crashed or took too long.",
)


def read_parquet(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Read a table with a column ``title``.

    Args:
        body: The bytes of the body.
        known: Names of further columns that the model can read.
        limits: The limits of a request.

    Raises:
        Refusal: The body is no such table, or is too large.
    """
    columns = _read_isolated(body, list(known), limits.body, limits.titles)
    return Query(columns, form="parquet")


def parquet_texts(
    body: bytes, known: Sequence[str], most_bytes: int, most_titles: int
) -> dict[str, list[Any]]:
    """The texts of a Parquet file by column; a damaged file may end the process.

    Args:
        body: The bytes of the file.
        known: Names of further columns that the model can read, which the file may lack.
        most_bytes: Most bytes of a body; four times as many may be unpacked.
        most_titles: Most titles in one request.

    Raises:
        Refusal: The body is no such file, or is too large.
    """
    limits = Limits(most_bytes, most_titles)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(pa.BufferReader(body))
        groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
        _check_size(metadata.num_rows, groups, limits)
        names = _names_to_read(metadata.schema.to_arrow_schema().names, known)
        _check_compressions(groups)
        # The file stores equal texts once; they are not copied before they are known to be short.
        file = pq.ParquetFile(pa.BufferReader(body), metadata=metadata, read_dictionary=names)
        return _texts(file, names, limits)
    except Refusal:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, KeyError) as error:
        raise Refusal(
            400, f"The body is not a Parquet table of texts: {shown(str(error))}."
        ) from error


def _check_size(rows: int, groups: Sequence[Any], limits: Limits) -> None:
    unpacked = sum(group.total_byte_size for group in groups)
    if rows > limits.titles:
        raise Refusal(
            413,
            f"Found {rows:,} rows; expected at most {limits.titles:,} in one request. Send "
            "several.",
        )
    _check_unpacked(unpacked, limits)


def _check_unpacked(size: int, limits: Limits) -> None:
    if size > _UNPACKED * limits.body:
        raise too_large(f"{size:,} unpacked", _UNPACKED * limits.body)


def _names_to_read(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names of the columns that are read, in the order of the file."""
    if names.count("title") != 1:
        raise Refusal(400, f"Found the columns {shown(names)}; expected one title.")
    read = [name for name in names if name == "title" or name in known]
    if len(set(read)) < len(read):
        raise Refusal(400, f"Found two columns of one name: {shown(names)}.")
    return read


def _check_compressions(groups: Sequence[Any]) -> None:
    compressions = {
        group.column(place).compression for group in groups for place in range(group.num_columns)
    }
    if not compressions <= set(_COMPRESSIONS):
        raise Refusal(
            400,
            f"The body is compressed with {shown(sorted(compressions))}; expected one of "
            f"{list(_COMPRESSIONS)}.",
        )


def _texts(file: Any, names: Sequence[str], limits: Limits) -> dict[str, list[Any]]:
    """Read the columns of a Parquet file a few rows at a time, within the limits."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in names}
    unpacked = 0
    for batch in file.iter_batches(_ROWS, columns=list(names)):
        for name in names:
            column = batch.column(name)
            _check_distinct(name, column)
            text = column.cast(pa.string())
            unpacked += text.nbytes
            _check_unpacked(unpacked, limits)
            columns[name] += text.to_pylist()
    check_letters(columns)
    return columns


def _check_distinct(name: str, column: Any) -> None:
    """Refuse a column with a text that is surely too long, before equal texts are copied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        if longest > _BYTES_PER_LETTER * MOST_LETTERS:
            raise too_long(name, longest)


def write_parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Write answers as a table.

    Args:
        columns: Columns of one length, by name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), out)
    return out.getvalue()
