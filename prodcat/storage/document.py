"""JSON as files hold it: written in one form, and bounded in size before it is parsed."""

import json
from typing import Any

from prodcat.errors import ArtifactError


def printable(text: object) -> str:
    r"""Text from outside with a blank for each character that cannot be printed.

    Such characters could be commands to a terminal.

    >>> printable("red\x1b[2Japple")
    'red [2Japple'
    """
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def read_document(content: bytes, source: str, *, limit: int, values: int = 100_000) -> Any:
    """Parse JSON that may have been made to do harm.

    Args:
        content: The document, in UTF-8.
        source: What the document is, for messages.
        limit: The most bytes that are accepted.
        values: The most values and brackets that are accepted: one byte of JSON can take a
            hundred bytes of memory once it is parsed.

    Raises:
        ArtifactError: The document is too large, nested too deep, or not JSON.

    >>> read_document(b'{"level": 1}', "An example", limit=100)
    {'level': 1}
    """
    check_document(content, source, limit=limit, values=values)
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ArtifactError(f"{source} is nested too deep for a file of its kind.") from error
    except ValueError as error:
        raise ArtifactError(f"{source} is damaged: it is no JSON ({error}).") from error


def check_document(content: bytes, source: str, *, limit: int, values: int) -> None:
    """Refuse a document that would take too much memory to parse; see :func:`read_document`.

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
            f"{source} holds some {count:,} values; expected at most {values:,}. No file of its "
            "kind holds so many."
        )


def count_values(content: bytes) -> int:
    """An upper limit of the values and brackets in JSON: commas within strings count too.

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
    r"""A value as a JSON document that ends with a line feed.

    Args:
        value: Any value that :func:`json.dumps` can write.
        indent: Spaces by which each level is indented; None for a document in one line.
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
