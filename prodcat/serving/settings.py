"""The settings of a server: the limits of a request, and how long it may wait."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """The limits of a request.

    Attributes:
        body: Most bytes in the body.
        titles: Most titles in the request.
    """

    body: int = 6 << 20
    titles: int = 4_096


@dataclass(frozen=True)
class Settings:
    """The settings of a server.

    Attributes:
        limits: The limits of a request.
        patience: Seconds after which a request that was not answered is refused.
        most_waiting: Most titles that may wait.
        most_wait: Most seconds that a request may wait for others, or twice its duration if that
            is longer.
        transforms: Requests that Batch Transform may send at once.
        batch: Most titles in a batch; if None, the number that suits the device.
        batch_strategy: Whether Batch Transform may put many records into one request
            (``"MULTI_RECORD"``) or sends each alone (``"SINGLE_RECORD"``).
    """

    limits: Limits = field(default_factory=Limits)
    patience: float = 50.0
    most_waiting: int = 16_384
    most_wait: float = 1.5
    transforms: int = 4
    batch: int | None = None
    batch_strategy: str = "MULTI_RECORD"
