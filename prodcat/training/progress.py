"""The progress of a training: bars in a terminal or a notebook, and plain lines elsewhere."""

import sys
from typing import Any, TextIO

_SECONDS = 30.0  # between two lines
_LINE = "{desc}: {n_fmt}/{total_fmt} {unit}s{postfix}, {elapsed} elapsed"


def progress_bar(total: int, name: str, unit: str, shown: object, done: int = 0) -> Any:
    """A progress bar of tqdm; where the standard error is no terminal, it prints a line at times.

    Args:
        total: The number of units.
        name: What stands before the bar.
        unit: The name of a unit.
        shown: Whether the bar is shown.
        done: The number of units that an earlier run has done.
    """
    from tqdm.auto import tqdm
    from tqdm.std import tqdm as terminal_bar

    if not shown or sys.stderr.isatty() or _is_for_notebooks(tqdm):
        return tqdm(total=total, desc=name or None, disable=not shown, unit=unit, initial=done)
    return terminal_bar(
        total=total, desc=name or "progress", unit=unit, initial=done, file=_Lines(sys.stderr),
        bar_format=_LINE, mininterval=_SECONDS, maxinterval=_SECONDS, miniters=1,
    )  # fmt: skip


def _is_for_notebooks(bar: type) -> bool:
    """Whether a class of bars shows them in a notebook, whose standard error is no terminal."""
    return any(base.__name__ == "tqdm_notebook" for base in bar.__mro__)


class _Lines:
    """A stream that writes each state of a bar as a line of its own.

    Args:
        stream: The stream with the lines.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.last = stream, ""

    def write(self, text: str) -> None:
        """Write a state, unless only its time differs from the last one."""
        line = text.strip()
        state = line.rpartition(", ")[0]
        if state and state != self.last:
            self.stream.write(f"{line}\n")
            self.last = state

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()
