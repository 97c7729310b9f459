"""The reasons for an answer at one level, and what would change the answer."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prodcat.classifier.prediction import Prediction
from prodcat.model.named_ngrams import NGramKind
from prodcat.taxonomy.paths import Path

_STRENGTHS = (0.6, 0.25, 0.08)  # shares of the strongest word's weight, for three, two and one mark
_LEAST = 0.05  # nats; words with less get no mark, whatever the others have


@dataclass(frozen=True)
class WordReason:
    """What one word contributes to the margin of an answer at one level.

    Attributes:
        word: The word as it stands in the title.
        column: ``"title"``, or the name of the further text column that it is from.
        ngrams: What its n-grams contribute, in nats; an n-gram of two words counts half for each.
        encoder: What it contributes through the encoder, in nats; 0 if the encoder did not read the
            title.
    """

    word: str
    column: str
    ngrams: float
    encoder: float

    @property
    def weight(self) -> float:
        """What the word contributes in all, in nats: above 0 for the answer, below 0 against it."""
        return self.ngrams + self.encoder


@dataclass(frozen=True)
class NGramReason:
    """What one n-gram contributes to the margin of an answer at one level.

    Attributes:
        name: Its letters, of which a blank is the beginning or the end of a word; its words; or the
            range that a number is in.
        kind: ``"word"``, ``"words"`` (two neighbouring ones), ``"first word"``, ``"last word"``,
            ``"letters"`` or ``"number"``.
        column: ``"title"``, or the name of the further text column that it is from.
        weight: What it contributes, in nats.
    """

    name: str
    kind: NGramKind
    column: str
    weight: float


@dataclass(frozen=True)
class LevelReasons:
    """Why the answer has chosen one child of a node, and not another one.

    ``margin`` is exactly ``start`` plus the weights of all words, and also ``start`` plus the
    weights of all n-grams plus what the words contribute through the encoder.

    Attributes:
        level: The level of the choice, 1 for the coarsest.
        path: The path of the node that was chosen.
        ends: Whether the choice was to end at this node, which has children.
        confidence: The probability of what was chosen, 0 to 1.
        runner_up: The path of the most probable other choice at the same node; None if there is no
            other one.
        runner_up_ends: Whether the other choice is to end at the node above.
        runner_up_confidence: The probability of the other choice, 0 to 1.
        margin: The natural logarithm of ``confidence / runner_up_confidence``; 0 without a
            runner-up.
        start: The part of the margin, in nats, that is there before any word is read.
        words: The words of the title and of the further texts, in their order.
        ngrams: The n-grams, the strongest first, whether for the answer or against it.
    """

    level: int
    path: Path
    ends: bool
    confidence: float
    runner_up: Path | None
    runner_up_ends: bool
    runner_up_confidence: float
    margin: float
    start: float
    words: tuple[WordReason, ...]
    ngrams: tuple[NGramReason, ...]

    @property
    def columns(self) -> Mapping[str, float]:
        """What the title and each further text column contribute, in nats, by name."""
        sums: dict[str, float] = {}
        for word in self.words:
            sums[word.column] = sums.get(word.column, 0.0) + word.weight
        return sums

    def strongest(self, most: int = 3) -> list[WordReason]:
        """The words that speak for the answer, the strongest first.

        Args:
            most: The largest number of words.
        """
        return _sorted(self.words, 1)[:most]

    def against(self, most: int = 3) -> list[WordReason]:
        """The words that speak against the answer, the strongest first.

        Args:
            most: The largest number of words.
        """
        return _sorted(self.words, -1)[:most]

    def strengths(self) -> list[int]:
        """How strongly each word speaks for the answer, 1 to 3, or against it, -1 to -3; or 0."""
        most = max((abs(word.weight) for word in self.words), default=0.0)
        return [_strength(word.weight, most) for word in self.words]

    @property
    def name(self) -> str:
        """The name of what was chosen."""
        return _name(self.path, self.ends)

    @property
    def runner_up_name(self) -> str:
        """The name of the other choice; empty if there is none."""
        return "" if self.runner_up is None else _name(self.runner_up, self.runner_up_ends)


def _name(path: Path, ends: bool) -> str:
    return f"{path[-1]} itself" if ends else path[-1]


def _sorted(words: Iterable[WordReason], sign: int) -> list[WordReason]:
    chosen = [word for word in words if sign * word.weight > 0]
    return sorted(chosen, key=lambda word: -sign * word.weight)


def _strength(weight: float, most: float) -> int:
    """The number of marks of a word, whose sign says for or against.

    >>> [_strength(weight, 4.0) for weight in (4.0, 1.0, -0.5, 0.1)]
    [3, 2, -1, 0]
    """
    if abs(weight) < _LEAST:
        return 0
    marks = sum(abs(weight) >= share * most for share in _STRENGTHS)
    return int(math.copysign(marks, weight))


@dataclass(frozen=True)
class Deletion:
    """Words without which the answer is another one.

    Attributes:
        words: The words, in their order.
        title: The title without these words, to which ``predict`` gives the other answer.
        texts: The further texts of the row without these words, by column.
        prediction: The answer to this title.
        is_smallest: Whether it is certain that no deletion of fewer words changes the answer.
    """

    words: tuple[str, ...]
    title: str
    texts: Mapping[str, str]
    prediction: Prediction
    is_smallest: bool
