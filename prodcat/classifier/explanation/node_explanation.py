"""What a classifier knows of one category: its words, the categories like it, doubtful titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.model.neighbours import LabelledNeighbour
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.taxonomy.paths import Path, join_path
from prodcat.text_encoding import for_terminal


@dataclass(frozen=True)
class NodeWord:
    """A word that speaks for a category or against it.

    Attributes:
        word: The word, in lower case and without accents, as n-grams are read.
        weight: What a title of this word alone has in the score of the category, beyond the score
            of a title without words.  Scores are margins of support vector machines: 1 is surely
            the category, and -1 surely not.  Of a part of a split category, and of an added one,
            they are the logits that were learned from titles when the tree changed.  Of a category
            that others were merged into, it is the largest weight for any of them.
        titles: The number of titles of the category in the catalog that have the word; None
            without a catalog.
    """

    word: str
    weight: float
    titles: int | None = None


@dataclass(frozen=True)
class NearNode:
    """A category that is like another one.

    Attributes:
        path: Its path.
        likeness: How alike the words are that speak for both, 0 to 1.
    """

    path: Path
    likeness: float


@dataclass(frozen=True)
class DoubtfulTitle:
    """A title whose label the classifier doubts.

    Attributes:
        row: The row of the title in the catalog, counted from 1.
        title: The title.
        label: The path that it is labelled with.
        probability: The probability of its label, 0 to 1.
        answer: The path that the classifier answers.
        confidence: The probability of the answer, 0 to 1.
        neighbours: The other labelled titles that are most similar to it.
    """

    row: int
    title: str
    label: Path
    probability: float
    answer: Path
    confidence: float
    neighbours: tuple[LabelledNeighbour, ...] = ()


@dataclass(frozen=True)
class NodeExplanation(Framed):
    """What a classifier knows of one category.

    Attributes:
        path: The path of the category.
        titles: The number of training titles that are labelled with it or with one below it.
        words_for: The words that speak for it, the strongest first.
        words_against: The words that speak against it, the strongest first.
        source: Where the names of the words are from: ``"catalog"``, its titles;
            ``"vocabulary"``, the names of the tree and the words of the encoder's vocabulary;
            ``"tree"``, the names of the tree alone; or ``"none"``, as there are no n-grams.
        near: The categories of its level that are most like it.
        doubtful: The titles of the catalog whose label with this category is doubtful; empty
            without a catalog.
        asked: The number of titles of the catalog that are labelled with it; None without one.
    """

    path: Path
    titles: int
    words_for: tuple[NodeWord, ...]
    words_against: tuple[NodeWord, ...]
    source: str
    near: tuple[NearNode, ...]
    doubtful: tuple[DoubtfulTitle, ...] = ()
    asked: int | None = None

    def __str__(self) -> str:
        """The words, the categories like it and the doubtful titles, as text."""
        lines = [
            f"{join_path(self.path)}: {self.titles:,} training titles",
            f"  for:     {_words(self.words_for)}",
            f"  against: {_words(self.words_against)}",
            *(f"  like it: {join_path(near.path)} ({near.likeness:.2f})" for near in self.near),
        ]
        if self.asked is not None:
            lines.append(f"  {len(self.doubtful):,} of {self.asked:,} titles are doubtful")
        for title in self.doubtful:
            lines.append(
                f"    row {title.row:,}: {title.title} -> {join_path(title.answer)} "
                f"({title.confidence:.2f}; its label {title.probability:.2f})"
            )
        return "\n".join(map(for_terminal, lines))

    def _repr_html_(self) -> str:
        numbers = [f"{self.titles:,} training titles"]
        words = NotebookTable(
            ("for", "weight", "against", "weight"), _side_by_side(self), "words", most=20
        )
        near = [(join_path(each.path), f"{each.likeness:.2f}") for each in self.near]
        doubtful = [
            (
                f"{each.row:,}",
                each.title,
                f"{each.probability:.1%}",
                join_path(each.answer),
                f"{each.confidence:.1%}",
            )
            for each in self.doubtful
        ]
        return notebook_html(
            join_path(self.path),
            numbers,
            words,
            NotebookTable(("category", "likeness"), near, "categories like it"),
            NotebookTable(
                ("row", "title", "label", "answer", "confidence"), doubtful, "doubtful titles"
            ),
        )

    def _columns(self) -> Mapping[str, Any]:
        words = [*self.words_for, *self.words_against]
        return {
            "word": [word.word for word in words],
            "weight": [word.weight for word in words],
            "titles": [word.titles for word in words],
        }


def _words(words: Sequence[NodeWord]) -> str:
    if not words:
        return "no words are known"
    return ", ".join(f"{word.word} {word.weight:+.2f}" for word in words)


def _side_by_side(node: NodeExplanation) -> list[tuple[str, ...]]:
    rows = max(len(node.words_for), len(node.words_against))
    sides = [
        [(word.word, f"{word.weight:+.2f}") for word in words] + [("", "")] * (rows - len(words))
        for words in (node.words_for, node.words_against)
    ]
    return [(*first, *second) for first, second in zip(*sides, strict=True)]
