"""A report as one HTML file."""

import numpy as np

from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page import Page
from prodcat.insight.report.charts import reliability_curves, risk_curve, tree_map
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.figures import NodeFigures, wilson
from prodcat.taxonomy.tree import Taxonomy


def report_page(contents: Contents) -> str:
    """Write the report as one HTML file.

    Args:
        contents: The contents of the report.
    """
    page = Page(f"{contents.name}: evaluation", "Small print shows 95 % intervals.")
    page.section("Headline figures")
    page.numbers(contents.headlines())
    page.table(*contents.levels(), "By level of the tree")
    if contents.comparison is not None:
        _add_differences(page, contents, contents.comparison.rows)
    if contents.figures is not None:
        _add_tree(page, contents.taxonomy, contents.figures)
        page.section("Worst categories", "Categories with the most wrong answers.")
        page.table(*contents.worst_categories(), "Categories by the number of wrong answers")
    page.section(
        "Confusions",
        "Mistakes by the deepest category that label and answer have in common. The higher this "
        "category is in the tree, the worse the mistake.",
    )
    page.table(*contents.confusions(), "Confusions by common ancestor")
    if contents.evaluation.reliability:
        _add_curves(page, contents.evaluation)
    if contents.examples:
        page.section(
            "Examples",
            "Wrong answers, the most confident of each category first, with the most similar "
            "labelled titles. Some of the labels may be wrong.",
        )
        page.table(*contents.wrong_answers(), "Wrong answers")
    return page.html()


def _add_differences(page: Page, contents: Contents, rows: int) -> None:
    page.section(
        "Against production",
        f"Differences on the same {rows:,} rows; above 0 if this classifier's figure is higher.",
    )
    page.table(
        [("metric", "text"), ("difference", "figure"), ("from", "figure"),
         ("to", "figure"), ("verdict", "text")],
        contents.differences(),
        "Differences with 95 % intervals",
    )  # fmt: skip


def _add_tree(page: Page, tree: Taxonomy, figures: NodeFigures) -> None:
    low, high = wilson(figures.right, figures.rows)
    recall, precision = figures.recall, figures.precision
    cells = [
        (
            int(figures.rows[node]),
            _or_none(recall[node]),
            (float(low[node]), float(high[node])) if figures.rows[node] else None,
            _or_none(precision[node]),
            int(figures.rows[node] - figures.right[node]),
        )
        for node in range(len(tree))
    ]
    used = np.flatnonzero((figures.rows > 0) | (figures.answered > 0))
    page.section(
        "The tree by accuracy",
        "Accuracy is the share of a category's products that were answered with it or with a "
        "category below it. Click a field to go down, and the bar at the top to go back.",
    )
    label = "Categories by size, coloured by accuracy; the table below has all of them"
    page.charts([(label, *tree_map(tree, figures))], tall=True)
    page.tree(
        "Categories with their accuracy",
        tree,
        [
            {"label": "rows", "kind": "count"},
            {"label": "accuracy", "kind": "share", "colour": True},
            {"label": "95 % interval", "kind": "interval"},
            {"label": "precision", "kind": "share", "colour": True},
            {"label": "wrong", "kind": "count"},
        ],
        cells,
        kept=used.tolist(),
        only={"with wrong answers": 4},
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _add_curves(page: Page, evaluation: Evaluation) -> None:
    page.section(
        "Confidence",
        "Reliability: the share of answers of some confidence that are correct; on the dotted "
        "line confidence and share are equal. Risk and coverage: the error rate if only the most "
        "confident answers are given.",
    )
    reliability = f"Reliability; calibration error {evaluation.ece:.3f}"
    risk = f"Risk and coverage; area {evaluation.risk_coverage_area:.4f}"
    page.charts([(reliability, *reliability_curves(evaluation)), (risk, *risk_curve(evaluation))])
    page.table(
        [("confidence", "share"), ("rows", "count"), ("share correct", "share")],
        [(part.confidence, part.rows, part.accuracy) for part in evaluation.reliability],
        "Reliability of the whole path",
    )
