"""Classify rows, and add the columns of the answers to them, in two steps.

The first step, :meth:`RowScorer.prepare`, does not use the device and may run in another thread.
The second one, :meth:`RowScorer.answers`, uses the device.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.results import AnswerColumns, column_types, raw_column, to_table
from prodcat.classifier.rows import read_rows
from prodcat.classifier.windows import Window
from prodcat.decisions.answers import Answers
from prodcat.errors import CatalogError
from prodcat.scoring.config import ScoringConfig


@dataclass(frozen=True)
class PreparedRows:
    """Rows that are prepared for the device.

    Attributes:
        table: The rows, an Arrow table.
        window: The titles, prepared for the device.
        groups: The group of each row if the guarantee depends on groups, otherwise None.
        errors: The error messages by row number, counted from 0 within the table.
    """

    table: Any
    window: Window
    groups: list[str] | None
    errors: dict[int, str]


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
        self.inference = classifier.inference(self.precision, cascade=answers.applied_cascade)
        self.decide = classifier.decision(answers)
        self.group = classifier.group_column(answers.promises)
        reference = classifier.origin or classifier.fingerprint or "unknown"
        self.columns = AnswerColumns(classifier.taxonomy, answers.language, reference)

    @property
    def needed(self) -> list[str]:
        """The names of the columns that the input must have.

        Text columns are among them only if they were named: a column of the training that is
        missing is read as empty.
        """
        group = [] if self.group is None else [self.group]
        return list(dict.fromkeys([self.scoring.title, *(self.scoring.text or ()), *group]))

    def schema_of(self, columns: Any, source: str) -> Any:
        """Check the columns of the first rows of an input, and return their types.

        Args:
            columns: The first rows: lists by column name, or an Arrow table.
            source: The name of the input, for error messages.

        Returns:
            The Arrow schema of the rows, which :meth:`prepare` needs for all rows.

        Raises:
            CatalogError: A required column is missing, or a column has the name of an answer's
                column.
        """
        schema = to_table(columns, None, source).schema
        missing = [name for name in self.needed if name not in schema.names]
        if missing:
            raise CatalogError(
                f"{source} has no column {missing[0]!r}; found {schema.names[:50]}. Name the "
                "columns to read with title= and text=."
            )
        for name in column_types(self.scoring.answers.top_k):
            if name in schema.names:
                raise CatalogError(
                    f"{source} has a column {name!r} already; the answers need a column of this "
                    "name. Rename the column of the input."
                )
        return schema

    def prepare(
        self,
        columns: Any,
        schema: Any,
        source: str = "A file of the input",
        first_row: int = 0,
    ) -> PreparedRows:
        """Prepare rows for the encoder; may run in another thread.

        Args:
            columns: The rows: lists by column name, or an Arrow table.
            schema: The Arrow schema of the rows, as :meth:`schema_of` returns it.
            source: The name of the input, for error messages.
            first_row: The number of rows of the source before these, for error messages.

        Raises:
            CatalogError: A required column is missing, or the values do not have these types.
        """
        names = columns if isinstance(columns, dict) else columns.schema.names
        missing = [name for name in self.needed if name not in names]
        table = to_table(columns, schema, source, first_row)
        if missing and len(table):
            raise CatalogError(
                f"{source} has no column {missing[0]!r}; found {list(names)[:50]}. All files of "
                "the input must have the columns that are read."
            )
        if not len(table):
            return PreparedRows(table, self.inference.prepare([]), None, {})
        further = [name for name in self.classifier.text_columns if name in names]
        rows = read_rows(
            self.classifier,
            {name: raw_column(columns, name) for name in (*self.needed, *further)},
            title=self.scoring.title,
            text=self.scoring.text,
            group=self.group,
        )
        return PreparedRows(table, self.inference.prepare(rows.texts), rows.groups, rows.errors)

    def answers(self, rows: PreparedRows, stopped: Callable[[], bool] = bool) -> Answers | None:
        """Classify prepared rows on the device.

        Args:
            rows: The rows, as :meth:`prepare` returns them.
            stopped: Called between batches; once it returns true, no more rows are classified.

        Returns:
            One answer for each row, in the memory of the CPU; None if ``stopped`` returned true.
        """
        return self.inference.answers(rows.window, self.decide, rows.groups, stopped)

    def table(self, rows: PreparedRows, answers: Answers) -> Any:
        """An Arrow table with the columns of the input followed by those of the answers."""
        table = rows.table
        for name, column in self.columns.of(answers, rows.errors).items():
            table = table.append_column(name, column)
        return table

    def answered(self, columns: Any) -> Any:
        """Prepare and classify rows in one call, for rows that fit into memory.

        Args:
            columns: The rows: lists by column name, or an Arrow table.

        Returns:
            An Arrow table with the columns of the input followed by those of the answers.

        Raises:
            CatalogError: A required column is missing, or a column has the name of an answer's
                column.
        """
        rows = self.prepare(columns, self.schema_of(columns, "The table"))
        answers = self.answers(rows)
        assert answers is not None
        return self.table(rows, answers)
