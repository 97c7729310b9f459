"""Answers in a workbook of Excel."""

import datetime
import gzip
import json
import time
import zipfile
from decimal import Decimal

import fsspec
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

import prodcat
from prodcat import CatalogError, ConfigError, ScoringConfig, ScoringError
from prodcat.cli.command import main
from prodcat.scoring.jobs import score
from prodcat.scoring.sheets import check_sheet
from prodcat.storage.spreadsheets import check_size, sheet_bytes

SMALL_PARTS = ScoringConfig(part_rows=40)
TEXTS = ["=1+1", "+49 30", "-5", "@home", "http://milk.example", "007", " lead", "trail ", "a\nb"]
TEXTS += [
    "<r>x</r>",
    "<r><t>x</t></r>",
    "<r>&</r>",
    "</t>",
    "&amp;",
    "]]>",
    "😀",
    "\u2028",
    "e\u0301",
]
CONTROLS = ["a\x0bb", "a\rb", "a\x00b", "\x1b[0m", "_x000B_", "_x005F_", "\x7f", "\x85"]


def cells(path):
    """What the readers of openpyxl, calamine and pandas find: rows below the header."""
    workbook = openpyxl.load_workbook(path)
    rows = [list(row) for row in workbook.active.iter_rows(values_only=True)]
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    others = [[None if cell == "" else cell for cell in row] for row in sheet.to_python()]
    frame = pd.read_excel(path, dtype=object, keep_default_na=False, engine="openpyxl")
    assert list(frame.columns) == rows[0] == others[0]
    return rows[1:], others[1:], frame.values.tolist()


def test_every_text_stays_the_text(small, tmp_path):
    texts = TEXTS + CONTROLS
    table = pa.table({"title": ["süt"] * len(texts), "note": texts})
    pq.write_table(table, tmp_path / "in.parquet")
    score(small, str(tmp_path / "in.parquet"), str(tmp_path / "out.xlsx"))
    by_openpyxl, by_calamine, by_pandas = cells(tmp_path / "out.xlsx")
    assert [row[1] for row in by_calamine] == texts
    for rows in (by_openpyxl, by_pandas):  # openpyxl leaves control characters as Excel writes them
        assert [row[1] for row in rows][: len(TEXTS)] == TEXTS
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml"), "no cell is a formula"
    read = prodcat.read_catalog(str(tmp_path / "out.xlsx"), path="predicted_path", keep=["note"])
    assert list(read.columns["note"]) == texts


def test_values_have_the_types_of_excel_or_are_exact_texts(small, tmp_path):
    zoned = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
    values = {
        "title": ["süt", None],
        "ean": pa.array([4006381333931, 123456789012345678]),
        "price": pa.array([Decimal("12.50"), Decimal("0.1234567890123456789")]),
        "weight": pa.array([0.25, float("nan")]),
        "day": pa.array([datetime.date(2024, 5, 1), None]),
        "moment": pa.array([datetime.datetime(2024, 5, 1, 9, 30), None]),
        "zoned": pa.array([zoned, None]),
        "tags": [["a", "b"], None],
        "brand": pa.array(["Pınar", None]).dictionary_encode(),
        "flag": [True, None],
    }
    pq.write_table(pa.table(values), tmp_path / "in.parquet")
    report = score(small, str(tmp_path / "in.parquet"), str(tmp_path / "out.xlsx"))
    assert report.errors == 1 and report.complete
    first, second = cells(tmp_path / "out.xlsx")[1]
    shown = [4006381333931, 12.5, 0.25, datetime.date(2024, 5, 1)]
    shown += [datetime.datetime(2024, 5, 1, 9, 30), "2024-05-01T10:00:00.000000Z"]
    assert first[1:10] == [*shown, '["a", "b"]', "Pınar", True]
    exact = ["123456789012345678", "0.1234567890123456789", "NaN"]
    assert second == [None, *exact, *[None] * (len(second) - 7), *second[-3:-1], "empty title"]
    frame = pd.read_excel(tmp_path / "out.xlsx", dtype={"ean": str}, engine="calamine")
    [answer] = small.predict(["süt"])[0]
    assert frame["ean"].tolist() == ["4006381333931", "123456789012345678"]
    assert frame["predicted_path"][0] == " > ".join(answer.path)
    assert frame["confidence"][0] == pytest.approx(answer.confidence, abs=1e-6)
    assert "predicted_names" not in frame.columns


