"""Says in the words of the command line what the library says in those of Python.

The library's messages name arguments of Python, such as ``title=`` or ``encoder=None``.  Who typed
a command is told of ``--title`` and ``--encoder none``.
"""

import re
import shlex
from collections.abc import Mapping

# Arguments of Python whose option has another name, if the command has that option.
_RENAMED = {"encoding": "--file-encoding", "name": "--run", "progress": "--quiet"}
# Arguments of Python that a command fills in by itself, so that nobody can type them.
_FILLED_IN = frozenset({"keep", "groups"})
# Calls of Python, and the commands that do the same.
_CALLS = (
    (r"\bCall (?=(?:Classifier\.)?(?:with_guarantee|calibrate)\()", "Run "),
    (r"\bcall (?=(?:Classifier\.)?(?:with_guarantee|calibrate)\()", "run "),
    (r"(?:Classifier\.)?with_guarantee\([^)]*\)", "prodcat guarantee"),
    (r"(?:Classifier\.)?\bcalibrate\([^)]*\)", "prodcat calibrate"),
)
_QUOTED = r"(?<!\w)'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_VALUE = rf"(?:{_QUOTED}|\([^()]*\)|\[[^\[\]]*\]|[-+]?\d[\w.+-]*|None|True|False|<\w+>)?"
_ARGUMENT = rf"(?<![\w'\"/?&=.-])(?P<name>[a-z][a-z_]*)=(?P<value>{_VALUE})(?![\w'\"=])"
# A text in quotes is somebody's data; it stays as it is.
_BARE = r"(?<![\w'\"/.=-])(?P<bare>[a-z]+(?:_[a-z]+)+)(?![\w'\"/.(=])|"
_TOKEN = re.compile(rf"{_ARGUMENT}|{_BARE}{_QUOTED}")
_LIST = re.compile(r"(?:[a-z][a-z_]*=, )*[a-z][a-z_]*=(?: and | or )[a-z][a-z_]*=(?![\w'\"(\[])")
_DETAIL = re.compile(r"^  .*\(row \d+")  # a line of a report about wrong rows: it quotes them
_TWICE = re.compile(r"(--[a-z-]+)(?: \(\1(?: in Python)?\)| or \1)")
# Sentences of the library that say in Python what is typed in another way.
_SHARE = re.compile(
    r"shard=\((-?\d+), (-?\d+)\) is out of range; expected \(index, count\) with 0 <= index < count"
)
_MODEL = re.compile(r"model=prodcat\.ModelConfig\(([a-z_]+=[^()]*)\)")
_SETTING = re.compile(r"\bsetting (?P<name>[a-z][a-z_]*)(?![\w'])")
_OVERWRITE = re.compile(r"\b(?:score with|use) overwrite\b(?!=)")
_ASIDE = re.compile(r" \(on the command line [^()]*\)|; on the command line: [^.]*")


def in_words_of_options(message: str, options: Mapping[str, object]) -> str:
    """A message of the library, in which arguments of Python are options of a command.

    Args:
        message: The message.
        options: The options of the command by name, such as ``--title``.

    Returns:
        The message; names that are not options of the command stay as they are.

    >>> options = {"--title": 0, "--max-tokens": 0, "--encoder": 0}
    >>> in_words_of_options("title='x' is no column; use title= or keep=.", options)
    '--title x is no column; use --title.'
    >>> in_words_of_options("max_tokens=9 is too much. Set encoder=None.", options)
    '--max-tokens 9 is too much. Set --encoder none.'
    """
    lines = message.split("\n")
    return "\n".join(line if _DETAIL.match(line) else _worded(line, options) for line in lines)


def option_of(name: str, options: Mapping[str, object], value: str = "") -> str | None:
    """The option for an argument of Python; None if the command has none.

    Args:
        name: The name of the argument.
        options: The options of the command by name.
        value: The value that is given with the name, as text; empty if none is.
    """
    renamed = _RENAMED.get(name)
    if renamed in options:
        return renamed
    if name == "validation" and re.match(r"[-\d]", value) and "--validation-share" in options:
        return "--validation-share"
    option = f"--{name.replace('_', '-')}"
    return option if option in options else None


def _worded(line: str, options: Mapping[str, object]) -> str:
    for pattern, command in _CALLS:
        line = re.sub(pattern, command, line)
    if "--encoder" in options:
        line = _MODEL.sub(r"\1", line)
    if "--shard" in options:
        line = _SHARE.sub(_share, line)
    if "--overwrite" in options:
        line = _OVERWRITE.sub("add --overwrite", line)
        line = _SETTING.sub(lambda match: _setting(match, options), line)
    line = _LIST.sub(lambda names: _listed(names[0], options), line)
    line = _TOKEN.sub(lambda token: _option(token, options), line)
    return _TWICE.sub(r"\1", _ASIDE.sub("", line))


def _share(match: "re.Match[str]") -> str:
    """A share that is out of range, and the shares that are not."""
    index, count = match.groups()
    last = int(count) - 1
    allowed = f"0/{count} to {last}/{count}" if last > 0 else "0/1, or a count above 1"
    return f"--shard {index}/{count} is out of range; expected {allowed}"


def _setting(match: "re.Match[str]", options: Mapping[str, object]) -> str:
    """A setting of a job as its option, if it has one."""
    option = option_of(match["name"], options)
    return match[0] if option is None else option


def _listed(names: str, options: Mapping[str, object]) -> str:
    """A list of arguments such as ``title=, path= and keep=``, without those that nobody types."""
    word = "and" if " and " in names else "or"
    known = [name.rstrip("=") for name in re.split(r", | and | or ", names)]
    shown = [option_of(name, options) for name in known if name not in _FILLED_IN]
    kept = [option for option in shown if option is not None]
    if not kept:
        return names
    return kept[0] if len(kept) == 1 else f"{', '.join(kept[:-1])} {word} {kept[-1]}"


def _option(token: "re.Match[str]", options: Mapping[str, object]) -> str:
    """One argument with its value as an option; a text in quotes as it is."""
    name, value = token["name"] or token["bare"], token["value"]
    option = None if name is None else option_of(name, options, value or "")
    if option is None:
        return token[0]
    is_flag = getattr(options[option], "nargs", None) == 0
    return option if is_flag or not value else f"{option} {_typed(value)}"


def _typed(value: str) -> str:
    """A value of Python as it is typed in a shell."""
    words = {"None": "none", "True": "yes", "False": "no"}
    if value in words:
        return words[value]
    if value[0] in "'\"":
        inner = value[1:-1]
        return shlex.quote(inner) if inner else "''"
    if value[0] in "([":
        return re.sub(r"[\s'\"]", "", value[1:-1])
    return value
