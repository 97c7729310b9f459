"""The progress bars of a training."""

from typing import Any


def progress_bar(total: int, name: str, unit: str, shown: object, done: int = 0) -> Any:
    """A progress bar of tqdm.

    Args:
        total: The number of units.
        name: What stands before the bar.
        unit: The name of a unit.
        shown: Whether the bar is shown.
        done: The number of units that an earlier run has done.
    """
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=name or None, disable=not shown, unit=unit, initial=done)
