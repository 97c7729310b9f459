"""Options of a command in a file: ``prodcat train --config train.toml``.

The keys of the file are the names of the options without the dashes at the beginning, and that of
the files is ``catalog``.  An option of the command line replaces that of the file.
"""

import argparse
from contextlib import suppress

from prodcat.cli.arrangement import GivenOptions, MistakeError
from prodcat.cli.destinations import check_new
from prodcat.cli.output import note, write_file
from prodcat.cli.parser import Parser
from prodcat.cli.settings import integer_or_none, yes_or_no
from prodcat.cli.settings_reading import quoted, read_settings
from prodcat.errors import StoreError, did_you_mean

CONFIG, SAVED = "--config", "--save-config"
_NOT_KEPT = {CONFIG, SAVED, "--quiet", "--verbose", "--log-format", "-q", "-v"}


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
        metavar="CONFIG",
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
    places = {action.dest: action for action in parser.actions if not action.option_strings}
    typed = set(given.options)
    spellings: dict[str, str] = {}
    for key, value in read_settings(uri, CONFIG).items():
        name = str(key).replace("_", "-")
        if name in spellings:
            raise MistakeError(
                f"{uri}: {spellings[name]} and {key} are the same option; expected it once"
            )
        spellings[name] = key
        option = f"--{name}"
        if name not in places and (option not in parser.options or option in _NOT_KEPT):
            raise _unknown(uri, key, value, parser)
        if value is None:
            raise MistakeError(
                f"{uri}: {key}: found null; expected a value. Leave the line out for the default, "
                'or write "none" if the option takes none'
            )
        if name in places:
            texts = _texts(uri, key, value, places[name])
            given.places = given.places or texts
            continue
        action = parser.options[option]
        source = GivenOptions()
        _add(uri, key, source, action, option, value)
        _check_values(uri, key, parser, action, source.options.get(option, []))
        if option not in typed:
            given.options |= source.options
            given.several |= source.several
            given.sources[option] = f"{uri}: {key}"


def _unknown(uri: str, key: str, value: object, parser: Parser) -> MistakeError:
    """The error for a key that is no option."""
    if isinstance(value, dict):
        return MistakeError(
            f"{uri}: found the section [{key}]; sections are not read: put the options at the top "
            "level, without it"
        )
    places = [action.dest for action in parser.actions if not action.option_strings]
    names = {known[2:] for known in parser.options if known.startswith("--")}
    names -= {"help"} | {kept.lstrip("-") for kept in _NOT_KEPT}
    known = sorted({*names, *places})
    guess = did_you_mean(str(key).replace("_", "-"), known)
    return MistakeError(
        f"{uri}: there is no option {key!r}{guess or '; expected some of ' + ', '.join(known)}"
    )


def _check_values(
    uri: str, key: str, parser: Parser, action: argparse.Action, texts: list[str]
) -> None:
    """Refuse values of a file as the command line would, but in the words of the file."""
    for text in texts:
        if fault := parser.fault(action, text):
            raise MistakeError(f"{uri}: {key}: {fault}")


def check_config_new(uri: str, options: argparse.Namespace) -> None:
    """Refuse a file of other options, without ``--overwrite``; that of the same command may stay.

    Args:
        uri: The file, at any fsspec URI, which can be written.
        options: The parsed options.

    Raises:
        ConfigError: There is a file with another content.
    """
    from prodcat.insight.files import folder_and_name
    from prodcat.storage.objects import Objects

    folder, name = folder_and_name(uri)
    text = _config_text(options.parser, options.given).encode()
    with suppress(OSError, StoreError):  # there is no such file
        if Objects(folder).start(name, len(text) + 1) == text:
            return
    check_new(options, SAVED, uri)


def save_config(uri: str, parser: Parser, given: GivenOptions) -> None:
    """Write the options that were given, on the command line and in a file, as a file of TOML.

    Args:
        uri: The file, at any fsspec URI.
        parser: The parser of the command.
        given: The options.

    Raises:
        StoreError: The file cannot be written.
    """
    write_file(uri, _config_text(parser, given).encode())
    note(f"options written to {uri}")


def _config_text(parser: Parser, given: GivenOptions) -> str:
    """The options that were given, as TOML."""
    [place] = [action.dest for action in parser.actions if not action.option_strings]
    lines = [f"{place} = [{', '.join(map(quoted, given.places))}]"]
    for name, values in given.options.items():
        if name in _NOT_KEPT:
            continue
        several = name in given.several or len(values) > 1
        shown: object = values if several else values[0] if values else True
        lines.append(f"{name[2:]} = {_toml(shown, parser.options[name])}")
    return "\n".join(lines) + "\n"


def _add(
    uri: str, key: str, given: GivenOptions, action: argparse.Action, option: str, value: object
) -> None:
    """Add one option of a file.

    Raises:
        MistakeError: The option cannot have such a value.
    """
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise MistakeError(f"{uri}: {key} is {value!r}; expected true or false")
        if value:
            given.options[option] = []
        return
    texts = _texts(uri, key, value, action)
    if action.nargs in ("+", "*"):
        given.several.add(option)
        if not texts and action.nargs == "+":
            raise MistakeError(f"{uri}: {key}: found an empty list; expected at least one value")
    elif isinstance(value, list):
        texts = [",".join(texts)]  # such as the lengths of n-grams
    given.options[option] = texts


def _texts(uri: str, key: str, value: object, action: argparse.Action) -> list[str]:
    """A value of a file, or each of its values, as it is typed on the command line."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(uri, key, each, action)]
    if isinstance(value, bool):
        if action.type is not yes_or_no:
            raise MistakeError(
                f"{uri}: {key}: found {str(value).lower()}; expected a text or a number. If it is "
                "a name, put it in quotes"
            )
        return ["yes" if value else "no"]
    if not isinstance(value, (str, int, float)):
        raise MistakeError(
            f"{uri}: {key} is {value!r}; expected a text, a number or a list of them"
        )
    return [str(value)]


def _toml(value: object, action: argparse.Action) -> str:
    """A value as TOML: numbers, yes and no as such, and all else in quotes."""
    if isinstance(value, list):
        return f"[{', '.join(_toml(each, action) for each in value)}]"
    if not isinstance(value, str):
        return "true" if value else "false"
    if action.type is yes_or_no:
        return "true" if yes_or_no(value) else "false"
    if action.type in (int, float):
        return repr(action.type(value))
    if action.type is integer_or_none and value.lower() != "none":
        return repr(int(value))
    return quoted(value)
