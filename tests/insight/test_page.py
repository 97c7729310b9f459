"""Pages: a text of strangers is shown as it is, and is never read as HTML, script or template."""

import json
from html.parser import HTMLParser

import pytest

import prodcat
from prodcat.insight.page import Page, in_script, render, shown
from prodcat.insight.page_table import Column, PageTable
from prodcat.text_encoding import for_plotly

HOSTILE = [
    "</title><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "{% for own in [] %}{# #}",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "&lt;b&gt; &amp;",
]


class Parsed(HTMLParser):
    """The elements of a page with their attributes, its texts, and the JSON of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements = [("document", ())]
        self.attributes, self.texts, self.data = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [value for _, value in attrs]

    def handle_comment(self, data):
        self.elements.append(("comment", ()))

    def handle_data(self, data):
        tag, names = self.elements[-1]
        if not data.strip():
            return
        if tag == "script" and "type" in names:
            self.data.append(json.loads(data))
        elif tag not in ("script", "style"):
            self.texts.append(data)


def page_of(text):
    page = Page(text, text)
    page.section(text, text)
    page.verdict(text, [text])
    page.legend([("#ffffff", text)])
    page.cards([{"title": text, "sentences": [text], "lists": [(text, [text])]}])
    page.numbers([(text, text, text)])
    page.table([(text, "text")], [(text,)], text)
    tree = prodcat.Taxonomy.from_paths([(text, "b")])
    column = {"label": text, "kind": "count"}
    page.tree(text, tree, [column], [(1,), (1,)], only={text: 0})
    trace = {"type": "bar", "name": text, "y": [text], "hovertemplate": "%{label}<br>"}
    page.charts(
        [(text, [trace], {"title": text, "xaxis": {"title": {"text": text}}}), (text, [], {})]
    )
    return page.html()


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_strangers_is_shown_and_nothing_else(text):
    harmless, hostile = Parsed(page_of("harmless")), Parsed(page_of(text))
    assert hostile.elements == harmless.elements
    for parsed, word in ((harmless, "harmless"), (hostile, text)):
        assert parsed.texts.count(word) == 20
        assert parsed.attributes.count(word) == 4  # of the table, its cell and the two charts
        tree, chart, other, language = parsed.data
        assert set(language) == {"texts", "numbers"}
        assert tree["names"] == [word, "b"] and tree["label"] == word
        assert tree["columns"][0]["label"] == word
        encoded = for_plotly(word)
        trace = {"type": "bar", "name": encoded, "y": [encoded], "hovertemplate": "%{label}<br>"}
        titles = {"title": encoded, "xaxis": {"title": {"text": encoded}}}
        assert chart == {"data": [trace], "layout": titles}
        assert other == {"data": [], "layout": {}}


@pytest.mark.parametrize("text", HOSTILE)
def test_json_ends_no_script(text):
    assert "<" not in in_script({text: [text]})
    assert json.loads(in_script({text: [text]})) == {text: [text]}


def test_a_page_shows_numbers_and_texts_alone():
    with pytest.raises(TypeError, match="expected numbers and strings"):
        in_script(object())
    assert (
        shown("price", 1234.5) == "1,234.50" and shown("interval", (0.1, 0.25)) == "10.0 to 25.0 %"
    )


@pytest.mark.parametrize("noun", ["titles", "pairs"])
def test_the_review_page_has_its_style_and_its_script(noun):
    parsed = Parsed(render("review.html", noun=noun, script="'use strict';"))
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert "{{" not in "".join(parsed.texts)


def test_a_table_has_the_same_rows_for_people_and_programs():
    columns = (
        Column("name", "category", "text"),
        Column("rows", "titles", "count"),
        Column("part", "share", "bar"),
        Column("range", "95 % interval", "interval"),
    )
    rows = [("a", 1_200, 0.25, (0.1, 0.2)), ("b", 3, 0.0001, None), ("c", 0, None, (0, 1))]
    table = PageTable(columns, rows, "all", most=2)
    assert table.arrow().to_pylist() == [
        {"name": "a", "rows": 1_200, "part": 0.25, "range_low": 0.1, "range_high": 0.2},
        {"name": "b", "rows": 3, "part": 0.0001, "range_low": None, "range_high": None},
        {"name": "c", "rows": 0, "part": None, "range_low": 0.0, "range_high": 1.0},
    ]
    page = Page("t")
    page.section("s")
    page.show(table)
    texts = Parsed(page.html()).texts
    assert texts[-8:] == ["a", "1,200", "25.0 %", "10.0 to 20.0 %", "b", "3", "< 0.1 %", "–"]
    assert "all (the first 2 of 3)" in texts


def test_numbers_have_one_format_and_no_sign_of_nothing():
    assert [shown("share", value) for value in (0, 0.0995, 0.99999, 1)] == [
        "0.0 %", "10.0 %", "> 99.9 %", "100.0 %",
    ]  # fmt: skip
    assert shown("points", -0.0001) == "+0.0 points" and shown("figure", 0.126) == "0.13"
