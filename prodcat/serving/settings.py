"""How a server works: what a request may be, and how long it may wait."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """What a request may be.

    Attributes:
        body: Bytes of its body.
        titles: Titles in one request.
    """

    body: int = 6 << 20
    titles: int = 4_096


@dataclass(frozen=True)
class Settings:
    """How a server works.

    Attributes:
        limits: What a request may be.
        patience: Seconds that a request may wait for its answer.
        most_waiting: Titles that may wait.
        most_wait: Seconds that others may keep a request waiting, or twice what it takes itself.
        transforms: Requests that Batch Transform may send at once.
        batch: Titles that are read at once; as suits the device if not given.
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
