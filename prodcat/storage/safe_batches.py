"""Computes how many rows of a Parquet file can be unpacked at once in bounded memory.

Arrow can read texts as dictionaries, which stay small however often a text is repeated, but take
twice as long.  So the longest text in a column's dictionary is looked up first: if it is short, the
texts can be read as they are.
"""

import struct
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.storage.expanded import MOST_BYTES
from prodcat.storage.page_headers import DICTIONARY, PageHeader, page_headers

_MOST_PAGE = 128 << 20  # bytes of an unpacked page
_MOST_PAGES = 512 << 20  # bytes of one unpacked page per column, summed over all columns
_MOST_VALUES = 1 << 24  # in a page whose values or lengths are all unpacked at once
_MOST_GROWTH = 50  # factor by which a column of lists may grow when it is unpacked
_VALUE = 16  # bytes of a value that is not a text, with its offset and its validity
_SIMPLE = (0, 2, 3, 8)  # encodings that unpack one value after another
_ALONE = (0, 6)  # encodings in which each text is stored by itself
_BY_NUMBER = (2, 8)  # encodings that store the number of each text in the dictionary
_CODECS = {"UNCOMPRESSED": None, "SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd"}
_MOST_TEXTS = MOST_BYTES // 4  # of dictionaries in a batch whose texts are read as they are
_SEARCHED = 4 << 20  # maximum bytes of a dictionary in which the longest text is looked up
_SEARCHED_TEXTS = 200_000


@dataclass(frozen=True)
class _Column:
    """The unpacked size of a column of a row group.

    Attributes:
        ends: int64 [page]: the number of rows up to the end of each page.
        totals: float64 [page + 1]: the cumulative unpacked bytes of the pages, from 0.
        largest: The unpacked bytes of the largest page.
        row: Bytes that each row takes in addition to its pages.
        text: The same for a text that is not read as a dictionary; infinite if it is not known.
    """

    ends: NDArray[np.int64]
    totals: NDArray[np.float64]
    largest: int
    row: float
    text: float

    def most(self, rows: int, size: int) -> float:
        """The maximum number of bytes that a batch of this column can take.

        Args:
            rows: The number of rows in the row group.
            size: The number of rows in a batch.
        """
        starts = np.arange(0, rows, size)
        first = np.searchsorted(self.ends, starts, "right")
        last = np.searchsorted(self.ends, np.minimum(starts + size, rows) - 1, "right") + 1
        last = np.minimum(last, len(self.ends))
        pages = self.totals[last] - self.totals[np.minimum(first, last)]
        return float(pages.max(initial=0.0)) + size * self.row


def safe_rows(
    file: IO[bytes], group: Any, leaves: Mapping[int, Any], dictionaries: Container[str], rows: int
) -> tuple[int, bool]:
    """The number of rows of a row group that can be unpacked at once in bounded memory.

    Args:
        file: The Parquet file, opened for reading bytes.
        group: The metadata of the row group.
        leaves: The columns that are read, by position.
        dictionaries: The paths of the columns that can be read as dictionaries.
        rows: The number of rows wanted.

    Returns:
        A number from 1 to ``rows``, and whether the texts need not be read as dictionaries.

    Raises:
        ValueError: Pages or lists are too large even for a single row, or the header of a page is
            damaged; the message says which.
    """
    columns = [
        _column(file, group, place, leaf, leaf.path in dictionaries)
        for place, leaf in leaves.items()
    ]
    largest = sum(column.largest for column in columns)
    if largest > _MOST_PAGES:
        raise ValueError(
            f"the largest pages of all columns take {largest:,} bytes together; expected at most "
            f"{_MOST_PAGES:,}, so write smaller pages"
        )
    size: int = max(min(rows, group.num_rows), 1)
    most = max(2 * MOST_BYTES, 2 * largest)
    are_short = size * sum(column.text for column in columns) <= _MOST_TEXTS
    while size > 1 and sum(column.most(group.num_rows, size) for column in columns) > most:
        size //= 2
    return size, are_short


