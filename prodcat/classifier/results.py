"""Write answers: as columns that are added to those of the input, and tables as files.

predicted_path       names along the path, as one line of text
predicted_names      names along the path, as a list        (not in CSV)
predicted_id         id of the node at the end of the path
predicted_ids        ids along the path                     (CSV: as one line)
confidence           probability that the answer is right
level_confidences    confidence of each node along the path (CSV: as one line)
predicted_path_2, confidence_2, …                           next best paths, if asked for
model                version or fingerprint of the classifier
error                what is wrong with the row, or null
"""

import bisect
import io
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.report import UNANSWERED
from prodcat.catalog.text import readable
from prodcat.classifier.answer_nodes import DIGITS, AnswerNodes, rounded
from prodcat.decisions.answers import Answers
from prodcat.errors import CatalogError
from prodcat.storage.document import json_text
from prodcat.storage.tables import arrow_values, parquet_bytes
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_csv

Format = Literal["parquet", "jsonl", "csv", "tsv"]


def column_types(top_k: int) -> dict[str, str]:
    """The types of the answers' columns in Spark SQL, by name.

    Args:
        top_k: The number of paths for each title.

    >>> list(column_types(2))[5:]
    ['level_confidences', 'predicted_path_2', 'confidence_2', 'model', 'error']
    """
    types = {
        "predicted_path": "string",
        "predicted_names": "array<string>",
        "predicted_id": "string",
        "predicted_ids": "array<string>",
        "confidence": "double",
        "level_confidences": "array<double>",
    }
    for rank in range(2, top_k + 1):
        types |= {f"predicted_path_{rank}": "string", f"confidence_{rank}": "double"}
    return {**types, "model": "string", "error": "string"}


class AnswerColumns:
    """Makes Arrow columns of answers.

    Args:
        taxonomy: The tree that the answers are paths of.
        language: The language of the names; None for the first language of the tree.
        model: The text of the column ``model``: the version or fingerprint of the classifier.

    Raises:
        TaxonomyError: The tree has no names in this language.
    """

    def __init__(self, taxonomy: Taxonomy, language: str | None, model: str) -> None:
        import pyarrow as pa

        nodes = AnswerNodes(taxonomy, language)
        self.paths, self.ids = pa.array(nodes.lines), pa.array(nodes.ids)
        self.names = pa.array(map(list, nodes.paths), pa.list_(pa.string()))
        self.path_ids = pa.array(nodes.path_ids, pa.list_(pa.string()))
        self.depth = np.append(taxonomy.level, 0)
        self.model = model

    def of(self, answers: Answers, errors: Mapping[int, str]) -> dict[str, Any]:
        """Make the columns of some rows.

        Args:
            answers: The answers for the rows, on the CPU.
            errors: What is wrong with a row, by its number.  A row without a title, or with a text
                that is too long, has no answer.

        Returns:
            An Arrow array for each column by name, with one value for each row.
        """
        import pyarrow as pa

        rows, ranks = answers.nodes.shape
        blank = np.zeros(rows, np.bool_)
        blank[[row for row, reason in errors.items() if reason in UNANSWERED]] = True
        columns: dict[str, Any] = {}
        for rank in range(ranks):
            end = "" if rank == 0 else f"_{rank + 1}"
            nodes = answers.nodes[:, rank].numpy()
            place = pa.array(np.where(nodes < 0, len(self.depth) - 1, nodes), mask=blank)
            confidence = rounded(answers.confidence[:, rank])
            columns[f"predicted_path{end}"] = self.paths.take(place)
            if rank == 0:
                columns["predicted_names"] = self.names.take(place)
                columns["predicted_id"] = self.ids.take(place)
                columns["predicted_ids"] = self.path_ids.take(place)
            columns[f"confidence{end}"] = pa.array(confidence, mask=blank)
            if rank == 0:
                levels = rounded(answers.level_confidence[:, 0])
                columns["level_confidences"] = _ragged(levels, self.depth[nodes], blank)
        columns["model"] = pa.array([self.model]).take(pa.array(np.zeros(rows, np.int64)))
        columns["error"] = pa.array([errors.get(row) for row in range(rows)], pa.string())
        return columns


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


def raw_column(columns: Any, name: str) -> list[Any]:
    """The values of a column as in the file; bytes that are not UTF-8 become lone surrogates.

    Args:
        columns: Lists by name, or an Arrow table.
        name: The name of the column; if there is no such column, all values are None.
    """
    import pyarrow as pa

    if not isinstance(columns, pa.Table):
        size = len(next(iter(columns.values()), []))
        return list(columns.get(name, [None] * size))
    if name not in columns.schema.names:
        return [None] * len(columns)
    return arrow_values(columns.column(name))


