"""Rows of a table as input of a classifier, faulty rows included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.catalog.reading import read_catalog
from prodcat.catalog.report import INVALID_UTF8, TOO_LONG, UNANSWERED
from prodcat.catalog.text import readable
from prodcat.classifier.classifier import Classifier


@dataclass(frozen=True)
class TitleRows:
    """Rows as input of a classifier.

    Attributes:
        texts: The title of each row, joined with its further text columns.
        groups: The group of each row for the guarantee, or None if no column was named.
        errors: What is wrong with a row, by its number; such rows have a text too.
    """

    texts: list[str]
    groups: list[str] | None
    errors: dict[int, str]


def read_rows(
    classifier: Classifier,
    columns: Mapping[str, Sequence[Any]],
    *,
    title: str = "title",
    text: Sequence[str] | None = None,
    group: str | None = None,
) -> TitleRows:
    """Make the input of a classifier from the columns of a table; no row is left out.

    Args:
        classifier: The classifier that will answer the rows.
        columns: The columns by name, each with a value for each row.
        title: The name of the column with the titles.
        text: The names of the further text columns; None for those that the classifier was
            trained with, as far as they are there.
        group: The name of the column with the group of each row, if the guarantee has groups.

    Returns:
        The rows, in their order.

    Raises:
        CatalogError: There is no row, or a column that was named is missing.
    """
    if text is None:
        text = [name for name in classifier.text_columns if name in columns]
    catalog = read_catalog(
        columns,
        title=title,
        path=None,
        text=text,
        keep=[] if group is None else [group],
        on_error="accept",
    )
    problems = sorted(catalog.report.problems, key=lambda problem: problem.reason in UNANSWERED)
    errors = {problem.row: problem.reason for problem in problems}
    texts = classifier.texts_of(catalog)
    for row in (row for row, reason in errors.items() if reason == TOO_LONG):
        texts[row] = ""
    return TitleRows(texts, None if group is None else catalog.column(group), errors)


def badly_encoded(columns: Mapping[str, Any]) -> dict[int, str]:
    """Find the rows of a text file that have bytes which are not in its encoding, in any column.

    Args:
        columns: The columns by name; those of text files are lists, in which such bytes are lone
            surrogates.  Other columns are not searched.

    Returns:
        What is wrong with each of these rows, by its number.
    """
    errors: dict[int, str] = {}
    for column in columns.values():
        if not isinstance(column, list):
            continue
        try:
            "".join(value for value in column if isinstance(value, str)).encode()
        except UnicodeEncodeError:
            for row, value in enumerate(column):
                if isinstance(value, str) and readable(value) != value:
                    errors[row] = INVALID_UTF8
    return errors
