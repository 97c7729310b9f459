"""What a server says instead of an answer."""


class Refusal(Exception):  # noqa: N818, it is an answer, too
    """A request that is answered with a status and a sentence.

    Args:
        status: Of HTTP.
        reason: What was found, what was expected and what to do.
        retry_after: Seconds after which it may go well, if it may.
    """

    def __init__(self, status: int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    def __reduce__(self) -> "tuple[type[Refusal], tuple[int, str, float | None]]":
        """For another process, such as Ray's."""
        return Refusal, (self.status, self.reason, self.retry_after)