def to_table(
    columns: Any, schema: Any | None, source: str = "The input", first_row: int = 0
) -> Any:
    """Make an Arrow table of the columns of the input.

    Args:
        columns: Lists by name, or an Arrow table.
        schema: The columns that the table must have, with their types; columns that are missing
            are filled with nulls.  None for the columns and types of the input.
        source: The name of the input, for error messages.
        first_row: The number of rows of the source before these, for error messages.

    Returns:
        The table; without ``schema``, all columns are nullable and columns of nulls have the type
        of text.

    Raises:
        CatalogError: There is a column that the schema lacks, or values do not have its types.
    """
    import pyarrow as pa

    if not isinstance(columns, pa.Table):
        columns = {name: [_clean(value) for value in values] for name, values in columns.items()}
    given = columns
    try:
        if not isinstance(columns, pa.Table):
            columns = pa.table(columns)
        if schema is None:
            untyped = pa.types.is_null
            fields = (f.with_type(pa.string()) if untyped(f.type) else f for f in columns.schema)
            schema = pa.schema([field.with_nullable(True) for field in fields])
        for name in schema.names:
            if name not in columns.schema.names:
                kind = schema.field(name).type
                columns = columns.append_column(name, pa.nulls(len(columns), kind))
        new = [name for name in columns.schema.names if name not in schema.names]
        if new:
            raise CatalogError(
                f"{source}: the column {new[0]!r} appears after the first rows, from which the "
                "output's columns are taken. Put every column into the first row."
            )
        return columns.select(schema.names).cast(schema)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        if isinstance(error, CatalogError):
            raise
        what = _type_change(given, schema, first_row)
        raise CatalogError(
            f"{source}{what or f': {error}'}. Give each column one type in all rows and files."
        ) from error


def _type_change(columns: Any, schema: Any | None, first_row: int) -> str:
    """The first value that does not have the type of its column, as the end of a sentence.

    Args:
        columns: Lists by name, or an Arrow table.
        schema: The types that the columns must have; None if each column may have any one type.
        first_row: The number of rows of the source before these.
    """
    import pyarrow as pa

    def fits(values: Any, kind: Any) -> bool:
        try:
            array = pa.array(values) if isinstance(values, list) else values
            _ = array if kind is None else array.cast(kind)
        except (pa.ArrowException, OverflowError, ValueError):
            return False
        return True

    for name in columns if isinstance(columns, dict) else columns.schema.names:
        values = columns[name]
        kind = schema.field(name).type if schema is not None and name in schema.names else None
        if fits(values, kind):
            continue
        counts = range(len(values) + 1)
        row = bisect.bisect_left(counts, True, key=lambda count: not fits(values[:count], kind)) - 1
        rest = values[row:]
        value = rest[0] if isinstance(rest, list) else arrow_values(rest[:1])[0]
        kind = pa.array(values[:row]).type if kind is None else kind
        expected = "numbers of at most 64 bits, and lists whose values have one type"
        if not pa.types.is_null(kind):
            expected = f"{kind}, as in the rows before"
        return (
            f", row {first_row + row + 1:,}: the column {name!r} changes its type: found "
            f"{str(value)[:80]!r} ({type(value).__name__}); expected {expected}"
        )
    return ""


def _plain(value: object) -> object:
    """A value for JSON and CSV: that of :func:`_clean`, with None for NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _clean(value, _plain)


def _clean(value: object, inside: Callable[[object], object] | None = None) -> object:
    """A value with U+FFFD for bytes that are not UTF-8, so that the output is valid."""
    inside = inside or _clean
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list):
        return [inside(part) for part in value]
    if isinstance(value, dict):
        return {key: inside(part) for key, part in value.items()}
    return value


def encode(table: Any, kind: Format, *, header: bool = True) -> bytes:
    """Encode a table as a file.

    Args:
        table: An Arrow table with a column ``predicted_names``, which CSV and TSV leave out.
        kind: The format of the file.
        header: Whether CSV and TSV begin with the names of the columns.

    Returns:
        The content of the file.
    """
    if kind == "parquet":
        return parquet_bytes(table)
    if kind in ("csv", "tsv"):
        table = table.drop_columns(["predicted_names"])
    columns = [[_plain(value) for value in arrow_values(column)] for column in table.columns]
    text = io.StringIO(newline="")
    if kind == "jsonl":
        for record in zip(*columns, strict=True):
            line = dict(zip(table.schema.names, record, strict=True))
            text.write(json_text(line, default=str))
    else:
        rows = zip(*map(_flat, table.schema.names, columns), strict=True)
        names = [table.schema.names] if header else []
        text.write(for_csv(itertools.chain(names, rows), "\t" if kind == "tsv" else ","))
    return text.getvalue().encode()


def _flat(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column for CSV: a list or an object becomes one line of text."""
    if name == "predicted_ids":
        return [None if ids is None else join_path(ids) for ids in values]
    if name == "level_confidences":
        return [
            None if levels is None else " ".join(f"{level:.{DIGITS}f}" for level in levels)
            for levels in values
        ]
    return [
        json_text(value, end="", default=str) if isinstance(value, (list, dict)) else value
        for value in values
    ]
