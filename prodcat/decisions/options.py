"""The options of answers, declared once for Python, the command line, HTTP and files."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict, Unpack

from prodcat.decisions import objectives
from prodcat.decisions.objectives import Objective
from prodcat.errors import ConfigError, check_choice

ReadingPrecision = Literal["auto", "float32", "bfloat16", "int8"]
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
CASCADES = ("auto", "off")
OBJECTIVES = tuple(objectives.OBJECTIVES)


class PromiseKeywords(TypedDict, total=False):
    """Keyword arguments for the objective of the answers and for guarantees."""

    objective: str | Objective | None
    guarantee: float | None
    max_error: float | None
    certainty: float


class DecisionKeywords(PromiseKeywords, total=False):
    """Keyword arguments that determine answers, without those for particular titles."""

    top_k: int


class EvaluationKeywords(PromiseKeywords, total=False):
    """Keyword arguments of an evaluation, which judges one answer for each title."""

    groups: Sequence[str] | None
    precision: str | None
    cascade: str | float


class AnswerKeywords(DecisionKeywords, total=False):
    """Keyword arguments with the names of all fields of :class:`AnswerOptions`."""

    groups: Sequence[str] | None
    language: str | None
    precision: str | None
    cascade: str | float


def _option(default: object, text: str, **schema: object) -> Any:
    """A field of a dataclass, with a help text and a JSON Schema as metadata."""
    return field(default=default, metadata={"text": text, "schema": schema})


_SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}


@dataclass(frozen=True)
class AnswerOptions:
    """The options of answers.

    The metadata of each field are the help of its option on the command line (``"text"``) and its
    JSON Schema (``"schema"``), from which the command line, HTTP and the OpenAPI document are
    generated.

    Attributes:
        top_k: The number of paths for each title; above 1 only for the most likely paths.
        objective: ``"path"`` (the most likely path; also if None), ``"hierarchical_f1"``,
            ``"tree_distance"``, or one of the objects of :mod:`prodcat.decisions.objectives`.
        guarantee: Make answers coarser where needed, so that with this probability, 0 to 1, an
            answer is the truth or an ancestor of it; see ``Classifier.with_guarantee``.
        max_error: Answer as many titles as possible, so that at most this share of the answers, 0
            to 1, is wrong; all other titles get the root, whose path is empty.
        certainty: The probability, 0 to 1, that the error does not exceed ``max_error``.
        groups: The group of each title.  Needed if the guarantee has groups by a column and the
            titles are not a catalog with that column.
        language: The language code of the names in the answers; the tree must have names in it.
        precision: The number format of the encoder: ``"float32"``, ``"bfloat16"``, ``"int8"``, or
            ``"auto"``: the fastest one that was as accurate as float32 when the classifier was
            built, and always ``"float32"`` with ``guarantee`` or ``max_error``.  None is
            ``"float32"`` in ``predict`` and ``evaluate``, and ``"auto"`` in a scoring job.
        cascade: ``"auto"``: the encoder does not read titles of which the n-grams alone are sure
            enough (see :mod:`prodcat.decisions.cascade`); ``"off"``: it reads every title; or the
            share of titles, 0 to 1, that the n-grams alone are to answer.  It reads every title,
            too, if ``top_k`` is above 1.  Guarantees are measured with ``"auto"``.

    Raises:
        ConfigError: ``top_k``, ``precision`` or ``cascade`` is not allowed.

    >>> AnswerOptions(top_k=3).promises, AnswerOptions(guarantee=0.95).promises
    (False, True)
    """

    top_k: int = _option(1, "paths for each title", type="integer", minimum=1)
    objective: str | Objective | None = _option(  # noqa: RUF009, it is a field as the others are
        None, "what the answer is the best for; default path", type="string", enum=list(OBJECTIVES)
    )
    guarantee: float | None = _option(
        None,
        "answer with the truth or an ancestor of it with this probability, coarser if needed",
        **_SHARE,
    )
    max_error: float | None = _option(
        None, "answer only as many titles as keep the share of errors below", **_SHARE
    )
    certainty: float = _option(0.95, "probability of --max-error", **_SHARE)
    groups: Sequence[str] | None = _option(
        None, "the group of each title", type="array", items={"type": "string"}
    )
    language: str | None = _option(None, "language of the names in the answers", type="string")
    precision: str | None = _option(
        None,
        "number format of the encoder; auto: the fastest one as accurate as float32",
        type="string",
        enum=list(PRECISIONS),
    )
    cascade: str | float = _option(
        "auto",
        "titles that n-grams alone answer: auto, those that they are sure of; off; or a share",
        type="string",
    )

    def __post_init__(self) -> None:
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, int) or self.top_k < 1:
            raise ConfigError(
                f"top_k={self.top_k!r} is out of range; expected a whole number, at least 1."
            )
        if self.precision is not None:
            check_choice("precision", self.precision, PRECISIONS)
        self._check_cascade()
        if isinstance(self.groups, list):
            object.__setattr__(self, "groups", tuple(self.groups))

    @property
    def promises(self) -> bool:
        """Whether the options include ``guarantee`` or ``max_error``."""
        return self.guarantee is not None or self.max_error is not None

    @property
    def may_abstain(self) -> bool:
        """Whether answers can be the root: no category, as none is certain enough."""
        if self.promises or self.objective is None:
            return self.promises
        return not isinstance(objectives.pick_objective(self.objective), objectives.MostLikelyPath)

    def _check_cascade(self) -> None:
        share = self.cascade
        if isinstance(share, str) and share not in CASCADES:
            with suppress(ValueError):
                share = float(share)
        is_share = isinstance(share, int | float) and not isinstance(share, bool)
        if share not in CASCADES and not (is_share and 0 <= float(share) <= 1):
            raise ConfigError(
                f"cascade={self.cascade!r} is not allowed; expected 'auto', 'off', or the share of "
                "titles, 0 to 1, that the n-grams alone are to answer."
            )
        if share != "auto" and self.promises:
            raise ConfigError(
                f"cascade={self.cascade!r} was given with guarantee= or max_error=, which are "
                "measured with 'auto'. Leave cascade out."
            )
        object.__setattr__(self, "cascade", share)

    @property
    def applied_cascade(self) -> str | float:
        """``cascade``, or ``"off"`` if ``top_k`` is above 1: for the next best paths."""
        return self.cascade if self.top_k == 1 else "off"

    @classmethod
    def of(
        cls, options: "AnswerOptions | int | None" = None, **named: Unpack[AnswerKeywords]
    ) -> "AnswerOptions":
        """Make the options from the arguments of a call.

        Args:
            options: All options, or only ``top_k``, or None.
            named: Single options, which override those in ``options``.

        Raises:
            ConfigError: An option has a value that is not allowed.
            TypeError: An option is unknown, or ``top_k`` was given twice.

        >>> AnswerOptions.of(3, language="tr").top_k
        3
        """
        if isinstance(options, AnswerOptions):
            return replace(options, **named)
        if options is not None:
            if "top_k" in named:
                raise TypeError("top_k was given twice, by position and by name.")
            named["top_k"] = options
        return cls(**named)
