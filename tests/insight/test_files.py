"""What functions that write or return pages give back: a link and a sentence, not megabytes."""

import math
import pickle
import re
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from IPython.core.formatters import DisplayFormatter
from openpyxl.utils import get_column_letter

from prodcat.errors import ConfigError
from prodcat.insight.audit import OutOfFold, audit_labels
from prodcat.insight.drift import find_drift
from prodcat.insight.files import HtmlPage, WrittenFile, size_text
from prodcat.insight.page import Page
from prodcat.insight.queue import save_queue
from prodcat.insight.report import Report, report_evaluation
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import iter_tables


def shown(result):
    """What a notebook shows: the HTML, and the text for where there is none."""
    bundle = DisplayFormatter().format(result)[0]
    return bundle["text/html"], bundle["text/plain"]


@pytest.fixture
def page():
    page = Page("<script>alert(1)</script>")
    page.section("A chart")
    page.charts([("x", [{"type": "bar", "y": [1]}], {})])
    return page.html()


def test_the_source_of_a_page_is_a_text_but_not_shown_as_one(page):
    assert isinstance(page, str) and page.startswith("<!doctype html>") and len(page) > 4_000_000
    assert type(str(page)) is str and type(page.encode()) is bytes and f"{page}" == str(page)
    html, text = shown(page)
    assert len(html) < 1_500 and len(text) < 100
    assert re.search(r"an HTML page of \d\.\d MB; save\(&quot;page.html&quot;\) writes it", html)
    assert "<script>" not in html and "&lt;script&gt;" in html
    twin = pickle.loads(pickle.dumps(page))
    assert twin == page and twin.page_title == page.page_title


