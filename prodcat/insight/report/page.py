"""A report as one HTML file."""

from collections.abc import Sequence

import numpy as np

from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page import Page
from prodcat.insight.report.charts import reliability_curves, risk_curve, tree_map
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.figures import NodeFigures, wilson
from prodcat.insight.report.mistakes import WORST, Example, WorstCategory
from prodcat.taxonomy.tree import Taxonomy


def report_page(contents: Contents) -> str:
    """The whole file.

    Args:
        contents: What the report shows.
    """
    page = Page(f"{contents.name}: evaluation", "Shares with their 95 % intervals in small.")
    _add_headlines(page, contents)
    if contents.comparison is not None:
        _add_differences(page, contents, contents.comparison.rows)
    if contents.figures is not None:
        _add_tree(page, contents.taxonomy, contents.figures)
        _add_worst(page, contents.worst)
    _add_confusions(page, contents.evaluation)
    if contents.evaluation.reliability:
        _add_curves(page, contents.evaluation)
    if contents.examples:
        _add_examples(page, contents.examples)
    return page.html()


def _add_headlines(page: Page, contents: Contents) -> None:
    page.section("Headline figures")
    page.numbers(contents.headlines())
    page.table(
        [("level", "count"), ("rows", "count"), ("accuracy", "share"), ("macro F1", "share"),
         ("calibration error", "figure"), ("answers that end here", "share")],
        [
            (level.level, level.rows, level.accuracy, level.macro_f1, level.ece, level.answers_end)
            for level in contents.evaluation.levels
        ],
        "By level of the tree",
    )  # fmt: skip


def _add_differences(page: Page, contents: Contents, rows: int) -> None:
    page.section(
        "Against production",
        f"Differences on the same {rows:,} rows, above 0 where this one is higher.",
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
        "Of the products below a category, the share that was answered with it or with "
        "something below it. Choose a field to go down, the bar at the top to come back.",
    )
    label = "Categories by size, coloured by accuracy; the table below has all of them"
    page.add(page.figure(label, *tree_map(tree, figures), tall=True))
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


def _add_worst(page: Page, worst: Sequence[WorstCategory]) -> None:
    page.section("Worst categories", "Where products end and most were answered wrongly.")
    page.table(
        [("category", "text"), ("rows", "count"), ("wrong", "count"),
         ("accuracy", "share"), ("95 % interval", "interval"),
         ("commonest wrong answer", "text")],
        [
            (category.path, category.rows, category.wrong, category.accuracy, category.interval,
             category.answer)
            for category in worst
        ],
        "Categories by the number of wrong answers",
    )  # fmt: skip


def _add_confusions(page: Page, evaluation: Evaluation) -> None:
    page.section(
        "Confusions",
        "Mistakes by the deepest category that truth and answer share: the higher it is, the "
        "worse the mistake.",
    )
    page.table(
        [("they part below", "text"), ("level", "count"), ("mistakes", "count"),
         ("of all", "share"), ("commonest: truth, answer", "text")],
        [
            (group.ancestor, group.level, group.rows, group.share,
             "; ".join(f"{truth} → {answer} ({rows:,})"
                       for truth, answer, rows in group.branches[:3]))
            for group in evaluation.confusion_groups[:WORST]
        ],
        "Confusions by common ancestor",
    )  # fmt: skip


def _add_curves(page: Page, evaluation: Evaluation) -> None:
    page.section(
        "Confidence",
        "Reliability: of the answers of a confidence, the share that was right; on the line it "
        "is honest. Risk and coverage: the error among the answered, where the least sure are "
        "left out.",
    )
    page.add('<div class="plots">')
    label = f"Reliability; calibration error {evaluation.ece:.3f}"
    page.add(page.figure(label, *reliability_curves(evaluation)))
    label = f"Risk and coverage; area {evaluation.risk_coverage_area:.4f}"
    page.add(page.figure(label, *risk_curve(evaluation)))
    page.add("</div>")
    page.table(
        [("confidence", "share"), ("rows", "count"), ("share right", "share")],
        [(one.confidence, one.rows, one.accuracy) for one in evaluation.reliability],
        "Reliability of the whole path",
    )


def _add_examples(page: Page, examples: Sequence[Example]) -> None:
    page.section(
        "Examples",
        "Wrong answers, the surest of each category first, with the labelled titles that are "
        "most like them. Some of the labels may be wrong.",
    )
    page.table(
        [("title", "text"), ("label", "text"), ("answer", "text"), ("confidence", "share"),
         ("most like it", "text")],
        [
            (example.title, example.label, example.answer, example.confidence,
             example.neighbour_text or None)
            for example in examples
        ],
        "Wrong answers",
    )  # fmt: skip
