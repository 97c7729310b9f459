"""The lines of a text file, with limits on the size of each row and of each batch of rows."""

from collections.abc import Iterator
from typing import IO

from prodcat.errors import CatalogError
from prodcat.storage.expanded import MOST_BYTES

_MOST_LETTERS = MOST_BYTES // 2  # in a row
_CELL = 16  # bytes of a cell, at least


class BoundedLines:
    """An iterator over the lines of a text file that limits the memory of rows and batches.

    Args:
        file: The opened text file.
        name: The name of the file, for messages.
    """

    def __init__(self, file: IO[str], name: str) -> None:
        self._file, self._name = file, name
        self._number = 0  # of the line
        self._row = self._batch = 0  # letters since the row and the batch began

    def __iter__(self) -> Iterator[str]:
        """The lines themselves."""
        return self

    def __next__(self) -> str:
        """Read the next line.

        Raises:
            CatalogError: The row that the line belongs to is too long.
        """
        line = self._file.readline(_MOST_LETTERS + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._row += len(line)
        self._batch += len(line) + _CELL * (line.count("[") + line.count("{"))
        if self._row > _MOST_LETTERS:
            raise CatalogError(
                f"{self._name!r}, line {self._number}: the row has more than {_MOST_LETTERS:,} "
                "letters. Look for a missing quote or a missing end of line, or leave out columns "
                "with large values."
            )
        return line

    def end_row(self) -> None:
        """Start to count a new row: the lines so far form complete rows."""
        self._row = 0

    def end_batch(self) -> None:
        """Start to count a new batch of rows."""
        self._batch = 0

    def are_many(self, cells: int) -> bool:
        """Whether the rows of the current batch take so much memory that the batch should end.

        Args:
            cells: The number of cells in these rows.
        """
        return self._batch + _CELL * cells > MOST_BYTES
