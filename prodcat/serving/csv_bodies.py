"""Titles and answers as CSV: a table with a header and a column ``title``, or titles alone."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.serving.query import Query, check_letters
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.settings import Limits


def read_csv(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Read a table of titles.

    Args:
        body: The bytes of the body.
        known: Names of further columns that the model can read.
        limits: The limits of a request.

    Raises:
        Refusal: The body is no such table, or is too large.
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
    """The rows that are not blank, with the header; reading stops soon after the limit."""
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
            f"Found {width} columns and no header with a title; expected titles alone, or a header "
            "with a title.",
        )
    wrong = next((row for row in rows if len(row) != width), None)
    if wrong is not None:
        raise Refusal(
            400,
            f"Found rows of {width} and of {len(wrong)} fields; expected the same number in all "
            "rows.",
        )
    if len(set(names)) < len(names):
        raise Refusal(400, f"Found two columns of one name: {shown(names)}.")


def write_csv(columns: Mapping[str, Sequence[Any]], has_header: bool) -> bytes:
    """Write answers as a table.

    Args:
        columns: Columns of one length, by name.
        has_header: Whether to write the names first.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if has_header:
        writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()
