"""Each encoding, read back by a real reader of its language."""

import csv
import io
import json
import logging
import re
import unicodedata
from html.parser import HTMLParser

import pyarrow as pa
import pytest
from hostile_names import NAMES
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from timing import growth

from prodcat.insight.files import Shown
from prodcat.text_encoding import (
    LogFormatter,
    for_csv,
    for_html,
    for_log,
    for_markdown,
    for_plotly,
    for_script,
    for_spreadsheet,
    for_terminal,
)

SIGNS = st.text(st.sampled_from("=+-@\t\r\n\"';,|` \\$<&a1.$％＝\x1b\u202e"), max_size=12)
TEXTS = st.one_of(
    st.sampled_from(NAMES), st.text(st.characters(), max_size=12), SIGNS,
    st.lists(SIGNS, max_size=3).map(";".join),
)  # fmt: skip


def is_visible(text):
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return all(unicodedata.category(own) not in hidden or own in "\xad\u200c\u200d" for own in text)


@given(TEXTS)
def test_a_terminal_gets_no_commands(text):
    assert is_visible(for_terminal(text))
    assert is_visible(for_terminal(text, lines=True).replace("\n", ""))
    assert for_terminal(text, lines=True).count("\n") == text.count("\n")
    if is_visible(text):
        assert for_terminal(text) == text


def test_what_people_write_stays():
    for text in ("Süt 1 L", "میوه\u200cها", "👩\u200d🍳", "Spül\xadmaschine", "a\\b", "\u00a0x"):
        assert for_terminal(text) == text


@given(TEXTS)
def test_a_log_has_one_block_for_each_message(text):
    first, *others = for_log(text).split("\n")
    assert is_visible(first) and all(line.startswith("    ") for line in others)


def test_a_record_of_a_log_cannot_look_like_two():
    try:
        raise ValueError("first\nprodcat: forged \x1b[2J")
    except ValueError as error:
        fault = (type(error), error, error.__traceback__)
    record = logging.LogRecord("prodcat", 20, "", 0, "%s", ("a\nINFO forged",), fault)
    first, *others = LogFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first == "INFO a" and len(others) > 3
    assert all(line.startswith("    ") and "\x1b" not in line for line in others)


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_comment(self, data):
        self.tags.append(("comment", data))

    def handle_decl(self, decl):
        self.tags.append(("declaration", decl))

    handle_pi = unknown_decl = handle_decl

    def handle_data(self, data):
        self.text += data


@given(TEXTS)
def test_html_shows_the_text_and_no_formula(text):
    parsed = Elements(f"<td>{for_html(text)}</td>")
    assert parsed.text == for_terminal(text)
    assert set(map(str, parsed.tags[1:])) <= {"('span', [])"}
    # MathJax finds a formula in the text of one element, or in that of neighbours without tags.
    assert not re.search(r"\$[^<]*\$|\\[(\[]", for_html(text))


@given(TEXTS)
def test_json_in_a_script_ends_nothing_and_reads_back(text):
    written = for_script(json.dumps([text], ensure_ascii=False))
    assert "<" not in written and "\u2028" not in written
    written.encode()
    [back] = json.loads(written)
    assert for_terminal(back) == for_terminal(text)


@given(TEXTS)
def test_plotly_gets_no_tag_template_or_formula(text):
    written = for_plotly(text)
    assert not set("<>$%") & set(written)
    assert Elements(written.replace("&#37;", "%")).text == for_terminal(text)


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def code_of(inline):
    """The text of a cell that holds code and bars only."""
    for token in inline.children:
        assert token.type == "code_inline" or (token.type, token.content.strip("|")) == (
            "text", token.content.strip("| "),
        ) or not token.content.strip("| "), token  # fmt: skip
    return "".join(token.content for token in inline.children)


@given(TEXTS, TEXTS)
@example("`", "\\|")
@example("a\\|b", "``|`")
def test_markdown_has_the_text_as_code_in_its_cell(one, other):
    table = f"| {for_markdown(one)} | {for_markdown(other)} | end |"
    tokens = MARKDOWN.parse(f"# {for_markdown(one)}: x\n\n| a | b | c |\n|---|---|---|\n{table}\n")
    kinds = [token.type for token in tokens]
    assert kinds.count("heading_open") == 1 and kinds.count("td_open") == 3
    assert kinds.count("tr_open") == 2 and not {"html_block", "fence", "hr"} & set(kinds)
    heading, *_, first, second, last = [token for token in tokens if token.type == "inline"]
    for inline, text in ((first, one), (second, other)):
        assert code_of(inline).split() == for_terminal(text).split()
    assert last.content == "end" and heading.content.endswith(": x")
    for token in heading.children:
        assert token.type in ("code_inline", "text")


APOSTROPHE = re.compile(
    r"""(^|[;|\t\r\n])'(?='*(?:[^\S\t\r\n]|["\ufeff]){0,99}[=+\-@\t\r\n＝＋－＠])"""
)
NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")


@given(st.lists(st.tuples(TEXTS, TEXTS, st.just("x")), max_size=3), st.sampled_from(",\t"))
@example([("a\rforged,row", "\r", "x")], ",")
def test_csv_for_programs_reads_back_row_by_row(rows, delimiter):
    text = for_csv(rows, delimiter)
    back = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert back == [list(row) for row in rows]
    outside = "".join(text.split('"')[::2])
    assert "\r" not in outside and outside.count("\n") == len(rows)


class Cells(Shown):
    def __init__(self, *cells):
        self.cells = cells

    def html(self):
        return ""

    def _numbers(self):
        return []

    def _tables(self):
        return []

    def table(self):
        return pa.table({"first": ["x"], **{str(n): [own] for n, own in enumerate(self.cells)}})


@given(TEXTS)
def test_the_apostrophes_can_be_taken_away(text):
    assert APOSTROPHE.sub(r"\1", for_spreadsheet(text)) == text


@pytest.mark.parametrize("number", ["-1.5", "+3", "1e5", "-1,5", "-.5", "-2E-7"])
def test_numbers_stay_numbers(number):
    assert for_spreadsheet(number) == number


@pytest.mark.parametrize("unit", ["1", "'", ";", "; ", '"', "1,"])
def test_the_time_for_a_cell_grows_with_its_length(unit):
    assert growth(lambda text: for_spreadsheet(text + "x"), unit, 2_000) < 20


@given(st.lists(TEXTS.filter(lambda text: text.isprintable() or "\ud800" not in text), max_size=2))
def test_no_spreadsheet_reads_a_formula(tmp_path_factory, cells):
    cells = [own.encode("utf-8", "replace").decode() for own in cells]
    place = tmp_path_factory.getbasetemp() / "cells.csv"
    Cells(*cells).save(str(place))
    text = place.read_bytes().decode()
    for delimiter in ",;\t|":  # as the language of the user has it
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        for cell in (cell for row in reader for cell in row):
            start = cell.strip(' "\ufeff\xa0')
            assert not start or start[0] not in "=+-@\t\r＝＋－＠" or NUMBER.fullmatch(start), cell
    [_, row] = csv.reader(io.StringIO(text, newline=""))
    assert [APOSTROPHE.sub(r"\1", own) for own in row] == ["x", *cells]
