"""The settings of a scoring job."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Unpack

from prodcat.decisions.objectives import Objective
from prodcat.decisions.options import AnswerKeywords, AnswerOptions
from prodcat.errors import (
    ConfigError,
    check_choice,
    check_keywords,
    check_range,
    check_whole,
    takes_keywords,
)

_ANSWERS = AnswerOptions(precision="auto")


@dataclass(frozen=True, init=False)
class ScoringConfig:
    """How a catalog is scored.

    The options of the answers can also be given and read by name: ``ScoringConfig(top_k=3)`` is
    ``ScoringConfig(answers=AnswerOptions(top_k=3, precision="auto"))``, and its ``top_k`` is 3.

    Attributes:
        title: The column with the title.
        text: Further text columns; those that the classifier was trained with if None.
        format: The format of the files in an output folder: ``"parquet"``, ``"jsonl"``,
            ``"csv"`` or ``"tsv"``.
        part_rows: The approximate number of rows in a part of the input.
        answers: What is asked of each answer; a ``precision`` that is None is ``"auto"``.
            ``groups`` is not allowed, as a column of the input has the group of each row.

    Raises:
        ConfigError: A setting is out of range.
        TypeError: A setting is not known.
    """

    title: str = "title"
    text: tuple[str, ...] | None = None
    format: Literal["parquet", "jsonl", "csv", "tsv"] = "parquet"
    part_rows: int = 16_384
    answers: AnswerOptions = _ANSWERS

    @takes_keywords(AnswerKeywords, top_k=1, certainty=0.95, precision="auto")
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
        check_keywords(ScoringConfig, named)
        if not isinstance(answers, AnswerOptions):
            raise ConfigError(
                f"answers is a {type(answers).__name__}; expected AnswerOptions. Give what is "
                "asked of the answers by name: ScoringConfig(top_k=3)."
            )
        answers = AnswerOptions.of(answers, **named)
        if answers.precision is None:
            answers = replace(answers, precision="auto")
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

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what was pickled, also by versions that kept each option by itself."""
        ScoringConfig.__init__(self, **state)

    @property
    def top_k(self) -> int:
        """How many paths for each title."""
        return self.answers.top_k

    @property
    def objective(self) -> str | Objective | None:
        """What the answers are best for; None for the most likely path."""
        return self.answers.objective

    @property
    def guarantee(self) -> float | None:
        """The probability with which each answer is the truth or an ancestor of it, or None."""
        return self.answers.guarantee

    @property
    def max_error(self) -> float | None:
        """The largest share of wrong ones among the answered, or None."""
        return self.answers.max_error

    @property
    def certainty(self) -> float:
        """The probability with which ``max_error`` holds."""
        return self.answers.certainty

    @property
    def language(self) -> str | None:
        """The language of the names in the answers, or None."""
        return self.answers.language

    @property
    def precision(self) -> str | None:
        """Of the encoder's numbers."""
        return self.answers.precision

    @property
    def promises(self) -> bool:
        """Whether a guarantee is asked for."""
        return self.answers.promises

    def settings(self) -> dict[str, Any]:
        """All settings by name, together with the options of the answers.

        A job continues an output if these are equal, so it continues an output of an earlier
        version only if both versions give the settings the same names and values.
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
