"""The settings of a scoring."""

from dataclasses import dataclass
from typing import Literal

from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import ConfigError, check_choice, check_range, check_whole


@dataclass(frozen=True)
class ScoringConfig:
    """How a catalog is scored.

    Attributes:
        title: The column with the title.
        text: Further text columns; those that the classifier was trained with if not given.
        top_k: How many paths for each title.
        objective: As for :meth:`Classifier.predict`, by its name.
        guarantee: See there.
        max_error: See there.
        certainty: See there.
        language: Of the names in the answers, where the tree has it.
        precision: ``"float32"``, ``"bfloat16"``, ``"int8"``, or ``"auto"``: what was measured
            to be as good and faster when the classifier was built, where this machine has
            it; ``"float32"`` where something is promised.
        format: Of the files in an output folder: ``"parquet"``, ``"jsonl"``, ``"csv"`` or
            ``"tsv"``.
        part_rows: About how many rows a part of the input has.
    """

    title: str = "title"
    text: tuple[str, ...] | None = None
    top_k: int = 1
    objective: str | None = None
    guarantee: float | None = None
    max_error: float | None = None
    certainty: float = 0.95
    language: str | None = None
    precision: ReadingPrecision = "auto"
    format: Literal["parquet", "jsonl", "csv", "tsv"] = "parquet"
    part_rows: int = 16_384

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, ("auto", "float32", "bfloat16", "int8"))
        check_choice("format", self.format, ("parquet", "jsonl", "csv", "tsv"))
        for name, least in (("top_k", 1), ("part_rows", 1)):
            check_whole(name, getattr(self, name))
            check_range(name, getattr(self, name), least)
        if isinstance(self.text, str):
            raise ConfigError(f"text={self.text!r} is one text; expected a list of columns.")
        if self.text is not None:
            object.__setattr__(self, "text", tuple(self.text))

    @property
    def promises(self) -> bool:
        """Whether something is promised of the answers."""
        return self.guarantee is not None or self.max_error is not None
