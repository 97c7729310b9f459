"""The tables that a command reads: several files as one table, and the standard input."""

import argparse
import re
import sys
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import TABLES
from prodcat.cli.output import STDOUT, note
from prodcat.errors import CatalogError, ConfigError, did_you_mean

if TYPE_CHECKING:
    from prodcat.storage.table_files import Files

STDIN = "standard input"  # the name of the standard input in messages
_STARTS = ((b"PAR1", ".parquet"), (b"PK\x03\x04", ".xlsx"), (b"\x1f\x8b", ".csv.gz"))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/.*)", re.DOTALL)
_LOCAL = ("file", "local")
_USUAL = ("s3", "gs", "az", "abfs", "http", "https", "file")  # kinds of addresses, for messages
_WILDCARDS = frozenset("*?[")
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
        CatalogError: Nothing comes from the standard input, or a file or an address is misspelt.
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

    for name in [value] if isinstance(value, str) else value or []:
        if name != STDOUT:
            _check_name(name)
    if value is None or isinstance(value, str):
        return options.stdin if value == STDOUT else value
    values: Sequence[str] = [options.stdin if name == STDOUT else name for name in value]
    return None if not values else values[0] if len(values) == 1 else Files(tuple(values))


def _check_name(name: str) -> None:
    """Refuse a misspelt address or file with what was probably meant, before anything is read.

    Raises:
        CatalogError: There is no such kind of address, or no such file on this machine.
    """
    if "::" in name:  # files in archives, of which fsspec knows the forms
        return
    if match := _SCHEME.match(name):
        _check_scheme(name, match[1], match[2])
        return
    path = Path(name).expanduser()
    if not _WILDCARDS.intersection(name) and not path.exists() and not path.is_symlink():
        hint = _neighbour(path) or "; expected at least one. Check the address and the rights."
        raise CatalogError(f"Found no file at {name!r}{hint}")


def _check_scheme(name: str, scheme: str, rest: str) -> None:
    """Refuse an address whose kind is not known, or which has one slash in place of two.

    Raises:
        CatalogError: It is such an address.
    """
    from fsspec.registry import available_protocols

    known, lower = available_protocols(), scheme.lower()
    if scheme not in known:
        if lower in known:
            meant = f"; did you mean '{lower}://{rest.lstrip('/')}'?"
        else:
            meant = did_you_mean(scheme, _USUAL) or f"; expected one of {', '.join(_USUAL)}"
        raise CatalogError(f"{name!r} begins with {scheme!r}, which is no kind of address{meant}")
    if not rest.startswith("//") and scheme not in _LOCAL:
        raise CatalogError(
            f"{name!r} has one slash after {scheme!r}; did you mean "
            f"'{scheme}://{rest.lstrip('/')}'?"
        )


def _neighbour(path: Path) -> str:
    """The end of a message: the file of the same folder that has nearly the same name."""
    folder = path.parent
    try:
        guess = did_you_mean(path.name, [file.name for file in folder.iterdir()])
    except OSError:  # there is no such folder
        return f"; there is no folder {str(folder)!r}. Check the address."
    return guess


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
            text = (start.removeprefix(BOM_UTF8) + stream.read()).decode("utf-8", "surrogateescape")
            for line in text.splitlines():
                quoted = '"' + line.replace('"', '""') + '"'
                target.write(quoted.encode("utf-8", "surrogateescape") + b"\n")
        else:
            target.write(start)
            while piece := stream.read(1 << 20):
                target.write(piece)
    return str(file)


def _is_bare(start: bytes, title: str) -> bool:
    """Whether a text is lines of titles: its first line is one field, and no column's name.

    Names that retailers give to a column with titles are no titles if more lines follow.
    """
    from prodcat.insight.first_look.words import title_rank

    first, _, rest = start.decode("utf-8-sig", "replace").partition("\n")
    name = first.strip().strip('"').strip()
    if name == title or any(mark in first for mark in ",;\t|"):
        return False
    is_name = name.casefold() == title.casefold() or title_rank(name) is not None
    return not (is_name and rest.strip())
