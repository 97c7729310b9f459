"""Values of options and environment variables, whose errors name what has the wrong value."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from prodcat.errors import ConfigError

_YES, _NO = ("true", "1", "yes", "on"), ("", "false", "0", "no", "off")
_Number = TypeVar("_Number", int, float)


@contextmanager
def named(source: str) -> Iterator[None]:
    """A context manager in which errors say where a wrong value is from.

    Args:
        source: The option or the variable that has the value, with which the message begins.

    Raises:
        ConfigError: The error of the ``with`` block, with the name of the source.
    """
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def number_of(
    name: str,
    value: str | float,
    kind: type[_Number],
    low: float,
    high: float = math.inf,
    *,
    is_above: bool = False,
) -> _Number:
    """A number that an option or an environment variable gives.

    Args:
        name: The option or the variable, with which the message begins.
        value: The number, also as text.
        kind: ``int`` for a whole number, otherwise ``float``.
        low: The smallest number that is allowed.
        high: The greatest number that is allowed.
        is_above: Whether the number must be above ``low``.

    Raises:
        ConfigError: It is no such number.

    >>> number_of("PRODCAT_MAX_TITLES", "10", int, 1)
    10
    """
    try:
        number: float = kind(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not (low <= number <= high and number < math.inf) or (is_above and number == low):
        what = "a whole number" if kind is int else "a number"
        limits = f"above {low}" if is_above else f"from {low}"
        end = "" if high == math.inf else f" to {high}"
        raise ConfigError(f"{name} is {value!r}; expected {what} {limits}{end}.")
    return kind(number)


def says_yes(variable: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether an environment variable says yes, such as ``true``; no if it is not set.

    Args:
        variable: The name of the variable.
        environment: The environment variables.

    Raises:
        ConfigError: The variable says neither yes nor no.

    >>> says_yes("SAGEMAKER_BATCH", {"SAGEMAKER_BATCH": "True"})
    True
    """
    text = environment.get(variable, "").strip().lower()
    if text not in (*_YES, *_NO):
        raise ConfigError(f"{variable} is {environment[variable]!r}; expected true or false.")
    return text in _YES
