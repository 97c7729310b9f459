"""What is asked of an answer: declared once, for Python, the command line, HTTP and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict, Unpack

from prodcat.decisions.objectives import Objective
from prodcat.errors import ConfigError, check_choice

ReadingPrecision = Literal["auto", "float32", "bfloat16", "int8"]
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
OBJECTIVES = ("path", "hierarchical_f1", "tree_distance")


class PromiseKeywords(TypedDict, total=False):
    """What the answers are best for, and what is promised of them."""

    objective: str | Objective | None
    guarantee: float | None
    max_error: float | None
    certainty: float


class DecisionKeywords(PromiseKeywords, total=False):
    """What decides on an answer, whatever titles it is for."""

    top_k: int


class EvaluationKeywords(PromiseKeywords, total=False):
    """What can be asked where one answer for each title is judged."""

    groups: Sequence[str] | None
    precision: str | None


class AnswerKeywords(DecisionKeywords, total=False):
    """The fields of :class:`AnswerOptions` as keyword arguments."""

    groups: Sequence[str] | None
    language: str | None
    precision: str | None


def _about(text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the metadata of a field hold: the help of its option, and its JSON Schema."""
    return {"text": text, "schema": schema}


_SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}


@dataclass(frozen=True)
class AnswerOptions:
    """What is asked of an answer.

    Each field carries, in its metadata, the help of its option on the command line (``"text"``,
    empty where the choices say it all) and its JSON Schema (``"schema"``); the command line, HTTP
    and the OpenAPI document are made of these.

    Attributes:
        top_k: How many paths for each title; more than one for the most likely alone.
        objective: ``"path"`` (the most likely path; also where None), ``"hierarchical_f1"``,
            ``"tree_distance"``, or one of :mod:`prodcat.decisions.objectives`'s classes.
        guarantee: Answer with the deepest node of the path such that, with this probability,
            the answer is the truth or an ancestor of it; see ``Classifier.with_guarantee``.
        max_error: Answer whole paths, as many as can be with no larger share of wrong ones
            among them; all other titles get the root, the empty path.
        certainty: The probability with which ``max_error`` holds.
        groups: The group of each title, where the guarantee is by a column and the titles are
            no catalog with that column.
        language: The language of the names in the answers, where the tree has it.
        precision: ``"float32"``, ``"bfloat16"``, ``"int8"``, or ``"auto"``: the fastest one that
            was measured to be as good when the classifier was built, and ``"float32"`` where
            something is promised.  None is ``"float32"`` for ``predict`` and ``evaluate``, and
            ``"auto"`` for a scoring.
    """

    top_k: int = field(
        default=1, metadata=_about("paths for each title", {"type": "integer", "minimum": 1})
    )
    objective: str | Objective | None = field(
        default=None,
        metadata=_about(
            "what the answer is best for; default path",
            {"type": "string", "enum": list(OBJECTIVES)},
        ),
    )
    guarantee: float | None = field(
        default=None,
        metadata=_about(
            "answer coarser where needed: with this probability the truth or an ancestor of it",
            _SHARE,
        ),
    )
    max_error: float | None = field(
        default=None,
        metadata=_about("answer only where, among the answered, no larger share is wrong", _SHARE),
    )
    certainty: float = field(default=0.95, metadata=_about("of --max-error", _SHARE))
    groups: Sequence[str] | None = field(
        default=None,
        metadata=_about("the group of each title", {"type": "array", "items": {"type": "string"}}),
    )
    language: str | None = field(
        default=None,
        metadata=_about("of the names in the answers, where the tree has it", {"type": "string"}),
    )
    precision: str | None = field(
        default=None,
        metadata=_about("", {"type": "string", "enum": list(PRECISIONS)}),
    )

    def __post_init__(self) -> None:
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, int) or self.top_k < 1:
            raise ConfigError(
                f"top_k={self.top_k!r} is out of range; expected a whole number, at least 1."
            )
        if self.precision is not None:
            check_choice("precision", self.precision, PRECISIONS)
        if self.groups is not None and not isinstance(self.groups, str):
            object.__setattr__(self, "groups", tuple(self.groups))

    @property
    def promises(self) -> bool:
        """Whether something is promised of the answers."""
        return self.guarantee is not None or self.max_error is not None

    @classmethod
    def of(
        cls, options: "AnswerOptions | int | None" = None, **named: Unpack[AnswerKeywords]
    ) -> "AnswerOptions":
        """Options as a call gives them.

        Args:
            options: All of them, or ``top_k`` alone, or None.
            named: Some of them, which count more than those in ``options``.

        Raises:
            ConfigError: One is out of range.
            TypeError: One is not known, or ``top_k`` was given twice.
        """
        if isinstance(options, AnswerOptions):
            return replace(options, **named)
        if options is not None:
            if "top_k" in named:
                raise TypeError("top_k was given twice: by its place and by its name.")
            named["top_k"] = options
        return cls(**named)
