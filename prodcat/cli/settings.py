"""The settings of the model and of its training as options of a command.

There is one option for each field of :class:`ModelConfig` and :class:`TrainingConfig`.
"""

import argparse
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from prodcat.model.config import ModelConfig, TrainingConfig

Config = TypeVar("Config", ModelConfig, TrainingConfig)


def setting_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting; the parsed options hold only those that are given."""
    for config in (ModelConfig, TrainingConfig):
        group = parser.add_argument_group(f"{config.__name__} settings")
        for field in fields(config):
            if field.name == "validation":  # --validation names the file
                name = "--validation-share"
            else:
                name = "--" + field.name.replace("_", "-")
            group.add_argument(
                name,
                dest=f"{_prefix(config)}{field.name}",
                type=_reader(field.default),
                default=argparse.SUPPRESS,
                metavar="VALUE",
                help=f"default {field.default}".replace("%", "%%"),
            )


def given_settings(
    options: argparse.Namespace, config: type[Config], default: Config | None = None
) -> Config:
    """The settings from the parsed options.

    Args:
        options: The parsed options, which include those of :func:`setting_options`.
        config: The class of the settings.
        default: The settings that are not given; the defaults of the class if None.

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


def _prefix(config: type) -> str:
    return f"setting_{config.__name__}_"


def _reader(default: object) -> Callable[[str], Any]:
    """A function that reads a value of the default's type from text."""
    if isinstance(default, bool):
        return _yes_or_no
    if isinstance(default, tuple):
        return _pair
    if isinstance(default, (int, float)):
        return type(default)
    return _text_or_none


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text.lower() in ("yes", "true")


def _pair(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _text_or_none(text: str) -> str | None:
    return None if text.lower() == "none" else text
