"""Wrong answers that a report shows as examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.explanation.explanation import Explanation
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Ints
from prodcat.insight.neighbours import labelled_neighbours
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.report.example_reasons import ExampleReasons, sentence_of
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_EXAMPLES = 60


@dataclass(frozen=True)
class Example:
    """A title with a wrong answer.

    Attributes:
        title: The title.
        label: Path of its label.
        answer: Path of the answer; empty if it is no category.
        confidence: Probability of the answer, or None if it is not known.
        neighbours: Title and path of each of the labelled titles that are most similar to it.
        explanation: The reasons for the answer, or None if the classifier was not asked.
    """

    title: str
    label: Path
    answer: Path
    confidence: float | None
    neighbours: tuple[tuple[str, str], ...] = ()
    explanation: Explanation | None = None

    @property
    def neighbour_text(self) -> str:
        """The neighbours in one line; an empty string if there are none."""
        return "; ".join(f"{title} [{path}]" for title, path in self.neighbours)

    def reason(self, language: PageLanguage) -> str:
        """Why the answer is not the label; empty if the classifier was not asked."""
        if self.explanation is None:
            return ""
        return sentence_of(self.explanation, self.label, language)


def examples_of(
    judged: JudgedRows,
    taxonomy: Taxonomy,
    titles: Sequence[str],
    known: Catalog | None,
    reasons: ExampleReasons | None = None,
) -> list[Example]:
    """Choose wrong answers as examples.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        titles: The title of each row.
        known: Labelled titles to search for neighbours, or None.
        reasons: Explains the answers, or None.

    Returns:
        At most 60 examples: first the most confident wrong answer of each label, then the second
        most confident one of each label, and so on.
    """
    rows = _rows_of_examples(judged).tolist()
    neighbours = labelled_neighbours(known, [titles[row] for row in rows])
    nothing: list[Explanation | None] = [None] * len(rows)
    explained = nothing if reasons is None else reasons(rows)
    return [
        Example(
            title=titles[row],
            label=taxonomy.paths[int(judged.targets[row])],
            answer=_path(taxonomy, int(judged.ends[row])),
            confidence=None if judged.confidence is None else float(judged.confidence[row]),
            neighbours=tuple((near.title, join_path(near.path)) for near in nearest),
            explanation=explanation,
        )
        for row, nearest, explanation in zip(rows, neighbours, explained, strict=True)
    ]


def _rows_of_examples(judged: JudgedRows) -> Ints:
    rows = np.flatnonzero(~judged.correct)
    if judged.confidence is not None:
        rows = rows[np.argsort(-judged.confidence[rows], kind="stable")]
    seen: dict[int, int] = {}
    turn = []
    for row in rows.tolist():
        target = int(judged.targets[row])
        turn.append(seen.get(target, 0))
        seen[target] = turn[-1] + 1
    return rows[np.argsort(turn, kind="stable")][:_MOST_EXAMPLES]


def _path(taxonomy: Taxonomy, node: int) -> Path:
    return taxonomy.paths[node] if node >= 0 else ()
