"""Parse the bodies of requests and write the bodies of answers, by media type.

application/json        ``["title", …]``, ``{"instances": [title or {"title": …, "brand": …}]}`` or
                        ``{"inputs": …}``, with ``top_k``, ``objective``, ``guarantee`` or
                        ``max_error`` next to them or in ``"parameters"``
application/jsonlines   a title or an object in each line; the answer has one line for each of them,
                        with an error for lines that cannot be parsed
text/csv                a table with a header and a column ``title``, or rows without a header
application/x-parquet   a table with a column ``title``

Which fields of a title are read is said in :mod:`prodcat.serving.field_names`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prodcat.serving.answer_records import flat_columns
from prodcat.serving.charsets import check_json_charset
from prodcat.serving.content_types import parameters_of
from prodcat.serving.csv_bodies import read_csv, write_csv
from prodcat.serving.isolated import Deadline
from prodcat.serving.json_bodies import read_json, read_lines, write_json, write_lines
from prodcat.serving.media_types import CSV, JSON, LINES, PARQUET, TYPES, media_type
from prodcat.serving.parquet_bodies import read_parquet, write_parquet
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal, answer_too_large, too_large
from prodcat.serving.settings import Limits

_MOST_ANSWER = 1 << 30  # bytes
_JSON_READERS = {JSON: read_json, LINES: read_lines}


def read_body(
    body: bytes,
    content_type: str | None,
    known: Sequence[str],
    limits: Limits,
    deadline: Deadline | None = None,
) -> Query:
    """Parse the body of a request.

    Args:
        body: The bytes of the body.
        content_type: The header ``Content-Type``; None means JSON.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.
        deadline: Until when to read a Parquet file in a child process.

    Raises:
        Refusal: With status 400 if the body cannot be parsed, has no titles or has wrong options,
            413 if it is too large, 415 if its media type or a parameter of it is not supported,
            or 503 if reading a Parquet file took longer.
    """
    kind, parameters = media_type(content_type), parameters_of(content_type)
    if kind not in TYPES:
        raise Refusal(
            415, f"Content-Type {content_type!r} is not supported; expected one of {list(TYPES)}."
        )
    if len(body) > limits.body:
        raise too_large(len(body), limits.body)
    if not body.strip():
        raise Refusal(400, "The body is empty; expected at least one title.")
    if kind == PARQUET:
        query = read_parquet(body, known, limits, deadline)
    elif kind == CSV:
        query = read_csv(body, known, limits, parameters)
    else:
        check_json_charset(parameters.get("charset"))
        query = _JSON_READERS[kind](body, known, limits)
    if len(query) > limits.titles:
        raise Refusal(
            413,
            f"Found {len(query):,} titles; expected at most {limits.titles:,} in one request. "
            "Send several requests, or classify files with prodcat predict.",
        )
    if not len(query):
        raise Refusal(400, "The body has no title; expected at least one.")
    return query


def write_body(
    records: Iterable[Mapping[str, Any]],
    query: Query,
    kind: str,
    most: int = _MOST_ANSWER,
    deadline: Deadline | None = None,
) -> bytes:
    """Write the body of an answer.

    Args:
        records: One object for each title: either with ``"path"``, ``"id"``, ``"ids"``,
            ``"confidence"`` and ``"level_confidences"``, and with ``"others"`` if ``top_k`` is
            above 1; or with ``"error"`` only.
        query: The query that is answered.
        kind: The media type of the answer, one of :data:`TYPES`.
        most: Maximum size of the body, in bytes.
        deadline: Until when to write a Parquet file in a child process.

    Raises:
        Refusal: With status 413 if the body would be larger, or 503 if a Parquet file took longer
            to write.
    """
    if kind == JSON:
        return write_json(records, query.form, most)
    if kind == LINES:
        return write_lines(records, most)
    columns = flat_columns(records)
    if kind == PARQUET:
        body = write_parquet(columns, deadline)
    else:
        body = write_csv(columns, has_header=query.form != "csv")
    if len(body) > most:
        raise answer_too_large(most)
    return body
