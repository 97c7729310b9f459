"""Answers as columns beside the input's own, in files that others read.

predicted_path       the names along the path, in one line
predicted_names      the same as a list            (not in CSV)
predicted_id         the id of the node at its end
predicted_ids        the ids along the path        (CSV: in one line)
confidence           that the answer is right
level_confidences    of each node along the path   (CSV: in one line)
predicted_path_2, confidence_2, …                  the next best, where they are asked for
model                what answered
error                what was wrong with the row, or nothing
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.report import EMPTY_TITLE
from prodcat.catalog.text import readable
from prodcat.decisions.answers import Answers
from prodcat.errors import CatalogError
from prodcat.storage.tables import arrow_values
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

Format = Literal["parquet", "jsonl", "csv", "tsv"]
_DIGITS = 6


def column_types(top_k: int) -> dict[str, str]:
    """Names of the answers' columns for so many paths, with their types as SQL has them."""
    found = {
        "predicted_path": "string",
        "predicted_names": "array<string>",
        "predicted_id": "string",
        "predicted_ids": "array<string>",
        "confidence": "double",
        "level_confidences": "array<double>",
    }
    for rank in range(2, top_k + 1):
        found |= {f"predicted_path_{rank}": "string", f"confidence_{rank}": "double"}
    return {**found, "model": "string", "error": "string"}


class Columns:
    """The answers of one tree as Arrow columns.

    Args:
        taxonomy: The tree.
        language: Of the names, where the tree has it.
        model: What answers, for its column.
    """

    def __init__(self, taxonomy: Taxonomy, language: str | None, model: str) -> None:
        import pyarrow as pa

        nodes = range(len(taxonomy))
        # The last of each is the root's, to which -1 points.
        self.paths = pa.array([join_path(taxonomy.path(n, language)) for n in nodes] + [""])
        self.ids = pa.array([*taxonomy.ids, ""])
        chains = [[taxonomy.ids[own] for own in taxonomy.ancestors(n)] for n in nodes]
        names = [list(taxonomy.path(n, language)) for n in nodes]
        self.names = pa.array([*names, []], pa.list_(pa.string()))
        self.chains = pa.array([*chains, []], pa.list_(pa.string()))
        self.depth = np.append(taxonomy.level, 0)
        self.model = model

    def of(self, answers: Answers, errors: Mapping[int, str]) -> dict[str, Any]:
        """The columns.

        Args:
            answers: Of the rows, on the host.
            errors: What was wrong, by row.
        """
        import pyarrow as pa

        rows, ranks = answers.nodes.shape
        blank = np.zeros(rows, np.bool_)
        blank[[row for row, reason in errors.items() if reason == EMPTY_TITLE]] = True
        columns: dict[str, Any] = {}
        for rank in range(ranks):
            end = "" if rank == 0 else f"_{rank + 1}"
            nodes = answers.nodes[:, rank].numpy()
            place = pa.array(np.where(nodes < 0, len(self.depth) - 1, nodes), mask=blank)
            confidence = _rounded(answers.confidence[:, rank].numpy())
            columns[f"predicted_path{end}"] = self.paths.take(place)
            if rank == 0:
                columns["predicted_names"] = self.names.take(place)
                columns["predicted_id"] = self.ids.take(place)
                columns["predicted_ids"] = self.chains.take(place)
            columns[f"confidence{end}"] = pa.array(confidence, mask=blank)
            if rank == 0:
                levels = _rounded(answers.level_confidence[:, 0].numpy())
                columns["level_confidences"] = _ragged(levels, self.depth[nodes], blank)
        columns["model"] = pa.array([self.model]).take(pa.array(np.zeros(rows, np.int64)))
        columns["error"] = pa.array([errors.get(row) for row in range(rows)], pa.string())
        return columns


def _rounded(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = values.astype(np.float64).round(_DIGITS)
    return rounded


def _ragged(
    values: NDArray[np.float64], lengths: NDArray[np.int64], blank: NDArray[np.bool_]
) -> Any:
    """A list of so many of the first values for each row."""
    import pyarrow as pa

    lengths = np.where(blank, 0, lengths)
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    kept = np.arange(values.shape[1]) < lengths[:, None]
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(values[kept]), mask=pa.array(blank) if len(blank) else None
    )


