"""Answers as they are sent: objects for JSON, columns for CSV and Parquet.

The columns are:

predicted_path       names along the path, in one line
predicted_id         id of the node at the end of the path
confidence           probability that the answer is right
predicted_path_2, predicted_id_2, confidence_2, …  next best paths, if asked for
error                what is wrong with the row, or nothing
"""

from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.classifier.answer_nodes import AnswerNodes, path_line, rounded
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.answers import Answers


class AnswerRecords:
    """Makes objects of a classifier's answers.

    Args:
        classifier: The classifier that answers.
    """

    def __init__(self, classifier: Classifier) -> None:
        nodes = AnswerNodes(classifier.taxonomy)
        self._nodes = [
            {"path": list(path), "id": id, "ids": ids}
            for path, id, ids in zip(nodes.paths, nodes.ids, nodes.path_ids, strict=True)
        ]

    def records(self, answers: Answers, errors: Mapping[int, str]) -> list[dict[str, Any]]:
        """One object for each title; see :func:`prodcat.serving.bodies.write_body`.

        Args:
            answers: The answers, on the host.
            errors: What is wrong with a row, by its number; such a row gets no answer.
        """
        rows = zip(
            answers.nodes.tolist(),
            rounded(answers.confidence).tolist(),
            rounded(answers.level_confidence).tolist(),
            strict=True,
        )
        return [
            {"error": errors[row]} if row in errors else self._record(nodes, confidences, levels[0])
            for row, (nodes, confidences, levels) in enumerate(rows)
        ]

    def _record(
        self, nodes: Sequence[int], confidences: Sequence[float], levels: Sequence[float]
    ) -> dict[str, Any]:
        """The answer to one title: its best path, and the other ones.

        Args:
            nodes: The node at the end of each path, the best one first.
            confidences: The confidence of each path.
            levels: The confidence of each node along the best path, then zeros.
        """
        best = self._nodes[nodes[0]]
        record: dict[str, Any] = {
            **best,
            "confidence": confidences[0],
            "level_confidences": levels[: len(best["path"])],
        }
        if len(nodes) > 1:
            record["others"] = [
                {
                    "path": self._nodes[node]["path"],
                    "id": self._nodes[node]["id"],
                    "confidence": confidence,
                }
                for node, confidence in zip(nodes[1:], confidences[1:], strict=True)
            ]
        return record


def flat_columns(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Answers as columns of one length.

    Args:
        records: The answer to each title, or ``{"error": …}``, as :class:`AnswerRecords` makes
            them.
    """
    columns = _ranked(records, "")
    for rank in range(max((len(record.get("others", ())) for record in records), default=0)):
        others = [record["others"][rank] if "others" in record else {} for record in records]
        columns |= _ranked(others, f"_{rank + 2}")
    columns["error"] = [record.get("error") for record in records]
    return columns


def _ranked(answers: Sequence[Mapping[str, Any]], ending: str) -> dict[str, list[Any]]:
    """The columns of the answers of one rank, with None for rows without an answer."""
    return {
        f"predicted_path{ending}": [
            path_line(answer["path"]) if "path" in answer else None for answer in answers
        ],
        f"predicted_id{ending}": [answer.get("id") for answer in answers],
        f"confidence{ending}": [answer.get("confidence") for answer in answers],
    }