def test_a_workbook_in_gives_a_workbook_out(small, tmp_path):
    day, moment = datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 9, 30)
    table = {"title": ["süt"], "day": [day], "moment": [moment], "count": [3], "code": ["00123"]}
    (tmp_path / "in.xlsx").write_bytes(sheet_bytes(pa.table(table)))
    score(small, str(tmp_path / "in.xlsx"), str(tmp_path / "out.xlsx"))
    [row] = cells(tmp_path / "out.xlsx")[1]
    assert row[:5] == ["süt", day, moment, 3, "00123"]
    score(small, str(tmp_path / "in.xlsx"), str(tmp_path / "out.parquet"))
    assert (
        pq.read_table(tmp_path / "out.parquet").to_pylist()[0].items()
        >= {
            "day": day,
            "moment": moment,
            "count": 3,
            "code": "00123",
        }.items()
    )
    score(small, str(tmp_path / "in.xlsx"), str(tmp_path / "out.jsonl"))
    line = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert (line["day"], line["moment"]) == ("2024-05-01", "2024-05-01T09:30:00")
    score(small, str(tmp_path / "in.xlsx"), "memory://shop/out.xlsx")
    memory = fsspec.filesystem("memory")
    assert memory.cat("/shop/out.xlsx") == (tmp_path / "out.xlsx").read_bytes()
    memory.rm("/shop", recursive=True)


def test_equal_answers_give_equal_bytes_and_an_interrupted_run_goes_on(small, table, tmp_path):
    score(small, str(table), str(tmp_path / "a.xlsx"), scoring=SMALL_PARTS)
    time.sleep(1.1)
    output = tmp_path / "b.xlsx"
    parts = tmp_path / ".b.xlsx.parts"
    output.mkdir()  # the parts cannot be joined into it
    with pytest.raises(ConfigError, match="is a folder"):
        score(small, str(table), str(output), scoring=SMALL_PARTS)
    output.rmdir()

    def stopped(*arguments, **named):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("prodcat.scoring.jobs.join_parts", stopped)
        score(small, str(table), str(output), scoring=SMALL_PARTS)
    assert parts.is_dir() and not output.exists()
    report = score(small, str(table), str(output), scoring=SMALL_PARTS)
    assert report.rows == 0 and report.skipped == 5 and report.complete
    assert output.read_bytes() == (tmp_path / "a.xlsx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx", "in"]


def test_what_does_not_fit_is_refused_before_or_at_the_first_such_row(small, tmp_path):
    long = tmp_path / "long.csv"
    long.write_text(f"title,note\nsüt,ok\nekmek,{'😀' * 16_384}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"long.csv', row 2, column 'note': the text has 16,384 "):
        score(small, str(long), str(tmp_path / "out.xlsx"))
    long.write_text(f"title,note\nekmek,{'x' * 32_767}\n", encoding="utf-8")
    score(small, str(long), str(tmp_path / "out.xlsx"), overwrite=True)
    assert len(cells(tmp_path / "out.xlsx")[1][0][1]) == 32_767
    many = tmp_path / "many"
    many.mkdir()
    rows = pa.nulls(1_048_570, pa.string()).fill_null("s")
    pq.write_table(pa.table({"title": rows}), many / "1.parquet")
    (many / "2.csv").write_text('title\n"a\n\nb"\nc\n\n\n', encoding="utf-8")  # two rows
    check_sheet([str(many / "1.parquet"), str(many / "2.csv")], prodcat.ReadOptions())
    (many / "3.jsonl").write_text('{"title": "d"}\n' * 4, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"more rows than .* at most 1,048,576 .*\.csv or"):
        score(small, str(many), str(tmp_path / "rows.xlsx"))
    assert not list(tmp_path.glob(".rows*")), "refused before a title was answered"
    check_size(1_048_575, 16_384)
    with pytest.raises(ConfigError, match="has 16,385 columns; a sheet of Excel has at most"):
        sheet_bytes(pa.table({str(number): [1] for number in range(16_385)}))
    with pytest.raises(ConfigError, match="Excel's format is compressed inside"):
        score(small, str(long), str(tmp_path / "out.xlsx.gz"))


def test_a_damaged_input_is_told_as_for_other_outputs(small, tmp_path):
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"title\nmilk\n" * 100)[:-12])
    for name in ("out.xlsx", "out.csv"):
        with pytest.raises(CatalogError, match=r"Cannot read .*in\.csv\.gz' as csv"):
            score(small, str(path), str(tmp_path / name))


