"""Classify rows, and add the columns of the answers to them, in two steps.

The first step, :meth:`RowScorer.prepare`, does not use the device and may run in another thread.
The second one, :meth:`RowScorer.answers`, uses the device.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.results import AnswerColumns, raw_column
from prodcat.classifier.rows import read_rows
from prodcat.classifier.windows import Window
from prodcat.decisions.answers import Answers
from prodcat.errors import CatalogError, no_column
from prodcat.scoring.config import ScoringConfig


@dataclass(frozen=True)
class PreparedRows:
    """Rows that are prepared for the device.

    Attributes:
        columns: The columns for the output: an Arrow table; or Arrow arrays and lists
            of values of JSON, by name.
        window: The titles, prepared for the device.
        groups: The group of each row if the guarantee depends on groups, otherwise None.
        errors: The error messages by row number, counted from 0 within the rows.
    """

    columns: Any
    window: Window
    groups: list[str] | None
    errors: dict[int, str]

    def __len__(self) -> int:
        """The number of rows."""
        return row_count(self.columns)


def row_count(columns: Any) -> int:
    """The number of rows of columns: an Arrow table, or lists and arrays by name."""
    return len(next(iter(columns.values()), ())) if isinstance(columns, dict) else len(columns)


class RowScorer:
    """Classifies rows with one classifier and fixed settings.

    Args:
        classifier: The classifier, on its device.
        scoring: The columns to read and the options of the answers.

    Raises:
        ConfigError: The settings cannot be combined, or the classifier does not support them.
        TaxonomyError: The tree has no names in the requested language.
    """

    def __init__(self, classifier: Classifier, scoring: ScoringConfig) -> None:
        self.classifier, self.scoring = classifier, scoring
        answers = scoring.answers
        self.precision = classifier.pick_precision(answers.precision or "auto", answers.promises)
        self.inference = classifier.inference(
            self.precision, answers.promises, answers.applied_cascade
        )
        self.decide = classifier.decision(answers)
        self.group = classifier.group_column(answers.promises)
        model_hash = classifier.content_hash
        model = classifier.origin or f"unpublished-{model_hash[:12]}"
        levels = classifier.provenance.levels
        self.columns = AnswerColumns(classifier.taxonomy, answers, model, model_hash, levels)

    @property
    def needed(self) -> list[str]:
        """The names of the columns that the input must have.

        Text columns are among them only if they were named: a column of the training that is
        missing is read as empty.
        """
        group = [] if self.group is None else [self.group]
        return list(dict.fromkeys([self.scoring.title, *(self.scoring.text or ()), *group]))

    def check_names(self, names: Sequence[str], source: str) -> None:
        """Check the names of the columns of an input.

        Args:
            names: The names of all columns.
            source: The name of the input, for error messages.

        Raises:
            CatalogError: A required column is missing, or a column has the name of an answer's
                column.
        """
        missing = [name for name in self.needed if name not in names]
        if missing:
            raise CatalogError(
                f"{no_column(source, missing[0], names)} Name the columns to read "
                "with title= and text=."
            )
        for name in self.columns.names:
            if name in names:
                raise CatalogError(
                    f"{source} has a column {name!r} already; the answers need a column of this "
                    "name. Rename the column of the input."
                )

    def prepare(self, given: Mapping[str, Any], columns: Any) -> PreparedRows:
        """Prepare rows for the encoder; may run in another thread.

        Args:
            given: The columns of the rows that are read, by name: lists or Arrow arrays.  A
                required column that is missing is read as empty.
            columns: The columns for the output; see :class:`PreparedRows`.
        """
        if not row_count(columns):
            return PreparedRows(columns, self.inference.prepare([]), None, {})
        further = [name for name in self.classifier.text_columns if name in given]
        rows = read_rows(
            self.classifier,
            {name: raw_column(given, name) for name in (*self.needed, *further)},
            title=self.scoring.title,
            text=self.scoring.text,
            group=self.group,
        )
        return PreparedRows(columns, self.inference.prepare(rows.texts), rows.groups, rows.errors)

    def answers(self, rows: PreparedRows, stopped: Callable[[], bool] = bool) -> Answers | None:
        """Classify prepared rows on the device.

        Args:
            rows: The rows, as :meth:`prepare` returns them.
            stopped: Called between batches; once it returns true, no more rows are classified.

        Returns:
            One answer for each row, in the memory of the CPU; None if ``stopped`` returned true.
        """
        return self.inference.answers(rows.window, self.decide, rows.groups, stopped)

    def answered(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Prepare and classify rows in one call, for rows that fit into memory.

        Args:
            columns: The columns of the rows by name, each a list or an Arrow array; at least those
                that are read.

        Returns:
            The columns of the answers as Arrow arrays, by name.

        Raises:
            CatalogError: A required column is missing, or a column has the name of an answer's
                column.
        """
        self.check_names(list(columns), "The table")
        rows = self.prepare(columns, columns)
        answers = self.answers(rows)
        assert answers is not None
        return self.columns.of(answers, rows.errors)
