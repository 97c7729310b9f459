"""JSON in files: written in one format, and checked against size limits before it is parsed."""

import json
from typing import Any

from prodcat.errors import ArtifactError


def printable(text: object) -> str:
    r"""Replace each character of a text that cannot be printed by a blank.

    In text that others wrote, such characters could be commands to a terminal.

    >>> printable("red\x1b[2Japple")
    'red [2Japple'
    """
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def read_document(content: bytes, source: str, *, limit: int, values: int = 100_000) -> Any:
    """Parse JSON that may have been made to do harm.

    Args:
        content: The document, in UTF-8.
        source: A description of the document for messages, with which a sentence can begin.
        limit: The maximum size in bytes.
        values: The maximum number of values and brackets: one byte of JSON can take a hundred
            bytes of memory once it is parsed.

    Returns:
        The parsed value.

    Raises:
        ArtifactError: The document is too large, is nested too deeply, or is not JSON.

    >>> read_document(b'{"level": 1}', "An example", limit=100)
    {'level': 1}
    """
    check_document(content, source, limit=limit, values=values)
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ArtifactError(f"{source} is nested too deeply to be read. Write it again.") from error
    except ValueError as error:
        raise ArtifactError(
            f"{source} is damaged: it is not JSON ({error}). Write it again."
        ) from error


def check_document(content: bytes, source: str, *, limit: int, values: int) -> None:
    """Refuse a document that would take too much memory to parse.

    Args:
        content: The document, in UTF-8.
        source: A description of the document for messages, with which a sentence can begin.
        limit: The maximum size in bytes.
        values: The maximum number of values and brackets.

    Raises:
        ArtifactError: The document is too large.
    """
    if len(content) > limit:
        raise ArtifactError(
            f"{source} has {len(content):,} bytes; expected at most {limit:,}. No file of its kind "
            "is so large."
        )
    count = count_values(content)
    if count > values:
        raise ArtifactError(
            f"{source} contains about {count:,} values; expected at most {values:,}. No file of "
            "its kind contains so many."
        )


def count_values(content: bytes) -> int:
    """An upper bound of the number of values and brackets in JSON, quick to compute.

    Commas and brackets within strings are counted too.

    >>> count_values(b'{"levels": [1, 2]}')
    3
    """
    return sum(content.count(mark) for mark in (b",", b"[", b"{"))


def json_text(
    value: object,
    *,
    indent: int | None = None,
    ascii: bool = False,
    end: str = "\n",
    **options: Any,
) -> str:
    r"""Format a value as a JSON document that ends with a line feed.

    Args:
        value: Any value that :func:`json.dumps` can write.
        indent: The number of spaces by which each level is indented; None for a single line.
        ascii: Whether characters outside ASCII are escaped.
        end: The text after the document.
        **options: Further options of :func:`json.dumps`, such as ``sort_keys`` and ``default``.

    >>> json_text({"name": "Süt"})
    '{"name": "Süt"}\n'
    >>> json_text({"name": "Süt"}, ascii=True, end="")
    '{"name": "S\\u00fct"}'
    """
    return json.dumps(value, indent=indent, ensure_ascii=ascii, **options) + end


def json_bytes(value: object, **form: Any) -> bytes:
    r"""The UTF-8 bytes of :func:`json_text`, whose arguments it takes.

    >>> json_bytes([1, 2])
    b'[1, 2]\n'
    """
    return json_text(value, **form).encode()
