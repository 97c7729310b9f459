"""The lines of a text file, with limits on the size of each row and of each batch of rows."""

import io
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from prodcat.errors import CatalogError
from prodcat.storage.expanded import MOST_BYTES

_MOST_LETTERS = MOST_BYTES // 2  # in a row
_CELL = 16  # bytes of a cell, at least
_MOST_LINES = 10_000  # of a row that are kept, to be read again if the row has no end
_BLOCK = 32 << 10  # letters that are read and counted at once


class _Text(Protocol):
    """A text that is read piece by piece, such as an opened file."""

    def read(self, size: int, /) -> str:
        """Read at most this many characters; an empty text at the end."""


class BoundedLines:
    """An iterator over the lines of a text file that limits the memory of rows and batches.

    Letters are counted as they are read, in blocks of 32,768, so the limits are approximate.

    Args:
        file: The opened text file.
        name: The name of the file, for messages.

    Attributes:
        number: The number of the last line that was read, from 1.
        row: The lines that were read since the row began, at most 10,000 of them.
    """

    def __init__(self, file: _Text, name: str) -> None:
        self.number = 0
        self.row: list[str] = []
        self._file, self._name = file, name
        self._number = 0  # of the last line that was split from the text
        self._row = self._batch = 0  # letters since the row and the batch began
        self._split = self._split_lines()
        self._returned: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        """Yield the lines with their ends.

        Raises:
            CatalogError: The row that a line belongs to is too long.
        """
        row, returned = self.row, self._returned
        while True:
            for line in self._split:
                self.number += 1
                if len(row) < _MOST_LINES:
                    row.append(line)
                yield line
                if returned:
                    break
            else:
                if not returned:
                    return
            while returned:
                self.number += 1
                row.append(line := returned.popleft())
                yield line

    def end_line(self) -> None:
        """End the row after its first line: its other lines are read again, as further rows.

        A new iterator over this object is needed if the last line was read.

        Raises:
            CatalogError: The row has too many lines to read them again.
        """
        if len(self.row) >= _MOST_LINES:
            raise CatalogError(
                f"{self._name!r}, line {self.number:,}: the row has {_MOST_LINES:,} lines or more. "
                "Look for a missing quote some lines before."
            )
        self.number -= len(self.row) - 1
        self._returned.extendleft(reversed(self.row[1:]))
        self.end_row()

    def _split_lines(self) -> Iterator[str]:
        rest: list[str] = []  # the start of a line whose end was not read yet
        while block := self._file.read(_BLOCK):
            self._count(block)
            # A line feed may follow the carriage return at the end of a block.
            end = block.rfind("\n") + 1 or block.rfind("\r", 0, -1) + 1
            if not end:
                rest.append(block)
                continue
            yield from self._lines("".join([*rest, block[:end]]))
            rest = [block[end:]]
        yield from self._lines("".join(rest))

    def _lines(self, text: str) -> list[str]:
        lines = io.StringIO(text, newline="").readlines()
        self._number += len(lines)
        return lines

    def _count(self, block: str) -> None:
        """Count the letters of a block, and check the length of the current row."""
        self._row += len(block)
        self._batch += len(block) + _CELL * (block.count("[") + block.count("{"))
        if self._row > _MOST_LETTERS:
            raise CatalogError(
                f"{self._name!r}, line {self._number + 1}: the row has more than "
                f"{_MOST_LETTERS:,} letters. Look for a missing quote or a missing end of line, or "
                "leave out columns with large values."
            )

    def end_row(self) -> None:
        """Start to count a new row: the lines so far form complete rows."""
        self._row = 0
        self.row.clear()

    def end_batch(self) -> None:
        """Start to count a new batch of rows."""
        self._batch = 0

    def are_many(self, cells: int) -> bool:
        """Whether the rows of the current batch take so much memory that the batch should end.

        Args:
            cells: The number of cells in these rows.
        """
        return self._batch + _CELL * cells > MOST_BYTES
