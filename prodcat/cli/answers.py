"""Command-line options for answers, such as ``--precision`` and ``--objective``.

They are made from the fields of :class:`AnswerOptions`, which declare the help and the allowed
values of each option.
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from prodcat.decisions.options import AnswerOptions

_TYPES: dict[str, type] = {"integer": int, "number": float, "string": str}
_SHOWN = {"integer": "NUMBER", "number": "SHARE", "string": "TEXT"}
_METAVARS = {"language": "CODE", "cascade": "auto|off|SHARE"}


def answer_options(
    parser: argparse.ArgumentParser,
    names: Sequence[str],
    *,
    without: Sequence[str] = (),
    **defaults: Any,
) -> None:
    """Add options for answers to a command.

    Args:
        parser: The parser of the command.
        names: The fields of :class:`AnswerOptions` to add, in the order in which help lists them.
        without: Allowed values of the fields that this command does not offer.
        defaults: Defaults for this command, by field; other fields keep their declared default.
    """
    declared = {field.name: field for field in fields(AnswerOptions)}
    for name in names:
        text, schema = declared[name].metadata["text"], declared[name].metadata["schema"]
        choices = [value for value in schema.get("enum", ()) if value not in without]
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=_TYPES[schema["type"]],
            default=defaults.get(name, declared[name].default),
            choices=choices or None,
            metavar=None if choices else _METAVARS.get(name, _SHOWN[schema["type"]]),
            help=text,
        )


def answer_keywords(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Take parsed options as keyword arguments.

    Args:
        options: The parsed options, which include those of :func:`answer_options`.
        names: The names of the options to take.

    Returns:
        The value of each option by its name.
    """
    return {name: getattr(options, name) for name in names}
