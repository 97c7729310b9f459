"""Finds cells of an Excel sheet that have no value although they look filled.

A program that writes formulas without calculating them leaves such cells: openpyxl writes no value,
XlsxWriter writes 0 and asks Excel to calculate when it opens the workbook.  A formula may also give
an error, such as ``#N/A``.  The package that reads the values says neither, so the XML of the sheet
is looked through, if it has formulas or errors at all.
"""

import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

_BLOCK = 1 << 20
_MARKS = re.compile(rb"""<(?:\w+:)?f[\s/>]|\st=["']e["']""")
_SPANS = re.compile(rb"""number-rows-spanned=["'](?!1["'])""")
_STYLES = "xl/styles.xml"
_ZEROS = re.compile(r"(0{2,})(?:;.*)?")  # a format that shows at least so many digits
_OVERLAP = 64  # bytes of a block in which a mark may begin that ends in the next block
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_MOST_VALUE = 20  # letters of a value that are kept
Cell = tuple[int, int]  # the row and the column, from 0


@dataclass
class MarkedCells:
    """Cells of a sheet without a value of their own.

    Attributes:
        uncalculated: The cells with a formula that was not calculated yet.
        errors: The cells with an error, and its text, such as ``#N/A``.
        negative: The cells with a negative number, and its text; only if they were asked for.
        digits: The cells whose number is shown with zeros before it, and the number of digits of
            their format, such as 5 of ``00000``.
    """

    uncalculated: set[Cell] = field(default_factory=set)
    errors: dict[Cell, str] = field(default_factory=dict)
    negative: dict[Cell, str] = field(default_factory=dict)
    digits: dict[Cell, int] = field(default_factory=dict)


def marked_cells(
    archive: zipfile.ZipFile, sheet: str, *, finds_negative: bool = False
) -> MarkedCells:
    """The cells of a sheet without a value of their own, or with another one than Excel shows.

    Args:
        archive: The workbook.
        sheet: The name of the sheet.
        finds_negative: Whether cells with negative numbers are wanted.

    Raises:
        ValueError: The XML is damaged, or declares a document type.
        KeyError: A part of the workbook is missing.
    """
    part, is_calculated_later = _part_of(archive, sheet)
    if part is None:
        return MarkedCells()
    digits = zero_formats(archive)
    if not digits and not finds_negative and not _has_marks(archive, part):
        return MarkedCells()
    parser = _CellParser(digits, finds_negative)
    with archive.open(part) as member:
        parse_xml(member, parser.start, parser.end, parser.text)
    if is_calculated_later:
        later = {cell for cell in parser.zeros if cell[1] not in parser.calculated}
        parser.cells.uncalculated |= later
    return parser.cells


def _part_of(archive: zipfile.ZipFile, sheet: str) -> tuple[str | None, bool]:
    """The name of a sheet's part, and whether all formulas are calculated when it is opened."""
    names: dict[str, str] = {}  # of the relation of each sheet
    flags: set[str] = set()
    targets: dict[str, str] = {}

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        local = {local_name(name): value for name, value in attributes.items()}
        match local_name(tag):
            case "sheet":
                names[local.get("name", "")] = local.get("id", "")
            case "calcPr":
                flags.add(local.get("fullCalcOnLoad", ""))
            case "Relationship":
                targets[local.get("Id", "")] = local.get("Target", "")

    root = "xl/workbook.xml"
    if root not in archive.namelist():
        return None, False
    for part in (root, "xl/_rels/workbook.xml.rels"):
        with archive.open(part) as member:
            parse_xml(member, start)
    target = targets.get(names.get(sheet, ""), "")
    path = target.lstrip("/") if target[:1] == "/" else posixpath.join("xl", target)
    path = posixpath.normpath(path)
    return (path if path in archive.namelist() else None), not flags.isdisjoint(("1", "true"))


