"""Predictions: answers with names and ids in place of node numbers."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.classifier.answer_nodes import AnswerNodes
from prodcat.classifier.inference import BatchInference
from prodcat.classifier.titles import empty_titles
from prodcat.decisions.answers import Answers
from prodcat.decisions.decider import Decider
from prodcat.taxonomy.paths import Path, join_path
from prodcat.text_encoding import for_terminal

logger = logging.getLogger("prodcat")
_WINDOW = 32_768  # titles that are prepared and answered together


@dataclass(frozen=True)
class Prediction:
    """One path for one title.

    Attributes:
        path: Node names from the top level down; empty for the root, which means no category.
        confidence: Probability that the path is right, 0 to 1: that it is the product's
            whole path or, where coarser answers are allowed (a guarantee, some objectives),
            that the product is at or below the end of the path.  It is 0 for an empty title.
        level_confidences: Probability of the path's node at each of its levels.
        node_id: The stable id of the node at which the path ends; empty for the root.
    """

    path: Path
    confidence: float
    level_confidences: tuple[float, ...]
    node_id: str

    def __str__(self) -> str:
        """The path in one line, with its confidence."""
        return f"{for_terminal(join_path(self.path)) or '(no category)'} ({self.confidence:.2f})"


NO_CATEGORY = Prediction((), 0.0, (), "")  # the answer for an empty title


def predict_texts(
    inference: BatchInference,
    decide: Decider,
    texts: Sequence[str],
    groups: Sequence[str] | None,
    nodes: AnswerNodes,
) -> list[list[Prediction]]:
    """Answer texts; one whose title is empty gets no category, which is told in the log.

    Args:
        inference: Answers many texts at once.
        decide: Turns log-probabilities into answers.
        texts: The texts of titles.
        groups: The group of each title, or None.
        nodes: The names and ids of the tree's nodes.

    Returns:
        For each text its predictions, the best first.
    """
    predicted: list[list[Prediction]] = []
    for start in range(0, len(texts), _WINDOW):
        rows = slice(start, start + _WINDOW)
        window = inference.prepare(texts[rows])
        answers = inference.answers(window, decide, None if groups is None else groups[rows])
        assert answers is not None
        predicted += predictions(answers, nodes)
    empty = empty_titles(texts)
    for row in empty:
        predicted[row] = [NO_CATEGORY]
    if empty:
        logger.warning(
            "%d of %d titles are empty, such as title %d; their answer is no category.",
            len(empty),
            len(texts),
            empty[0],
        )
    return predicted


def predictions(answers: Answers, nodes: AnswerNodes) -> list[list[Prediction]]:
    """Turn answers into predictions, for each title the best one first.

    Args:
        answers: The answers for a batch of titles, on the CPU.
        nodes: The names and ids of the tree's nodes.

    Returns:
        For each title its predictions.
    """
    paths, ids = nodes.paths, nodes.ids
    columns = answers.nodes, answers.confidence, answers.level_confidence
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        [
            Prediction(paths[node], confidence, tuple(levels[: len(paths[node])]), ids[node])
            for node, confidence, levels in zip(*row, strict=True)
        ]
        for row in rows
    ]
