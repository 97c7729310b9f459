"""How a text file is to be read, where the file itself does not say so."""

from dataclasses import dataclass

from prodcat.errors import CatalogError

DELIMITERS = (",", ";", "\t", "|")  # those that are recognised without being named
_SPELLED = {"\\t": "\t", "tab": "\t", "TAB": "\t"}


@dataclass(frozen=True)
class ReadOptions:
    r"""What the user knows of a table in a file; the rest is recognised from the file.

    Attributes:
        delimiter: The character between two fields of a CSV file; ``"\t"`` and ``"tab"`` mean
            the tab.  None to recognise it.
        encoding: The name of the encoding, as Python knows it; None to recognise it.
        sheet: The name of the sheet of an Excel workbook; None for the first one.
        names: Names of columns that the header is expected to have: with them a header is told
            apart from lines above it.

    Raises:
        CatalogError: The delimiter or the encoding is not possible.
    """

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            delimiter = _SPELLED.get(self.delimiter, self.delimiter)
            if len(delimiter) != 1 or delimiter in '\r\n"\\ ' or delimiter.isalnum():
                raise CatalogError(
                    f"delimiter={self.delimiter!r} is not possible; expected one character, such "
                    "as ';', ',', '|' or 'tab'."
                )
            object.__setattr__(self, "delimiter", delimiter)
        if self.encoding is not None:
            check_encoding(self.encoding)


def check_encoding(encoding: str) -> None:
    """Refuse what is not the name of an encoding of text.

    Raises:
        CatalogError: Python knows no such encoding of text.
    """
    try:
        b"    ".decode(encoding)  # also the two or four bytes of a wide character
        known = encoding.replace("_", "-").lower() not in ("idna", "punycode", "undefined")
    except (LookupError, ValueError):
        known = False
    if not known:
        raise CatalogError(
            f"encoding={encoding!r} is not known; expected a name such as 'utf-8', 'cp1252' "
            "(Western Europe), 'cp1254' (Turkish) or 'utf-16'."
        )


DEFAULTS = ReadOptions()
