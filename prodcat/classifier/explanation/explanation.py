"""The reasons for the answer to one title."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.explanation.lines import text_of
from prodcat.classifier.explanation.marked_titles import html_of, title_html
from prodcat.classifier.explanation.reasons import Deletion, LevelReasons
from prodcat.classifier.explanation.records import (
    deletion_record,
    level_record,
    neighbour_record,
)
from prodcat.classifier.prediction import Prediction
from prodcat.model.neighbours import LabelledNeighbour
from prodcat.taxonomy.paths import Path, join_path

EMPTY = "(empty title)"


@dataclass(frozen=True)
class Explanation:
    """The reasons for the answer to one title.

    Attributes:
        title: The title as it was given.
        texts: The further texts of the row that the classifier reads, by column.
        prediction: The answer, as of ``predict``.
        path: The path that ``levels`` explain: that of the answer or, if no category was certain
            enough, that of the most likely one; empty for an empty title.
        levels: The reasons at each level of this path, the coarsest first.
        encoder: Whether the encoder has read the title; if not, n-grams alone have answered it.
        neighbours: The labelled titles that are most similar, if a catalog was given.
        deletion: The fewest words without which the answer changes; None if none was found.
        tried: The number of deletions that were tried.
        exhaustive: Whether every deletion was tried that leaves at least one word of the title.
    """

    title: str
    texts: Mapping[str, str]
    prediction: Prediction
    path: Path
    levels: tuple[LevelReasons, ...]
    encoder: bool
    neighbours: tuple[LabelledNeighbour, ...] = ()
    deletion: Deletion | None = None
    tried: int = 0
    exhaustive: bool = True

    def __str__(self) -> str:
        """The title with its words marked for and against, in one line for each level."""
        return text_of(self.title or EMPTY, self.answer, self.levels, self.sentences)

    def _repr_html_(self) -> str:
        return html_of([self.html()], 1)

    def html(self) -> str:
        """The same as a part of the HTML of several titles."""
        return title_html(self.title or EMPTY, self.answer, self.levels, self.sentences)

    def to_json(self) -> dict[str, Any]:
        """The reasons as values that JSON can represent, with numbers of 4 decimal places.

        Returns:
            An object whose keys are named like the attributes of this class and of its parts,
            without title, further texts and answer.  Of the n-grams of each level it has the ten
            strongest.
        """
        return {
            "path": list(self.path),
            "encoder": self.encoder,
            "levels": [level_record(level) for level in self.levels],
            "deletion": None if self.deletion is None else deletion_record(self.deletion),
            "tried": self.tried,
            "exhaustive": self.exhaustive,
            "neighbours": [neighbour_record(near) for near in self.neighbours],
        }

    @property
    def doubtful(self) -> LevelReasons | None:
        """The level at which the answer is the least certain; None if there is no other choice."""
        with_choice = [level for level in self.levels if level.runner_up is not None]
        return min(with_choice, key=lambda level: level.margin, default=None)

    @property
    def sentences(self) -> list[str]:
        """What the deletion of words does, and which titles are similar."""
        first = [self.deletion_sentence] if self.levels else []
        return first + [
            f"Similar: {near.title} -> {join_path(near.path)} ({near.likeness:.2f})"
            for near in self.neighbours
        ]

    @property
    def deletion_sentence(self) -> str:
        """What the deletion of words does, in one sentence."""
        if self.deletion is not None:
            words = " ".join(self.deletion.words)
            return f"Without {words!r} the answer is {self.deletion.prediction}."
        if self.exhaustive:
            return "No deletion of words changes the answer."
        return f"None of {self.tried:,} deletions of words that were tried changes the answer."

    @property
    def answer(self) -> str:
        """The answer in one line, with its confidence."""
        if self.prediction.path or not self.path:
            return str(self.prediction)
        return f"(no category; most likely {join_path(self.path)})"
