"""The HTML page of a report."""

from collections.abc import Iterator

import numpy as np

from prodcat.insight.files import HtmlPage
from prodcat.insight.page import Page
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.curves import reliability_curves, risk_curve
from prodcat.insight.report.figures import NodeFigures, wilson
from prodcat.insight.report.tables import ReportTables, kind_of_difference
from prodcat.insight.report.treemap import tree_map, treemap_legend
from prodcat.insight.report.verdict import details, verdict
from prodcat.taxonomy.tree import Taxonomy


def report_page(contents: Contents, language: PageLanguage) -> HtmlPage:
    """Write the contents of a report as a self-contained HTML page.

    Raises:
        ConfigError: Plotly is not installed, and the page has charts.
    """
    evaluation, checks = contents.evaluation, contents.checks
    tables = ReportTables(contents, language)
    name = contents.name or language("report.classifier")
    page = Page(language("report.title", name=name), language=language)
    page.section(language("page.verdict"))
    sentences = details(evaluation, checks, language, has_weights=contents.has_weights)
    page.verdict(verdict(evaluation, checks, language), [*sentences, *_against(tables)])
    if contents.worst:
        right = language.shown("share", evaluation.path_accuracy)
        text = language.counted("report.first.text", len(checks), share=right)
        page.section(language("report.first"), text)
        page.show(tables.categories())
    if contents.departments:
        page.section(language("report.departments"), language("report.departments.text"))
        page.show(tables.departments())
    if contents.figures is not None:
        _add_tree(page, contents.taxonomy, contents.figures, evaluation.path_accuracy)
    page.section(language("report.confusions"), language("report.confusions.text"))
    page.show(tables.confusions())
    if contents.examples:
        page.section(language("report.examples"), language("report.examples.text"))
        page.show(tables.examples())
    if evaluation.reliability:
        _add_curves(page, tables)
    if contents.comparison is not None:
        _add_differences(page, tables, contents.comparison.rows)
    page.section(language("report.figures"), language("report.figures.text"))
    page.numbers(tables.headlines())
    page.show(tables.levels())
    return page.html()


def _against(tables: ReportTables) -> Iterator[str]:
    """How the classifier compares with the one in production, in a sentence."""
    for metric, value, low, high, result in tables.differences().rows:
        if metric == "path_accuracy":
            kind = kind_of_difference(metric)
            yield tables.language(
                f"report.against.{result}",
                value=tables.language.shown(kind, value),
                interval=tables.range(kind, low, high),
            )


def _add_differences(page: Page, tables: ReportTables, rows: int) -> None:
    language = page.language
    page.section(language("report.production"), language.counted("report.production.text", rows))
    heads = (
        language("report.head.metric"), language("report.head.difference"),
        language("page.interval"), language("report.head.verdict"),
    )  # fmt: skip
    page.table(
        [(head, "text") for head in heads],
        tables.shown_differences(),
        language("report.caption.differences"),
    )


def _add_tree(page: Page, tree: Taxonomy, figures: NodeFigures, average: float) -> None:
    low, high = wilson(figures.exact, figures.rows)
    accuracy, recall, precision = figures.accuracy, figures.recall, figures.precision
    cells = [
        (
            int(figures.rows[node]),
            int(figures.rows[node] - figures.exact[node]),
            _or_none(accuracy[node]),
            (float(low[node]), float(high[node])) if figures.rows[node] else None,
            _or_none(recall[node]),
            _or_none(precision[node]),
        )
        for node in range(len(tree))
    ]
    used = np.flatnonzero((figures.rows > 0) | (figures.answered > 0))
    language = page.language
    page.section(
        language("report.tree"),
        language("report.tree.text", share=language.shown("share", average)),
    )
    page.legend(treemap_legend(average, language))
    chart = tree_map(tree, figures, average, language)
    page.charts([(language("report.map"), *chart)], tall=True)
    page.tree(
        language("report.tree.label"),
        tree,
        [
            {"label": language("page.titles"), "kind": "count"},
            {"label": language("report.head.wrong"), "kind": "count"},
            {"label": language("report.head.right"), "kind": "share", "colour": True,
             "middle": average},
            {"label": language("page.interval"), "kind": "interval", "extra": True},
            {"label": language("report.head.kept"), "kind": "share", "extra": True},
            {"label": language("report.head.precision"), "kind": "share", "extra": True},
        ],
        cells,
        kept=used.tolist(),
        only={language("report.with.wrong"): 1},
        sort=1,
    )  # fmt: skip


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _add_curves(page: Page, tables: ReportTables) -> None:
    evaluation, language = tables.contents.evaluation, page.language
    page.section(language("report.confidence"), language("report.confidence.text"))
    reliability = language("report.reliability", share=language.shown("share", evaluation.ece))
    area = language.shown("share", evaluation.risk_coverage_area)
    page.charts(
        [
            (reliability, *reliability_curves(evaluation, language)),
            (language("report.risk", share=area), *risk_curve(evaluation, language)),
        ]
    )
    page.show(tables.reliability())
