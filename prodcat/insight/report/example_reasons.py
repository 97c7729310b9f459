"""Why a classifier gives the wrong answers that a report shows as examples."""

from collections.abc import Callable, Sequence

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.explanation.explanation import Explanation
from prodcat.classifier.explanation.reasons import LevelReasons, WordReason
from prodcat.taxonomy.paths import Path

# Returns the reasons for the answers to some rows, given their positions and their labels.
ExampleReasons = Callable[[Sequence[int], Sequence[Path]], list[str]]


def example_reasons(classifier: Classifier, titles: Sequence[str] | Catalog) -> ExampleReasons:
    """A function that says why answers to titles are not the labels.

    Args:
        classifier: The classifier that was evaluated.
        titles: The titles of the evaluated rows; a catalog of them if the classifier reads further
            columns.
    """

    def reasons(rows: Sequence[int], labels: Sequence[Path]) -> list[str]:
        if isinstance(titles, Catalog):
            picked: Catalog | list[str] = titles.take(np.array(rows, np.int64))
        else:
            picked = [titles[row] for row in rows]
        explained = classifier.explain(picked) if rows else []
        return [sentence_of(each, label) for each, label in zip(explained, labels, strict=True)]

    return reasons


def sentence_of(explanation: Explanation, label: Path) -> str:
    """Why an answer is not the label, in one line: the words at the level where the two part.

    Args:
        explanation: The reasons for the answer.
        label: The path of the label.
    """
    if explanation.path == label:
        return "it is the label without the options of this evaluation"
    level = _parting(explanation, label)
    if level is None:
        return ""
    parts = [f"{level.name} {level.confidence:.0%}"]
    if level.runner_up is None:
        return f"{parts[0]}, the only choice"
    parts[0] += f", not {level.runner_up_name} {level.runner_up_confidence:.0%}"
    for side, words in (("for it", level.strongest()), ("against it", level.against())):
        if words:
            parts.append(f"{side}: {_listed(words)}")
    if explanation.deletion is not None:
        removed = " ".join(explanation.deletion.words)
        parts.append(f"without {removed!r}: {explanation.deletion.prediction}")
    return "; ".join(parts)


def _parting(explanation: Explanation, label: Path) -> LevelReasons | None:
    """The first level at which the answer is not on the path of the label; or the last one."""
    for level in explanation.levels:
        if level.path != label[: len(level.path)] or (level.ends and level.path != label):
            return level
    return explanation.levels[-1] if explanation.levels else None


def _listed(words: Sequence[WordReason]) -> str:
    return ", ".join(
        word.word if word.column == "title" else f"{word.word} ({word.column})" for word in words
    )
