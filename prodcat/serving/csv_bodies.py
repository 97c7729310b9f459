"""Parse titles from CSV, and write answers as CSV.

The titles are a table with a header and a column ``title``, or rows without a header.
"""

import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.serving.query import Query, check_letters
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.settings import Limits
from prodcat.text_encoding import for_csv


def read_csv(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Parse a CSV table of titles.

    Without a header, the rows have a title alone, or a title followed by all columns in ``known``.

    Args:
        body: The bytes of the request's body.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.

    Raises:
        Refusal: With status 400 if the body is not such a table, or a text is too long.
    """
    rows = _rows(body, limits)
    labels = [name.strip().lower() for name in rows[0]] if rows else []
    has_header = "title" in labels
    if has_header:
        names = [name.strip() for name in rows.pop(0)]
        names[labels.index("title")] = "title"
        width = len(names)
    else:
        names = ["title", *known]
        width = len(rows[0]) if rows else 1
    _check_shape(rows, names, width, has_header)
    columns = {
        name: [row[place] for row in rows]
        for place, name in enumerate(names[:width])
        if name in ("title", *known)
    }
    check_letters(columns)
    return Query(columns, form="csv with header" if has_header else "csv")


def _rows(body: bytes, limits: Limits) -> list[list[str]]:
    """The rows that are not blank, including a header; at most two more than the limit."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"The body is not valid UTF-8: {error}.") from error
    csv.field_size_limit(limits.body)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if row:
                rows.append(row)
            if len(rows) > limits.titles + 1:
                break
    except csv.Error as error:
        raise Refusal(400, f"The body is not valid CSV: {error}.") from error
    return rows


def _check_shape(
    rows: Sequence[Sequence[str]], names: Sequence[str], width: int, has_header: bool
) -> None:
    if not has_header and width not in (1, len(names)):
        raise Refusal(
            400,
            f"Found {width} columns, but no header with a column title; expected one column of "
            "titles, or a header.",
        )
    wrong = next((row for row in rows if len(row) != width), None)
    if wrong is not None:
        raise Refusal(
            400,
            f"Found rows of {width} and of {len(wrong)} fields; expected the same number in all "
            "rows.",
        )
    if len(set(names)) < len(names):
        raise Refusal(400, f"Found two columns of one name: {shown(names)}. Rename or remove one.")


def write_csv(columns: Mapping[str, Sequence[Any]], has_header: bool) -> bytes:
    """The bytes of a CSV table of answers, in UTF-8.

    Args:
        columns: The values of each column by column name; all columns have the same length.
        has_header: Whether the first line has the names of the columns.
    """
    names = [columns.keys()] if has_header else []
    return for_csv(itertools.chain(names, zip(*columns.values(), strict=True))).encode()
