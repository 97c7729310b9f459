"""Options of a command in a file: ``prodcat train --config train.toml``.

The keys of the file are the names of the options without the dashes at the beginning, and that of
the files is ``catalog``.  An option of the command line replaces that of the file.
"""

import json
from collections.abc import Mapping
from typing import Any

from prodcat.cli.arrangement import GivenOptions, MistakeError
from prodcat.cli.output import note, write_file
from prodcat.cli.parser import Parser
from prodcat.errors import did_you_mean

CONFIG, SAVED = "--config", "--save-config"
_NOT_KEPT = {CONFIG, SAVED, "--quiet", "--verbose", "-q", "-v"}
_FORMATS = (".toml", ".yaml", ".yml", ".json")


def config_options(parser: Parser) -> None:
    """Add ``--config`` and ``--save-config``."""
    parser.add_argument(
        CONFIG,
        metavar="CONFIG",
        help="file with options by their names (.toml, .yaml or .json), such as epochs = 2; "
        "options of the command line replace them",
    )
    parser.add_argument(
        SAVED,
        metavar="OUTPUT",
        help="write the options of this command to a file (.toml) that --config reads",
    )


def fill_in(parser: Parser, given: GivenOptions) -> None:
    """Add the options of the file that ``--config`` names, where the command line gives none.

    Args:
        parser: The parser of the command.
        given: The options of the command line; those of the file are added.

    Raises:
        MistakeError: The file cannot be read, or has a key or a value that is not possible.
    """
    if CONFIG not in given.options:
        return
    uri = given.options[CONFIG][-1]
    places = [action for action in parser.actions if not action.option_strings]
    for key, value in _read(uri).items():
        name = str(key).replace("_", "-")
        if any(name == place.dest for place in places):
            given.places = given.places or _texts(uri, key, value)
            continue
        option = f"--{name}"
        if option not in parser.options or option in _NOT_KEPT:
            names = [known[2:] for known in parser.options if known.startswith("--")]
            known = sorted({*names, *(place.dest for place in places)} - {"help"})
            guess = did_you_mean(name, known) or f"; expected some of {', '.join(known)}"
            raise MistakeError(f"{uri}: there is no option {key!r}{guess}")
        if option not in given.options:
            _add(uri, parser, given, option, value)


def save_config(uri: str, parser: Parser, given: GivenOptions) -> None:
    """Write the options that were given, on the command line and in a file, as a file of TOML.

    Args:
        uri: The file, at any fsspec URI.
        parser: The parser of the command.
        given: The options.

    Raises:
        StoreError: The file cannot be written.
    """
    [place] = [action.dest for action in parser.actions if not action.option_strings]
    lines = [f"{place} = {json.dumps(given.places, ensure_ascii=False)}"]
    for name, values in given.options.items():
        if name in _NOT_KEPT:
            continue
        several = name in given.several or len(values) > 1
        shown: object = values if several else values[0] if values else True
        lines.append(f"{name[2:]} = {_toml(shown)}")
    write_file(uri, ("\n".join(lines) + "\n").encode())
    note(f"options written to {uri}")


def _read(uri: str) -> Mapping[str, Any]:
    """The content of a file of settings.

    Raises:
        MistakeError: The file cannot be read, or is not a mapping.
    """
    import tomllib

    import fsspec
    import yaml

    if not uri.lower().endswith(_FORMATS):
        raise MistakeError(
            f"{CONFIG} is {uri!r}; expected a name ending with .toml, .yaml or .json"
        )
    try:
        with fsspec.open(uri, "rt", encoding="utf-8") as file:
            text = file.read()
        is_toml = uri.lower().endswith(".toml")
        content = tomllib.loads(text) if is_toml else yaml.safe_load(text)
    except (OSError, ValueError, ImportError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise MistakeError(
            f"{CONFIG} {uri!r} cannot be read: {reason}; expected options by their names"
        ) from error
    if not isinstance(content, dict):
        raise MistakeError(f"{CONFIG} {uri!r} holds no options; expected lines such as epochs = 2")
    return content


def _add(uri: str, parser: Parser, given: GivenOptions, option: str, value: object) -> None:
    """Add one option of a file.

    Raises:
        MistakeError: The option cannot have such a value.
    """
    action = parser.options[option]
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise MistakeError(f"{uri}: {option[2:]} is {value!r}; expected true or false")
        if value:
            given.options[option] = []
        return
    several = action.nargs in ("+", "*")
    texts = _texts(uri, option[2:], value)
    if several:
        given.several.add(option)
    elif isinstance(value, list):
        texts = [",".join(texts)]  # such as the lengths of n-grams
    given.options[option] = texts


def _texts(uri: str, key: str, value: object) -> list[str]:
    """A value of a file, or each of its values, as it is typed on the command line."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(uri, key, each)]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if value is None:
        return ["none"]
    if not isinstance(value, (str, int, float)):
        raise MistakeError(
            f"{uri}: {key} is {value!r}; expected a text, a number or a list of them"
        )
    return [str(value)]


def _toml(value: object) -> str:
    """A value as TOML; whole numbers without quotes."""
    if isinstance(value, str):
        is_whole = value.isascii() and value.isdecimal() and str(int(value)) == value
        return value if is_whole else _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    return "true" if value else "false"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
