"""Rows of titles to the same rows with answers beside them, in two steps.

The first, :meth:`Scorer.ready`, needs no device and may run ahead; the second is the device's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prodcat.catalog.catalog import read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.inference import Window
from prodcat.classifier.results import Columns, column_types, raw_column, to_table
from prodcat.decisions.decoding import Answers
from prodcat.errors import CatalogError
from prodcat.scoring.config import ScoringConfig


@dataclass(frozen=True)
class Ready:
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
        scoring: How.

    Raises:
        ConfigError: The settings do not go together, or with the classifier.
    """

    def __init__(self, classifier: Classifier, scoring: ScoringConfig) -> None:
        self.classifier, self.scoring = classifier, scoring
        self.precision = classifier.pick_precision(scoring.precision, scoring.promises)
        self.inference = classifier.inference(self.precision)
        self.decide = classifier.decision(
            scoring.top_k,
            objective=scoring.objective,
            guarantee=scoring.guarantee,
            max_error=scoring.max_error,
            certainty=scoring.certainty,
        )
        self.group = classifier.group_column(scoring.promises)
        self.text = classifier.text_columns if scoring.text is None else scoring.text
        reference = classifier.origin or classifier.fingerprint or "unknown"
        self.columns = Columns(classifier.taxonomy, scoring.language, reference)

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
        for name in column_types(self.scoring.top_k):
            if name in schema.names:
                raise CatalogError(
                    f"{source} has a column {name!r} already, which the answers would replace. "
                    "Rename it."
                )
        return schema

    def ready(self, columns: Any, schema: Any) -> Ready:
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
            return Ready(table, self.inference.ready([]), None, {})
        catalog = read_catalog(
            {name: raw_column(columns, name) for name in self.needed},
            title=self.scoring.title,
            path=None,
            text=self.text,
            keep=[] if self.group is None else [self.group],
            on_error="accept",
        )
        errors = {problem.row: problem.reason for problem in catalog.report.problems}
        texts = self.classifier.texts_of(catalog)
        groups = None if self.group is None else catalog.column(self.group)
        return Ready(table, self.inference.ready(texts), groups, errors)

    def answers(self, ready: Ready, stopped: Callable[[], bool] = bool) -> Answers | None:
        """The answers, or None if stopped meanwhile."""
        return self.inference.answers(ready.window, self.decide, ready.groups, stopped)

    def table(self, ready: Ready, answers: Answers) -> Any:
        """The rows' own columns with the answers beside them, an Arrow table."""
        table = ready.table
        for name, column in self.columns.of(answers, ready.errors).items():
            table = table.append_column(name, column)
        return table

    def answered(self, columns: Any) -> Any:
        """All in one step, for rows that fit into memory.

        Args:
            columns: Lists by name, or an Arrow table.

        Raises:
            CatalogError: A column is missing, or one too many.
        """
        ready = self.ready(columns, self.schema_of(columns, "The table"))
        answers = self.answers(ready)
        assert answers is not None
        return self.table(ready, answers)
