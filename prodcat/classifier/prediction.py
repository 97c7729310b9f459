"""Predictions: answers with names and ids in place of node numbers."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, overload

from prodcat.classifier.answer_nodes import AnswerNodes
from prodcat.classifier.inference import BatchInference
from prodcat.classifier.titles import empty_titles
from prodcat.decisions.answers import Answers
from prodcat.decisions.decider import Decider
from prodcat.errors import CatalogError
from prodcat.taxonomy.notebook import (
    MOST_ROWS,
    Framed,
    NotebookTable,
    cut,
    free_columns,
    notebook_html,
    texts_of_rows,
)
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


class Predictions(Framed, list[list[Prediction]]):
    """The predictions for titles, a list that a notebook shows as a table.

    For each title it has a list with its predictions, the best first.

    Args:
        answers: The predictions for each title.
        columns: The columns of the titles by name, each with a value for each title: the number of
            each row, from 1, further columns such as ids, and the titles themselves.
        levels: The names of the columns with the name at each level of the tree, coarsest first.
    """

    def __init__(
        self,
        answers: Iterable[list[Prediction]],
        columns: Mapping[str, Sequence[Any]],
        levels: Sequence[str] = (),
    ) -> None:
        super().__init__(answers)
        self._titles, self._levels, self._answers = dict(columns), tuple(levels), tuple(self)

    @overload
    def __getitem__(self, index: SupportsIndex) -> list[Prediction]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[Prediction]]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """The predictions for one title, or for some titles, with the columns of these titles."""
        if not isinstance(index, slice):
            return super().__getitem__(index)
        chosen = super().__getitem__(index)
        if not self._is_unchanged:
            return chosen
        columns = {name: values[index] for name, values in self._titles.items()}
        return Predictions(chosen, columns, self._levels)

    @property
    def _is_unchanged(self) -> bool:
        """Whether every title still has the answer that it was given."""
        return list(map(id, self)) == list(map(id, self._answers))

    def _columns(self) -> Mapping[str, Any]:
        if not self._is_unchanged:
            raise CatalogError(
                f"This list of predictions was changed: it has {len(self):,} answers and was made "
                f"for {len(self._answers):,} titles in their order. Make a data frame of the list "
                "that predict() returned, and sort or filter the data frame."
            )
        return free_columns(self._titles, prediction_columns(self, self._levels))

    def _repr_html_(self) -> str | None:
        if not self._is_unchanged:
            return None
        rows = slice(0, MOST_ROWS)
        columns: dict[str, Sequence[Any]] = {n: each[rows] for n, each in self._titles.items()}
        first = list(self)[rows]
        columns["prediction"] = [_line(answers[:1]) for answers in first]
        columns["confidence"] = ["; ".join(f"{a.confidence:.1%}" for a in b[:1]) for b in first]
        if any(len(answers) > 1 for answers in first):
            columns["next best"] = ["; ".join(map(str, answers[1:])) for answers in first]
        answered = sum(bool(answers and answers[0].path) for answers in self)
        numbers = [f"{len(self):,} titles", f"{answered:,} with a category"]
        table = NotebookTable(list(columns), texts_of_rows(columns), "predictions", len(self))
        return notebook_html("Predictions", numbers, table)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the first predictions, where a notebook shows no HTML."""
        titles = self._titles["title"] if self._is_unchanged else [""] * len(self)
        lines = [
            f"{for_terminal(cut(title))}: {', '.join(map(str, answers))}"
            for title, answers in zip(titles[:MOST_ROWS], self[:MOST_ROWS], strict=True)
        ]
        more = [f"… and {len(self) - MOST_ROWS:,} more"] if len(self) > MOST_ROWS else []
        printer.text("\n".join([f"Predictions for {len(self):,} titles", *lines, *more]))


def _line(answers: Sequence[Prediction]) -> str:
    return "".join(join_path(answer.path) for answer in answers) or "(no category)"


def prediction_columns(
    answers: Sequence[Sequence[Prediction]], levels: Sequence[str]
) -> dict[str, list[Any]]:
    """The predictions as columns, with the names of :mod:`prodcat.classifier.results`.

    Args:
        answers: The predictions for each title.
        levels: The name of the column of each level of the tree, coarsest first.

    Returns:
        The columns by name, with a value for each title, which is None where there is no category.
    """
    best = [each[0] if each and each[0].path else None for each in answers]
    columns = {"predicted_path": [each and join_path(each.path) for each in best]}
    for level, name in enumerate(levels):
        columns[name] = [
            each.path[level] if each and level < len(each.path) else None for each in best
        ]
    values: dict[str, list[Any]] = {
        **columns,
        "predicted_id": [each and each.node_id for each in best],
        "confidence": [each and each.confidence for each in best],
        "level_confidences": [each and list(each.level_confidences) for each in best],
    }
    for rank in range(1, max(map(len, answers), default=1)):
        ranked = [each[rank] if rank < len(each) and each[rank].path else None for each in answers]
        values[f"predicted_path_{rank + 1}"] = [each and join_path(each.path) for each in ranked]
        values[f"confidence_{rank + 1}"] = [each and each.confidence for each in ranked]
    return values


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
            "%d of %d titles are empty, such as row %d; their answer is no category.",
            len(empty),
            len(texts),
            empty[0] + 1,
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
