"""The settings of a scoring."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Unpack

from prodcat.decisions.options import AnswerKeywords, AnswerOptions
from prodcat.errors import ConfigError, check_choice, check_range, check_whole

_ANSWERS = AnswerOptions(precision="auto")
_ANSWER_NAMES = tuple(option.name for option in fields(AnswerOptions))


@dataclass(frozen=True, init=False)
class ScoringConfig:
    """How a catalog is scored.

    What is asked of the answers can be given by name too, and is then read by name:
    ``ScoringConfig(top_k=3)`` is ``ScoringConfig(answers=AnswerOptions(top_k=3,
    precision="auto"))``, and its ``top_k`` is 3.

    Attributes:
        title: The column with the title.
        text: Further text columns; those that the classifier was trained with if not given.
        format: The format of the files in an output folder: ``"parquet"``, ``"jsonl"``,
            ``"csv"`` or ``"tsv"``.
        part_rows: About how many rows a part of the input has.
        answers: What is asked of each answer; ``precision`` is ``"auto"`` if nothing is given.
            ``groups`` is not for a scoring: a column of the input has the group of each row.
    """

    title: str = "title"
    text: tuple[str, ...] | None = None
    format: Literal["parquet", "jsonl", "csv", "tsv"] = "parquet"
    part_rows: int = 16_384
    answers: AnswerOptions = _ANSWERS

    def __init__(
        self,
        title: str = title,
        text: Sequence[str] | None = text,
        *,
        format: Literal["parquet", "jsonl", "csv", "tsv"] = format,
        part_rows: int = part_rows,
        answers: AnswerOptions = answers,
        **named: Unpack[AnswerKeywords],
    ) -> None:
        unknown = sorted(set(named) - set(_ANSWER_NAMES))
        if unknown:
            known = [own.name for own in fields(self)] + list(_ANSWER_NAMES)
            raise ConfigError(
                f"{unknown[0]}= is no setting of a scoring; expected some of "
                f"{[name for name in known if name != 'groups']}."
            )
        answers = AnswerOptions.of(answers, **named)
        if answers.groups is not None:
            raise ConfigError(
                "groups= does not go with a scoring: a column of the input has the group of each "
                "row. Leave it out."
            )
        check_choice("format", format, ("parquet", "jsonl", "csv", "tsv"))
        check_whole("part_rows", part_rows)
        check_range("part_rows", part_rows, 1)
        if isinstance(text, str):
            raise ConfigError(f"text={text!r} is one text; expected a list of columns.")
        settings = {
            "title": title,
            "text": None if text is None else tuple(text),
            "format": format,
            "part_rows": part_rows,
            "answers": answers,
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """An option of the answers, such as ``top_k``, by its name."""
        if name in _ANSWER_NAMES:
            return getattr(self.answers, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def promises(self) -> bool:
        """Whether something is promised of the answers."""
        return self.answers.promises

    def settings(self) -> dict[str, Any]:
        """Every setting by its name, those of the answers among the others.

        An output is gone on with where these are equal, so an output of an earlier version is
        only if this version names and values them as that one did.
        """
        answers = asdict(self.answers)
        del answers["groups"]
        return {
            "title": self.title,
            "text": self.text,
            **answers,
            "format": self.format,
            "part_rows": self.part_rows,
        }
