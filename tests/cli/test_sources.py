"""Several files, folders, globs and the standard input wherever a table is read."""

import io
import json
import sys
from pathlib import Path

import pytest

import prodcat
from prodcat.cli.command import main
from prodcat.cli.sources import _received
from prodcat.errors import CatalogError
from prodcat.storage.table_files import Files

TITLES = "title,path\nred milk,A > B\nrye bread,A > C\n"


@pytest.fixture
def folder(tmp_path, small, monkeypatch):
    """A folder with a classifier, and tables in files and folders."""
    monkeypatch.chdir(tmp_path)
    small.save("model")
    (tmp_path / "shop").mkdir()
    for name in ("1", "2", "3"):
        (tmp_path / "shop" / f"{name}.csv").write_text(f"title\nmilk {name}\nbread {name}\n")
    return tmp_path


def stdin(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def answered(capsysbinary):
    lines = capsysbinary.readouterr().out.decode().splitlines()
    return [line.split(",")[0] for line in lines[1:]]


ALL = ["milk 1", "bread 1", "milk 2", "bread 2", "milk 3", "bread 3"]


@pytest.mark.parametrize(
    ("files", "titles"),
    [
        (["shop/1.csv", "shop/2.csv", "shop/3.csv"], ALL),
        (["shop"], ALL),
        (["shop/*.csv"], ALL),
        (["shop/3.csv", "shop/1.csv"], ALL[4:] + ALL[:2]),
        (["shop/[12].csv", "shop/3.csv"], ALL),
    ],
)
def test_predict_reads_files_folders_and_globs(folder, capsysbinary, files, titles):
    assert main(["predict", *files, "--model", "model"]) == 0
    assert answered(capsysbinary) == titles


def test_files_of_one_call_go_into_one_output(folder, capsys):
    files = ["shop/1.csv", "shop/2.csv"]
    arguments = ["predict", "--text", "--model", "model", "--output", "out.csv", *files]
    assert main(arguments) == 0
    assert len(Path("out.csv").read_text().splitlines()) == 5
    assert main(["predict", "shop/1.csv", "shop", "--model", "model", "--output", "o.csv"]) == 2
    assert "1.csv' is named twice; expected each file once" in capsys.readouterr().err


def test_an_output_inside_any_of_several_inputs_is_refused(folder, capsys):
    other = folder / "other"
    other.mkdir()
    (other / "4.csv").write_text("title\nmilk\n")
    arguments = ["predict", "shop", "other", "--model", "model", "--output", "other/answers"]
    assert main(arguments) == 2
    assert "lies in the input 'other'" in capsys.readouterr().err


def test_folders_of_several_inputs_give_columns(folder, capsys):
    for place, code in (("a", "tr"), ("b", "de")):
        (folder / place / f"country={code}").mkdir(parents=True)
        (folder / place / f"country={code}" / "1.csv").write_text("title\nmilk\n")
    assert main(["predict", "a", "b", "--model", "model", "--output", "out.jsonl"]) == 0
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row["country"] for row in rows] == ["tr", "de"]


@pytest.mark.parametrize(
    ("content", "titles", "note"),
    [
        (b"title,brand\nmilk,a\nbread,b\n", ["milk", "bread"], ""),
        (b"\xef\xbb\xbftitle\nmilk\n", ["milk"], ""),
        (b'{"title": "milk"}\n{"title": "bread"}\n', ["milk", "bread"], ""),
        (b"milk\nrye bread\n", ["milk", "rye bread"], "each line is read as a title"),
    ],
)
def test_predict_reads_the_standard_input(folder, monkeypatch, capfdbinary, content, titles, note):
    stdin(monkeypatch, content)
    assert main(["predict", "-", "--model", "model", "--output", "out.jsonl"]) == 0
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row["title"] for row in rows] == titles
    assert note in capfdbinary.readouterr().err.decode()


def test_a_parquet_table_comes_through_a_pipe(folder, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"title": ["milk", "bread"]}), out)
    stdin(monkeypatch, out.getvalue())
    assert main(["predict", "-", "--model", "model", "--output", "out.csv"]) == 0
    assert len(Path("out.csv").read_text().splitlines()) == 3


