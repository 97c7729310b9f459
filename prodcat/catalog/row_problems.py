"""Collects the problems of wrong rows while a source is read."""

from prodcat.catalog.report import RowProblem
from prodcat.storage.tables import Columns


class RowProblems:
    """The problems reported so far.

    Args:
        columns: The values of all rows by column; a problem gets those of its row.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._problems: list[RowProblem] = []
        self._rows: set[int] = set()

    def add(self, row: int, reason: str, detail: str) -> None:
        """Add a problem of a row.

        Args:
            row: The number of the row, which may have several problems.
            reason: One of the reasons in :mod:`prodcat.catalog.report`.
            detail: What exactly is wrong.
        """
        record = {name: values[row] for name, values in self._columns.items()}
        self._problems.append(RowProblem(row, reason, detail, record))
        self._rows.add(row)

    def rows(self, reason: str | None = None) -> set[int]:
        """The numbers of the rows with a problem for this reason; None for any reason."""
        if reason is None:
            return set(self._rows)
        return {problem.row for problem in self._problems if problem.reason == reason}

    def by_row(self) -> tuple[RowProblem, ...]:
        """The problems in the order of the rows."""
        return tuple(sorted(self._problems, key=lambda problem: problem.row))
