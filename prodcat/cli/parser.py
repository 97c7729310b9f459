"""The parser of every command: help in groups with examples, and mistakes in two lines.

:mod:`prodcat.cli.arrangement` puts the arguments in order before :mod:`argparse` reads them, so
that files and options may come in any order.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from prodcat.cli.arrangement import (
    FILE,
    MODEL_FOLDER,
    OUTPUT,
    OVERWRITE,
    Arrangement,
    GivenOptions,
    MistakeError,
    is_option,
)
from prodcat.errors import did_you_mean
from prodcat.text_encoding import for_log

# What argparse says of a mistake, and what a user is told.
_WORDINGS: tuple[tuple[str, str], ...] = (
    (r"argument (.+?): invalid \w*int\w* value: (.+)", r"\1: found \2; expected a whole number"),
    (r"argument (.+?): invalid \w*float\w* value: (.+)", r"\1: found \2; expected a number"),
    (r"argument (.+?): invalid \w+ value: (.+)", r"\1: found \2, which has the wrong form"),
    (r"argument (.+?): not allowed with argument (.+)", r"\1 and \2 exclude each other; give one"),
    (r"argument (.+?): expected (.+)", r"\1: found nothing after it; expected \2"),
    (r"argument (.+?): (.+)", r"\1: \2"),
)
_CHOICE = re.compile(r"argument (.+?): invalid choice: '?(.*?)'? \(choose from (.*)\)", re.DOTALL)
_REQUIRED = "the following arguments are required: "


class Parser(argparse.ArgumentParser):
    """The parser of a command.

    Args:
        summary: What the command does, in the list of commands.
        settings: Arguments of :class:`argparse.ArgumentParser`.
        basic: The options that most users need; all others are listed below them as advanced ones.
            If None, all options are in one list.
        examples: What each example does, in the order of the help, and its command without
            ``prodcat``.
        fill_in: Adds what a file of settings says to the given options; None for no such file.
    """

    def __init__(
        self,
        *,
        basic: Sequence[str] | None = None,
        examples: Mapping[str, str] | None = None,
        fill_in: Callable[["Parser", GivenOptions], None] | None = None,
        summary: str = "",
        **settings: Any,
    ) -> None:
        self.basic = None if basic is None else {*basic, "-h", "-v", "-q"}
        self.examples = dict(examples or {})
        self.fill_in = fill_in
        self.summary = summary
        self._advanced: Any = None
        settings.setdefault("formatter_class", _Formatter)
        super().__init__(**settings)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Add an argument; an option that is not a basic one is listed among the advanced ones.

        A command gets ``--overwrite`` with the first file or folder that it writes.
        """
        if settings.get("metavar") in (OUTPUT, MODEL_FOLDER) and OVERWRITE not in self.options:
            self.add_argument(OVERWRITE, action="store_true", help="replace outputs that exist")
        optional = bool(names) and str(names[0]).startswith("-")
        if not optional or self.basic is None or self.basic.intersection(names):
            return super().add_argument(*names, **settings)
        if self._advanced is None:
            self._advanced = self.add_argument_group("advanced options")
        action: argparse.Action = self._advanced.add_argument(*names, **settings)
        return action

    @property
    def actions(self) -> list[argparse.Action]:
        """All arguments, in the order of the help."""
        return self._actions

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The argument of every option by the option's name, such as ``--title``."""
        return self._option_string_actions

    @property
    def verbs(self) -> "dict[str, Parser]":
        """The parsers of the verbs of this command by name; empty if it has none."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}

    def format_help(self) -> str:
        """The help page: usage, arguments, basic and advanced options, and examples."""
        if self.usage is None:
            self.usage = _usage(self)
        page = super().format_help().replace("\npositional arguments:", "\narguments:")
        if self.verbs:
            page += "\ncommands:\n" + "".join(map(_about, self.verbs.items()))
        if self.examples:
            page += "\nexamples:\n" + "".join(map(_example, self.examples.items()))
        return page

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse arguments in any order; what is not known ends the process with code 2."""
        arguments = sys.argv[1:] if args is None else list(args)
        try:
            given = None if self.verbs else self._given(arguments)
            if given is None:
                self._check_verb(arguments)
        except MistakeError as mistake:
            self.error(str(mistake))
        parsed, unknown = super().parse_known_args(
            arguments if given is None else given.arguments(), namespace
        )
        if given is not None:
            parsed.parser, parsed.given = self, given
            if unknown:
                self.error(f"found {unknown[-1]!r}; expected {self._most_places()}")
        return parsed, []

    def fault(self, action: argparse.Action, text: str) -> str:
        """What is wrong with a value of an option, without the option's name; empty if nothing."""
        try:
            self._check_value(action, self._get_value(action, text))
        except argparse.ArgumentError as error:
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            return self._reworded(str(error)).removeprefix(f"{name}: ").rstrip(".")
        return ""

    def error(self, message: str) -> NoReturn:
        """Print what was found and what was expected, and exit with code 2."""
        shown = for_log(self._reworded(message).rstrip("."))
        end = "" if shown.endswith("?") else "."
        self.exit(2, f"{self.prog}: {shown}{end}\nSee: {self.prog} --help\n")

    def _given(self, arguments: Sequence[str]) -> GivenOptions:
        """The options and the places that the arguments give, with those of a settings file."""
        given = Arrangement(self.options, self._places()).of(arguments)
        if self.fill_in is not None and not {"-h", "--help"} & given.options.keys():
            self.fill_in(self, given)
        return given

    def _places(self) -> list[argparse.Action]:
        return [action for action in self._actions if not action.option_strings]

    def _most_places(self) -> str:
        """What may stand without an option, in words."""
        names = [str(action.metavar or action.dest) for action in self._places()]
        return f"only {' and '.join(names)} without an option" if names else "only options"

    def _check_verb(self, arguments: Sequence[str]) -> None:
        """Refuse an option before the verb, or a verb that does not exist.

        Raises:
            MistakeError: There is such an option or verb, or a verb is missing.
        """
        verbs = list(self.verbs)
        first = arguments[0] if arguments else None
        if first is None and any(action.required for action in self._places()):
            raise MistakeError(f"found nothing after it; expected one of {', '.join(verbs)}")
        if first is None or first in self.options:
            return
        if is_option(first):
            raise MistakeError(
                f"found {first!r} before the command; expected a command, and its options after it"
            )
        if first not in verbs:
            guess = did_you_mean(first, verbs) or f"; expected one of {', '.join(verbs)}"
            raise MistakeError(f"there is no command {first!r}{guess}")

    def _reworded(self, message: str) -> str:
        """A message of argparse in other words; other messages as they are."""
        if message.startswith(_REQUIRED):
            names = message.removeprefix(_REQUIRED).split(", ")
            return "; ".join(map(self._missing, names))
        if choice := _CHOICE.fullmatch(message):
            option, value, allowed = choice.groups()
            names = [name.strip(" '\"") for name in allowed.split(",")]
            guess = did_you_mean(value, names)
            return f"{option}: found {value!r}; expected one of {', '.join(names)}{guess}"
        for pattern, wording in _WORDINGS:
            if re.fullmatch(pattern, message, re.DOTALL):
                return re.sub(pattern, wording, message, flags=re.DOTALL)
        return message

    def _missing(self, name: str) -> str:
        """What is said if a required argument is not given."""
        for action in self._actions:
            names = action.option_strings or [str(action.metavar or action.dest)]
            if name == "/".join(names) or name in names:
                text = str(action.help or "").replace("%%", "%").partition(";")[0]
                return f"{name} is missing: {text}"
        return f"{name} is missing"


