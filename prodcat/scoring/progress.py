"""Show the speed of a scoring job and the remaining time."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from prodcat.scoring.parts import Part

logger = logging.getLogger("prodcat")
_LOG_EVERY = 30.0  # seconds


class Progress:
    """Shows the speed and the remaining time: on a progress bar, and every 30 seconds in the log.

    Args:
        bar: Whether to show a progress bar.
        began: The time at which the job began, in seconds of the monotonic clock.
        sizes: The size of each input file in bytes.
        shares: The number of processes that share the files.
    """

    def __init__(self, bar: bool, began: float, sizes: Sequence[int], shares: int) -> None:
        self.bar: Any = None
        if bar:
            from tqdm.auto import tqdm

            self.bar = tqdm(unit=" titles", unit_scale=True)
        self.began = self.logged = began
        self.sizes, self.shares = sizes, shares
        self.answered_bytes = 0.0

    def count_part(self, rows: int, part: Part) -> int:
        """Count one more answered part.

        Args:
            rows: The number of rows that are answered so far, this part included.
            part: The part.

        Returns:
            The approximate number of rows that this process has yet to answer.
        """
        size = self.sizes[part.file]
        self.answered_bytes += (part.span[1] - part.span[0]) * size
        behind = (1 - part.span[1]) * size + sum(self.sizes[part.file + 1 :])
        return round(rows / max(self.answered_bytes, 1) * behind / self.shares)

    def show(self, rows: int, part: Part) -> None:
        """Count one more answered part, and show the progress; see :meth:`count_part`."""
        left = self.count_part(rows, part)
        if self.bar is not None:
            self.bar.total = rows + left
            self.bar.update(rows - self.bar.n)
        now = time.monotonic()
        if now - self.logged >= _LOG_EVERY:
            pace = rows / (now - self.began)
            logger.info(
                "%d titles answered, %.0f per second; about %d titles and %.0f s remain.",
                rows, pace, left, left / max(pace, 1e-9),
            )  # fmt: skip
            self.logged = now

    def close(self) -> None:
        """Show the progress bar as complete, and close it."""
        if self.bar is not None:
            self.bar.total = self.bar.n
            self.bar.close()
