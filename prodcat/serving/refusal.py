"""What a server says instead of an answer."""

_MOST_SHOWN = 80  # letters of a value from a request


class Refusal(Exception):  # noqa: N818, it is an answer, too
    """A request that is answered with a status and a sentence.

    Args:
        status: The status code of HTTP.
        reason: What was found, what was expected and what to do.
        retry_after: Seconds after which it may go well, if it may.
    """

    def __init__(self, status: int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    def __reduce__(self) -> "tuple[type[Refusal], tuple[int, str, float | None]]":
        """For another process, such as Ray's."""
        return Refusal, (self.status, self.reason, self.retry_after)


def too_large(size: int | str, limit: int) -> Refusal:
    """Refuse a body that is over the limit.

    Args:
        size: Its bytes, as a number or in words.
        limit: The bytes that it may have.
    """
    shown_size = f"{size:,}" if isinstance(size, int) else size
    return Refusal(
        413, f"The body has {shown_size} bytes; expected at most {limit:,}. Send several requests."
    )


def shown(value: object) -> str:
    """A value from a request as a reason shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
