"""Every error that prodcat raises on purpose.

    ProdcatError
    ├── ConfigError      a setting has a value that it cannot have
    ├── TaxonomyError    the category tree is not a tree, or a node is unknown
    ├── CatalogError     a table of titles cannot be read or used as it is
    ├── EncoderError     an encoder or its tokenizer cannot be loaded
    ├── CheckpointError  a checkpoint cannot be written or read
    ├── ArtifactError    a saved classifier is missing, altered or too new
    ├── ScoringError     an output cannot be gone on with
    └── StoreError       a place cannot be reached, or a model is not in the store
        └── ConflictError    someone else was first

    Interrupted              stopped by SIGTERM; the same call goes on where it ended
    └── TrainingInterrupted  a training, its state saved

All under ProdcatError are also ``ValueError``, so that a service can answer "bad request" to
either.  A message says what was found, what was expected and what to do.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


class ProdcatError(ValueError):
    """The base of all errors that prodcat raises on purpose."""


def is_fault(error: BaseException) -> bool:
    """Whether something went wrong, a panic of a Rust binding too, and nobody asked to stop."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class ConfigError(ProdcatError):
    """A setting has a value that it cannot have."""


class TaxonomyError(ProdcatError):
    """The category tree is not a tree, or a node is not in it."""


class CatalogError(ProdcatError):
    """A table of titles cannot be read, or cannot be used as it is."""


class EncoderError(ProdcatError):
    """An encoder or its tokenizer cannot be loaded."""


class ArtifactError(ProdcatError):
    """A saved classifier is missing, altered, truncated or of another format."""


class StoreError(ProdcatError):
    """A place cannot be reached or written, or the store has no such model, version or alias.

    Attributes:
        unreachable: Whether the network or the server failed, so that later it may go well.
    """

    unreachable = False


class ConflictError(StoreError):
    """Someone else changed the same thing at the same time and was first."""


class CheckpointError(ProdcatError):
    """A checkpoint cannot be written or read."""


class ScoringError(ProdcatError):
    """The output of a scoring is of another model or input, or of no scoring at all."""


class Interrupted(RuntimeError):  # noqa: N818, nothing is wrong
    """Asked to stop (SIGTERM), and stopped in good order; the same call goes on."""


class TrainingInterrupted(Interrupted):
    """A training was asked to stop (SIGTERM) and saved its state; the same call goes on."""


def check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Refuse a setting that is none of the allowed values.

    Raises:
        ConfigError: It is not.
    """
    if value not in allowed:
        raise ConfigError(f"{name}={value!r} is not known; expected one of {list(allowed)}.")


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a setting that is no number between two limits.

    Raises:
        ConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        limit = f"between {low} and {high}" if high != float("inf") else f"at least {low}"
        raise ConfigError(f"{name}={value!r} is out of range; expected a number {limit}.")


def check_whole(name: str, value: object) -> None:
    """Refuse a setting that is no whole number.

    Raises:
        ConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name}={value!r} is out of range; expected a whole number.")


def takes_keywords(bundle: type, **defaults: object) -> Callable[[_Function], _Function]:
    """Let a function's signature show the keyword arguments that it takes as one typed bundle.

    ``help()``, notebooks and completion read the signature.

    Args:
        bundle: The ``TypedDict`` that the function's ``**`` argument is unpacked from.
        defaults: What an argument that is not given means, by name; None for all others.
    """

    def marked(function: _Function) -> _Function:
        signature = inspect.signature(function)
        known = [own for own in signature.parameters.values() if own.kind is not own.VAR_KEYWORD]
        bundled = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults.get(name),
                annotation=annotation,
            )
            for name, annotation in bundle.__annotations__.items()
        ]
        function.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*known, *bundled]
        )
        return function

    return marked


def check_keywords(function: Callable[..., object], given: Mapping[str, object]) -> None:
    """Refuse keyword arguments that a function does not take, as Python does.

    Args:
        function: The function that was called, marked by :func:`takes_keywords`.
        given: The keyword arguments that reached its ``**`` argument.

    Raises:
        TypeError: One is unknown.
    """
    known = [name for name in inspect.signature(function).parameters if name != "self"]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise TypeError(
            f"{function.__name__}() got an unexpected keyword argument {unknown[0]!r}; expected "
            f"some of {known}."
        )
