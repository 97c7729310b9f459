"""Parse titles from Parquet, and write answers as Parquet, in child processes.

A damaged file can crash the process that reads it; see :mod:`prodcat.serving.isolated`.  The server
does not write Parquet itself as the libraries would take about 80 MB more of its memory.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.serving.field_names import TITLE, field_names
from prodcat.serving.isolated import Deadline, IsolatedFunction
from prodcat.serving.parquet_pages import unpacked_bytes
from prodcat.serving.query import Query, check_letters, too_long
from prodcat.serving.refusal import Refusal, shown, too_large, too_late
from prodcat.serving.settings import Limits
from prodcat.storage.tables import MOST_LETTERS, parquet_bytes

_UNPACKED = 4  # maximum size of unpacked columns, as a multiple of the maximum size of a body
# Other compressions can expand data a thousandfold, and the size is known only after unpacking.
_COMPRESSIONS = ("UNCOMPRESSED", "SNAPPY")
_ROWS = 256  # rows that are unpacked at once
_BYTES_PER_LETTER = 4  # maximum bytes of a character in UTF-8
_MAGIC = b"PAR1"
_FOOTER = (
    256 << 10
)  # maximum bytes of the metadata, whose parsed objects are a thousand times larger
_MOST_ITEMS = 10_000  # maximum length of a list in the metadata

_isolated = IsolatedFunction(
    "prodcat.serving.parquet_bodies:read_or_write",
    "The body is not a Parquet table of texts: reading it crashed or took too long.",
)


def read_parquet(
    body: bytes, known: Sequence[str], limits: Limits, deadline: Deadline | None = None
) -> Query:
    """Parse a Parquet table with a column ``title`` in a child process.

    Args:
        body: The bytes of the request's body.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.
        deadline: Until when to read the table.

    Raises:
        Refusal: With status 400 if the body is not such a table, 413 if it is too large, or 503 if
            reading took longer.
    """
    footer = int.from_bytes(body[-8:-4], "little")
    if len(body) < 12 or not body.startswith(_MAGIC) or not body.endswith(_MAGIC):
        raise Refusal(
            400,
            "The body is not a Parquet table of texts: the bytes PAR1 at its beginning and "
            "end are missing.",
        )
    if footer > len(body) - 12:
        raise Refusal(400, "The body is not a Parquet table of texts: its footer is damaged.")
    if footer > _FOOTER:
        raise Refusal(
            413, f"The metadata of the file has {footer:,} bytes; expected at most {_FOOTER:,}."
        )
    table = _isolated(body, list(known), limits.body, limits.titles, deadline=deadline)
    return Query(table["texts"], form="parquet", unread=tuple(table["unread"]))


class _WithoutPandas:
    """Hides pandas in a child, as pyarrow would import it to look at lists, with 40 MB."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Refuse to import pandas; other modules are left to other finders."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def prepare_child() -> None:
    """Import what :func:`read_or_write` needs, without reserving address space in advance."""
    os.putenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    sys.meta_path.insert(0, _WithoutPandas)
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    parquet_texts(parquet_bytes(pa.table({"title": ["a"]})), [], 1_000, 1)  # imports the rest


def read_or_write(body: bytes, *limits: Any) -> dict[str, Any] | str:
    """Do one task in a child process.

    Args:
        body: The bytes of a file to be read; or columns as a JSON object, to be written.
        limits: The further arguments of :func:`parquet_table`; nothing to write a file.

    Returns:
        The result of :func:`parquet_table`, or the bytes of the written file in base64.
    """
    if limits:
        return parquet_table(body, *limits)
    import pyarrow as pa

    return base64.b64encode(parquet_bytes(pa.table(json.loads(body)))).decode()


def parquet_texts(
    body: bytes, known: Sequence[str], most_bytes: int, most_titles: int
) -> dict[str, list[Any]]:
    """Parse the text columns of a Parquet file; a damaged file may crash the process.

    Args:
        body: The bytes of the file.
        known: The names of further columns that the model uses; the file may lack them.
        most_bytes: Maximum size of a body, in bytes; its columns may unpack to four times as much.
        most_titles: Maximum number of titles in one request.

    Returns:
        The texts of each column by the model's name of it; None for a missing text.

    Raises:
        Refusal: As for :func:`parquet_table`.
    """
    texts: dict[str, list[Any]] = parquet_table(body, known, most_bytes, most_titles)["texts"]
    return texts


