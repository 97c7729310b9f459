"""Answers as the objects that are sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.decisions.answers import Answers

_DIGITS = 6


class AnswerRecords:
    """Makes objects of a classifier's answers.

    Args:
        classifier: Whose tree the answers point into.
    """

    def __init__(self, classifier: Classifier) -> None:
        tree = classifier.taxonomy
        self._nodes = [
            {
                "path": list(tree.paths[node]),
                "id": tree.ids[node],
                "ids": [tree.ids[ancestor] for ancestor in tree.ancestors(node)],
            }
            for node in range(len(tree))
        ] + [{"path": [], "id": "", "ids": []}]  # the last is the root's, for -1

    def records(self, answers: Answers, errors: Mapping[int, str]) -> list[dict[str, Any]]:
        """One object for each title; see :func:`prodcat.serving.bodies.write_body`.

        Args:
            answers: On the host.
            errors: What is wrong with a row, by its number; it has no answer then.
        """
        rows = zip(
            answers.nodes.tolist(),
            answers.confidence.tolist(),
            answers.level_confidence.tolist(),
            strict=True,
        )
        return [
            {"error": errors[row]} if row in errors else self._record(nodes, confidences, levels[0])
            for row, (nodes, confidences, levels) in enumerate(rows)
        ]

    def _record(
        self, nodes: Sequence[int], confidences: Sequence[float], levels: Sequence[float]
    ) -> dict[str, Any]:
        """The answer of one title: its best path, and the other ones.

        Args:
            nodes: The end of each path, the best first.
            confidences: Of the paths.
            levels: Confidences of the nodes along the best path, with zeros behind them.
        """
        best = self._nodes[nodes[0]]
        record: dict[str, Any] = {
            **best,
            "confidence": round(confidences[0], _DIGITS),
            "level_confidences": [round(level, _DIGITS) for level in levels[: len(best["path"])]],
        }
        if len(nodes) > 1:
            record["others"] = [
                {
                    "path": self._nodes[node]["path"],
                    "id": self._nodes[node]["id"],
                    "confidence": round(confidence, _DIGITS),
                }
                for node, confidence in zip(nodes[1:], confidences[1:], strict=True)
            ]
        return record
