"""Rows of a table to what a classifier reads of them, whatever is wrong with some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.catalog.reading import read_catalog
from prodcat.classifier.classifier import Classifier


@dataclass(frozen=True)
class TitleRows:
    """What a classifier reads of each row.

    Attributes:
        texts: The title of each row, with its further texts.
        groups: The group of each row, or None where no column was named.
        errors: What is wrong with a row, by its number; such a row has a text all the same.
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
    """Read rows that are to be answered one by one; none is left out.

    Args:
        classifier: What will answer them.
        columns: Values by the name of the column, one for each row.
        title: The column with the title.
        text: Further text columns; those that the classifier was trained with if not given.
        group: The column with the group of each row, where a guarantee is by it.

    Raises:
        CatalogError: There is no row, or a column is missing that the classifier reads.
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