def test_train_and_evaluate_read_the_standard_input(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stdin(monkeypatch, TITLES.encode() * 1 + b"red milk,A > B\nrye bread,A > C\n" * 9)
    assert main(["train", "-", "--output", "model", "--encoder", "none", "--quiet"]) == 0
    stdin(monkeypatch, TITLES.encode())
    assert main(["evaluate", "-", "--model", "model", "--json", "-"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out.partition("\n{")[2].join(["{", ""]))["rows"] == 2
    assert "path accuracy" in shown.err


def test_messages_name_the_standard_input(folder, monkeypatch, capsys):
    stdin(monkeypatch, b"name,brand\nmilk,a\n")
    assert main(["predict", "-", "--model", "model", "--output", "out.csv"]) == 2
    said = capsys.readouterr().err
    assert "standard input has no column 'title'" in said and "/tmp" not in said
    stdin(monkeypatch, b"")
    assert main(["predict", "-", "--model", "model"]) == 2
    assert "The standard input is empty; expected a table" in capsys.readouterr().err


def test_the_standard_input_is_read_once(folder, monkeypatch, capsys):
    stdin(monkeypatch, TITLES.encode())
    arguments = ["train", "-", "--validation", "-", "--output", "m", "--encoder", "none"]
    assert main(arguments) == 2
    assert "The standard input (-) is named twice" in capsys.readouterr().err


def test_the_file_of_the_standard_input_is_removed(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stdin(monkeypatch, b"title\nmilk\n")
    assert main(["predict", "-", "--model", "model", "--output", "out.csv"]) == 0
    assert list(tmp_path.glob("prodcat-*")) == []


def test_a_catalog_of_several_files(folder):
    catalog = prodcat.read_catalog(Files(("shop/3.csv", "shop/1.csv")), path=None)
    assert list(catalog.titles) == ALL[4:] + ALL[:2]
    paths = [Path("shop/1.csv"), Path("shop/2.csv")]
    assert list(prodcat.read_catalog(paths, path=None).titles) == ALL[:4]
    with pytest.raises(CatalogError, match="1.csv' is named twice"):
        prodcat.read_catalog(Files(("shop/1.csv", "shop/*.csv")), path=None)


def test_the_nearest_column_is_named(folder, capsys):
    Path("odd.csv").write_text("Titel,Pfad\nmilk,A\n")
    assert main(["predict", "odd.csv", "--model", "model", "--output", "x.csv"]) == 2
    said = capsys.readouterr().err
    assert "has no column 'title'; found ['Titel', 'Pfad']; did you mean 'Titel'? All files" in said
    assert "name these with --title and --text." in said
    assert main(["evaluate", "odd.csv", "--model", "model", "--title", "Titel"]) == 2
    said = capsys.readouterr().err
    assert (
        "no column 'path'; found ['Pfad', 'Titel']. Name the columns with --title, --path," in said
    )
    assert "keep=" not in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("S3://shop/a.csv", "begins with 'S3', which is no kind of address; did you mean 's3://s"),
        (
            "htp://shop/a.csv",
            "begins with 'htp', which is no kind of address; did you mean 'http'?",
        ),
        ("zz://shop/a.csv", "which is no kind of address; expected one of s3, gs, "),
        ("s3:/shop/a.csv", "has one slash after 's3'; did you mean 's3://shop/a.csv'?"),
        ("shop/1.cvs", "Found no file at 'shop/1.cvs'; did you mean '1.csv'?"),
        ("shp/1.csv", "Found no file at 'shp/1.csv'; there is no folder 'shp'. Check the address."),
        ("qwertz.csv", "Found no file at 'qwertz.csv'; expected at least one. Check the address"),
    ],
)
def test_a_misspelt_address_is_told_with_what_was_meant(folder, capsys, name, message):
    assert main(["predict", name, "--model", "model", "--output", "out.csv"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert main(["predict", "shop/2.csv", name, "--model", "model", "--output", "out.csv"]) == 2
    assert message in capsys.readouterr().err


def test_an_address_that_fsspec_knows_is_read(folder):
    place = (folder / "shop" / "1.csv").as_uri()
    for name in (place, place.replace("file://", "file:")):
        assert main(["predict", name, "--model", "model", "--output", "out.jsonl", "-q"]) == 0
        Path("out.jsonl").unlink()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("Bezeichnung\nVollmilch 1 L\nBrot\n", "Bezeichnung"),
        ("\ufeffBezeichnung\nVollmilch 1 L\nBrot\n", "Bezeichnung"),
        ("Bezeichnung;EAN\nVollmilch 1 L;400123\nBrot frisch;400124\n", "Bezeichnung"),
        ('"Product name"\nWhole Milk\nRye Bread\n', "'Product name'"),
        ("TITLE\r\nmilk\r\nbread\r\n", "title"),
    ],
)
def test_a_header_is_never_answered_as_a_title(tmp_path, monkeypatch, capsys, content, name):
    stdin(monkeypatch, content.encode())
    assert main(["predict", "-", "--model", str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err
    assert "each line is read as a title" not in said
    assert "standard input has no column 'title'" in said
    assert f"--title {name}" in said or "did you mean 'TITLE'?" in said


@pytest.mark.parametrize("content", ["Bezeichnung\n", "Vollmilch\nBezeichnung\n", "\ufeffBrot\n"])
def test_lines_of_titles_stay_titles(tmp_path, monkeypatch, capsys, content):
    stdin(monkeypatch, content.encode())
    assert main(["predict", "-", "--model", str(tmp_path / "none")]) == 2
    assert "each line is read as a title" in capsys.readouterr().err


def test_the_mark_of_the_encoding_is_no_part_of_the_first_title(tmp_path, monkeypatch):
    stdin(monkeypatch, "\ufeffBrot\nMilch\n".encode())
    assert Path(_received(tmp_path, "title")).read_text(encoding="utf-8").split() == [
        "title", '"Brot"', '"Milch"',
    ]  # fmt: skip