def test_a_page_is_written_and_shown_as_a_link(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = page.save("out put.html")
    assert (tmp_path / "out put.html").read_text(encoding="utf-8") == page
    html, _ = shown(written)
    assert '<a href="out%20put.html" target="_blank">out put.html</a>' in html
    assert str(written) == f"Wrote out put.html ({size_text(len(page.encode()))})."
    with pytest.raises(ConfigError, match=r"does not end with \.html or \.htm"):
        page.save("out.pdf")


@pytest.mark.parametrize(
    ("uri", "link"),
    [
        ("reports/a.html", "reports/a.html"),
        ("./a.html", "a.html"),
        ('"><script>x</script>.html', "%22%3E%3Cscript%3Ex%3C/script%3E.html"),
        ("javascript:alert(1).html", "javascript%3Aalert%281%29.html"),
    ],
)
def test_a_link_leads_to_the_file_and_does_nothing_else(uri, link, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given in (uri, str(tmp_path / uri)):
        html = WrittenFile(given, 10)._repr_html_()
        assert re.findall('href="([^"]*)"', html) == [link] and "<script" not in html
        assert given in unescape(html)


def test_files_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    [link] = re.findall('href="([^"]*)"', WrittenFile(str(tmp_path / "a b.html"), 1)._repr_html_())
    assert unquote(link) == f"file://{tmp_path}/a b.html"
    assert "href" not in WrittenFile("s3://shop/<b>.html", 1)._repr_html_()
    assert (
        "s3://shop/&lt;b&gt;.html (1 bytes)" in WrittenFile("s3://shop/<b>.html", 1)._repr_html_()
    )


@pytest.fixture(scope="module")
def report(small, parts):
    known = np.array([small.taxonomy.get(path) is not None for path in parts.test.paths])
    catalog = parts.test.take(known)
    return report_evaluation(
        small.evaluate(catalog), small.taxonomy, titles=catalog.titles, name="<b>tr"
    )


def test_a_report_shows_its_headlines(report, tmp_path):
    html, text = shown(report)
    assert len(html) < 4_000 and len(text) < 1_500 and len(report.html) > 4_000_000
    assert "path accuracy" in html and re.search(r"an HTML page of \d\.\d MB", html)
    page, _ = shown(report.html)
    assert "&lt;b&gt;tr" in page and len(page) < 1_500
    assert "Wrote" in shown(report.save(str(tmp_path / "report.html")))[0]
    assert (tmp_path / "report.html").read_bytes() == report.html.encode()
    assert isinstance(Report("<p>", "# x").html, HtmlPage)


def test_a_queue_that_is_written_is_shown_as_a_link(items, tmp_path):
    written = save_queue(items, str(tmp_path / "queue.jsonl"))
    assert written.size == (tmp_path / "queue.jsonl").stat().st_size


# -- audits and drift ---------------------------------------------------------


@pytest.fixture(scope="module")
def audited(parts):
    catalog = parts.test
    tree = catalog.tree
    best = np.roll(catalog.targets, 1)
    sure = np.linspace(0.5, 1, len(catalog))
    levels = np.full((len(catalog), tree.depth), 0.01)
    return audit_labels(catalog, OutOfFold(levels, best, sure, sure))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_audit_has_the_ids_and_numbers_rows_as_people_count(audited, library):
    frame, table = audited.to_frame(library=library), audited.table().to_pydict()
    assert list(frame.columns) == [
        "rank", "row_number", "brand", "number", "title", "label", "suggestion", "probability",
        "suggested", "suspicion", "level", "contradicted", "checked", "conflict",
    ]  # fmt: skip
    assert list(table) == list(frame.columns)
    assert frame["row_number"].to_list() == [row + 1 for row in table["number"]]  # an id, from 0
    for name in table:
        if name != "conflict":
            assert frame[name].to_list() == table[name]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_the_files_of_an_audit_have_the_columns_of_its_frame(audited, ending, tmp_path):
    mixed = [None, "\udcff", 7, 2.5, {"a": 1}, True, 1 << 80]
    rows = audited.catalog.rows.tolist()
    kept = {
        "rank": [f"r{row}" for row in rows],  # a name that prodcat uses, too
        "Art.-Nr.": [f"00{row}" for row in rows],
        "mixed": [mixed[row % len(mixed)] for row in range(len(audited.catalog))],
    }
    own = replace(audited, catalog=replace(audited.catalog, columns=kept))
    frame = own.to_frame(library="pandas")
    file = str(tmp_path / f"audit.{ending}")
    own.save(file)
    [piece] = iter_tables(file, batch_rows=100_000)
    assert list(piece) == list(frame.columns)
    assert list(frame.columns)[:5] == ["prodcat_rank", "row_number", "rank", "Art.-Nr.", "mixed"]
    assert (
        list(piece["Art.-Nr."]) == frame["Art.-Nr."].to_list() and piece["Art.-Nr."][0][:2] == "00"
    )
    numbers = [int(number) for number in piece["row_number"]]
    assert numbers == frame["row_number"].to_list()
    assert [f"r{number - 1}" for number in numbers] == list(piece["rank"])
    page = str(own.html())
    assert '"Art.-Nr."' in page and f'"00{numbers[0] - 1}"' in page


def test_an_audit_shows_the_most_suspicious_labels(audited):
    html, text = shown(audited)
    assert (
        f"<b>Audit</b> {len(audited.rows)} labels, {audited.contradicted.sum()} contradict" in html
    )
    assert html.count("<tr>") == 11 and len(html) < 10_000 and len(text) < 300
    first = audited.problems(1)[0]
    number = int(audited.catalog.rows[first.row]) + 1
    assert f'<td class="number">{number}</td>' in html and f"  row {number}: " in str(audited)
    assert re.search(rf"[\[,]{number}[,\]]", audited.html()), "the list has the row as people count"


def test_drift_has_a_frame_a_plot_and_is_shown(small, parts):
    catalog = parts.train.take(parts.train.targets % 5 > 0)
    found = find_drift(parts.train, catalog.take(np.arange(60)), small)
    table = found.table().to_pydict()
    assert found.to_frame(library="polars").to_dict(as_series=False) == table
    assert found.to_frame()["path"].tolist() == table["path"]
    html, text = shown(found)
    assert f"<b>Drift</b> {len(parts.train)} titles before, 60 after, changed: " in html
    assert len(html) < 10_000 and len(text) < 300
    ax = found.plot(most=3)
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["before", "after"]
    assert len(ax.patches) == 6 and ax._repr_png_()
    names = [label.get_text() for label in ax.get_yticklabels()]
    changed = [alarm.node for alarm in found.alarms if alarm.kind == "shares"]
    pool = changed or small.taxonomy.outcomes.tolist()
    by_change = sorted(pool, key=lambda node: -abs(np.diff(found.shares[node])[0]))
    assert names[0].lstrip("…") in table["path"][by_change[0] + 1]
    with pytest.raises(ConfigError, match="most=0 is out of range"):
        found.plot(most=0)


def test_a_workbook_is_laid_out_for_people(audited, tmp_path):
    file = tmp_path / "audit.xlsx"
    audited.save(str(file))
    sheet = openpyxl.load_workbook(file).active
    table = audited.table()
    assert sheet.title == "Audit" and sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    header = [cell.value for cell in sheet[1]]
    widths = {
        name: sheet.column_dimensions[get_column_letter(place)].width
        for place, name in enumerate(header, 1)
    }
    assert 20 < widths["title"] <= 61 and 20 < widths["label"] <= 61 and widths["rank"] < 12
    for name in ("suspicion", "suggested"):
        cells = [sheet.cell(row, header.index(name) + 1) for row in range(2, 30)]
        assert {cell.number_format for cell in cells} == {"0.000"}
        values = table.column(name).to_pylist()
        assert [cell.value for cell in cells] == pytest.approx(values[:28], rel=1e-14)
    assert sheet.cell(2, header.index("row_number") + 1).number_format == "0"


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([0.123456, 12.5], "0.000"),
        ([0.00012345, None, math.nan, math.inf], "0.0000"),
        ([12.5, 3.0], "General"),
        ([None, None], "General"),
        ([], None),
    ],
)
def test_only_long_fractions_are_shown_rounded(values, form, tmp_path):
    table = pa.table({"x": pa.array(values, pa.float64()), "y": ["a\n" + "b" * 99] * len(values)})
    file = tmp_path / "x.xlsx"
    file.write_bytes(sheet_bytes(table, "X"))
    sheet = openpyxl.load_workbook(file).active
    assert sheet.title == "X" and [cell.value for cell in sheet[1]] == ["x", "y"]
    for cell, value in zip(sheet["A"][1:], values, strict=True):
        if value is not None and math.isfinite(value):
            assert cell.number_format == form and cell.value == value
    assert sheet.column_dimensions["B"].width < 62
