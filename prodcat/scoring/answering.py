"""Read the parts of the input one after another, and answer them.

While the device answers one part, the next one is read and prepared in another thread.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.decisions.answers import Answers
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.parts import Part, list_files, read_parts
from prodcat.scoring.prefetch import Prefetch
from prodcat.scoring.scorer import PreparedRows, RowScorer


@dataclass(frozen=True)
class AnsweredPart:
    """One part of the input with its answers.

    Attributes:
        part: The part.
        rows: Its rows, prepared for the device.
        answers: One answer for each row, on the host.
    """

    part: Part
    rows: PreparedRows
    answers: Answers


@dataclass(frozen=True)
class PartScorer:
    """Answers the parts of one input with one model.

    Attributes:
        scorer: Answers rows; it has the model and the settings.
        files: The files of the input.
    """

    scorer: RowScorer
    files: list[str]

    @classmethod
    def of(cls, model: Classifier, input: str, scoring: ScoringConfig) -> "PartScorer":
        """Check everything that can be checked before a title is read.

        Raises:
            CatalogError: There is no such input.
            ConfigError: The settings do not go together.
        """
        files = list_files(input)
        return cls(RowScorer(model, scoring), files)

    @property
    def scoring(self) -> ScoringConfig:
        """The settings of the scoring."""
        return self.scorer.scoring

    def answered(
        self, is_due: Callable[[int, int], bool], stop: threading.Event
    ) -> Iterator[AnsweredPart]:
        """Answer parts one after another, until the event is set.

        Args:
            is_due: Whether to answer a part, by its file and its number.
            stop: Set when no further part is to be answered.
        """
        with Prefetch(self._prepared(is_due)) as parts:
            for part, rows in parts:
                answers = self.scorer.answers(rows, stop.is_set)
                if answers is None:
                    return
                yield AnsweredPart(part, rows, answers)
                if stop.is_set():
                    return

    def table(self, answered: AnsweredPart) -> Any:
        """The rows of a part with the columns of the answers added, an Arrow table."""
        return self.scorer.table(answered.rows, answered.answers)

    def _prepared(self, is_due: Callable[[int, int], bool]) -> Iterator[tuple[Part, PreparedRows]]:
        """The parts to answer, each with its rows prepared for the device."""
        schema = None
        for part in read_parts(self.files, is_due, self.scoring.part_rows):
            if schema is None:
                first = part if part.is_first else self._first()
                schema = self.scorer.schema_of(first.table, repr(self.files[0]))
            yield part, self.scorer.prepare(part.table, schema)

    def _first(self) -> Part:
        """The first part of the input, whose types every process takes for the output."""
        first: Part
        [first] = read_parts(
            self.files[:1], lambda file, number: number == 0, self.scoring.part_rows
        )
        return first
