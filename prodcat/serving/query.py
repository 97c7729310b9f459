"""The contents of a request, whatever the media type of its body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.refusal import Refusal

MOST_LETTERS = 10_000  # in a title or another text


@dataclass(frozen=True)
class Query:
    """The titles of a request, and what is asked of the answers.

    Attributes:
        columns: Lists of one length by name; ``"title"`` is one of them.
        errors: What is wrong with a row, by its number; such a row has empty texts.
        settings: What is asked of the answers.
        form: The layout of the answers: ``"list"``, ``"instances"``, ``"one"`` (a single title),
            ``"lines"``, ``"csv"``, ``"csv with header"`` or ``"parquet"``.
    """

    columns: Mapping[str, list[Any]]
    errors: Mapping[int, str] = field(default_factory=dict)
    settings: AnswerOptions = field(default_factory=AnswerOptions)
    form: str = "list"

    @property
    def promises(self) -> bool:
        """Whether a guarantee is asked for."""
        return self.settings.promises

    def __len__(self) -> int:
        """The number of titles."""
        return len(self.columns["title"])


def check_letters(columns: Mapping[str, list[Any]]) -> None:
    """Refuse columns in which a text is too long.

    Raises:
        Refusal: 400: a text is too long.
    """
    for name, values in columns.items():
        longest = max((len(value) for value in values if value), default=0)
        if longest > MOST_LETTERS:
            raise too_long(name, longest)


def too_long(name: str, letters: int) -> Refusal:
    """Make the refusal of a column in which a text is too long.

    Args:
        name: The name of the column.
        letters: The letters of its longest text, or the bytes if only these are known.
    """
    return Refusal(400, f"A {name} has {letters:,} letters; expected at most {MOST_LETTERS:,}.")
