"""The tables of an evaluation as columns, for data frames."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from prodcat.errors import CatalogError, check_choice
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.measurements import Measurements
from prodcat.evaluation.metric_names import METRIC_NAMES
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.notebook import free_columns
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

By = Literal["level", "category", "confusion", "metric", "row"]
_NO_PATH_NAME = "(no path of the tree)"
_ROOT_NAME = "(no category)"


def columns_by(evaluation: Measurements, by: By) -> Mapping[str, Any]:
    """The columns of a table of an evaluation; see :meth:`prodcat.Evaluation.to_frame`.

    Args:
        evaluation: The evaluation.
        by: What a row of the table is.

    Raises:
        CatalogError: The table needs individual rows, and the evaluation was read from JSON.
        ConfigError: There is no such table.
    """
    check_choice("by", by, get_args(By))
    if by == "level":
        return _by_level(evaluation)
    if by == "metric":
        return _by_metric(evaluation)
    if by == "confusion":
        return _by_confusion(evaluation)
    judged, tree = _individual_rows(evaluation, by)
    return by_category(judged, tree) if by == "category" else _by_row(judged, tree)


def _individual_rows(evaluation: Measurements, by: str) -> tuple[JudgedRows, Taxonomy]:
    judged = evaluation.judged
    if judged is None or judged.taxonomy is None:
        raise CatalogError(
            f"A table by {by} needs individual rows, and this evaluation was read from JSON, which "
            "does not contain them; expected the result of evaluate(). Evaluate again, or ask for "
            "by='level', 'metric' or 'confusion'."
        )
    return judged, judged.taxonomy


def _by_level(evaluation: Measurements) -> dict[str, Any]:
    names = ("level", "rows", "accuracy", "macro_f1", "ece", "brier", "answers_end")
    return {name: [getattr(level, name) for level in evaluation.levels] for name in names}


def _by_metric(evaluation: Measurements) -> dict[str, Any]:
    names = [name for name in METRIC_NAMES if getattr(evaluation, name) is not None]
    names += ["answers_end_at_root", "inconsistent"]
    intervals = [evaluation.intervals.get(name) for name in names]
    return {
        "metric": names,
        "value": [float(getattr(evaluation, name)) for name in names],
        "low": [None if interval is None else interval.low for interval in intervals],
        "high": [None if interval is None else interval.high for interval in intervals],
    }


def _by_confusion(evaluation: Measurements) -> dict[str, Any]:
    judged = evaluation.judged
    pairs = evaluation.confusions
    if judged is not None and judged.taxonomy is not None:
        names = _names(judged.taxonomy)
        wrong = ~judged.correct
        nodes = np.stack([judged.targets[wrong], judged.ends[wrong]], axis=1)
        different, counts = np.unique(nodes, axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable").tolist()
        pairs = tuple(
            (names[different[at, 0]], names[different[at, 1]], int(counts[at])) for at in order
        )
    return {
        "label": [label for label, _, _ in pairs],
        "answer": [answer for _, answer, _ in pairs],
        "rows": [rows for _, _, rows in pairs],
    }


def _names(tree: Taxonomy) -> list[str]:
    """The path of each node, followed by the names of the answers -2 and -1."""
    return [*map(join_path, tree.paths), _NO_PATH_NAME, _ROOT_NAME]


def by_category(judged: JudgedRows, tree: Taxonomy) -> dict[str, Any]:
    """The figures of each category that is a label or an answer, as columns.

    Args:
        judged: The labels and answers.
        tree: The tree.

    Returns:
        The columns by name; the category with the most wrong answers comes first.
    """
    targets, ends, names = judged.targets, judged.ends, _names(tree)

    def count(nodes: Ints) -> Ints:
        return np.bincount(nodes[nodes >= 0], minlength=len(tree)).astype(np.int64)

    rows, answered, right = count(targets), count(ends), count(targets[judged.correct])
    used = np.flatnonzero(rows + answered)
    used = used[np.argsort(-(rows - right)[used], kind="stable")]
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy, precision = right / rows, right / answered
        f1 = 2 * right / (rows + answered)
    answer, times = _commonest_wrong(judged, len(tree))
    return {
        "path": [names[node] for node in used],
        "node_id": [tree.ids[node] for node in used],
        "level": tree.level[used],
        "rows": rows[used],
        "right": right[used],
        "wrong": (rows - right)[used],
        "accuracy": accuracy[used],
        "answered": answered[used],
        "precision": precision[used],
        "f1": f1[used],
        "wrong_answer": [names[answer[node]] if times[node] else None for node in used],
        "wrong_answer_rows": times[used],
    }


def _commonest_wrong(judged: JudgedRows, nodes: int) -> tuple[Ints, Ints]:
    """The most frequent wrong answer of each label, int64 [nodes], and its number of rows."""
    wrong = ~judged.correct
    pairs = np.stack([judged.targets[wrong], judged.ends[wrong]], axis=1)
    different, counts = np.unique(pairs, axis=0, return_counts=True)
    answer, times = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    order = np.argsort(counts, kind="stable")  # the most frequent one is written last
    answer[different[order, 0]] = different[order, 1]
    times[different[order, 0]] = counts[order]
    return answer, times


def _by_row(judged: JudgedRows, tree: Taxonomy) -> dict[str, Any]:
    names, ids = _names(tree), [*tree.ids, None, None]
    given = judged.columns or {"row_number": np.arange(len(judged)) + 1}
    columns: dict[str, Any] = {
        "label": [names[node] for node in judged.targets],
        "label_id": [ids[node] for node in judged.targets],
        "answer": [names[node] for node in judged.ends],
        "answer_id": [ids[node] for node in judged.ends],
        "right": judged.right,
    }
    if judged.confidence is not None:
        columns["confidence"] = judged.confidence
    return free_columns(given, columns)
