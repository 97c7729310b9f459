"""The refusal of a request."""

import json

_MOST_SHOWN = 80  # letters of a value from a request


class Refusal(Exception):  # noqa: N818, it is an answer, too
    """The request is answered with a status and a sentence.

    Args:
        status: The status code of HTTP.
        reason: What was found, what was expected and what to do.
        retry_after: Seconds after which the same request may succeed; None if it will not.
    """

    def __init__(self, status: int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    @property
    def body(self) -> bytes:
        """The reason as a JSON object, for servers that send bytes."""
        return json.dumps({"error": self.reason}).encode()

    def __reduce__(self) -> "tuple[type[Refusal], tuple[int, str, float | None]]":
        """The arguments, for processes such as Ray's that send the refusal to another one."""
        return Refusal, (self.status, self.reason, self.retry_after)


def too_large(size: int | str, limit: int) -> Refusal:
    """Make the refusal of a body that is over the limit.

    Args:
        size: The bytes of the body, as a number or in words.
        limit: The most bytes that it may have.
    """
    shown_size = f"{size:,}" if isinstance(size, int) else size
    return Refusal(
        413, f"The body has {shown_size} bytes; expected at most {limit:,}. Send several requests."
    )


def shown(value: object) -> str:
    """A value from a request as a reason shows it; long values are cut.

    >>> shown("milk")
    "'milk'"
    """
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
