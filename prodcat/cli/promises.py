"""What a guarantee buys: the share of titles that are answered for each share of errors."""

from typing import TYPE_CHECKING

from prodcat.cli.version_tables import aligned

if TYPE_CHECKING:
    from prodcat.decisions.guarantee import Guarantee, Promise


def promises_table(guarantee: "Guarantee") -> str:
    """Format a table: for some shares of wrong answers, the share of titles that are answered.

    Args:
        guarantee: The measured guarantee; the shares are those of its calibration titles.
    """
    return aligned([_line(promise) for promise in guarantee.promises()])


def _line(promise: "Promise") -> dict[str, str]:
    error, answered, reason = promise.cells
    how = reason or f"predict --max-error {promise.max_error:g}"
    return {"WRONG AT MOST": error, "ANSWERED": answered, "HOW": how}
