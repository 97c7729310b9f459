"""The options of an answer, declared once for Python, the command line, HTTP and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict, Unpack

from prodcat.decisions import objectives
from prodcat.decisions.objectives import Objective
from prodcat.errors import ConfigError, check_choice

ReadingPrecision = Literal["auto", "float32", "bfloat16", "int8"]
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
OBJECTIVES = tuple(objectives.OBJECTIVES)


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
    """The metadata of a field: the help of its option, and its JSON Schema."""
    return {"text": text, "schema": schema}


_SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}


@dataclass(frozen=True)
class AnswerOptions:
    """What an answer should be.

    The metadata of each field hold the help of its option on the command line (``"text"``, empty
    if the choices say enough) and its JSON Schema (``"schema"``).  The command line, HTTP and the
    OpenAPI document are generated from these.

    Attributes:
        top_k: The number of paths for each title; above 1 only for the most likely paths.
        objective: ``"path"`` (the most likely path; also if None), ``"hierarchical_f1"``,
            ``"tree_distance"``, or one of the objects of :mod:`prodcat.decisions.objectives`.
        guarantee: Answer with the deepest node of the path such that, with this probability,
            the answer is the truth or an ancestor of it; see ``Classifier.with_guarantee``.
        max_error: Answer with whole paths for as many titles as possible, so that no larger share
            of these answers is wrong; all other titles get the root, whose path is empty.
        certainty: The probability with which ``max_error`` holds.
        groups: The group of each title.  Needed if the guarantee has groups by a column and the
            titles are not a catalog with that column.
        language: The language of the names in the answers; the tree must have names in it.
        precision: ``"float32"``, ``"bfloat16"``, ``"int8"``, or ``"auto"``: the fastest one that
            was as accurate as float32 when the classifier was built, and always ``"float32"``
            with ``guarantee`` or ``max_error``.  None is ``"float32"`` in ``predict`` and
            ``evaluate``, and ``"auto"`` in a scoring job.

    Raises:
        ConfigError: ``top_k`` or ``precision`` is out of range.

    >>> AnswerOptions(top_k=3).promises, AnswerOptions(guarantee=0.95).promises
    (False, True)
    """

    top_k: int = field(
        default=1, metadata=_about("paths for each title", {"type": "integer", "minimum": 1})
    )
    objective: str | Objective | None = field(
        default=None,
        metadata=_about(
            "what the answer is the best for; default path",
            {"type": "string", "enum": list(OBJECTIVES)},
        ),
    )
    guarantee: float | None = field(
        default=None,
        metadata=_about(
            "answer with the truth or an ancestor of it with this probability, coarser if needed",
            _SHARE,
        ),
    )
    max_error: float | None = field(
        default=None,
        metadata=_about("answer only as many titles as keep the share of errors below", _SHARE),
    )
    certainty: float = field(default=0.95, metadata=_about("probability of --max-error", _SHARE))
    groups: Sequence[str] | None = field(
        default=None,
        metadata=_about("the group of each title", {"type": "array", "items": {"type": "string"}}),
    )
    language: str | None = field(
        default=None,
        metadata=_about("language of the names in the answers", {"type": "string"}),
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
        """Whether the answers come with a guarantee or a largest share of errors."""
        return self.guarantee is not None or self.max_error is not None

    @classmethod
    def of(
        cls, options: "AnswerOptions | int | None" = None, **named: Unpack[AnswerKeywords]
    ) -> "AnswerOptions":
        """The options from the arguments of a call.

        Args:
            options: All options, or only ``top_k``, or None.
            named: Single options, which override those in ``options``.

        Raises:
            ConfigError: An option is out of range.
            TypeError: An option is not known, or ``top_k`` was given twice.

        >>> AnswerOptions.of(3, language="tr").top_k
        3
        """
        if isinstance(options, AnswerOptions):
            return replace(options, **named)
        if options is not None:
            if "top_k" in named:
                raise TypeError("top_k was given twice: by its place and by its name.")
            named["top_k"] = options
        return cls(**named)
