"""Predictions: answers with names and ids in place of node numbers."""

from dataclasses import dataclass

from prodcat.classifier.answer_nodes import AnswerNodes
from prodcat.decisions.answers import Answers
from prodcat.taxonomy.paths import Path, join_path
from prodcat.text_encoding import for_terminal


@dataclass(frozen=True)
class Prediction:
    """One path for one title.

    Attributes:
        path: Node names from the top level down; empty for the root, which means no category.
        confidence: Probability that the path is right, 0 to 1: that it is the product's
            whole path or, where coarser answers are allowed (a guarantee, some objectives),
            that the product is at or below the end of the path.
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
