"""Format answers for sending: as objects for JSON, or as columns for CSV and Parquet.

The columns are:

predicted_path       the names along the path, in one line that can be split again
predicted_id         the id of the node at the end of the path
confidence           the probability that the answer is right
predicted_path_2, predicted_id_2, confidence_2, …  the next best paths, if top_k is above 1
best_guess_path, best_guess_id, best_guess_confidence  the most likely path of a title for which no
                     category is certain enough, if there is such a title
error                the error of the row, or null

If no category is certain enough, path, id and confidence are null.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prodcat.classifier.answer_nodes import AnswerNodes, path_line, rounded
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.answers import Answers

_NUMBER, _NUMBERS = 24, 160  # bytes of one confidence, and of those of all levels


class AnswerRecords:
    """Formats the answers of one classifier as JSON objects.

    Args:
        classifier: The classifier that answers.
    """

    def __init__(self, classifier: Classifier) -> None:
        nodes = AnswerNodes(classifier.taxonomy)
        self._nodes = [
            {"path": list(path), "id": id, "ids": ids}
            for path, id, ids in zip(nodes.paths, nodes.ids, nodes.path_ids, strict=True)
        ]
        # Mean bytes of an answer with one path, and of each further path.
        self._first = _NUMBERS + _mean_bytes(self._nodes)
        others = [{"path": node["path"], "id": node["id"]} for node in self._nodes]
        self._other = _NUMBER + _mean_bytes(others)

    def estimated_bytes(self, titles: int, paths: int) -> int:
        """The approximate size of answers as JSON, in bytes.

        Args:
            titles: The number of titles.
            paths: The number of paths for each title.
        """
        return titles * (self._first + (min(paths, len(self._nodes)) - 1) * self._other)

    def records(self, answers: Answers, errors: Mapping[int, str]) -> Iterator[dict[str, Any]]:
        """Yield the JSON object of each title; for the keys see :func:`write_body`.

        Args:
            answers: The answers, in the memory of the CPU.
            errors: The error messages by row number; such a row gets only ``"error"``.
        """
        rows = zip(
            answers.nodes.tolist(),
            rounded(answers.confidence).tolist(),
            rounded(answers.level_confidence).tolist(),
            strict=True,
        )
        guesses, certainties = answers.guesses
        for row, (nodes, confidences, levels) in enumerate(rows):
            if row in errors:
                yield {"error": errors[row]}
            elif nodes[0] < 0:
                yield self._abstention(int(guesses[row]), float(rounded(certainties[row])))
            else:
                yield self._record(nodes, confidences, levels[0])

    def _abstention(self, node: int, confidence: float) -> dict[str, Any]:
        """The answer to a title for which no category is certain enough.

        Args:
            node: The node at the end of the most likely path.
            confidence: The probability of that path.
        """
        named = self._nodes[node]
        guess = {"path": named["path"], "id": named["id"], "confidence": confidence}
        return {**dict.fromkeys([*named, "confidence", "level_confidences"]), "best_guess": guess}

    def _record(
        self, nodes: Sequence[int], confidences: Sequence[float], levels: Sequence[float]
    ) -> dict[str, Any]:
        """The answer to one title: its best path, and the other ones.

        Args:
            nodes: The node at the end of each path, the best one first.
            confidences: The confidence of each path.
            levels: The confidence of each node along the best path, padded with zeros.
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


def _mean_bytes(nodes: Sequence[Mapping[str, Any]]) -> int:
    """The mean size of the objects as JSON, in bytes."""
    return sum(
        len(json.dumps(node, ensure_ascii=False).encode("utf-8", "replace")) for node in nodes
    ) // max(len(nodes), 1)


def flat_columns(records: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Convert the objects of answers to columns.

    Args:
        records: One object for each title, as :meth:`AnswerRecords.records` yields them.

    Returns:
        The values of each column by column name, one for each title; None for missing values.
    """
    columns: dict[str, list[Any]] = {}
    errors = []
    lines: dict[str, str] = {}  # the line of a path by its node's id, as many answers share it
    for row, record in enumerate(records):
        ranked = [record, *record.get("others", ())]
        endings = ["", *(f"_{rank + 2}" for rank in range(len(ranked) - 1))]
        values: dict[str, Any] = {}
        for ending, answer in zip(endings, ranked, strict=True):
            values[f"predicted_path{ending}"] = _line(answer, lines)
            values[f"predicted_id{ending}"] = answer.get("id")
            values[f"confidence{ending}"] = answer.get("confidence")
        if (guess := record.get("best_guess")) is not None:
            values["best_guess_path"] = _line(guess, lines)
            values["best_guess_id"] = guess["id"]
            values["best_guess_confidence"] = guess["confidence"]
        for name in values:
            columns.setdefault(name, [None] * row)
        for name, column in columns.items():
            column.append(values.get(name))
        errors.append(record.get("error"))
    return {**columns, "error": errors}


def _line(answer: Mapping[str, Any], lines: dict[str, str]) -> str | None:
    """The path of an answer as one line, or None without a path; kept in ``lines``."""
    if answer.get("path") is None:
        return None
    line = lines.get(answer["id"]) or path_line(answer["path"])
    lines[answer["id"]] = line
    return line
