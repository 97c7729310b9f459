"""What a request asks, whatever the type of its body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.refusal import Refusal

MOST_LETTERS = 10_000  # of a title or another text


@dataclass(frozen=True)
class Query:
    """What is asked.

    Attributes:
        columns: Lists of one length by name; ``"title"`` is one of them.
        errors: What is wrong with a row, by its number; its texts are empty.
        settings: What is asked of the answers.
        form: How the answers are to be laid out: ``"list"``, ``"instances"``, ``"one"`` (a single
            title), ``"lines"``, ``"csv"``, ``"csv with header"`` or ``"parquet"``.
    """

    columns: Mapping[str, list[Any]]
    errors: Mapping[int, str] = field(default_factory=dict)
    settings: AnswerOptions = field(default_factory=AnswerOptions)
    form: str = "list"

    @property
    def promises(self) -> bool:
        """Whether something is promised of the answers."""
        return self.settings.promises

    def __len__(self) -> int:
        """How many titles."""
        return len(self.columns["title"])


def check_letters(columns: Mapping[str, list[Any]]) -> None:
    """Refuse columns in which a text is too long.

    Raises:
        Refusal: 400: one is.
    """
    for name, values in columns.items():
        longest = max((len(value) for value in values if value), default=0)
        if longest > MOST_LETTERS:
            raise too_long(name, longest)


def too_long(name: str, letters: int) -> Refusal:
    """Refuse a column in which a text is too long.

    Args:
        name: The column.
        letters: The letters of its longest text, or bytes where these alone are known.
    """
    return Refusal(400, f"A {name} has {letters:,} letters; expected at most {MOST_LETTERS:,}.")
