"""Reads a file of settings in TOML, YAML or JSON, strictly by the rules of its format."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from prodcat.cli.arrangement import MistakeError
from prodcat.errors import did_you_mean

_FORMATS = (".toml", ".yaml", ".yml", ".json")


def read_settings(uri: str, option: str) -> Mapping[str, Any]:
    """The content of a file of settings.

    Args:
        uri: The file, at any fsspec URI; its ending says the format.
        option: The option that names the file, for messages.

    Raises:
        MistakeError: The file cannot be read, is not of its format, has a key twice, or holds no
            keys at all.
    """
    import fsspec

    if not uri.lower().endswith(_FORMATS):
        raise MistakeError(
            f"{option} is {uri!r}; expected a name ending with .toml, .yaml or .json"
        )
    try:
        with fsspec.open(uri, "rt", encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError as error:
        raise MistakeError(f"{option}: there is no file {uri!r}{_neighbour(uri)}") from error
    except IsADirectoryError as error:
        raise MistakeError(f"{option}: {uri!r} is a folder; expected a file") from error
    except UnicodeDecodeError as error:
        raise MistakeError(f"{option} {uri!r} is not UTF-8; save it as UTF-8") from error
    except (OSError, ValueError, ImportError) as error:
        raise MistakeError(f"{option} {uri!r} cannot be read: {_line(error)}") from error
    content = _parsed(uri, text, option)
    if not isinstance(content, dict):
        raise MistakeError(f"{option} {uri!r} holds no options; expected lines such as epochs = 2")
    return content


def quoted(text: str) -> str:
    """A text in quotes, as TOML, YAML and JSON write it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _parsed(uri: str, text: str, option: str) -> Any:
    import tomllib

    import yaml

    try:
        if uri.lower().endswith(".toml"):
            return tomllib.loads(text)
        if uri.lower().endswith(".json"):
            return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        return _of_yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise MistakeError(
            f"{option} {uri!r} cannot be read: {_line(error)}; expected options by their names"
        ) from error


def _of_yaml(text: str) -> Any:
    """The content of a document in YAML, in which no key is given twice.

    Raises:
        ValueError: A key is given twice.
        YAMLError: The document is not YAML.
    """
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if isinstance(node, yaml.MappingNode):
            _once([(str(key.value), value) for key, value in node.value])
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice; expected each option once")
    return content


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _neighbour(uri: str) -> str:
    """The file of the same folder that has nearly the same name, for a message."""
    path = Path(uri)
    try:
        names = [file.name for file in path.parent.iterdir() if file.is_file()]
    except OSError:
        return ""
    return did_you_mean(path.name, names)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