def _has_marks(archive: zipfile.ZipFile, part: str, marks: re.Pattern[bytes] = _MARKS) -> bool:
    """Whether the XML of a sheet has a formula or an error, or other marks."""
    rest = b""
    with archive.open(part) as member:
        while block := member.read(_BLOCK):
            if marks.search(rest + block):
                return True
            rest = block[-_OVERLAP:]
    return False


def has_unread_spans(archive: zipfile.ZipFile) -> bool:
    """Whether an OpenDocument file has cells over several rows, which its reader does not tell."""
    part = "content.xml"
    return part in archive.namelist() and _has_marks(archive, part, _SPANS)


def zero_formats(archive: zipfile.ZipFile) -> dict[str, int]:
    """The styles of a workbook that show numbers with zeros before them, and their digits.

    Returns:
        The number of zeros of each format of zeros alone, at least two, by the number of its style
        as cells name it.
    """
    formats: dict[str, int] = {}
    styles: list[str] = []
    parents: list[str] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        name = local_name(tag)
        if name == "numFmt" and (match := _ZEROS.fullmatch(attributes.get("formatCode", ""))):
            formats[attributes.get("numFmtId", "")] = len(match[1])
        if name == "xf" and parents[-1:] == ["cellXfs"]:
            styles.append(attributes.get("numFmtId", ""))
        parents.append(name)

    def end(_: str) -> None:
        parents.pop()

    if _STYLES in archive.namelist():
        with archive.open(_STYLES) as member:
            parse_xml(member, start, end)
    return {str(place): formats[kind] for place, kind in enumerate(styles) if kind in formats}


class _CellParser:
    """Collects the cells without a value from the XML of a sheet."""

    def __init__(self, digits: Mapping[str, int], finds_negative: bool) -> None:
        self.cells = MarkedCells()
        self._digits, self._finds_negative = digits, finds_negative
        self._style = ""
        self.zeros: set[Cell] = set()  # formulas with the value 0
        self.calculated: set[int] = set()  # columns with formulas with another value
        self._row = self._column = -1
        self._kind = self._value = ""
        self._has_formula = self._is_value = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        match local_name(tag):
            case "row":
                self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
                self._column = -1
            case "c":
                self._column += 1
                match_ = _REFERENCE.fullmatch(attributes.get("r", ""))
                if match_:
                    self._row, self._column = int(match_[2]) - 1, _column_number(match_[1])
                self._kind, self._value, self._has_formula = attributes.get("t", "n"), "", False
                self._style = attributes.get("s", "")
            case "f":
                self._has_formula = True
            case "v":
                self._is_value = True

    def text(self, text: str) -> None:
        if self._is_value and len(self._value) < _MOST_VALUE:
            self._value += text

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if name == "v":
            self._is_value = False
        elif name == "c":
            place = self._row, self._column
            if self._kind == "n" and self._style in self._digits and self._value:
                self.cells.digits[place] = self._digits[self._style]
            if self._finds_negative and self._kind == "n" and self._value[:1] == "-":
                self.cells.negative[place] = self._value
            if self._kind == "e":
                self.cells.errors[place] = self._value
            elif self._has_formula and not self._value and self._kind != "str":
                self.cells.uncalculated.add(place)
            elif self._has_formula:
                if self._kind != "n" or self._value != "0":
                    self.calculated.add(self._column)
                elif self._column not in self.calculated:
                    self.zeros.add(place)


def parse_xml(member: IO[bytes], start: Any, end: Any = None, text: Any = None) -> None:
    """Parse XML, and call functions for the starts and ends of its elements and for its texts."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.ParseFile(member)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is damaged: {error}") from error


def _refuse_document_type(*_: object) -> None:
    raise ValueError("its XML declares a document type, which no workbook has")


def local_name(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition(" ")[2]


def _column_number(letters: str) -> int:
    """The number of a column, from 0.

    >>> _column_number("A"), _column_number("AB")
    (0, 27)
    """
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