def raw_column(columns: Any, name: str) -> list[Any]:
    """A column's values as they are in the file, wrong bytes as lone surrogates.

    Args:
        columns: Lists by name, or an Arrow table.
        name: Of the column; where it is not there, all values are None.
    """
    import pyarrow as pa

    if not isinstance(columns, pa.Table):
        size = len(next(iter(columns.values()), []))
        return list(columns.get(name, [None] * size))
    if name not in columns.schema.names:
        return [None] * len(columns)
    return arrow_values(columns.column(name))


def to_table(columns: Any, schema: Any | None) -> Any:
    """Columns of the input as an Arrow table.

    Args:
        columns: Lists by name, or an Arrow table.
        schema: Types that they must have; their own if not given.

    Raises:
        CatalogError: They cannot have these types.
    """
    import pyarrow as pa

    try:
        if not isinstance(columns, pa.Table):
            columns = pa.table(
                {name: [_clean(own) for own in values] for name, values in columns.items()}
            )
        if schema is None:
            fields = [
                (
                    field.with_type(pa.string()) if pa.types.is_null(field.type) else field
                ).with_nullable(True)
                for field in columns.schema
            ]
            schema = pa.schema(fields)
        for name in schema.names:
            if name not in columns.schema.names:
                kind = schema.field(name).type
                columns = columns.append_column(name, pa.nulls(len(columns), kind))
        new = [name for name in columns.schema.names if name not in schema.names]
        if new:
            raise CatalogError(
                f"The column {new[0]!r} appears after the first rows, where the output's columns "
                "are fixed already. Give the first row every column."
            )
        return columns.select(schema.names).cast(schema)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        if isinstance(error, CatalogError):
            raise
        raise CatalogError(
            f"A column of the input changes its type: {error}. Give each column one type in all "
            "rows and files."
        ) from error


def _plain(value: object) -> object:
    """What JSON and CSV have a form for: as :func:`_clean`, and no number that is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _clean(value, _plain)


def _clean(value: object, inside: Callable[[object], object] | None = None) -> object:
    """Unreadable bytes become U+FFFD, so that the output is valid UTF-8."""
    inside = inside or _clean
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list):
        return [inside(part) for part in value]
    if isinstance(value, dict):
        return {key: inside(part) for key, part in value.items()}
    return value


def encode(table: Any, kind: Format, *, header: bool = True) -> bytes:
    """A table as the bytes of a file.

    Args:
        table: An Arrow table.
        kind: Of the file.
        header: Whether CSV begins with the columns' names.
    """
    if kind == "parquet":
        import pyarrow.parquet as pq

        out = io.BytesIO()
        pq.write_table(table, out)
        return out.getvalue()
    if kind in ("csv", "tsv"):
        table = table.drop_columns(["predicted_names"])
    columns = [[_plain(own) for own in arrow_values(column)] for column in table.columns]
    text = io.StringIO(newline="")
    if kind == "jsonl":
        for record in zip(*columns, strict=True):
            line = dict(zip(table.schema.names, record, strict=True))
            text.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    else:
        writer = csv.writer(text, delimiter="\t" if kind == "tsv" else ",", lineterminator="\n")
        if header:
            writer.writerow(table.schema.names)
        flat = [
            _flat(name, values) for name, values in zip(table.schema.names, columns, strict=True)
        ]
        writer.writerows(zip(*flat, strict=True))
    return text.getvalue().encode()


def _flat(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """A column as CSV can hold it: the answers' lists in one line each."""
    if name == "predicted_ids":
        return [None if own is None else join_path(own) for own in values]
    if name == "level_confidences":
        return [
            None if own is None else " ".join(f"{v:.{_DIGITS}f}" for v in own) for own in values
        ]
    return [
        json.dumps(own, ensure_ascii=False, default=str) if isinstance(own, (list, dict)) else own
        for own in values
    ]
