"""The parts of files with their answers, one after the other.

While one part is on the device, the next one is read, tokenised and sorted.
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
from prodcat.scoring.scorer import PreparedRows, Scorer


@dataclass(frozen=True)
class AnsweredPart:
    """One part of the input with its answers.

    Attributes:
        part: The part.
        rows: Its rows as they went to the device.
        answers: One answer for each row, on the host.
    """

    part: Part
    rows: PreparedRows
    answers: Answers


@dataclass(frozen=True)
class Answering:
    """One model and one input.

    Attributes:
        scorer: The model, with the settings of the scoring.
        files: The files of the input.
    """

    scorer: Scorer
    files: list[str]

    @classmethod
    def of(cls, model: Classifier, input: str, scoring: ScoringConfig) -> "Answering":
        """Check all that can be checked before a title is read.

        Raises:
            CatalogError: There is no such input.
            ConfigError: The settings do not go together.
        """
        files = list_files(input)
        return cls(Scorer(model, scoring), files)

    @property
    def scoring(self) -> ScoringConfig:
        """The settings of the scoring."""
        return self.scorer.scoring

    def answered(
        self, wanted: Callable[[int, int], bool], stop: threading.Event
    ) -> Iterator[AnsweredPart]:
        """Parts with their answers, one after the other, until told to stop.

        Args:
            wanted: Whether a part is, by its file and its number.
            stop: Set when no further part is to be answered.
        """
        with Prefetch(self._prepared(wanted)) as coming:
            for part, rows in coming:
                answers = self.scorer.answers(rows, stop.is_set)
                if answers is None:
                    return
                yield AnsweredPart(part, rows, answers)
                if stop.is_set():
                    return

    def table(self, answered: AnsweredPart) -> Any:
        """The rows of a part with the answers beside them, an Arrow table."""
        return self.scorer.table(answered.rows, answered.answers)

    def _prepared(self, wanted: Callable[[int, int], bool]) -> Iterator[tuple[Part, PreparedRows]]:
        """All wanted parts, prepared for the device."""
        schema = None
        for part in read_parts(self.files, wanted, self.scoring.part_rows):
            if schema is None:
                first = part if part.is_first else self._first()
                schema = self.scorer.schema_of(first.table, repr(self.files[0]))
            yield part, self.scorer.prepare(part.table, schema)

    def _first(self) -> Part:
        """The first part of all, whose types are those of the output, whoever reads it."""
        first: Part
        [first] = read_parts(
            self.files[:1], lambda file, number: number == 0, self.scoring.part_rows
        )
        return first
