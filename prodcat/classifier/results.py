"""Write answers: as columns that are added to those of the input, and tables as files.

predicted_path       names along the path, as one line of text that can be split again
predicted_names      names along the path, as a list        (not in CSV)
predicted_level_1, … name at each level of the tree, or null below the end of the path; called
                     predicted_department, … if the training had the columns department, …
predicted_id         id of the node at the end of the path
predicted_ids        ids along the path                     (CSV: as a JSON list)
confidence           probability that the answer is right
level_confidences    confidence of each node along the path (CSV: as one line)
predicted_path_2, confidence_2, …                           next best paths, if asked for
best_guess_path, best_guess_id, best_guess_confidence       most likely path of a row for which no
                     category is certain enough, if the options allow such an answer
model                name of the classifier's version
model_hash           SHA-256 hash of the classifier
error                what is wrong with the row, or null

If no category is answered, because none is certain enough or the row has no title, all columns of
the answer are null.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.report import INVALID_UTF8
from prodcat.classifier.answer_nodes import DIGITS, AnswerNodes, rounded
from prodcat.classifier.text_values import json_values, text_of, text_values
from prodcat.classifier.widening import widened
from prodcat.decisions.answers import Answers
from prodcat.decisions.options import AnswerOptions
from prodcat.storage.document import json_text
from prodcat.storage.tables import arrow_values, parquet_bytes
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_csv

Format = Literal["parquet", "jsonl", "csv", "tsv"]


def column_types(
    top_k: int = 1, *, may_abstain: bool = False, levels: Sequence[str] = ()
) -> dict[str, str]:
    """The types of the answers' columns in Spark SQL, by name.

    Args:
        top_k: The number of paths for each title.
        may_abstain: Whether the options allow that no category is answered; see
            :attr:`AnswerOptions.may_abstain`.
        levels: The names of the columns with the name at one level, from :func:`level_columns`.

    >>> list(column_types(2))[5:]
    ['level_confidences', 'predicted_path_2', 'confidence_2', 'model', 'model_hash', 'error']
    >>> list(column_types(levels=["predicted_shelf"]))[1:4]
    ['predicted_names', 'predicted_shelf', 'predicted_id']
    """
    types = {
        "predicted_path": "string",
        "predicted_names": "array<string>",
        **dict.fromkeys(levels, "string"),
        "predicted_id": "string",
        "predicted_ids": "array<string>",
        "confidence": "double",
        "level_confidences": "array<double>",
    }
    for rank in range(2, top_k + 1):
        types |= {f"predicted_path_{rank}": "string", f"confidence_{rank}": "double"}
    if may_abstain:
        types |= {
            "best_guess_path": "string",
            "best_guess_id": "string",
            "best_guess_confidence": "double",
        }
    return {**types, "model": "string", "model_hash": "string", "error": "string"}


def level_columns(levels: Sequence[str], depth: int) -> list[str]:
    """The names of the columns with the name at one level of the answer, coarsest first.

    Args:
        levels: The names of the levels as far as they are known, coarsest first.
        depth: The number of levels of the tree.

    Returns:
        For each level ``predicted_`` and its name, or its number if it has no name, or one that
        another column has.

    >>> level_columns(["department", "path"], 3)
    ['predicted_department', 'predicted_level_2', 'predicted_level_3']
    """
    columns = [f"predicted_level_{level + 1}" for level in range(depth)]
    taken = {*column_types(), *columns}
    for level, name in enumerate(levels[:depth]):
        column = f"predicted_{name}"
        if column not in taken and not re.fullmatch(r"predicted_(path|id)_[0-9]+", column):
            taken.add(column)
            columns[level] = column
    return columns


class AnswerColumns:
    """Makes Arrow columns of answers.

    Args:
        taxonomy: The tree that the answers are paths of.
        options: The options of the answers.
        model: The text of the column ``model``: the name of the classifier's version.
        model_hash: The text of the column ``model_hash``.
        levels: The names of the tree's levels as far as they are known, coarsest first.

    Attributes:
        names: The names of the columns, in their order.

    Raises:
        TaxonomyError: The tree has no names in the language of the options.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        options: AnswerOptions,
        model: str,
        model_hash: str,
        levels: Sequence[str] = (),
    ) -> None:
        import pyarrow as pa

        nodes = AnswerNodes(taxonomy, options.language)
        self.depth = np.append(taxonomy.level, 0)
        self.levels = level_columns(levels, int(self.depth.max(initial=0)))
        self.names = list(
            column_types(options.top_k, may_abstain=options.may_abstain, levels=self.levels)
        )
        self.paths, self.ids = pa.array(nodes.lines), pa.array(nodes.ids)
        self.path_names = pa.array(map(list, nodes.paths), pa.list_(pa.string()))
        self.path_ids = pa.array(nodes.path_ids, pa.list_(pa.string()))
        self.level_names = [
            pa.array([path[level] if level < len(path) else None for path in nodes.paths])
            for level in range(len(self.levels))
        ]
        self.model, self.model_hash = model, model_hash

    def of(self, answers: Answers, errors: Mapping[int, str]) -> dict[str, Any]:
        """Make the columns of some rows.

        Args:
            answers: The answers for the rows, on the CPU.
            errors: What is wrong with a row, by its number.  Such a row has no answer, unless it
                only has invalid UTF-8.

        Returns:
            An Arrow array for each column by name, with one value for each row.
        """
        import pyarrow as pa

        rows, ranks = answers.nodes.shape
        blank = np.zeros(rows, np.bool_)
        blank[[row for row, reason in errors.items() if reason != INVALID_UTF8]] = True
        columns: dict[str, Any] = {}
        for rank in range(ranks):
            end = "" if rank == 0 else f"_{rank + 1}"
            nodes = answers.nodes[:, rank].numpy()
            unanswered = blank | (nodes < 0)
            place = _places(nodes, unanswered)
            columns[f"predicted_path{end}"] = self.paths.take(place)
            if rank == 0:
                columns["predicted_names"] = self.path_names.take(place)
                for name, names in zip(self.levels, self.level_names, strict=True):
                    columns[name] = names.take(place)
                columns["predicted_id"] = self.ids.take(place)
                columns["predicted_ids"] = self.path_ids.take(place)
                levels = rounded(answers.level_confidence[:, 0])
                columns["level_confidences"] = _ragged(levels, self.depth[nodes], unanswered)
            confidence = rounded(answers.confidence[:, rank])
            columns[f"confidence{end}"] = pa.array(confidence, mask=unanswered)
        if "best_guess_path" in self.names:
            columns |= self._guesses(answers, blank)
        for name, text in (("model", self.model), ("model_hash", self.model_hash)):
            columns[name] = pa.array([text]).take(pa.array(np.zeros(rows, np.int64)))
        columns["error"] = pa.array([errors.get(row) for row in range(rows)], pa.string())
        return {name: columns[name] for name in self.names}

    def _guesses(self, answers: Answers, blank: NDArray[np.bool_]) -> dict[str, Any]:
        """The columns with the best guesses, which answered rows do not need."""
        import pyarrow as pa

        nodes, confidence = answers.guesses
        answered = blank | (answers.nodes[:, 0].numpy() >= 0)
        place = _places(nodes.numpy(), answered | (nodes.numpy() < 0))
        return {
            "best_guess_path": self.paths.take(place),
            "best_guess_id": self.ids.take(place),
            "best_guess_confidence": pa.array(rounded(confidence), mask=answered),
        }


