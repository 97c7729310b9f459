"""The categories and departments in which wrong answers are, the costliest first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.report.figures import wilson
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

WORST = 40  # categories in a table
_TO_CHECK = 12  # categories that the verdict names, at most
_HALF = 0.5  # of all wrong answers, which these categories hold if they are few
_ENOUGH = (
    0.25  # of all wrong answers; if the worst hold less, categories of a level above are shown
)


@dataclass(frozen=True)
class CategoryFigures:
    """The answers to the titles that are labelled with a category or one below it.

    Attributes:
        node: The node of the category.
        path: Its path as text.
        rows: Number of titles that are labelled with it or with a category below it.
        wrong: Number of these titles that were answered wrongly.
        cost: Sum of the weights of the titles that were answered wrongly.
        share: Share of this category in the cost of all wrong answers.
        accuracy: Share of the titles that were answered correctly.
        interval: Lower and upper end of the 95 % interval of that share.
        compared: ``"worse"`` or ``"better"`` if the interval excludes the accuracy of all titles,
            otherwise ``"about average"``.
        answer: The path of the most common wrong answer as text; empty if it is no category.
        answers: How often this answer was given; 0 if no title was answered wrongly.
    """

    node: int
    path: str
    rows: int
    wrong: int
    cost: float
    share: float
    accuracy: float
    interval: tuple[float, float]
    compared: str
    answer: str
    answers: int


def compared_with(average: float, low: float, high: float) -> str:
    """Whether an interval lies below an average ("worse"), above it ("better"), or around it.

    >>> compared_with(0.8, 0.5, 0.7), compared_with(0.8, 0.7, 0.9)
    ('worse', 'about average')
    """
    return "worse" if high < average else "better" if low > average else "about average"


def figures_of_categories(
    judged: JudgedRows, taxonomy: Taxonomy, nodes: Ints, weights: Floats
) -> list[CategoryFigures]:
    """Count the answers by category, the category with the greatest cost first.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        nodes: int64 [rows]: the category in which each row is counted.
        weights: float64 [rows]: what a wrong answer to each row costs.

    Returns:
        The figures of every category that has rows.
    """
    wrong = ~judged.correct
    size = len(taxonomy)
    rows = np.bincount(nodes, minlength=size)
    lost = np.bincount(nodes[wrong], minlength=size)
    cost = np.bincount(nodes[wrong], weights[wrong], minlength=size)
    low, high = wilson(rows - lost, rows)
    average, total = float(judged.correct.mean()), max(float(cost.sum()), 1e-300)
    order = np.lexsort((-rows, -lost, -cost))
    usual = _usual_answers(judged, taxonomy, nodes)
    return [
        CategoryFigures(
            node=node,
            path=join_path(taxonomy.paths[node]),
            rows=int(rows[node]),
            wrong=int(lost[node]),
            cost=float(cost[node]),
            share=float(cost[node]) / total,
            accuracy=float(1 - lost[node] / rows[node]),
            interval=(float(low[node]), float(high[node])),
            compared=compared_with(average, float(low[node]), float(high[node])),
            answer=usual.get(node, ("", 0))[0],
            answers=usual.get(node, ("", 0))[1],
        )
        for node in order.tolist()
        if rows[node]
    ]


def _usual_answers(
    judged: JudgedRows, taxonomy: Taxonomy, nodes: Ints
) -> dict[int, tuple[str, int]]:
    """The most common wrong answer to the titles counted at each node, with its number."""
    wrong = ~judged.correct
    size = len(taxonomy) + 2  # the answers -2 and -1 stand for no node
    pairs, counts = np.unique(nodes[wrong] * size + judged.ends[wrong] + 2, return_counts=True)
    usual: dict[int, tuple[str, int]] = {}
    for place in np.argsort(-counts, kind="stable").tolist():
        node, answer = divmod(int(pairs[place]), size)
        if node not in usual:
            path = join_path(taxonomy.paths[answer - 2]) if answer > 1 else ""
            usual[node] = path, int(counts[place])
    return usual


def departments(judged: JudgedRows, taxonomy: Taxonomy, weights: Floats) -> list[CategoryFigures]:
    """The figures of the departments, the one with the costliest wrong answers first."""
    return figures_of_categories(judged, taxonomy, taxonomy.chains[judged.targets, 0], weights)


def worst_categories(
    judged: JudgedRows, taxonomy: Taxonomy, weights: Floats
) -> list[CategoryFigures]:
    """The categories with the costliest wrong answers.

    They are those of the labels, unless the wrong answers are spread over so many of these that the
    worst twelve hold less than a quarter: then those of a level above.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        weights: float64 [rows]: what a wrong answer to each row costs.

    Returns:
        All categories with wrong answers: first those that are not better than the average, the
        costliest first, then the better ones.
    """
    chains = taxonomy.chains[judged.targets]
    worst: list[CategoryFigures] = []
    for level in range(taxonomy.depth, 0, -1):
        nodes = np.where(chains[:, level - 1] < 0, judged.targets, chains[:, level - 1])
        figures = figures_of_categories(judged, taxonomy, nodes, weights)
        worst = [category for category in figures if category.wrong]
        worst.sort(key=lambda category: category.compared == "better")  # stable
        if sum(category.share for category in worst[:_TO_CHECK]) >= _ENOUGH:
            break
    return worst


def to_check(worst: Sequence[CategoryFigures]) -> list[CategoryFigures]:
    """The first categories that together hold half of the cost of all wrong answers.

    Args:
        worst: The categories with the costliest wrong answers, in order.

    Returns:
        At most twelve categories, which may hold less than a half; none that is better than the
        average.
    """
    held, chosen = 0.0, []
    for category in worst[:_TO_CHECK]:
        if category.compared == "better":
            break
        chosen.append(category)
        held += category.share
        if held >= _HALF:
            break
    return chosen
