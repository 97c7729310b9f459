"""The error that answers a request with an HTTP status and a message."""

import json
from collections.abc import Mapping

_MOST_SHOWN = 80  # maximum letters of a value from a request in a message


class Refusal(Exception):  # noqa: N818, a refusal is also an answer
    """Raised to answer a request with an HTTP error status and a message.

    Args:
        status: The HTTP status code.
        reason: The message: what was found, what was expected and what to do.
        retry_after: Seconds after which the same request may succeed; None if it cannot.
        headers: Further headers of the answer by their names.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        """The JSON object ``{"error": reason}`` in UTF-8."""
        return json.dumps({"error": self.reason}).encode()

    def __reduce__(
        self,
    ) -> "tuple[type[Refusal], tuple[int, str, float | None, dict[str, str]]]":
        """Make the refusal picklable, so that for example Ray can send it to another process."""
        return Refusal, (self.status, self.reason, self.retry_after, self.headers)


def too_large(size: int | str, limit: int) -> Refusal:
    """Make the refusal of a body that is over the limit.

    Args:
        size: The size of the body in bytes, as a number or in words.
        limit: The maximum size in bytes.
    """
    shown_size = f"{size:,}" if isinstance(size, int) else size
    return Refusal(
        413, f"The body has {shown_size} bytes; expected at most {limit:,}. Send several requests."
    )


def answer_too_large(limit: int, size: int | None = None) -> Refusal:
    """Make the refusal of a request whose answer is over the limit.

    Args:
        limit: The maximum size of an answer in bytes.
        size: The approximate size that the answer would have, in bytes; None if unknown.
    """
    about = "more bytes" if size is None else f"about {size:,} bytes"
    return Refusal(
        413,
        f"The answer would have {about}; expected at most {limit:,}. Ask for fewer titles or a "
        "smaller top_k.",
    )


def too_late() -> Refusal:
    """Make the refusal of a request that was not answered in time."""
    return Refusal(503, "The request was not answered in time. Try again later.", 1.0)


def shown(value: object) -> str:
    """The ``repr`` of a value from a request for a message, cut to 80 characters.

    >>> shown("milk")
    "'milk'"
    """
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
