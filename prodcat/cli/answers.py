"""The options of an answer as options of a command.

They are made from the fields of :class:`AnswerOptions`, which declare the help and the allowed
values of each.
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from prodcat.decisions.options import AnswerOptions

_TYPES: dict[str, type] = {"integer": int, "number": float, "string": str}


def answer_options(
    parser: argparse.ArgumentParser,
    names: Sequence[str],
    *,
    without: Sequence[str] = (),
    **defaults: Any,
) -> None:
    """Add options of an answer to a command.

    Args:
        parser: The parser of the command.
        names: The fields of :class:`AnswerOptions` to add, in the order of the help.
        without: Choices that this command does not offer.
        defaults: Defaults of this command that differ from those of the fields, by name.
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
            metavar="SHARE" if schema.get("exclusiveMaximum") == 1 else None,
            help=text or None,
        )


def answer_keywords(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The parsed options of an answer as keyword arguments.

    Args:
        options: The parsed options, which include those of :func:`answer_options`.
        names: The fields of :class:`AnswerOptions` to take.
    """
    return {name: getattr(options, name) for name in names}