def _column(file: IO[bytes], group: Any, place: int, leaf: Any, as_dictionary: bool) -> _Column:
    chunk = group.column(place)
    pages = list(page_headers(file, chunk))
    data = [page for page in pages if page.kind != DICTIONARY]
    values = sum(page.values for page in data)
    if values != chunk.num_values or (not leaf.max_repetition_level and values != group.num_rows):
        raise ValueError(
            f"the column {leaf.path!r} has {values:,} values; the footer states "
            f"{chunk.num_values:,} for {group.num_rows:,} rows"
        )
    for page in pages:
        _check_page(page, leaf)
    largest = max((page.unpacked for page in pages), default=0)
    sizes = np.array([page.unpacked for page in data], np.float64)
    row = float(_VALUE + max(leaf.length, 0))
    is_text = leaf.physical_type == "BYTE_ARRAY"
    text = _longest_text(file, chunk, leaf, pages) if is_text and as_dictionary else 0.0
    if is_text and not as_dictionary and any(page.encoding not in _ALONE for page in data):
        row += largest
    if leaf.max_repetition_level:
        total = float(sizes.sum()) + values * row
        if total > max(_VALUE * _MOST_VALUES, _MOST_GROWTH * chunk.total_compressed_size):
            raise ValueError(
                f"the lists of the column {leaf.path!r} unpack from "
                f"{chunk.total_compressed_size:,} to {total:,.0f} bytes"
            )
        row, sizes = total / max(group.num_rows, 1), sizes * 0
        ends = np.full(len(data), group.num_rows, np.int64)
    else:
        ends = np.cumsum([page.values for page in data], dtype=np.int64)
    return _Column(ends, np.append(0.0, np.cumsum(sizes)), largest, row, text)


def _longest_text(file: IO[bytes], chunk: Any, leaf: Any, pages: Sequence[PageHeader]) -> float:
    """The size in bytes of the longest text in the dictionary of a column of a row group.

    Returns:
        The size; 0 if there is no dictionary, and infinity if it cannot be looked up quickly.
    """
    if leaf.max_repetition_level or not pages:
        return float("inf")
    first, *rest = pages
    if first.kind != DICTIONARY:
        return 0.0 if all(page.encoding == 0 for page in pages) else float("inf")
    if (
        any(page.kind == DICTIONARY or page.encoding not in (0, *_BY_NUMBER) for page in rest)
        or first.unpacked > _SEARCHED
        or first.packed > _SEARCHED
        or first.values > _SEARCHED_TEXTS
        or chunk.compression not in _CODECS
    ):
        return float("inf")
    file.seek(first.place)
    content = file.read(first.packed)
    codec = _CODECS[chunk.compression]
    size = struct.Struct("<I").unpack_from
    place = longest = 0
    try:
        if codec is not None:
            import pyarrow as pa

            content = pa.decompress(content, first.unpacked, codec, asbytes=True)
        for _ in range(first.values):
            [length] = size(content, place)
            place += length + 4
            if length > longest:
                longest = length
    except (struct.error, ValueError, OSError):  # damaged, as the reader of the page will say
        return float("inf")
    return float(longest) if place <= len(content) else float("inf")


def _check_page(page: PageHeader, leaf: Any) -> None:
    at_once = leaf.max_repetition_level or page.encoding not in _SIMPLE
    if page.unpacked > _MOST_PAGE:
        raise ValueError(
            f"a page of the column {leaf.path!r} takes {page.unpacked:,} bytes; expected at most "
            f"{_MOST_PAGE:,}, so write smaller pages"
        )
    if at_once and page.values > _MOST_VALUES:
        raise ValueError(
            f"a page of the column {leaf.path!r} has {page.values:,} values; expected at most "
            f"{_MOST_VALUES:,}, so write smaller pages"
        )
