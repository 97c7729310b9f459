"""The tables that a command reads: several files as one table, and the standard input."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import TABLES
from prodcat.cli.output import STDOUT, note
from prodcat.errors import CatalogError, ConfigError

if TYPE_CHECKING:
    from prodcat.storage.table_files import Files

STDIN = "standard input"  # the name of the standard input in messages
_STARTS = ((b"PAR1", ".parquet"), (b"PK\x03\x04", ".xlsx"), (b"\x1f\x8b", ".csv.gz"))
_BEGINNING = 65_536  # bytes by which the format is recognised


@contextmanager
def tables_of(options: argparse.Namespace) -> Iterator[None]:
    """A context manager in which the options that name tables hold sources for the library.

    Several files become one source, and ``-`` a file with the content of the standard input, which
    is removed at the end.

    Args:
        options: The parsed options; ``options.stdin`` is set to the name of that file, if there is
            one.

    Raises:
        CatalogError: Nothing comes from the standard input.
        ConfigError: The standard input is named twice.
    """
    actions = [action for action in options.parser.actions if action.metavar in TABLES]
    named = [getattr(options, action.dest) for action in actions]
    uses = sum(
        value == STDOUT if isinstance(value, str) else (value or []).count(STDOUT)
        for value in named
    )
    if uses > 1:
        raise ConfigError(
            "The standard input (-) is named twice, but can be read once; expected files for the "
            "others."
        )
    with tempfile.TemporaryDirectory(prefix="prodcat-") as folder:
        if uses:
            lines = options.title if getattr(options, "takes_lines", False) else None
            options.stdin = _received(Path(folder), lines)
        for action, value in zip(actions, named, strict=True):
            setattr(options, action.dest, _source(value, options))
        yield


def _source(value: Any, options: argparse.Namespace) -> "str | Files | None":
    """What the library gets for the value of an option."""
    from prodcat.storage.table_files import Files

    if value is None or isinstance(value, str):
        return options.stdin if value == STDOUT else value
    values: Sequence[str] = [options.stdin if name == STDOUT else name for name in value]
    return None if not values else values[0] if len(values) == 1 else Files(tuple(values))


def _received(folder: Path, title: str | None) -> str:
    """Write the standard input to a file whose ending states its format; return the name.

    Args:
        folder: A folder for the file.
        title: The column with the title, if lines without a header are titles; else None.
    """
    stream = sys.stdin.buffer
    start = stream.read(_BEGINNING)
    if not start:
        raise CatalogError(
            "The standard input is empty; expected a table (CSV, JSONL, Parquet or Excel). Name a "
            "file, or write a table to the standard input."
        )
    ending = next((ending for magic, ending in _STARTS if start.startswith(magic)), "")
    ending = ending or (".jsonl" if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else ".csv")
    file = folder / f"input{ending}"
    with file.open("wb") as target:
        if ending == ".csv" and title is not None and _is_bare(start, title):
            note(f"{STDIN}: there is no column {title!r}; each line is read as a title")
            target.write(title.encode() + b"\n")
            text = (start + stream.read()).decode("utf-8", "surrogateescape")
            for line in text.splitlines():
                quoted = '"' + line.replace('"', '""') + '"'
                target.write(quoted.encode("utf-8", "surrogateescape") + b"\n")
        else:
            target.write(start)
            while piece := stream.read(1 << 20):
                target.write(piece)
    return str(file)


def _is_bare(start: bytes, title: str) -> bool:
    """Whether a text is lines of titles: its first line is one field, and no column's name."""
    first = start.decode("utf-8-sig", "replace").partition("\n")[0].strip()
    return first.strip('"') != title and not any(mark in first for mark in ",;\t|")
