"""The reasons for the answers to many titles: a list that a notebook shows with coloured words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, SupportsIndex, overload

from prodcat.classifier.explanation.explanation import Explanation
from prodcat.classifier.explanation.marked_titles import html_of
from prodcat.classifier.explanation.reasons import LevelReasons
from prodcat.errors import check_choice
from prodcat.taxonomy.notebook import MOST_ROWS, Library, data_frame, free_columns
from prodcat.taxonomy.paths import join_path

Rows = Literal["levels", "words", "ngrams"]


class Explanations(list[Explanation]):
    """The reasons for the answers to titles, one :class:`Explanation` for each.

    Args:
        explanations: The reasons.
        columns: The columns of the titles by name, each with a value for each title: the number of
            each row, from 1, further columns such as ids, and the titles themselves.
    """

    def __init__(
        self, explanations: Iterable[Explanation], columns: Mapping[str, Sequence[Any]]
    ) -> None:
        super().__init__(explanations)
        self._titles = dict(columns)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Explanation: ...
    @overload
    def __getitem__(self, index: slice) -> "Explanations": ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """The reasons for one answer, or those for some, with the columns of their titles."""
        if not isinstance(index, slice):
            return super().__getitem__(index)
        columns = {name: values[index] for name, values in self._titles.items()}
        return Explanations(super().__getitem__(index), columns)

    def __str__(self) -> str:
        """The reasons for all answers, with an empty line between titles."""
        return "\n\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return html_of([each.html() for each in self[:MOST_ROWS]], len(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the first titles, where a notebook shows no HTML."""
        more = len(self) - MOST_ROWS
        parts = [str(self[:MOST_ROWS]), *([f"… and {more:,} more"] if more > 0 else [])]
        printer.text("\n\n".join(parts))

    def to_frame(self, rows: Rows = "levels", *, library: Library = "pandas") -> Any:
        """The reasons as a data frame.

        Args:
            rows: What has a row: ``"levels"``, each level of each answer; ``"words"``, each word
                at each level; or ``"ngrams"``, each n-gram at each level.
            library: The library of the data frame: ``"pandas"`` or ``"polars"``.

        Returns:
            A ``DataFrame`` of this library, which begins with the columns of the titles.

        Raises:
            ConfigError: ``rows`` is another one, or the library is not installed or another one.
        """
        return data_frame(self.columns(rows), library)

    def columns(self, rows: Rows = "levels") -> dict[str, list[Any]]:
        """The columns of :meth:`to_frame` by name.

        Args:
            rows: What has a row.

        Raises:
            ConfigError: ``rows`` is another one.
        """
        check_choice("rows", rows, ("levels", "words", "ngrams"))
        values = {"levels": _of_level, "words": _of_words, "ngrams": _of_ngrams}[rows]
        records = [
            (place, record)
            for place, explanation in enumerate(self)
            for level in explanation.levels
            for record in values(explanation, level)
        ]
        computed = {name: [record[name] for _, record in records] for name in _NAMES[rows]}
        kept = {
            name: [values[place] for place, _ in records] for name, values in self._titles.items()
        }
        return free_columns(kept, computed)


_CHOICE = ("level", "answer", "runner_up")
_NAMES = {
    "levels": (
        *_CHOICE, "confidence", "runner_up_confidence", "margin", "start",
        "words_for", "words_against", "deletion", "deletion_path",
    ),
    "words": (*_CHOICE, "column", "word", "weight", "ngrams", "encoder"),
    "ngrams": (*_CHOICE, "column", "ngram", "kind", "weight"),
}  # fmt: skip


def _choice(level: LevelReasons) -> dict[str, Any]:
    runner_up = None if level.runner_up is None else join_path(level.runner_up)
    return {"level": level.level, "answer": join_path(level.path), "runner_up": runner_up}


def _of_level(explanation: Explanation, level: LevelReasons) -> list[dict[str, Any]]:
    deletion = explanation.deletion
    return [
        {
            **_choice(level),
            "confidence": level.confidence,
            "runner_up_confidence": level.runner_up_confidence,
            "margin": level.margin,
            "start": level.start,
            "words_for": " ".join(word.word for word in level.strongest()),
            "words_against": " ".join(word.word for word in level.against()),
            "deletion": None if deletion is None else " ".join(deletion.words),
            "deletion_path": None if deletion is None else join_path(deletion.prediction.path),
        }
    ]


def _of_words(explanation: Explanation, level: LevelReasons) -> list[dict[str, Any]]:
    return [
        {
            **_choice(level),
            "column": word.column,
            "word": word.word,
            "weight": word.weight,
            "ngrams": word.ngrams,
            "encoder": word.encoder,
        }
        for word in level.words
    ]


def _of_ngrams(explanation: Explanation, level: LevelReasons) -> list[dict[str, Any]]:
    return [
        {
            **_choice(level),
            "column": ngram.column,
            "ngram": ngram.name,
            "kind": ngram.kind,
            "weight": ngram.weight,
        }
        for ngram in level.ngrams
    ]
