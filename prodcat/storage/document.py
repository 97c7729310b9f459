"""JSON from outside, bounded before it is parsed."""

import json
from typing import Any

from prodcat.errors import ArtifactError


def printable(text: object) -> str:
    """What a stranger wrote, without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def read_document(content: bytes, source: str, *, limit: int, values: int = 100_000) -> Any:
    """Parse JSON that may have been made to do harm.

    Args:
        content: UTF-8.
        source: What it is, for the message.
        limit: Most bytes.
        values: Most values and brackets: a byte of JSON can cost a hundred once it is parsed.

    Raises:
        ArtifactError: It is too large, too deep, or no JSON.
    """
    check_document(content, source, limit=limit, values=values)
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ArtifactError(f"{source} is nested too deep to be what it should be.") from error
    except ValueError as error:
        raise ArtifactError(f"{source} is damaged: it is no JSON ({error}).") from error


def check_document(content: bytes, source: str, *, limit: int, values: int) -> None:
    """Refuse what would take too much memory to parse; see :func:`read_document`.

    Raises:
        ArtifactError: It is too large.
    """
    if len(content) > limit:
        raise ArtifactError(
            f"{source} has {len(content):,} bytes; expected at most {limit:,}. It is not what it "
            "should be."
        )
    count = count_values(content)
    if count > values:
        raise ArtifactError(
            f"{source} holds some {count:,} values; expected at most {values:,}. It is not what "
            "it should be."
        )


def count_values(content: bytes) -> int:
    """How many values and brackets JSON has at most; commas within texts count, too."""
    return sum(content.count(mark) for mark in (b",", b"[", b"{"))
