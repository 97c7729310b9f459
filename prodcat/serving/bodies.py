"""Bodies of requests to what they ask, and answers to bodies, by their media type.

application/json        ``["title", …]``, ``{"instances": [title or {"title": …, "brand": …}]}`` or
                        ``{"inputs": …}``, with ``top_k``, ``objective``, ``guarantee`` or
                        ``max_error`` beside them or in ``"parameters"``
application/jsonlines   one title or object a line; one line for each, also for bad ones
text/csv                with a header that has a ``title``, or titles alone
application/x-parquet   a table with a ``title``
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prodcat.serving.csv_bodies import read_csv, write_csv
from prodcat.serving.flat_answers import flat_columns
from prodcat.serving.json_bodies import read_json, read_lines, write_json, write_lines
from prodcat.serving.media_types import CSV, JSON, LINES, PARQUET, TYPES, media_type
from prodcat.serving.parquet_bodies import read_parquet, write_parquet
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal, too_large
from prodcat.serving.settings import Limits

_READERS: dict[str, Callable[[bytes, Sequence[str], Limits], Query]] = {
    JSON: read_json,
    LINES: read_lines,
    CSV: read_csv,
    PARQUET: read_parquet,
}


def read_body(body: bytes, content_type: str | None, known: Sequence[str], limits: Limits) -> Query:
    """Understand a request.

    Args:
        body: As it came.
        content_type: The header of that name; JSON if there is none.
        known: Columns beside the title that the model can read.
        limits: What the request may be.

    Raises:
        Refusal: It is too large, of an unknown type, or says nothing that can be answered.
    """
    kind = media_type(content_type)
    if kind not in _READERS:
        raise Refusal(
            415, f"Content-Type {content_type!r} is not read here; expected one of {list(TYPES)}."
        )
    if len(body) > limits.body:
        raise too_large(len(body), limits.body)
    if not body.strip():
        raise Refusal(400, "The body is empty; expected titles.")
    query = _READERS[kind](body, known, limits)
    if len(query) > limits.titles:
        raise Refusal(
            413,
            f"Found {len(query):,} titles; expected at most {limits.titles:,} in one request. "
            "Send several, or answer files with prodcat predict.",
        )
    if not len(query):
        raise Refusal(400, "Found no title; expected at least one.")
    return query


def write_body(records: Sequence[Mapping[str, Any]], query: Query, kind: str) -> bytes:
    """Answers as a body.

    Args:
        records: For each title ``{"path", "id", "ids", "confidence", "level_confidences"}``, with
            ``"others"`` where more than one path was asked for; or ``{"error"}``.
        query: What was asked.
        kind: The media type.
    """
    if kind == JSON:
        return write_json(records, query.form)
    if kind == LINES:
        return write_lines(records)
    columns = flat_columns(records)
    if kind == PARQUET:
        return write_parquet(columns)
    return write_csv(columns, has_header=query.form != "csv")
