"""Every error that prodcat raises on purpose.

    ProdcatError
    ├── ConfigError      a setting has a value that is not allowed
    ├── TaxonomyError    the categories do not form a tree, or a node is unknown
    ├── CatalogError     a table of titles cannot be read or used as it is
    ├── EncoderError     an encoder or its tokenizer cannot be loaded
    ├── CheckpointError  a checkpoint cannot be written or read
    ├── ArtifactError    a saved classifier is missing, altered or of an unknown format
    ├── ScoringError     an existing output was made with another model or input
    │   ├── OutputInUseError   another process writes, or has taken over, the output
    │   └── InputChangedError  the input was changed while it was read
    └── StoreError       a path or URI cannot be reached, or the store has no such model
        ├── ConflictError    another process changed the same object first
        └── PlaceError       a path or URI is not allowed, or reading it exceeded its limits

    Interrupted              the work was stopped by SIGTERM; repeating the call resumes it
    └── TrainingInterrupted  the training was stopped, and its state is saved

Every ``ProdcatError`` is also a ``ValueError``, so that a service can answer "bad request" to
both.  A message says what was found, what was expected and what to do.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., Any])


class ProdcatError(ValueError):
    """The base class of all errors that prodcat raises on purpose."""


def is_fault(error: BaseException) -> bool:
    """Whether an exception reports a fault, and not a request to stop.

    A panic in a Rust binding is a fault, too, although it is not an :class:`Exception`.

    >>> is_fault(OSError("disk full")), is_fault(KeyboardInterrupt())
    (True, False)
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class ConfigError(ProdcatError):
    """A setting has a value that is not allowed."""


class TaxonomyError(ProdcatError):
    """The categories do not form a tree, or a node is not in the tree."""


class CatalogError(ProdcatError):
    """A table of titles cannot be read, or cannot be used as it is."""


class EncoderError(ProdcatError):
    """An encoder or its tokenizer cannot be loaded."""


class ArtifactError(ProdcatError):
    """A saved classifier is missing, altered, truncated or of an unknown format."""


class StoreError(ProdcatError):
    """A path or URI cannot be used, or the store has no such model, version or alias.

    Attributes:
        unreachable: Whether the network or the server failed, so that a later attempt may
            succeed; False by default.
    """

    unreachable = False


class ConflictError(StoreError):
    """Another process changed the same object first."""


class PlaceError(StoreError):
    """A path or URI is not allowed, or reading it exceeded the limits on bytes and time."""


class CheckpointError(ProdcatError):
    """A checkpoint cannot be written or read."""


class ScoringError(ProdcatError):
    """An existing output was made with another model or input, or not by a scoring job."""


class OutputInUseError(ScoringError):
    """Another process writes the output, or took it over from this one; try again later."""


class InputChangedError(ScoringError):
    """The input was changed while it was read, so its answers are not a finished output."""


class Interrupted(RuntimeError):  # noqa: N818, it reports no fault
    """SIGTERM stopped the work, whose state is saved; the same call resumes it."""


class TrainingInterrupted(Interrupted):
    """SIGTERM stopped a training, whose state is saved; the same call resumes it."""


