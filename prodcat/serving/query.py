"""The titles and options of a request, independent of the media type of its body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.refusal import Refusal
from prodcat.storage.tables import MOST_LETTERS

DEFAULT_SETTINGS = AnswerOptions()


@dataclass(frozen=True)
class Query:
    """The titles of a request, and the options of their answers.

    Attributes:
        columns: The values of each column by column name, one for each title; includes
            ``"title"``.
        errors: The error messages by row number, from 0; the texts of such rows are empty.
        settings: The options of the answers.
        form: The layout of the answers: ``"list"``, ``"instances"``, ``"one"`` (a single title),
            ``"lines"``, ``"csv"``, ``"csv with header"`` or ``"parquet"``.
        unread: The names of the fields that the model does not read, in the order of the request.
        explain: Whether the reasons for the answers are asked for, too.
    """

    columns: Mapping[str, list[Any]]
    errors: Mapping[int, str] = field(default_factory=dict)
    settings: AnswerOptions = DEFAULT_SETTINGS
    form: str = "list"
    unread: tuple[str, ...] = ()
    explain: bool = False

    @property
    def promises(self) -> bool:
        """Whether the request sets ``guarantee`` or ``max_error``."""
        return self.settings.promises

    def __len__(self) -> int:
        """The number of titles."""
        return len(self.columns["title"])


def check_letters(columns: Mapping[str, list[Any]]) -> None:
    """Refuse columns in which a text is too long.

    Args:
        columns: The values of each column by column name.

    Raises:
        Refusal: With status 400 if a text is too long.
    """
    for name, values in columns.items():
        longest = max((len(value) for value in values if value), default=0)
        if longest > MOST_LETTERS:
            raise too_long(name, longest)


def too_long(name: str, letters: int) -> Refusal:
    """Make the refusal of a column in which a text is too long.

    Args:
        name: The name of the column.
        letters: The number of characters of its longest text, or of bytes if only that is known.
    """
    return Refusal(400, f"A {name} has {letters:,} letters; expected at most {MOST_LETTERS:,}.")
