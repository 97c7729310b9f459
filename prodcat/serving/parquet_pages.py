"""Compute the unpacked size of Parquet columns before they are unpacked.

A file of 150 bytes can declare a hundred million values, all of which a Parquet library unpacks
before it returns.  The library follows the headers of the pages, which may contradict the file's
footer.  Here only these headers are read, without allocating memory for the values.
"""

from typing import Any

from prodcat.serving.refusal import Refusal, shown
from prodcat.storage.page_headers import DATA_V2, DICTIONARY, FIELDS, thrift_struct

# With other encodings, the library unpacks all lengths of a page, whatever number it declares.
_ENCODINGS = {0: "PLAIN", 2: "PLAIN_DICTIONARY", 3: "RLE", 8: "RLE_DICTIONARY"}


def unpacked_bytes(body: bytes, column: Any, rows: int) -> int:
    """The unpacked size of one column chunk, according to the headers of its pages.

    Args:
        body: The bytes of the file.
        column: pyarrow's metadata of the column chunk; the column must not be nested.
        rows: The number of rows in the row group.

    Returns:
        The unpacked size in bytes.

    Raises:
        Refusal: With status 400 if the pages contradict the footer, or have an encoding that is
            not supported.
        ValueError: A header is damaged.
    """
    if column.num_values != rows:
        raise _wrong(f"a column with {column.num_values:,} values for {rows:,} rows")
    if not rows:
        return 0
    place, end = _range(body, column)
    values = unpacked = 0
    while values < rows:
        header, place = thrift_struct(body, place, end)
        kind, size, packed = header.get(1, -1), header.get(2, -1), header.get(3, -1)
        page = header.get(FIELDS.get(kind, 0), {})
        count, encoding = page.get(1, -1), page.get(4 if kind == DATA_V2 else 2)
        if min(size, packed, count) < 0 or place + packed > end:
            raise _wrong("a damaged header of a page")
        if encoding not in _ENCODINGS:
            raise Refusal(
                400,
                f"A column is encoded with {shown(sorted(column.encodings))}; expected only "
                f"{list(_ENCODINGS.values())}.",
            )
        if kind == DICTIONARY:
            if count > size or unpacked:
                raise _wrong(f"a dictionary of {count:,} values in {size:,} bytes")
        elif not count or values + count > rows:
            raise _wrong(f"a page of {count:,} values in a row group of {rows:,} rows")
        else:
            values += count
        unpacked += size
        place += packed
    return unpacked


def _wrong(what: str) -> Refusal:
    return Refusal(400, f"The body is not a Parquet table of texts: found {what}.")


def _range(body: bytes, column: Any) -> tuple[int, int]:
    """The offsets at which the pages of a column chunk begin and end in the file."""
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    end = start + column.total_compressed_size
    if not 4 <= start <= end <= len(body):
        raise _wrong("a column with an offset outside of the file")
    return start, end