def no_column(source: str, name: str, present: Iterable[str]) -> str:
    """The sentence that says that a table has no such column, and which it has.

    Args:
        source: What has the columns, as the sentence names it.
        name: The name of the column that is missing.
        present: The names of the columns, of which at most 50 are listed.

    >>> no_column("The table", "titel", ["title", "path"])
    "The table has no column 'titel'; found ['title', 'path']; did you mean 'title'?"
    """
    names = list(present)
    guess = did_you_mean(name, names) or "."
    return f"{source} has no column {name!r}; found {names[:50]}{guess}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that does not exist: the nearest name that does.

    Args:
        name: The name that was found.
        known: The names that exist.

    Returns:
        ``"; did you mean 'nearest'?"``, or an empty string if no name is near.

    >>> did_you_mean("titel", ["title", "path"]), did_you_mean("--taxonmy", ["--taxonomy"])
    ("; did you mean 'title'?", '; did you mean --taxonomy?')
    >>> did_you_mean("brand", ["title"])
    ''
    """
    from difflib import get_close_matches

    folded = {each.casefold(): each for each in reversed(list(known))}
    nearest = get_close_matches(name.casefold(), folded, n=1, cutoff=0.66)
    if not nearest:
        return ""
    shown = folded[nearest[0]]
    return f"; did you mean {shown if shown.startswith('--') else repr(shown)}?"


def check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Check that a setting is one of the allowed values.

    Args:
        name: The setting's name, for the message.
        value: The value to check.
        allowed: The allowed values.

    Raises:
        ConfigError: The value is not allowed.

    >>> check_choice("pooling", "max", ("mean", "cls"))
    Traceback (most recent call last):
    prodcat.errors.ConfigError: pooling='max' is not known; expected one of ['mean', 'cls'].
    """
    if value not in allowed:
        raise ConfigError(f"{name}={value!r} is not known; expected one of {list(allowed)}.")


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Check that a setting is a number in a range.

    Args:
        name: The setting's name, for the message.
        value: The value to check.
        low: The smallest value that is allowed.
        high: The greatest value that is allowed.

    Raises:
        ConfigError: The value is not a number, or is out of range.

    >>> check_range("margin", 1.5, 0, 1)
    Traceback (most recent call last):
    prodcat.errors.ConfigError: margin=1.5 is out of range; expected a number between 0 and 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        limit = f"between {low} and {high}" if high != float("inf") else f"at least {low}"
        raise ConfigError(f"{name}={value!r} is out of range; expected a number {limit}.")


def check_whole(name: str, value: object, low: int | None = None) -> None:
    """Check that a setting is a whole number.

    Args:
        name: The setting's name, for the message.
        value: The value to check.
        low: The smallest value that is allowed; None for no limit.

    Raises:
        ConfigError: The value is not a whole number, or is below the limit.

    >>> check_whole("keep", -1, 0)
    Traceback (most recent call last):
    prodcat.errors.ConfigError: keep=-1 is out of range; expected a whole number from 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or (low is not None and value < low):
        start = "" if low is None else f" from {low}"
        raise ConfigError(f"{name}={value!r} is out of range; expected a whole number{start}.")


def takes_keywords(bundle: type, **defaults: object) -> Callable[[_Function], _Function]:
    """Create a decorator that shows keyword arguments in a function's signature.

    The function takes them as one ``**`` argument.  ``help()``, notebooks and completion then show
    them one by one.

    Args:
        bundle: The ``TypedDict`` that declares the function's ``**`` argument.
        defaults: The default values of these arguments by name; the default of others is None.
    """

    def marked(function: _Function) -> _Function:
        signature = inspect.signature(function)
        *explicit, _ = signature.parameters.values()
        bundled = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=kind
            )
            for name, kind in bundle.__annotations__.items()
        ]
        whole = signature.replace(parameters=[*explicit, *bundled])
        function.__signature__ = whole  # type: ignore[attr-defined]
        return function

    return marked


def all_else_by_name(advice: str) -> Callable[[_Function], _Function]:
    """Create a decorator for functions that take few arguments by position.

    Whoever gives more is told what the function takes, as its signature alone does not say what
    to do with, for example, titles and their paths in two lists.

    Args:
        advice: The sentence that says what to do.
    """

    def marked(function: _Function) -> _Function:
        parameters = inspect.signature(function).parameters.values()
        names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
        shown = [name for name in names if name != "self"]

        @functools.wraps(function)
        def called(*given: Any, **named: Any) -> Any:
            if len(given) > len(names):
                count = len(given) - len(names) + len(shown)
                raise TypeError(
                    f"{function.__name__}() takes {' and '.join(shown)} by position, and all else "
                    f"by name; found {count} arguments by position. {advice}"
                )
            return function(*given, **named)

        return cast(_Function, called)

    return marked


CATALOG_ADVICE = (
    "Titles with their paths are one catalog: prodcat.read_catalog({'title': titles, 'path': "
    "paths})."
)


def check_keywords(function: Callable[..., object], given: Mapping[str, object]) -> None:
    """Check the keyword arguments of a function, as Python does.

    Args:
        function: The function that was called, decorated with :func:`takes_keywords`.
        given: The content of the function's ``**`` argument.

    Raises:
        TypeError: The function does not take one of the arguments.
    """
    known = [name for name in inspect.signature(function).parameters if name != "self"]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise TypeError(
            f"{function.__name__}() got an unexpected keyword argument {unknown[0]!r}; expected "
            f"some of {known}."
        )
