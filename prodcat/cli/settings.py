"""Command-line options for the settings of the model and of its training.

There is one option for each field of :class:`ModelConfig` and :class:`TrainingConfig`.
"""

import argparse
import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar, get_type_hints

from prodcat.model.config import ModelConfig, TrainingConfig

Config = TypeVar("Config", ModelConfig, TrainingConfig)
BASIC = ("--encoder",)  # the settings that are listed with the basic options
_METAVARS = {bool: "{yes,no}", int: "INTEGER", float: "NUMBER", tuple: "FROM,TO"}
_NAMED_METAVARS = {"--encoder": "ENCODER", "--group": "COLUMN"}


def setting_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting; settings that are not given are absent after parsing."""
    for config, title in ((ModelConfig, "model"), (TrainingConfig, "training")):
        group = parser.add_argument_group(f"advanced settings of the {title} ({config.__name__})")
        descriptions, kinds = _descriptions(config), get_type_hints(config)
        for field in fields(config):
            if field.name == "validation":  # --validation names the file
                name = "--validation-share"
            else:
                name = "--" + field.name.replace("_", "-")
            target = parser if name in BASIC else group
            target.add_argument(
                name,
                dest=f"{_prefix(config)}{field.name}",
                type=_reader(field.default, kinds[field.name]),
                default=argparse.SUPPRESS,
                metavar=_metavar(name, field.default, kinds[field.name]),
                help=f"{descriptions.get(field.name, '')} (default {_shown(field.default)})",
            )


def given_settings(
    options: argparse.Namespace, config: type[Config], default: Config | None = None
) -> Config:
    """Make settings from the parsed options.

    Args:
        options: The parsed options, which include those of :func:`setting_options`.
        config: The class of the settings.
        default: Where settings come from that are not given; None for the defaults of the class.

    Raises:
        ConfigError: A setting has a value that is not allowed.
    """
    prefix = _prefix(config)
    given = {
        name.removeprefix(prefix): value
        for name, value in vars(options).items()
        if name.startswith(prefix)
    }
    return config(**given) if default is None else replace(default, **given)


def _descriptions(config: type) -> dict[str, str]:
    """The description of each field in its class's docstring, as a help text without markup."""
    attributes = (config.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    text = re.sub(r"; see\s+:\w+:`[^`]+`|``\"?|\"?``", "", attributes).replace("%", "%%")
    parts = re.split(r"^ {8}(\w+): ", text.replace("None", "none"), flags=re.MULTILINE)[1:]
    return {
        name: part[0].lower() + " ".join(part[1:].split()).removesuffix(".")
        for name, part in zip(parts[::2], parts[1::2], strict=True)
    }


def _metavar(name: str, default: object, kind: Any) -> str:
    if name in _NAMED_METAVARS:
        return _NAMED_METAVARS[name]
    return "INTEGER" if kind == int | None else _METAVARS.get(type(default), "TEXT")


def _shown(value: object) -> str:
    """A value as the user would write it on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if value is None:
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _prefix(config: type) -> str:
    return f"setting_{config.__name__}_"


def _reader(default: object, kind: Any) -> Callable[[str], Any]:
    """A function that parses text as a value of a setting, by its default and its type."""
    if kind == int | None:
        return integer_or_none
    if isinstance(default, bool):
        return yes_or_no
    if isinstance(default, tuple):
        return _pair
    if isinstance(default, (int, float)):
        return type(default)
    return text_or_none


def yes_or_no(text: str) -> bool:
    """True for ``yes`` or ``true``, and False for ``no`` or ``false``, in capitals or not."""
    if text.lower() not in ("yes", "no", "true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; expected yes or no")
    return text.lower() in ("yes", "true")


def _pair(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def integer_or_none(text: str) -> int | None:
    """A text as a whole number; None for the text ``none``."""
    try:
        return None if text.lower() == "none" else int(text)
    except ValueError:
        message = f"{text!r} is not allowed; expected a whole number or none"
        raise argparse.ArgumentTypeError(message) from None


def text_or_none(text: str) -> str | None:
    """A text as it is; None for the text ``none``, in capitals or not."""
    return None if text.lower() == "none" else text
