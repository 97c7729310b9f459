"""Puts the arguments of a command in order: options first, and then files.

:mod:`argparse` gives an option with several values, such as ``--path``, everything up to the next
option.  So ``prodcat train --path level1 level2 products.csv`` would lack its file.  Here, an
option that takes names of columns ends before the first file; where this cannot be told, an error
says how to write it.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prodcat.errors import CatalogError, did_you_mean

FILE = "FILE"  # the metavar of arguments that are files with tables
NAMED_FILE = "[NAME=]FILE"  # the same of files that may have a name
TABLES = frozenset({FILE, "BEFORE", "AFTER"})  # all metavars of such arguments
OUTPUT = "OUTPUT"  # the metavar of files that a command writes
MODEL_FOLDER = "FOLDER"  # the metavar of what a command saves a classifier to
OVERWRITE = "--overwrite"  # the option of all commands that write such files and folders
_SEVERAL = ("+", "*")
_NUMBER = re.compile(r"-\.?\d")
_WILDCARDS = frozenset("*?[")


class MistakeError(Exception):
    """The arguments cannot be understood; the message says what was found and expected."""


@dataclass
class GivenOptions:
    """The options and the places that a command line gives.

    Attributes:
        options: The values of each option by its full name; an empty list for one without value.
        several: The names of the options that take several values.
        places: The values without an option, which are mostly files.
        sources: For each option that comes from a file of settings, the file and the key.
    """

    options: dict[str, list[str]] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """The arguments in an order in which :mod:`argparse` reads them correctly."""
        arguments: list[str] = []
        for name, values in self.options.items():
            if name in self.several:
                arguments += [name, *values]
            elif name.startswith("--"):
                arguments += [f"{name}={value}" for value in values] or [name]
            else:
                arguments += [name, *values]
        return [*arguments, *(["--", *self.places] if self.places else [])]


@dataclass(frozen=True)
class Arrangement:
    """How the arguments of one command are put in order.

    Args:
        options: The command's options by name.
        places: Its arguments without an option, in order.
    """

    options: Mapping[str, argparse.Action]
    places: Sequence[argparse.Action]

    def of(self, arguments: Sequence[str]) -> GivenOptions:
        """Divide arguments into options with their values, and places.

        Raises:
            MistakeError: An option is not known or lacks its value, or the file after an option
                with several values cannot be told from the values.
        """
        given = GivenOptions()
        rest = list(arguments)
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                given.places += rest
                break
            if not is_option(argument):
                given.places.append(argument)
                continue
            name, equals, value = argument.partition("=")
            name = self._full_name(name)
            values = [value] if equals else self._values_after(name, rest)
            self._add(given, name, values, bool(equals))
        for name in given.several:
            self._end_before_file(given, name)
        self._find_place(given)
        return given

    def _full_name(self, name: str) -> str:
        """The full name of an option, of which the beginning is enough.

        Raises:
            MistakeError: There is no such option, or several begin like this.
        """
        if name in self.options:
            return max(self.options[name].option_strings, key=len)
        fitting = [known for known in self.options if known.startswith(name)]
        if name.startswith("--") and len(fitting) == 1:
            return max(self.options[fitting[0]].option_strings, key=len)
        if name.startswith("--") and fitting:
            raise MistakeError(f"{name!r} may mean {' or '.join(fitting)}; write one of them")
        guess = did_you_mean(name.replace("_", "-"), self.options)
        raise MistakeError(f"there is no option {name}{guess}")

    def _values_after(self, name: str, rest: list[str]) -> list[str]:
        """Take the values of an option from the arguments after it."""
        nargs = self.options[name].nargs
        values: list[str] = []
        if nargs == 0:
            return values
        while rest and not is_option(rest[0]) and rest[0] != "--":
            values.append(rest.pop(0))
            if nargs not in _SEVERAL:
                return values
        if not values and nargs != "*":
            after = f"{rest[0]!r}" if rest else "nothing"
            raise MistakeError(
                f"found {after} after {name}; expected its value: {self._help(name)}"
            )
        return values

    def _help(self, name: str) -> str:
        return str(self.options[name].help or "").replace("%%", "%").partition(";")[0]

    def _add(self, given: GivenOptions, name: str, values: list[str], equals: bool) -> None:
        action = self.options[name]
        if action.nargs == 0 and equals:
            raise MistakeError(f"found a value after {name}, which takes none; leave it out")
        if action.nargs in _SEVERAL or isinstance(action, argparse._AppendAction):
            if action.nargs in _SEVERAL:
                given.several.add(name)
            given.options.setdefault(name, []).extend(values)
        else:
            given.options[name] = values

    def _end_before_file(self, given: GivenOptions, name: str) -> None:
        """Let an option with names of columns end before the first file."""
        values = given.options[name]
        if not self.places or self.options[name].metavar in {*TABLES, NAMED_FILE}:
            return
        first = next((n for n, value in enumerate(values) if _is_surely_place(value)), len(values))
        if first == 0 and self.options[name].nargs == "+":
            raise MistakeError(
                f"found the file {values[0]!r} after {name}; expected first {self._help(name)}"
            )
        strays = [value for value in values[first:] if not (_is_surely_place(value) or _is(value))]
        if strays:
            raise MistakeError(
                f"found {strays[0]!r} after the file {values[first]!r}; if it belongs to {name}, "
                "put the file after it"
            )
        given.options[name], given.places = values[:first], values[first:] + given.places

    def _find_place(self, given: GivenOptions) -> None:
        """Take a file that is still missing from the end of the options with several values."""
        lacking = sum(place.nargs in (None, "+") for place in self.places) - len(given.places)
        if lacking <= 0 and (given.places or not self.places):
            return
        lacking = max(lacking, 1)
        for name in reversed([name for name in given.options if name in given.several]):
            values = given.options[name]
            least = 1 if self.options[name].nargs == "+" else 0
            tail = len(values)
            while tail > least and (_is(values[tail - 1]) or _is_surely_place(values[tail - 1])):
                tail -= 1
            number = len(values) - tail
            if number > lacking:
                raise MistakeError(
                    f"{values[tail]!r} and what follows may be values of {name} or files; put the "
                    f"files first, or -- before them"
                )
            if number == lacking:
                given.options[name], given.places = values[:tail], values[tail:] + given.places
                return
            needed = any(place.nargs in (None, "+") for place in self.places)
            if values and needed and self.options[name].metavar not in TABLES:
                raise MistakeError(
                    f"found no {self.places[0].metavar or self.places[0].dest}: {values[-1]!r} was "
                    f"read as a value of {name}, as there is no such file"
                )


def is_option(argument: str) -> bool:
    """Whether an argument is an option, rather than a value, a negative number or ``-``.

    >>> is_option("--title"), is_option("-"), is_option("-0.5"), is_option("a")
    (True, False, False, False)
    """
    return argument.startswith("-") and argument != "-" and not _NUMBER.match(argument)


def _is_surely_place(value: str) -> bool:
    """Whether a value can only be a place: ``-``, a URI, a table by its ending, or a path."""
    from prodcat.storage.table_files import table_format

    if value == "-" or "://" in value or ("/" in value and _is(value)):
        return True
    if _WILDCARDS.intersection(value) and any(_matches(value)):
        return True
    try:
        return bool(table_format(value))
    except CatalogError:
        return False


def _matches(pattern: str) -> list[str]:
    from glob import glob

    return glob(pattern)  # noqa: PTH207, the pattern may be absolute


def _is(value: str) -> bool:
    """Whether there is a file or folder of this name."""
    return Path(value).exists()
