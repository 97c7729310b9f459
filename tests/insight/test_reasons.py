"""Reasons for answers as a page and as a table."""

import pyarrow.parquet as pq
import pytest

from prodcat.insight.reasons import Reasons


@pytest.fixture(scope="module")
def reasons(small):
    return Reasons(small.explain([f"<b>süt</b> {number} $x$" for number in range(12)]))


def test_the_page_has_all_titles_and_escapes_them(reasons, tmp_path):
    reasons.save(tmp_path / "reasons.html")
    page = (tmp_path / "reasons.html").read_text(encoding="utf-8")
    assert page.count("<table>") == 12 and "&lt;b&gt;" in page and "<b>süt" not in page
    assert "http" not in page and "<script" not in page
    assert "are shown" not in page


def test_the_table_has_a_row_for_each_word(reasons, tmp_path):
    reasons.save(tmp_path / "words.parquet")
    table = pq.read_table(tmp_path / "words.parquet")
    assert table.num_rows == sum(
        len(level.words) for each in reasons.explanations for level in each.levels
    )
    assert table.column_names[:2] == ["row_number", "title"]
    assert repr(reasons) == "Reasons(12 titles)" and "to_frame" in reasons._repr_html_()
    assert len(reasons.to_frame()) == table.num_rows
