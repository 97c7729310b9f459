"""The settings of a server: the limits of requests, and how long they may take."""

from dataclasses import dataclass, field

from prodcat.storage.places import ReadLimits

MODEL_LIMITS = ReadLimits(max_bytes=16 << 30, seconds=120.0)  # for models that requests name

_ANSWER = 4 << 10  # bytes of the answer for each title that a request may have


@dataclass(frozen=True)
class Limits:
    """The maximum size of a request.

    Attributes:
        body: Maximum size of the body, in bytes.
        titles: Maximum number of titles in a request.
    """

    body: int = 6 << 20
    titles: int = 4_096

    @property
    def answer(self) -> int:
        """Maximum size of the answer, in bytes."""
        return max(4 * self.body, _ANSWER * self.titles)


@dataclass(frozen=True)
class Pace:
    """How fast a client must send its request and read its answer.

    Attributes:
        head: Maximum time, in seconds, until the request line and the headers are complete,
            counted from the start of the connection or, for later requests, from their first byte.
        stall: Maximum time, in seconds, in which no byte arrives or no byte is read.
        bytes_a_second: Minimum average speed, in bytes per second, at which a body must arrive and
            an answer must be read; applies after the first ``stall`` seconds.
    """

    head: float = 10.0
    stall: float = 10.0
    bytes_a_second: int = 32 << 10


@dataclass(frozen=True)
class Settings:
    """The settings of a server.

    Attributes:
        limits: The maximum size of a request.
        patience: Time, in seconds from its first byte, after which an unanswered request is
            refused.
        most_waiting: Maximum number of titles that may wait.
        most_wait: Maximum time, in seconds, that a request may wait for other requests.  A request
            that takes long itself may wait twice its own duration if that is longer.
        transforms: Number of requests that SageMaker's Batch Transform may send at once.
        batch: Maximum number of titles in a batch; if None, a number that suits the device.
        batch_strategy: Whether Batch Transform may put many records into one request
            (``"MULTI_RECORD"``) or must send each record alone (``"SINGLE_RECORD"``).
        model: Limits, in bytes and seconds, on reading a model that a request names.
        pace: How fast a client must send and read.
        connections: Maximum number of open connections.  If there are more, those that have waited
            longest for their clients are closed.
    """

    limits: Limits = field(default_factory=Limits)
    patience: float = 50.0
    most_waiting: int = 16_384
    most_wait: float = 3.0
    transforms: int = 4
    batch: int | None = None
    batch_strategy: str = "MULTI_RECORD"
    model: ReadLimits = MODEL_LIMITS
    pace: Pace = field(default_factory=Pace)
    connections: int = 4_096