def test_a_changed_part_is_never_joined(small, table, tmp_path):
    output = tmp_path / "out.xlsx"

    def altered(folder, parts, *arguments):
        (tmp_path / ".out.xlsx.parts" / f"{parts[-1].part}.parquet").write_bytes(b"other")
        join(folder, parts, *arguments)

    from prodcat.scoring.jobs import join_parts as join

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ScoringError, match="altered"):
        patch.setattr("prodcat.scoring.jobs.join_parts", altered)
        score(small, str(table), str(output), scoring=SMALL_PARTS)
    assert not output.exists()


def test_the_command_line_writes_a_workbook(small, table, tmp_path, capsys):
    small.save(str(tmp_path / "model"))
    output = tmp_path / "out.xlsx"
    arguments = ["predict", str(table), "--model", str(tmp_path / "model"), "--output", str(output)]
    assert main(arguments) == 0
    assert "is complete" in capsys.readouterr().err
    assert len(pd.read_excel(output, engine="calamine")) == 180
    with pytest.raises(CatalogError, match="is an input file too"):
        score(small, str(output), str(output))


def test_a_workbook_of_answers_is_laid_out_for_people(small, tmp_path):
    titles = [f"süt {number} {'lange Bezeichnung ' * (number % 3)}" for number in range(100)]
    table = pa.table({"title": titles, "ean": [f"{number:013}" for number in range(100)]})
    pq.write_table(table, tmp_path / "in.parquet")
    file = tmp_path / "out.xlsx"
    score(small, str(tmp_path / "in.parquet"), str(file), scoring=SMALL_PARTS)
    sheet = openpyxl.load_workbook(file).active
    header = [cell.value for cell in sheet[1]]
    assert all(cell.font.bold for cell in sheet[1]) and not sheet["A2"].font.bold
    assert sheet.freeze_panes == "A2" and sheet.max_row == 101
    assert sheet.auto_filter.ref == sheet.dimensions, "also the rows of the later parts"
    widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
    assert 30 < widths[0] < 62 and 12 < widths[1] < 18
    last = sheet[101]
    assert last[1].value == "0000000000099" and last[1].data_type == "s"
    assert last[header.index("confidence")].number_format in ("0.000", "0.0000")


def test_letters_that_xml_does_not_allow_are_written_as_excel_writes_them(small, tmp_path):
    texts = ["süt \ufffe", "süt \uffff", "_xFFFE_"]
    pq.write_table(pa.table({"title": texts}), tmp_path / "in.parquet")
    score(small, str(tmp_path / "in.parquet"), str(tmp_path / "out.xlsx"))
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        markup = archive.read("xl/worksheets/sheet1.xml").decode()
    assert not {"\ufffe", "\uffff"} & set(markup)
    for escaped in ("süt _xFFFE_<", "süt _xFFFF_<", "<t>_x005F_xFFFE_<"):
        assert escaped in markup
