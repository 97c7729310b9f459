"""Rows of titles to the same rows with answers beside them, in two steps.

The first, :meth:`Scorer.prepare`, needs no device and may run ahead; the second is the device's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.inference import Window
from prodcat.classifier.results import Columns, column_types, raw_column, to_table
from prodcat.classifier.rows import read_rows
from prodcat.decisions.answers import Answers
from prodcat.errors import CatalogError
from prodcat.scoring.config import ScoringConfig


@dataclass(frozen=True)
class PreparedRows:
    """Rows on their way to the device.

    Attributes:
        table: The rows, an Arrow table.
        window: What the device needs.
        groups: The group of each row where something is promised by it, or None.
        errors: What is wrong with a row, by its number.
    """

    table: Any
    window: Window
    groups: list[str] | None
    errors: dict[int, str]


class Scorer:
    """A classifier and the settings of a scoring, checked before a title is read.

    Args:
        classifier: On its device.
        scoring: How the titles are scored.

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
        self.columns = Columns(classifier.taxonomy, answers.language, reference)

    @property
    def needed(self) -> list[str]:
        """The columns that are read."""
        group = [] if self.group is None else [self.group]
        return list(dict.fromkeys([self.scoring.title, *self.text, *group]))

    def schema_of(self, columns: Any, source: str) -> Any:
        """The types of the first rows' columns, which all others then must have.

        Args:
            columns: Lists by name, or an Arrow table.
            source: Where they are from, for the message.

        Raises:
            CatalogError: A column that is read is missing, or one has an answer's name.
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
        """Do what needs no device; may run in another thread.

        Args:
            columns: Lists by name, or an Arrow table.
            schema: From :meth:`schema_of`.

        Raises:
            CatalogError: The columns cannot have these types.
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
            return PreparedRows(table, self.inference.ready([]), None, {})
        rows = read_rows(
            self.classifier,
            {name: raw_column(columns, name) for name in self.needed},
            title=self.scoring.title,
            text=self.text,
            group=self.group,
        )
        return PreparedRows(table, self.inference.ready(rows.texts), rows.groups, rows.errors)

    def answers(self, rows: PreparedRows, stopped: Callable[[], bool] = bool) -> Answers | None:
        """The answers, or None if stopped meanwhile."""
        return self.inference.answers(rows.window, self.decide, rows.groups, stopped)

    def table(self, rows: PreparedRows, answers: Answers) -> Any:
        """The columns of the input with the answers beside them, an Arrow table."""
        table = rows.table
        for name, column in self.columns.of(answers, rows.errors).items():
            table = table.append_column(name, column)
        return table

    def answered(self, columns: Any) -> Any:
        """All in one step, for rows that fit into memory.

        Args:
            columns: Lists by name, or an Arrow table.

        Raises:
            CatalogError: A column is missing, or one too many.
        """
        rows = self.prepare(columns, self.schema_of(columns, "The table"))
        answers = self.answers(rows)
        assert answers is not None
        return self.table(rows, answers)


Ready = PreparedRows  # its name in earlier versions
