r"""Category paths, as tuples of names and as lines of text.

What :func:`join_path` writes, :func:`split_path` reads as the same names.  A separator within a
name is written with a backslash before it, ``\>``; backslashes just before it are doubled, and all
others stand for themselves.
"""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.storage.containers import described, is_missing, ordered_values

SEPARATOR = " > "
Path = tuple[str, ...]

_QUOTED = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_ITEM = rf"(?:{_QUOTED}|None|nan|<NA>)"
_LIST = re.compile(rf"[\[(]\s*{_ITEM}(?:(?:\s*,\s*|\s+){_ITEM})*\s*,?\s*[\])]", re.DOTALL)
_NAME = re.compile(_ITEM, re.DOTALL)
# How a list or an object begins, whole or cut: no category has a name like that.
_LIST_START = re.compile(
    r"""\[[\[(\s]*["'{] | \(\s*(["']).*?\1\s*, | \{\s*["'}]""", re.DOTALL | re.VERBOSE
)


def join_path(path: Sequence[str], separator: str = ">") -> str:
    r"""The names of a path in one line, with the separator between blanks between them.

    Args:
        path: The names, which have no blanks at their ends.
        separator: The text between two names.

    >>> join_path(("Food", "Fruit", "Apples")), join_path(("Shoes", "Size > 40"))
    ('Food > Fruit > Apples', 'Shoes > Size \\> 40')
    """
    mark = separator.strip()
    names = [_escaped(name, mark) if mark in name else name for name in path]
    line = f" {mark} ".join(names)
    is_plain = _listed(line) is None and not is_like_list(line)
    return line if is_plain else json.dumps(list(path), ensure_ascii=False)


def split_path(text: str, separator: str = ">") -> Path:
    r"""The names in one line of text, each without surrounding blanks; none in a blank text.

    Args:
        text: Names with separators between them; or a list of names, as JSON or Python write it.
        separator: The text between two names.

    Raises:
        TaxonomyError: The text begins like a list of names, but is cut or has other values.

    >>> split_path("Food > Fruit>Apples"), split_path("Food/Fruit", separator="/")
    (('Food', 'Fruit', 'Apples'), ('Food', 'Fruit'))
    >>> split_path('["Shoes", "Size > 40"]') == split_path(r"Shoes > Size \> 40")
    True
    """
    text = text.strip()
    listed = _listed(text)
    if listed is not None:
        return listed
    if not text:
        return ()
    if is_like_list(text):
        raise TaxonomyError(
            f"{text[:60]!r} begins like a list or an object, but is no complete list of names; "
            f"""expected a list such as ["Food", "Milk"], or 'Food {separator.strip()} Milk'"""
        )
    mark = separator.strip()
    if "\\" not in text:
        parts = text.split(separator)
    elif separator.startswith(mark):
        parts = _divided(text, separator)
    else:  # a blank before the mark shows that no backslash is there
        parts = text.split(separator)
    return tuple(_unescaped(part, mark).strip() for part in parts)


def path_of(value: Any, what: str = "The path") -> Path:
    """A path that a caller gave, as a sequence of names or in one line of text.

    Args:
        value: What was given.
        what: What it is, for the error message, which begins with it.

    Raises:
        TaxonomyError: It is neither text nor a sequence of texts.

    >>> path_of(["Food", "Fruit"]) == path_of("Food > Fruit")
    True
    """
    if isinstance(value, str):
        return split_path(value)
    names = ordered_values(value)
    if names is None:
        raise TaxonomyError(
            f"{what} is {value!r:.60}, of type {type(value).__name__}; expected a list of names, "
            "such as ['Food', 'Fruit'], or one text, such as 'Food > Fruit'."
        )
    path = tuple(names)
    strange = [name for name in path if not isinstance(name, str) and not is_missing(name)]
    if strange:
        raise TaxonomyError(
            f"{what} has {described(strange[0])} as a name; expected texts. Convert it with str()."
        )
    return path


def is_like_list(text: str) -> bool:
    """Whether a text begins like a list or an object of JSON or Python, such as ``["Food``.

    >>> is_like_list('["Food", "Mi'), is_like_list("[Sale]"), is_like_list('[["Food"]]')
    (True, False, True)
    """
    return text[:1] in ("[", "(", "{") and _LIST_START.match(text) is not None


def _escaped(name: str, mark: str) -> str:
    return re.sub(rf"(\\*){re.escape(mark)}", rf"\1\1\\{_literal(mark)}", name)


def _literal(mark: str) -> str:
    """The mark as part of a pattern's replacement."""
    return mark.replace("\\", "\\\\")


def _divided(text: str, separator: str) -> list[str]:
    """The parts between separators that have an even number of backslashes before them."""
    parts, start = [], 0
    for border in re.finditer(rf"(\\*){re.escape(separator)}", text):
        if len(border[1]) % 2 == 0:
            parts.append(text[start : border.start()] + border[1][: len(border[1]) // 2])
            start = border.end()
    return [*parts, text[start:]]


def _unescaped(name: str, mark: str) -> str:
    if "\\" not in name:
        return name
    odd = rf"(?<!\\)((?:\\\\)*)\\{re.escape(mark)}"
    return re.sub(odd, lambda run: run[1][: len(run[1]) // 2] + mark, name)


def _listed(text: str) -> Path | None:
    """The names of a list in a text, as JSON, Python or NumPy write it; None for another text."""
    if text[:1] not in ("[", "(") or text[-1:] not in ("]", ")"):
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        if not text[1:-1].strip():
            return ()
        if not _LIST.fullmatch(text):
            return None
        try:
            names = _NAME.findall(text)
            values = [ast.literal_eval(n) if n[0] in "'\"" else None for n in names]
        except (ValueError, SyntaxError):
            return None
    if not isinstance(values, list) or not all(map(_is_name, values)):
        return None
    return tuple("" if is_missing(name) else str(name).strip() for name in values)


def _is_name(value: object) -> bool:
    """Whether an entry of a list is a name or an id, or missing."""
    is_text = isinstance(value, (str, int)) and not isinstance(value, bool)
    return is_text or is_missing(value)
