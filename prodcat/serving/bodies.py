"""Read bodies of requests and write bodies of answers, by their media type.

application/json        ``["title", …]``, ``{"instances": [title or {"title": …, "brand": …}]}`` or
                        ``{"inputs": …}``, with ``top_k``, ``objective``, ``guarantee`` or
                        ``max_error`` next to them or in ``"parameters"``
application/jsonlines   a title or an object in each line; one line in the answer for each of them,
                        also for those that cannot be read
text/csv                a table with a header and a column ``title``, or titles alone
application/x-parquet   a table with a column ``title``
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prodcat.serving.answer_records import flat_columns
from prodcat.serving.csv_bodies import read_csv, write_csv
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
    """Read the body of a request.

    Args:
        body: The bytes of the body.
        content_type: The header ``Content-Type``; None for JSON.
        known: Names of further columns that the model can read.
        limits: The limits of a request.

    Raises:
        Refusal: The body is too large, has an unknown type, or holds no titles.
    """
    kind = media_type(content_type)
    if kind not in _READERS:
        raise Refusal(
            415, f"Content-Type {content_type!r} is not supported; expected one of {list(TYPES)}."
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
    """Write the body of an answer.

    Args:
        records: For each title ``{"path", "id", "ids", "confidence", "level_confidences"}``, with
            ``"others"`` if more than one path was asked for; or ``{"error"}``.
        query: The query that is answered.
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