class _Formatter(argparse.HelpFormatter):
    """Help in two columns, which are wide enough for the longest option names."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, max_help_position=26, **settings)


def add_command(
    commands: Any,
    name: str,
    text: str,
    *,
    examples: Mapping[str, str],
    basic: Sequence[str] | None = None,
    **settings: Any,
) -> Parser:
    """Add a command, with the options ``--quiet`` and ``--verbose`` that every command has.

    Args:
        commands: What ``add_subparsers`` of a :class:`Parser` returned.
        name: The name of the command.
        text: What it does, as one line of the list of commands.
        examples: See :class:`Parser`.
        basic: See :class:`Parser`.
        settings: Further arguments of :class:`Parser`.
    """
    settings.setdefault("description", text[0].upper() + text[1:] + ".")
    parser: Parser = commands.add_parser(
        name, help=text, summary=text, examples=examples, basic=basic, **settings
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", action="store_true", help="print only results, warnings and errors"
    )
    loudness.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="also print what the libraries log, and where an error comes from",
    )
    parser.add_argument(
        "--log-format",
        choices=["text", "json"],
        help="messages on the standard error as text or as lines of JSON, for containers; default "
        "PRODCAT_LOG_FORMAT, or text",
    )
    return parser


def _usage(parser: Parser) -> str:
    """One line: the places and the required options by name, and that there are more options."""
    words = ["%(prog)s"]
    if parser.verbs:
        words += ["COMMAND", "[options]"]
    for action in parser.actions:
        if not action.option_strings and not parser.verbs:
            words.append(_shown(action))
    for action in parser.actions:
        if action.option_strings and action.required:
            words.append(f"{action.option_strings[-1]} {action.metavar or action.dest.upper()}")
    return " ".join([*words, *([] if parser.verbs else ["[options]"])])


def _shown(action: argparse.Action) -> str:
    """A place in the line of usage, such as ``FILE [FILE ...]``."""
    name = str(action.metavar or action.dest).replace("%", "%%")
    if action.nargs == "+":
        return f"{name} [{FILE if name.endswith(FILE) else name} ...]"
    return f"[{name} ...]" if action.nargs == "*" else f"[{name}]" if action.nargs == "?" else name


def _about(verb: tuple[str, Parser]) -> str:
    """A line of the list of commands."""
    name, parser = verb
    text = parser.summary
    return (
        textwrap.fill(text, 96, initial_indent=f"  {name:<13} ", subsequent_indent=" " * 16) + "\n"
    )


def _example(example: tuple[str, str]) -> str:
    """What an example does, and its command as lines of a shell, of at most 96 letters."""
    text, command = example
    lines = textwrap.wrap(f"prodcat {command}", 90, break_long_words=False, break_on_hyphens=False)
    return f"  # {text}\n  " + " \\\n      ".join(lines) + "\n"
