"""Files that are named by people: their endings, and how messages name them."""

import base64
import zipfile
import zlib
from pathlib import Path

import pytest

import prodcat
from prodcat import CatalogError
from prodcat.scoring.parts import list_files
from prodcat.storage.table_files import Files, expand

WRONG = "title,path\nmilk,Food,more\n"
# An .xls of Excel 97 with the columns title, path and n, and two rows.
OLD_WORKBOOK = zlib.decompress(
    base64.b85decode(
        "c-rk)O=uHA6#i!OAJR0fsn7}~6s%f%DPFuZQK9B!sa8-_(2ZHJBuz`$iypLEa})$mikCt!UaDUFK@WQK"
        "AXM}q2tuMqPlAGnH0yhBcWYX6Xh4fU`z`Zk_Rafd-p<e4oqe_3Rb9B>SHn7_;X}iUAlRf+lp^j;0#t8V"
        "Ty*m=CCkHKg-DntG8n*<j+Y^xL!R#%G~Dw)CkcF@bPBT=pD7usO~e85L09a<C`pCeq=}<fyy_NtR^%3u"
        "cg6Cl$bF)@CUTT)tLg-nGvh;homG5X8<4s<xZQ`sc_*3?^xy@r;!D?+Z5zP;@|0fuGb{T2F)V`SEo+pF"
        "vR<qrNfWq;uT~29;_lREDNnz-dIi#dTdNPX(BIJfz#ObIvcN0ogz|Gu2uJmtQ7jsDoaE`16adUAvuKdT"
        "tZts8l~D2llXWu+mBon4L#O7`lqOM!$@XJ~X`>KZUp<BbreTnbazK{=kXRD{I%H$SNao2WE_ccHNKlBc"
        "-}(IdP;Me~S~PPK^zB!}c77UIxXcV9$EC)%Du;xzTjUjKb(@s?L?+2$$_FQUoWj9*vAHU>gVfI+!JEvE"
        "rt(fIS3Vtn)L;3S*+u20Z0$mF>1}2K1N5rO6Q8en469*v>n7uI#?6%zM&66;{VAk`wS?ol<-Gqou_9vz"
        "8V`nj$D^ZG?=)wun5|l{m9Tw|y%IK$+eMA<m>qQ3S_`%&?100zXC~;dHDR+4X{{R%*px!y4@BX?g9i^D"
        "Jb3Wn;lGEHPgeT_-EW^V<byKg{MT8b)bM_j{IfWM8M;h47M3V4<9u7|XDb5AZA)#C<NhyX9HZXLbQH~r"
        "ABDEpFCF1j^Yd(&nD}*DsNMb>?fChd`~MCMThTf"
    )
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("in/a.csv", "in/a.csv"),
        ("./in/a.csv", "./in/a.csv"),
        ("in", "in/a.csv"),
        ("in/*.csv", "in/a.csv"),
        ("{root}/in/a.csv", "{root}/in/a.csv"),
        ("{root}/in", "{root}/in/a.csv"),
        ("file://{root}/in/a.csv", "file://{root}/in/a.csv"),
    ],
)
def test_messages_name_a_file_as_the_caller_did(folder, given, shown):
    given, shown = given.format(root=folder), shown.format(root=folder)
    with pytest.raises(CatalogError) as error:
        prodcat.read_catalog(given)
    assert f"{shown!r}, line 2: found 3 fields" in str(error.value)
    assert expand(given) == list_files(given) == [shown]


def test_a_file_under_two_names_is_named_twice(folder):
    with pytest.raises(CatalogError, match="in/a.csv' is named twice"):
        prodcat.read_catalog([Path("in/a.csv"), folder / "in" / "a.csv"])
    same = Files(("in/a.csv", "in/a.csv"))
    with pytest.raises(CatalogError, match="in/a.csv' is named twice"):
        list(prodcat.storage.tables.iter_tables(same))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.zip", "Unpack it, and name the file in it"),
        ("a.csv.zip", "Unpack it, and name the file in it"),
        ("a.csv.bz2", "pack the file with gzip instead"),
        ("a.xlsx.gz", "a workbook is packed already"),
        ("a.numbers", "File > Export To > CSV or Excel"),
        ("a.docx", "Save its table as a .csv"),
        ("a.feather", "Read it with pandas or Arrow"),
        ("a.sqlite", "Export the table"),
        ("a", "has no ending; expected one of"),
        ("a.titles", "ends with '.titles'; expected .* Save it as a .csv"),
    ],
)
def test_a_file_that_is_not_read_is_refused_with_what_to_do(folder, name, advice):
    Path(name).write_text("title\n")
    with pytest.raises(CatalogError, match=advice):
        prodcat.read_catalog(name)


def test_old_workbooks_are_read(folder):
    Path("old.xls").write_bytes(OLD_WORKBOOK)
    catalog = prodcat.read_catalog("old.xls", keep=["n"])
    assert catalog.paths == [("Gıda", "Süt"), ("Gıda", "Ekmek")]
    assert catalog.columns["n"] == (1, 2)


def test_sheets_of_open_document_are_read(folder):
    space = "urn:oasis:names:tc:opendocument:xmlns"
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p>'
            "</table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in [("title", "path"), ("milk", "Food &gt; Milk")]
    )
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0">'
        '<office:body><office:spreadsheet><table:table table:name="A">'
        f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile("a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    assert prodcat.read_catalog("a.ods").paths == [("Food", "Milk")]


@pytest.mark.parametrize("text", ["<html><table></table></html>", "title\tpath\nmilk\tFood\n"])
def test_text_that_is_named_like_a_workbook_is_told(folder, text):
    Path("a.xls").write_text(text)
    with pytest.raises(CatalogError, match="it is text and no workbook. Give the file the ending"):
        prodcat.read_catalog("a.xls")


def test_a_damaged_old_workbook_is_refused(folder):
    Path("a.xls").write_bytes(OLD_WORKBOOK[:600] + bytes(600))
    with pytest.raises(CatalogError, match="Cannot read 'a.xls' as a workbook: .* save it again"):
        prodcat.read_catalog("a.xls")
