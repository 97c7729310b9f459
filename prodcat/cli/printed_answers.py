"""Answers on the standard output: CSV for programs, and a short table for people."""

import csv
import io
import sys
import unicodedata
from collections.abc import Iterator, Sequence

from prodcat.cli.output import print_data
from prodcat.errors import ConfigError, did_you_mean
from prodcat.text_encoding import for_csv, for_terminal

_SHOWN = ("predicted_path", "confidence")
_MOST_TITLE = 48  # places of the terminal
_DRAWN_INTO = ("Mn", "Me", "Cf")  # categories of Unicode


class PrintedAnswers:
    """Prints answers piece by piece.

    On a terminal people get a table of the title, the answered path and its confidence, and an
    error where there is one.  Elsewhere, and with named columns, it is CSV with a header.

    Args:
        title: The column with the title.
        columns: The columns that are asked for; None if none are named.
        reads_rows: Whether the caller needs the rows.

    Attributes:
        header: The columns of the answers, once the first piece was read.
    """

    def __init__(
        self, title: str, columns: Sequence[str] | None, *, reads_rows: bool = False
    ) -> None:
        self._columns = columns
        self._reads_rows = reads_rows
        self._title = title
        self._places: list[int] = []
        self.header: list[str] = []

    def add(self, text: str) -> list[list[str]]:
        """Print a piece of CSV, of which only the first has a header.

        Returns:
            The rows of the piece, if they were read.

        Raises:
            ConfigError: There is no such column.
        """
        is_shown = sys.stdout.isatty()
        if self._columns is None and not is_shown and not self._reads_rows:
            print_data(text)
            return []
        rows = lines_of(text)
        is_first = not self.header
        if is_first:
            self.header = next(rows, [])
            self._places = self._chosen()
        listed = list(rows)
        if is_shown and self._columns is None:
            self._print_table(listed, is_first)
        elif self._columns is None:
            print_data(text)
        else:
            chosen = [[row[place] for place in self._places] for row in listed]
            names = [[self.header[place] for place in self._places]] if is_first else []
            cell_text = for_terminal if is_shown else str  # a cell for people has one line
            print_data(for_csv([[cell_text(c) or None for c in row] for row in [*names, *chosen]]))
        return listed

    def _chosen(self) -> list[int]:
        names = [self._title, *_SHOWN] if self._columns is None else self._columns
        for name in names:
            if name not in self.header:
                guess = did_you_mean(name, self.header) or f"; expected some of {self.header}"
                raise ConfigError(f"--columns: the answers have no column {name!r}{guess}")
        return [self.header.index(name) for name in names]

    def _print_table(self, rows: Sequence[Sequence[str]], is_first: bool) -> None:
        title, path, confidence = self._places
        error = self.header.index("error")
        lines = [("TITLE", "CONFIDENCE", "PATH")] if is_first else []
        for row in rows:
            sure = f"{float(row[confidence]):.1%}" if row[confidence] else ""
            shown = row[path] or (f"({row[error]})" if row[error] else "(no answer)")
            lines.append((row[title], sure, shown))
        for name, sure, shown in lines:
            cells = _fitted(for_terminal(name), _MOST_TITLE), f"{sure:>10}", for_terminal(shown)
            print_data("  ".join(cells).rstrip() + "\n")


def lines_of(text: str) -> Iterator[list[str]]:
    """The rows of a text of CSV."""
    csv.field_size_limit(max(len(text) + 1, csv.field_size_limit()))
    return csv.reader(io.StringIO(text, newline=""))


def _fitted(text: str, places: int) -> str:
    """A text that takes this many places of a terminal, cut or filled up with blanks."""
    width, kept, kept_width = 0, "", 0
    for place, letter in enumerate(text):
        width += _width(letter)
        if width > places:
            return f"{kept}…" + " " * (places - kept_width - 1)
        if width < places:  # so that the mark of a cut has a place, too
            kept, kept_width = text[: place + 1], width
    return text + " " * (places - width)


def _width(letter: str) -> int:
    """How many places of a terminal a letter takes."""
    # Marks, joiners and the vowels and finals of Hangul are drawn into the letter before them.
    if unicodedata.category(letter) in _DRAWN_INTO or "\u1160" <= letter <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
