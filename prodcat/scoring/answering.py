"""Read the parts of the input one after another, and classify their titles.

While the device classifies one part, the next one is read and prepared in another thread.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.decisions.answers import Answers
from prodcat.errors import ScoringError
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.parts import Part, list_files, read_parts
from prodcat.scoring.prefetch import Prefetch
from prodcat.scoring.scorer import PreparedRows, RowScorer


@contextlib.contextmanager
def enough_memory() -> Iterator[None]:
    """Turn a ``MemoryError`` in a ``with`` block into an error that says what to do.

    Raises:
        ScoringError: There is not enough memory for a part.
    """
    try:
        yield
    except MemoryError as error:
        raise ScoringError(
            "There is too little memory for a part of the input. Give the process more memory, or "
            "set part_rows to a smaller number of rows."
        ) from error


@dataclass(frozen=True)
class AnsweredPart:
    """One part of the input with its answers.

    Attributes:
        part: The part.
        rows: Its rows, prepared for the device.
        answers: One answer for each row, in the memory of the CPU.
    """

    part: Part
    rows: PreparedRows
    answers: Answers


@dataclass(frozen=True)
class PartScorer:
    """Classifies the parts of one input with one model.

    Attributes:
        scorer: Classifies rows; has the model and the settings.
        files: The URIs of the files of the input.
    """

    scorer: RowScorer
    files: list[str]

    @classmethod
    def of(cls, model: Classifier, input: str, scoring: ScoringConfig) -> "PartScorer":
        """Make a scorer, and check everything that can be checked before titles are read.

        Args:
            model: The classifier, on its device.
            input: The URI of the input: a file, a folder or a glob.
            scoring: The columns to read and the options of the answers.

        Raises:
            CatalogError: There is no such input, or a file has an unknown format.
            StoreError: The store of the input cannot be reached.
            ConfigError: The settings cannot be combined, or the classifier does not support them.
        """
        files = list_files(input)
        return cls(RowScorer(model, scoring), files)

    @property
    def scoring(self) -> ScoringConfig:
        """The settings of the scoring job."""
        return self.scorer.scoring

    def answered(
        self, is_due: Callable[[int, int], bool], stop: threading.Event
    ) -> Iterator[AnsweredPart]:
        """Classify parts one after another, until an event is set.

        Args:
            is_due: Returns whether to classify a part; gets the position of its file and its
                number in that file, both from 0.
            stop: An event; once it is set, no further part is classified.

        Yields:
            The parts with their answers, in the order of the input.

        Raises:
            CatalogError: The input cannot be read, lacks a required column, or has a column with
                the name of an answer's column.
            ScoringError: There is not enough memory for a part.
            StoreError: The store of the input cannot be reached.
        """
        with enough_memory(), Prefetch(self._prepared(is_due)) as parts:
            for part, rows in parts:
                answers = self.scorer.answers(rows, stop.is_set)
                if answers is None:
                    return
                yield AnsweredPart(part, rows, answers)
                if stop.is_set():
                    return

    def table(self, answered: AnsweredPart) -> Any:
        """An Arrow table with the rows of a part and the added columns of the answers."""
        return self.scorer.table(answered.rows, answered.answers)

    def _prepared(self, is_due: Callable[[int, int], bool]) -> Iterator[tuple[Part, PreparedRows]]:
        """The due parts, each with its rows prepared for the device."""
        schema = None
        for part in read_parts(self.files, is_due, self.scoring.part_rows):
            if schema is None:
                first = part if part.is_first else self._first()
                schema = self.scorer.schema_of(first.table, repr(self.files[0]))
            source = repr(self.files[part.file])
            yield part, self.scorer.prepare(part.table, schema, source, part.first)

    def _first(self) -> Part:
        """The first part of the input, whose column types determine those of the output."""
        first: Part
        [first] = read_parts(
            self.files[:1], lambda file, number: number == 0, self.scoring.part_rows
        )
        return first
