"""Check the options of answers that a request may set.

They are fields of :class:`AnswerOptions`, which declares a JSON Schema for each field.  The values
of a request are checked against these schemas, and ``/openapi.json`` contains them.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.refusal import Refusal, shown

SETTINGS = ("top_k", "objective", "guarantee", "max_error")
_MOST_PATHS = 100  # maximum of top_k
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {  # of Python, and in words, by that of JSON
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "string": ((str,), "a text"),
}


def settings_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each option that a request may set, by name."""
    declared = {option.name: option.metadata["schema"] for option in fields(AnswerOptions)}
    schemas = {name: dict(declared[name]) for name in SETTINGS}
    schemas["top_k"]["maximum"] = _MOST_PATHS
    # The allowed objectives depend on the guarantee of the model, and are checked there.
    schemas["objective"].pop("enum", None)
    return schemas


_SCHEMAS = settings_schemas()


def read_settings(given: Mapping[str, Any]) -> AnswerOptions:
    """Make answer options from the values of a request.

    Args:
        given: The values by option name; None means the default.

    Returns:
        The options; those that are not given have their defaults.

    Raises:
        Refusal: With status 400 if a name is unknown or a value is not allowed.
    """
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _SCHEMAS:
            raise Refusal(400, f"Unknown setting {name!r}; known: {list(SETTINGS)}.")
        if value is not None:
            _check_kind(name, value)
            options[name] = value
    for name, value in options.items():
        least, most = (_SCHEMAS[name].get(bound) for bound in ("minimum", "maximum"))
        if least is not None and most is not None and not least <= value <= most:
            raise Refusal(400, f"{name} is {shown(value)}; expected {least} to {most}.")
    return AnswerOptions(**options)


def _check_kind(name: str, value: object) -> None:
    kinds, expected = _KINDS[_SCHEMAS[name]["type"]]
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise Refusal(400, f"{name} is {shown(value)}; expected {expected}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal(400, f"{name} is {value}; expected a number.")