def _places(nodes: NDArray[np.int64], missing: NDArray[np.bool_]) -> Any:
    """The nodes of rows as an Arrow array of positions, with null where the answer is missing."""
    import pyarrow as pa

    return pa.array(np.where(missing, 0, nodes), mask=missing)


def _ragged(
    values: NDArray[np.float64], lengths: NDArray[np.int64], blank: NDArray[np.bool_]
) -> Any:
    """An Arrow array that has for each row a list of its first values.

    Args:
        values: float64 [row, value].
        lengths: int64 [row]: the number of values to take.
        blank: bool [row]: which rows are null instead.
    """
    import pyarrow as pa

    lengths = np.where(blank, 0, lengths)
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    kept = np.arange(values.shape[1]) < lengths[:, None]
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(values[kept]), mask=pa.array(blank) if len(blank) else None
    )


def raw_column(columns: Mapping[str, Any], name: str) -> list[Any]:
    """The values of a column as in the file; bytes that are not UTF-8 become lone surrogates.

    Args:
        columns: The columns by name: lists or Arrow arrays.
        name: The name of the column; if there is no such column, all values are None.
    """
    import pyarrow as pa

    if name not in columns:
        return [None] * len(next(iter(columns.values()), ()))
    column = columns[name]
    if isinstance(column, (list, tuple)):
        return list(column)
    try:
        return arrow_values(column)
    except (ValueError, OverflowError, pa.ArrowException):  # such as a time before year 1
        return json_values(column)


def to_table(columns: Mapping[str, Any], schema: Any) -> Any:
    """Make an Arrow table of the columns of the input.

    Args:
        columns: The columns by name: Arrow arrays, or lists of values of JSON, of equal length.
        schema: The columns that the table must have, with types to which those of the columns can
            be widened (:mod:`prodcat.classifier.widening`).  Columns that are missing are filled
            with nulls.

    Returns:
        The table.

    Raises:
        pyarrow.ArrowException: A value does not have the type of its column.
    """
    import pyarrow as pa

    rows = len(next(iter(columns.values()), ()))
    return pa.table(
        [
            widened(columns[field.name], field.type)
            if field.name in columns
            else pa.nulls(rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def encode(columns: Any, kind: Format, *, header: bool = True) -> bytes:
    """Encode a table as a file.

    Args:
        columns: An Arrow table; for the formats of text also columns by name, each an Arrow array
            or a list of values that JSON can represent.  CSV and TSV leave out
            ``predicted_names``.
        kind: The format of the file.
        header: Whether CSV and TSV begin with the names of the columns.

    Returns:
        The content of the file.
    """
    import pyarrow as pa

    if kind == "parquet":
        return parquet_bytes(columns)
    if isinstance(columns, pa.Table):
        columns = dict(zip(columns.schema.names, columns.columns, strict=True))
    if kind == "jsonl":
        values = [
            column if isinstance(column, list) else json_values(column)
            for column in columns.values()
        ]
        lines = (
            json_text(dict(zip(columns, record, strict=True)))
            for record in zip(*values, strict=True)
        )
        return "".join(lines).encode()
    names = [name for name in columns if name != "predicted_names"]
    rows = zip(*(text_column(name, columns[name]) for name in names), strict=True)
    first: Sequence[Sequence[str]] = [names] if header else []
    return for_csv(itertools.chain(first, rows), "\t" if kind == "tsv" else ",").encode()


def text_column(name: str, column: Any) -> Sequence[str | None]:
    """The values of a column for CSV: each is one text.

    Args:
        name: The name of the column.
        column: An Arrow array, or a list of values that JSON can represent.
    """
    if name == "level_confidences":
        return [
            None if levels is None else " ".join(f"{level:.{DIGITS}f}" for level in levels)
            for levels in json_values(column)
        ]
    return list(map(text_of, column)) if isinstance(column, list) else text_values(column)
