"""Rows of a table as a classifier reads them, faulty rows included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.catalog.reading import read_catalog
from prodcat.classifier.classifier import Classifier


@dataclass(frozen=True)
class TitleRows:
    """Rows as a classifier reads them.

    Attributes:
        texts: The title of each row, joined with its further text columns.
        groups: The group of each row, or None if no column was named.
        errors: What is wrong with a row, by its number; such a row has a text nevertheless.
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
    """Read rows that are to be answered; no row is left out.

    Args:
        classifier: The classifier that will answer them.
        columns: The columns by name, each with a value for each row.
        title: The column with the title.
        text: Further text columns; those that the classifier was trained with if not given.
        group: The column with the group of each row, if the guarantee depends on one.

    Raises:
        CatalogError: There is no row, or a column that the classifier reads is missing.
    """
    catalog = read_catalog(
        columns,
        title=title,
        path=None,
        text=list(classifier.text_columns if text is None else text),
        keep=[] if group is None else [group],
        on_error="accept",
    )
    return TitleRows(
        texts=classifier.texts_of(catalog),
        groups=None if group is None else catalog.column(group),
        errors={problem.row: problem.reason for problem in catalog.report.problems},
    )
