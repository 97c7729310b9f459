"""Score rows of titles: add the columns of the answers to the rows, in two steps.

The first step, :meth:`RowScorer.prepare`, needs no device and may run in another thread; the second
one, :meth:`RowScorer.answers`, uses the device.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.inference import Window
from prodcat.classifier.results import AnswerColumns, column_types, raw_column, to_table
from prodcat.classifier.rows import read_rows
from prodcat.decisions.answers import Answers
from prodcat.errors import CatalogError
from prodcat.scoring.config import ScoringConfig


@dataclass(frozen=True)
class PreparedRows:
    """Rows that are prepared for the device.

    Attributes:
        table: The rows, an Arrow table.
        window: The titles, prepared for the device.
        groups: The group of each row if the guarantee depends on it, or None.
        errors: What is wrong with a row, by its number.
    """

    table: Any
    window: Window
    groups: list[str] | None
    errors: dict[int, str]


class RowScorer:
    """Answers rows with a classifier and settings, which are checked before a title is read.

    Args:
        classifier: The classifier, on its device.
        scoring: How the titles are answered.

    Raises:
        ConfigError: The settings do not go together, or with the classifier.
    """

    def __init__(self, classifier: Classifier, scoring: ScoringConfig) -> None:
        self.classifier, self.scoring = classifier, scoring
        answers = scoring.answers
        self.precision = classifier.pick_precision(answers.precision or "auto", answers.promises)
        self.inference = classifier.inference(self.precision)
        self.decide = classifier.decision(answers)
        self.group = classifier.group_column(answers.promises)
        self.text = classifier.text_columns if scoring.text is None else scoring.text
        reference = classifier.origin or classifier.fingerprint or "unknown"
        self.columns = AnswerColumns(classifier.taxonomy, answers.language, reference)

    @property
    def needed(self) -> list[str]:
        """The names of the columns that are read."""
        group = [] if self.group is None else [self.group]
        return list(dict.fromkeys([self.scoring.title, *self.text, *group]))

    def schema_of(self, columns: Any, source: str) -> Any:
        """The types of the columns in the first rows, which all other rows must have too.

        Args:
            columns: Lists by name, or an Arrow table.
            source: The name of the source, for error messages.

        Raises:
            CatalogError: A column that is read is missing, or one has the name of an answer's
                column.
        """
        schema = to_table(columns, None).schema
        missing = [name for name in self.needed if name not in schema.names]
        if missing:
            raise CatalogError(
                f"{source} has no column {missing[0]!r}; found {schema.names}. Name the columns "
                "with title= and text=."
            )
        for name in column_types(self.scoring.answers.top_k):
            if name in schema.names:
                raise CatalogError(
                    f"{source} has a column {name!r} already, which the answers would replace. "
                    "Rename it."
                )
        return schema

    def prepare(self, columns: Any, schema: Any) -> PreparedRows:
        """Do the part of the work that needs no device; may run in another thread.

        Args:
            columns: Lists by name, or an Arrow table.
            schema: The types of the columns, as :meth:`schema_of` returns them.

        Raises:
            CatalogError: The columns cannot have these types, or one is missing.
        """
        names = columns if isinstance(columns, dict) else columns.schema.names
        missing = [name for name in self.needed if name not in names]
        table = to_table(columns, schema)
        if missing and len(table):
            raise CatalogError(
                f"A file of the input has no column {missing[0]!r}; found {list(names)}. Give "
                "all files the same columns."
            )
        if not len(table):
            return PreparedRows(table, self.inference.prepare([]), None, {})
        rows = read_rows(
            self.classifier,
            {name: raw_column(columns, name) for name in self.needed},
            title=self.scoring.title,
            text=self.text,
            group=self.group,
        )
        return PreparedRows(table, self.inference.prepare(rows.texts), rows.groups, rows.errors)

    def answers(self, rows: PreparedRows, stopped: Callable[[], bool] = bool) -> Answers | None:
        """Answer the rows on the device.

        Args:
            rows: The rows, prepared by :meth:`prepare`.
            stopped: Called between batches; once it returns true, no more rows are answered.

        Returns:
            The answers, on the host; None if stopped.
        """
        return self.inference.answers(rows.window, self.decide, rows.groups, stopped)

    def table(self, rows: PreparedRows, answers: Answers) -> Any:
        """The columns of the input followed by those of the answers, an Arrow table."""
        table = rows.table
        for name, column in self.columns.of(answers, rows.errors).items():
            table = table.append_column(name, column)
        return table

    def answered(self, columns: Any) -> Any:
        """Prepare and answer rows in one call, for rows that fit into memory.

        Args:
            columns: Lists by name, or an Arrow table.

        Returns:
            An Arrow table: the columns of the input followed by those of the answers.

        Raises:
            CatalogError: A column is missing, or one has the name of an answer's column.
        """
        rows = self.prepare(columns, self.schema_of(columns, "The table"))
        answers = self.answers(rows)
        assert answers is not None
        return self.table(rows, answers)
