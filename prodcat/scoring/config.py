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
from prodcat.storage.read_options import DEFAULTS, ReadOptions

_ANSWERS = AnswerOptions(precision="auto")


@dataclass(frozen=True, init=False)
class ScoringConfig:
    """How a catalog is scored.

    The options of the answers can also be given and read by name: ``ScoringConfig(top_k=3)`` is
    ``ScoringConfig(answers=AnswerOptions(top_k=3, precision="auto"))``, and its ``top_k`` is 3.

    Attributes:
        title: The name of the column with the title.
        text: The names of further text columns; if None, the columns with which the classifier
            was trained.
        format: The format of the files in an output folder: ``"parquet"``, ``"jsonl"``,
            ``"csv"`` or ``"tsv"``.
        part_rows: The approximate number of rows in a part of the input.
        reading: The delimiter and the encoding of text files and the sheet of workbooks, if they
            shall not be recognised; see :class:`prodcat.ReadOptions`.
        answers: The options of the answers.  A ``precision`` of None means ``"auto"``.
            ``groups`` is not allowed, as the group of each row is read from a column of the input.

    Raises:
        ConfigError: A setting has the wrong type or a value that is not allowed.
        TypeError: A setting is unknown.
    """

    title: str = "title"
    text: tuple[str, ...] | None = None
    format: Literal["parquet", "jsonl", "csv", "tsv"] = "parquet"
    part_rows: int = 16_384
    reading: ReadOptions = DEFAULTS
    answers: AnswerOptions = _ANSWERS

    @takes_keywords(AnswerKeywords, top_k=1, certainty=0.95, precision="auto")
    def __init__(
        self,
        title: str = title,
        text: Sequence[str] | None = text,
        *,
        format: Literal["parquet", "jsonl", "csv", "tsv"] = format,
        part_rows: int = part_rows,
        reading: ReadOptions = reading,
        answers: AnswerOptions = answers,
        **named: Unpack[AnswerKeywords],
    ) -> None:
        check_keywords(ScoringConfig, named)
        if not isinstance(answers, AnswerOptions):
            raise ConfigError(
                f"answers is a {type(answers).__name__}; expected AnswerOptions. Single options "
                "can also be given by name: ScoringConfig(top_k=3)."
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
            "reading": reading,
            "answers": answers,
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a pickled configuration, also one of a version that had no ``answers`` field."""
        ScoringConfig.__init__(self, **state)

    @property
    def top_k(self) -> int:
        """The number of paths for each title, at least 1."""
        return self.answers.top_k

    @property
    def objective(self) -> str | Objective | None:
        """The measure for which each answer is the best one; None for the most likely path."""
        return self.answers.objective

    @property
    def guarantee(self) -> float | None:
        """The guaranteed probability, between 0 and 1, that an answer is right but maybe coarser.

        The answer is then the true node or an ancestor of it.  None for no guarantee.
        """
        return self.answers.guarantee

    @property
    def max_error(self) -> float | None:
        """The largest share of wrong answers, between 0 and 1; None for no such limit."""
        return self.answers.max_error

    @property
    def certainty(self) -> float:
        """The least probability, between 0 and 1, that ``max_error`` is kept; 0.95 by default.

        The probability is taken over random draws of the calibration titles, that is, of the
        titles with which the guarantee was measured.
        """
        return self.answers.certainty

    @property
    def language(self) -> str | None:
        """The language code of the names in the answers; None for the tree's first one."""
        return self.answers.language

    @property
    def precision(self) -> str | None:
        """The number format of the encoder.

        One of ``"auto"``, ``"float32"``, ``"bfloat16"`` and ``"int8"``.
        """
        return self.answers.precision

    @property
    def cascade(self) -> str | float:
        """Which titles n-grams alone answer: ``"auto"``, ``"off"`` or a share of them, 0 to 1."""
        return self.answers.cascade

    @property
    def promises(self) -> bool:
        """Whether ``guarantee`` or ``max_error`` is set."""
        return self.answers.promises

    def settings(self) -> dict[str, Any]:
        """All settings by name, including the options of the answers except ``groups``.

        A job can only be resumed with equal settings.
        """
        answers = asdict(self.answers)
        del answers["groups"]
        if answers["cascade"] == "auto":  # as in the outputs of earlier versions
            del answers["cascade"]
        file = asdict(self.reading)
        given = {name: value for name, value in file.items() if value}  # none in earlier outputs
        return {
            "title": self.title,
            "text": self.text,
            **answers,
            "format": self.format,
            "part_rows": self.part_rows,
            **given,
        }
