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
            type=_share if "exclusiveMaximum" in schema else _TYPES[schema["type"]],
            default=defaults.get(name, declared[name].default),
            choices=choices or None,
            metavar=None if choices else _METAVARS.get(name, _SHOWN[schema["type"]]),
            help=text,
        )


def _share(text: str) -> float:
    """A number between 0 and 1.

    Raises:
        argparse.ArgumentTypeError: It is something else, such as a percentage.
    """
    number = text.strip().removesuffix("%").strip().replace(",", ".")
    try:
        share = float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; expected a share between 0 and 1, such as 0.05 for 5 %"
        ) from None
    if number == text.strip() and 0 <= share < 1:
        return share
    meant = share / 100 if "%" in text or share > 1 else share
    percent = f"{share:g} %" if meant != share else f"{100 * share:g} %"
    example = f"{meant:g} for {percent}" if 0 < meant < 1 else "0.05 for 5 %"
    raise argparse.ArgumentTypeError(f"found {text!r}; expected a share between 0 and 1: {example}")


def answer_keywords(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Take parsed options as keyword arguments.

    Args:
        options: The parsed options, which include those of :func:`answer_options`.
        names: The names of the options to take.

    Returns:
        The value of each option by its name.
    """
    return {name: getattr(options, name) for name in names}