def parquet_table(
    body: bytes, known: Sequence[str], most_bytes: int, most_titles: int
) -> dict[str, Any]:
    """Parse a Parquet file; the arguments are those of :func:`parquet_texts`.

    Returns:
        ``"texts"``: the result of :func:`parquet_texts`; ``"unread"``: the names of the other
        columns.

    Raises:
        Refusal: With status 400 if the body is not such a file, or 413 if it is too large.
    """
    limits = Limits(most_bytes, most_titles)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.ParquetFile(
            pa.BufferReader(body),
            thrift_string_size_limit=_FOOTER,
            thrift_container_size_limit=_MOST_ITEMS,
        ).metadata
        schema = metadata.schema.to_arrow_schema()
        every = schema.names
        renamed = _columns_to_read(every, known)
        names = [name for name in every if name in renamed]
        _check_types(schema, names)
        _check_pages(body, metadata, _places(metadata.schema, names), limits)
        # Equal texts stay stored once until their lengths are checked.
        file = pq.ParquetFile(
            pa.BufferReader(body), metadata=metadata, read_dictionary=names, pre_buffer=False
        )
        texts = _texts(file, names, limits)
        return {
            "texts": {renamed[name]: column for name, column in texts.items()},
            "unread": [name for name in every if name not in renamed],
        }
    except Refusal:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, KeyError) as error:
        raise Refusal(
            400, f"The body is not a Parquet table of texts: {shown(str(error))}."
        ) from error


def _places(schema: Any, names: Sequence[str]) -> list[int]:
    """The positions of the columns to read; a list or a struct among them is refused."""
    places = []
    for place in range(len(schema)):
        column = schema.column(place)
        name = next((name for name in names if f"{column.path}.".startswith(f"{name}.")), None)
        if name is None:
            continue
        flat = column.max_repetition_level == 0 and column.max_definition_level <= 1
        if column.path != name or not flat:
            raise Refusal(
                400,
                f"The column {shown(name)} holds lists or structs; expected a text in each row.",
            )
        if column.length > _BYTES_PER_LETTER * MOST_LETTERS:
            raise too_long(name, column.length)
        places.append(place)
    return places


def _check_pages(body: bytes, metadata: Any, places: Sequence[int], limits: Limits) -> None:
    """Refuse a file that is too large according to its metadata or its page headers."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = sum(group.num_rows for group in groups)
    if rows > limits.titles:
        raise Refusal(
            413,
            f"Found {rows:,} rows; expected at most {limits.titles:,} in one request. Send several "
            "requests.",
        )
    if rows != metadata.num_rows or any(group.num_rows < 0 for group in groups):
        raise Refusal(
            400,
            "The body is not a Parquet table of texts: the numbers of rows in its metadata differ.",
        )
    _check_unpacked(sum(group.total_byte_size for group in groups), limits)
    unpacked = 0
    for group in groups:
        columns = [group.column(place) for place in places]
        _check_compressions(columns)
        for column in columns:
            unpacked += unpacked_bytes(body, column, group.num_rows)
            _check_unpacked(unpacked, limits)


def _check_unpacked(size: int, limits: Limits) -> None:
    if size > _UNPACKED * limits.body:
        raise too_large(f"{size:,} unpacked", _UNPACKED * limits.body)


def _columns_to_read(names: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The model's name of each column that it reads, by the name in the file."""
    fields = field_names(tuple(known))
    if names.count(TITLE) > 1 or not fields.have_title(names):
        raise Refusal(400, f"Found the columns {shown(names)}; expected one title column.")
    return {names[place]: name for name, place in fields.places(names).items()}


def _check_types(schema: Any, names: Sequence[str]) -> None:
    """Refuse columns of numbers, times and other values, as for JSON: only texts are read."""
    import pyarrow.types as kinds

    for name in names:
        kind = schema.field(name).type
        if kinds.is_nested(kind):
            continue  # which is refused with its form
        kind = kind.value_type if kinds.is_dictionary(kind) else kind
        is_text = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)
        is_bytes = kinds.is_binary(kind) or kinds.is_large_binary(kind)
        if not (is_text or is_bytes or kinds.is_null(kind)):
            raise Refusal(
                400,
                f"The column {shown(name)} holds {kind}; expected a text in each row. Convert the "
                "column to texts.",
            )


def _check_compressions(columns: Sequence[Any]) -> None:
    compressions = {column.compression for column in columns}
    if not compressions <= set(_COMPRESSIONS):
        raise Refusal(
            400,
            f"The body is compressed with {shown(sorted(compressions))}; expected one of "
            f"{list(_COMPRESSIONS)}.",
        )


def _texts(file: Any, names: Sequence[str], limits: Limits) -> dict[str, list[Any]]:
    """Read the columns of a Parquet file a few rows at a time, to check the limits meanwhile."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in names}
    unpacked = 0
    for batch in file.iter_batches(_ROWS, columns=list(names), use_threads=False):
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
    """Refuse a column whose longest text is too long, before equal texts are copied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        if longest > _BYTES_PER_LETTER * MOST_LETTERS:
            raise too_long(name, longest)


def write_parquet(columns: Mapping[str, Sequence[Any]], deadline: Deadline | None = None) -> bytes:
    """Write a Parquet table of answers in a child process, and return its bytes.

    Args:
        columns: The values of each column by column name; all columns have the same length.
        deadline: Until when to write the table.

    Raises:
        Refusal: With status 503 if the table could not be written in time.
    """
    try:
        written = _isolated(json.dumps(columns).encode(), deadline=deadline)
    except Refusal as refusal:
        raise too_late() from refusal
    return base64.b64decode(written)
