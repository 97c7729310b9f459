"""Writes the files of the matrix with LibreOffice."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.files.cells import Cell
from benchmarks.files.writers import below_of

# The numbers that LibreOffice has for encodings.
_NUMBERS = {"utf-8": 76, "cp1252": 1, "cp1254": 36, "iso-8859-9": 20, "utf-16 LE": 65_535}
_AT_ONCE = 40  # files in one call
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"
 office:mimetype="application/vnd.oasis.opendocument.spreadsheet" office:version="1.3">
<office:automatic-styles>
<number:number-style style:name="N1" {locale}>
<number:number number:decimal-places="2" number:min-decimal-places="2"
 number:min-integer-digits="1" number:grouping="{grouped}"/></number:number-style>
<style:style style:name="price" style:family="table-cell" style:data-style-name="N1"/>
</office:automatic-styles>
<office:body><office:spreadsheet><table:table table:name="Products">
"""
_TAIL = "</table:table></office:spreadsheet></office:body></office:document>\n"


def command() -> str | None:
    """The program; None if it is not installed."""
    return shutil.which("soffice")


def write_all(cells: Sequence[Cell], folder: Path) -> None:
    """Write the files of cells, many in one call, into a folder.

    Raises:
        RuntimeError: LibreOffice did not write a file.
    """
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(_filter(cell), []).append(cell)
    for kind, group in groups.items():
        for start in range(0, len(group), _AT_ONCE):
            _convert(group[start : start + _AT_ONCE], kind, folder)


def _filter(cell: Cell) -> str:
    """The kind of file, with the options of the export as LibreOffice numbers them."""
    if cell.encoding == "xlsx":
        return "xlsx:Calc MS Excel 2007 XML"
    quotes_all = str(cell.quoting == "all").lower()
    options = (ord(cell.delimiter), 34, _NUMBERS[cell.encoding], 1, "", 0, quotes_all, "true")
    return f"csv:Text - txt - csv (StarCalc):{','.join(map(str, options))},true"


def _convert(cells: Sequence[Cell], kind: str, folder: Path) -> None:
    program = command()
    assert program is not None
    with tempfile.TemporaryDirectory() as near:
        sources = []
        for cell in cells:
            source = Path(near) / f"{Path(cell.name).stem}.fods"
            source.write_text(_document(cell), encoding="utf-8")
            sources.append(str(source))
        done = subprocess.run(
            [program, f"-env:UserInstallation=file://{near}/profile", "--headless",
             "--convert-to", kind, "--outdir", str(folder), *sources],
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    ending = kind.partition(":")[0]
    for cell in cells:
        made = folder / f"{Path(cell.name).stem}.{ending}"
        if not made.exists():
            raise RuntimeError(f"LibreOffice did not write {made.name}: {done.stderr[-500:]}")


def _document(cell: Cell) -> str:
    """A flat OpenDocument spreadsheet."""
    catalog, width = cell.catalog, len(cell.columns) + cell.empty
    values = {
        "sku": [_number(str(sku), "") for sku in catalog.skus],
        "title": list(map(_text, catalog.titles)),
        "path": list(map(_text, catalog.paths)),
        "price": [_number(f"{cents / 100:.2f}", "price") for cents in catalog.prices],
    }
    rows = [[_text(line)] for line in cell.above.split("\n") if cell.above]
    rows.append([_text(name) for name in cell.header])
    rows += map(list, zip(*(values[name] for name in cell.columns), strict=True))
    rows += [[_text(line)] for line in below_of(cell).split("\n") if cell.below]
    if cell.empty:  # a blank cell far to the right makes the export that wide
        rows = [
            row + ["<table:table-cell/>"] * (width - len(row) - 1) + [_text("")] for row in rows
        ]
    language, country = ("de", "DE") if cell.comma else ("en", "US")
    locale = f'number:language="{language}" number:country="{country}"'
    lines = (f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    return "\n".join(
        [_HEAD.format(locale=locale, grouped=str(cell.grouped).lower()), *lines, _TAIL]
    )


def _number(text: str, style: str) -> str:
    named = f' table:style-name="{style}"' if style else ""
    return f'<table:table-cell office:value-type="float" office:value="{text}"{named}/>'


def _text(text: str) -> str:
    inner = escape(text).replace("\t", "<text:tab/>").replace("  ", " <text:s/>")
    if text.startswith(" "):
        inner = f"<text:s/>{inner[1:]}"
    if text.endswith(" "):
        inner = f"{inner[:-1]}<text:s/>"
    lines = "".join(f"<text:p>{line}</text:p>" for line in inner.split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'
