"""The Markdown of a report."""

from collections.abc import Sequence
from typing import Any

from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import Kind, PageTable
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.tables import ReportTables
from prodcat.insight.report.verdict import details, verdict
from prodcat.text_encoding import for_markdown

_MOST_ROWS = 20  # in a table


def report_markdown(contents: Contents, language: PageLanguage) -> str:
    """Write the contents of a report as Markdown, each table with at most 20 rows."""
    evaluation, checks = contents.evaluation, contents.checks
    tables = ReportTables(contents, language)
    name = contents.name or language("report.classifier")
    lines = [
        f"# {language('report.title', name=for_markdown(name))}", "",
        verdict(evaluation, checks, language), "",
    ]  # fmt: skip
    sentences = details(evaluation, checks, language, has_weights=contents.has_weights)
    lines += [f"{sentence}\n" for sentence in sentences]
    interval = language("page.interval")
    lines += _lines(["", language("report.head.value"), interval], tables.headlines())
    lines += ["", f"## {language('report.levels')}", "", *_table(tables.levels(), language)]
    if contents.comparison is not None:
        heading = language.counted("report.production.rows", contents.comparison.rows)
        heads = [
            language("report.head.metric"), language("report.head.difference"), interval,
            language("report.head.verdict"),
        ]  # fmt: skip
        lines += ["", f"## {heading}", "", *_lines(heads, tables.shown_differences())]
    parts: list[tuple[str, Sequence[Any], PageTable]] = [
        ("report.departments", contents.departments, tables.departments()),
        ("report.worst", contents.worst, tables.categories()),
        ("report.ancestors", [evaluation], tables.confusions()),
        ("report.examples", contents.examples, tables.examples()),
    ]
    for key, shown, table in parts:
        if shown:
            lines += ["", f"## {language(key)}", "", *_table(table, language)]
    return "\n".join(lines) + "\n"


def _table(table: PageTable, language: PageLanguage) -> list[str]:
    cells = [
        [_cell(kind, value, language) for (_, kind), value in zip(table.headings, row, strict=True)]
        for row in table.rows[:_MOST_ROWS]
    ]
    return _lines([name for name, _ in table.headings], cells)


def _cell(kind: Kind, value: Any, language: PageLanguage) -> str:
    text = language.shown(kind, value)
    return for_markdown(text) if kind == "text" and value is not None else text


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
