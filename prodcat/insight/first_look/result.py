"""A first look at a table as a text, a page, a table and in a notebook."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.report import CatalogReport
from prodcat.classifier.classifier import Classifier
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.files import HtmlPage, Shown, arrow_table
from prodcat.insight.first_look.guessing import GuessedColumns
from prodcat.insight.neighbours import LabelledNeighbour, labelled_neighbours
from prodcat.insight.page import Page
from prodcat.taxonomy.notebook import NotebookTable, columns_of_rows
from prodcat.taxonomy.paths import Path, join_path
from prodcat.text_encoding import for_terminal

_MISTAKES = 10
_WORST = 8
_FEWEST_OF_CATEGORY = 5
_SURE = 0.9


@dataclass(frozen=True)
class WeakCategory:
    """A category whose titles are often answered wrongly.

    Attributes:
        path: Its path.
        titles: The number of titles that are labelled with it.
        right: The number of these that are answered rightly.
        instead: The category that most of the others are answered with.
    """

    path: Path
    titles: int
    right: int
    instead: Path


@dataclass(frozen=True)
class Mistake:
    """A title whose answer is not its label.

    Attributes:
        row: The row of the title in the table, counted from 1.
        title: The title.
        label: The path of its label.
        answer: The path of its answer, by a classifier that did not learn it.
        confidence: The probability that the answer is right, 0 to 1.
        neighbours: The labelled titles that are most similar to it.
    """

    row: int
    title: str
    label: Path
    answer: Path
    confidence: float
    neighbours: tuple[LabelledNeighbour, ...]


@dataclass(frozen=True, eq=False, repr=False)
class FirstLook(Shown):
    """What n-grams alone make of a table of products.

    Attributes:
        columns: The columns with titles and categories.
        catalog: The labelled titles that were used.
        asked: int64 [n]: the positions in ``catalog`` of the titles that were answered by n-grams
            that did not learn them: all, or a sample of many.
        labelled: The number of labelled titles in the table; more than those of ``catalog`` if a
            sample was used.
        report: The rows of the table, and what is wrong with those that were left out.
        classifier: The classifier, which learned all titles of ``catalog``.
        evaluation: The results on the titles of ``asked``.
        seconds: How long reading and training took.
    """

    columns: GuessedColumns
    catalog: Catalog = field(repr=False)
    asked: Ints = field(repr=False)
    labelled: int
    report: CatalogReport = field(repr=False)
    classifier: Classifier = field(repr=False)
    evaluation: Evaluation = field(repr=False)
    seconds: float

    @property
    def sure(self) -> tuple[float, float]:
        """The share of titles with a confidence of at least .9, and the share of these right."""
        judged = self._judged
        sure = _confidence(judged) >= _SURE
        return float(sure.mean()), float(judged.correct[sure].mean()) if sure.any() else 0.0

    def weak_categories(self, most: int = _WORST) -> list[WeakCategory]:
        """The categories with the most wrong answers, of those with at least 5 titles.

        Args:
            most: The largest number of categories.
        """
        judged, tree = self._judged, self.catalog.tree
        instead: dict[int, Counter[int]] = {}
        for row in np.flatnonzero(~judged.correct).tolist():
            answers = instead.setdefault(int(judged.targets[row]), Counter())
            answers[int(judged.answers[row])] += 1
        titles = np.bincount(judged.targets, minlength=len(tree))
        nodes = [node for node in instead if titles[node] >= _FEWEST_OF_CATEGORY]
        nodes.sort(key=lambda node: (-instead[node].total(), titles[node], node))
        return [
            WeakCategory(
                tree.paths[node],
                int(titles[node]),
                int(titles[node]) - instead[node].total(),
                _path(self.catalog, instead[node].most_common(1)[0][0]),
            )
            for node in nodes[:most]
        ]

    def mistakes(self, most: int = _MISTAKES, of_a_kind: int = 2) -> list[Mistake]:
        """The wrong answers with the highest confidence.

        Many of them are labels that are wrong or could be either.

        Args:
            most: The largest number of mistakes.
            of_a_kind: The largest number of mistakes with the same label and the same answer.
        """
        judged, catalog = self._judged, self.catalog
        confidence = _confidence(judged)
        wrong = np.flatnonzero(~judged.correct & (judged.targets >= 0))
        kinds: Counter[tuple[int, int]] = Counter()
        picked: list[int] = []
        for row in wrong[np.argsort(-confidence[wrong], kind="stable")].tolist():
            kind = int(judged.targets[row]), int(judged.answers[row])
            kinds[kind] += 1
            if kinds[kind] <= of_a_kind and len(picked) < most:
                picked.append(row)
        places = self.asked[picked].tolist()
        near = self._neighbours(places)
        return [
            Mistake(
                int(catalog.rows[place]) + 1,
                catalog.titles[place],
                _path(catalog, int(judged.targets[row])),
                _path(catalog, int(judged.answers[row])),
                float(confidence[row]),
                tuple(neighbours),
            )
            for row, place, neighbours in zip(picked, places, near, strict=True)
        ]

    def __str__(self) -> str:
        """The accuracy, the worst categories and some wrong titles, as text."""
        return "\n".join(for_terminal(line) for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield str(self.columns)
        yield self._about()
        if self.report.problems:
            yield from self.report.problems_text().split("\n")
        yield ""
        yield from self._numbers()
        weak, mistakes = self.weak_categories(), self.mistakes()
        if weak:
            yield from ("", "categories with the most wrong answers:")
        for category in weak:
            yield (
                f"  {category.right:,} of {category.titles:,} right: {join_path(category.path)}; "
                f"most often answered with {shown_path(category.instead)}"
            )
        if mistakes:
            yield ""
            yield "wrong titles of which the classifier is most sure (is the label right?):"
        for mistake in mistakes:
            yield f"  row {mistake.row:,}: {mistake.title}"
            yield f"    label:   {join_path(mistake.label)}"
            yield f"    answer:  {shown_path(mistake.answer)} ({mistake.confidence:.0%} sure)"
            for near in mistake.neighbours:
                yield f"    similar: {near.title} -> {join_path(near.path)}"

    def _about(self) -> str:
        tree, used = self.catalog.tree, len(self.catalog)
        sample = f", of which {used:,} were used" if used < self.labelled else ""
        return (
            f"{self.report.rows_read:,} rows, {self.labelled:,} titles with a category{sample}; "
            f"{len(tree.outcomes):,} categories in {tree.depth} levels; "
            f"learned in {self.seconds:.0f} s"
        )

    def _numbers(self) -> list[str]:
        evaluation, (sure, right) = self.evaluation, self.sure
        levels = evaluation.level_accuracy
        texts = [
            f"{evaluation.path_accuracy:.1%} of whole paths right",
            f"{levels[0]:.1%} at level 1",
            f"{sure:.0%} of titles answered with a confidence of 90 % or more, "
            f"{right:.1%} of these right",
        ]
        if self.report.problems:
            texts.append(f"{self.report.wrong_rows:,} wrong rows left out")
        texts.append(f"measured on {evaluation.rows:,} titles by n-grams that did not learn them")
        return texts

    def _tables(self) -> Sequence[NotebookTable]:
        weak = [
            (join_path(c.path), f"{c.titles:,}", f"{c.right:,}", shown_path(c.instead))
            for c in self.weak_categories()
        ]
        wrong = [
            (f"{m.row:,}", m.title, join_path(m.label), shown_path(m.answer), f"{m.confidence:.0%}")
            for m in self.mistakes()
        ]
        faults = [
            (f"{fault.row + 1:,}", fault.reason, fault.detail) for fault in self.report.problems
        ]
        return [
            NotebookTable(["row", "reason", "detail"], faults, "rows left out"),
            NotebookTable(
                ["category", "titles", "right", "most often answered with"],
                weak,
                "categories with the most wrong answers",
            ),
            NotebookTable(
                ["row", "title", "label", "answer", "confidence"],
                wrong,
                "wrong titles of which the classifier is most sure",
            ),
        ]

    def html(self) -> HtmlPage:
        """A page with the numbers, the worst categories and the wrong titles."""
        page = Page("A first look", f"{self.columns}. {self._about()}.")
        page.section("What is right", "Each title was answered by n-grams that did not learn it.")
        sure, right = self.sure
        page.numbers(
            [
                ("Whole paths right", f"{self.evaluation.path_accuracy:.1%}", ""),
                ("Level 1 right", f"{self.evaluation.level_accuracy[0]:.1%}", ""),
                ("Sure answers", f"{sure:.0%}", f"{right:.1%} of these are right"),
            ]
        )
        page.section("Categories with the most wrong answers")
        page.table(
            [("Category", "text"), ("Titles", "count"), ("Right", "count"), ("Instead", "text")],
            [
                (join_path(c.path), c.titles, c.right, shown_path(c.instead))
                for c in self.weak_categories(50)
            ],
        )
        page.section(
            "Wrong titles", "The surest first: many are labels that are wrong or could be either."
        )
        page.table(
            [
                ("Row", "count"), ("Title", "text"), ("Label", "text"), ("Answer", "text"),
                ("Confidence", "share"), ("Most similar", "text"), ("Its category", "text"),
            ],
            [
                (m.row, m.title, join_path(m.label), shown_path(m.answer), m.confidence, *near(m))
                for m in self.mistakes(200)
            ],
        )  # fmt: skip
        return page.html()

    def table(self) -> Any:
        """All titles that are answered wrongly, as an Arrow table, the surest first."""
        import pyarrow as pa

        mistakes = self.mistakes(len(self._judged), of_a_kind=len(self._judged))
        place = {int(row): place for place, row in enumerate(self.catalog.rows)}
        places = [place[m.row - 1] for m in mistakes]
        kept = {
            name: [values[place] for place in places]
            for name, values in self.catalog.columns.items()
        }
        computed = {
            "title": pa.array([m.title for m in mistakes], pa.string()),
            "label": pa.array([join_path(m.label) for m in mistakes], pa.string()),
            "answer": pa.array([join_path(m.answer) for m in mistakes], pa.string()),
            "confidence": pa.array([m.confidence for m in mistakes], pa.float64()),
            "most_similar_title": pa.array([near(m)[0] for m in mistakes], pa.string()),
            "its_category": pa.array([near(m)[1] for m in mistakes], pa.string()),
        }
        rows = [m.row - 1 for m in mistakes]
        return arrow_table(columns_of_rows(rows, kept, computed))

    def _neighbours(self, rows: Sequence[int]) -> list[list[LabelledNeighbour]]:
        """The two nearest titles of some rows, without those that are equal to them."""
        titles = [self.catalog.titles[row] for row in rows]
        nearest = labelled_neighbours(self.catalog, titles, 6)
        return [
            [neighbour for neighbour in near if neighbour.title != title][:2]
            for title, near in zip(titles, nearest, strict=True)
        ]

    @property
    def _judged(self) -> JudgedRows:
        assert self.evaluation.judged is not None
        return self.evaluation.judged


def near(mistake: Mistake) -> tuple[str, str]:
    """The labelled title that is most similar to a wrong one, and its path; empty for none."""
    first = mistake.neighbours[:1]
    return (first[0].title, join_path(first[0].path)) if first else ("", "")


def _confidence(judged: JudgedRows) -> Floats:
    assert judged.confidence is not None
    return judged.confidence


def _path(catalog: Catalog, node: int) -> Path:
    return catalog.tree.paths[node] if node >= 0 else ()


def shown_path(path: Path) -> str:
    """A path in one line, or what stands for none."""
    return join_path(path) if path else "(no category)"
