"""Reads the headers of the pages of a Parquet file without unpacking the pages.

A file of 150 bytes can contain a hundred million values.  The numbers in the file's footer cannot
be trusted, as Arrow's reader follows the headers of the pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

DATA, DICTIONARY, DATA_V2 = 0, 2, 3  # types of pages
FIELDS = {DATA: 5, DICTIONARY: 7, DATA_V2: 8}  # the field with the details of each type of page
_STRUCT = 12  # a type of a field in Thrift's compact protocol, as are those below
_TRUE, _FALSE, _BYTE, _INTS, _DOUBLE, _BINARY = 1, 2, 3, (4, 5, 6), 7, 8
_MOST_DEPTH = 4  # nested structs in the header of a page
_HEADER = 64 << 10  # maximum size of a header in bytes


@dataclass(frozen=True)
class PageHeader:
    """The content of the header of a page.

    Attributes:
        kind: The type of the page: ``DATA``, ``DATA_V2`` or ``DICTIONARY``.
        encoding: The number of the encoding in the Parquet format.
        values: The number of values.
        unpacked: The size of the decompressed page in bytes.
        packed: The size of the page in bytes as it is stored.
        place: The position of the page's content in the file.
    """

    kind: int
    encoding: int
    values: int
    unpacked: int
    packed: int
    place: int


def page_headers(file: IO[bytes], column: Any) -> Iterator[PageHeader]:
    """Yield the headers of the pages of one column chunk, until they cover all its values.

    Args:
        file: The Parquet file, opened for reading bytes.
        column: The metadata of the column chunk.

    Raises:
        ValueError: A header is damaged.
    """
    place = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < place:
        place = column.dictionary_page_offset
    end = place + column.total_compressed_size
    values = 0
    while values < column.num_values and place < end:
        file.seek(place)
        block = file.read(min(_HEADER, end - place))
        header, size = thrift_struct(block, 0, len(block))
        kind, unpacked, packed = header.get(1, -1), header.get(2, -1), header.get(3, -1)
        page = header.get(FIELDS.get(kind, 0), {})
        count, encoding = page.get(1, 0), page.get(4 if kind == DATA_V2 else 2, -1)
        if min(unpacked, packed, count) < 0:
            raise ValueError("a header of a page is damaged")
        values += count if kind in (DATA, DATA_V2) else 0
        yield PageHeader(kind, encoding, count, unpacked, packed, place + size)
        place += size + packed


def thrift_struct(body: bytes, place: int, end: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Parse a struct in Thrift's compact protocol.

    Args:
        body: The bytes that contain the struct.
        place: The position of its first byte.
        end: The position after the last byte that may be read.
        depth: The number of structs around this one.

    Returns:
        The value of each field by the field's number, and the position after the struct.

    Raises:
        ValueError: The struct is damaged.
    """
    fields: dict[int, Any] = {}
    number = 0
    while True:
        mark = body[place] if place < end and depth < _MOST_DEPTH else -1
        place += 1
        if mark == 0:
            return fields, place
        kind, step = mark & 15, mark >> 4
        if mark < 0 or (not step and kind not in (_TRUE, _FALSE, *_INTS)):
            raise ValueError("a header of a page is damaged")
        if step:
            number += step
        else:
            number, place = _integer(body, place, end)
        fields[number], place = _value(body, place, end, kind, depth)


def _value(body: bytes, place: int, end: int, kind: int, depth: int) -> tuple[Any, int]:
    """The value of a field, and the position after it; None for bytes and doubles."""
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, place
    if kind in _INTS:
        return _integer(body, place, end)
    if kind == _STRUCT:
        return thrift_struct(body, place, end, depth + 1)
    if kind in (_BYTE, _DOUBLE):
        return None, place + (1 if kind == _BYTE else 8)
    if kind == _BINARY:
        size, place = _varint(body, place, end)
        return None, place + size
    raise ValueError(f"a header of a page has a field of type {kind}")


def _integer(body: bytes, place: int, end: int) -> tuple[int, int]:
    value, place = _varint(body, place, end)
    return (value >> 1) ^ -(value & 1), place


def _varint(body: bytes, place: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while place < end and shift < 64:
        byte = body[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise ValueError("a header of a page ends early")
