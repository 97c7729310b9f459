"""What a guarantee buys: the share of titles that are answered for each share of errors."""

import re
from typing import TYPE_CHECKING

from prodcat.cli.version_tables import aligned
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.decisions.guarantee import Guarantee

_ERRORS = (0.02, 0.05, 0.1)


def promises_table(guarantee: "Guarantee") -> str:
    """Format a table: for some shares of wrong answers, the share of titles that are answered.

    Args:
        guarantee: The measured guarantee; the shares are those of its calibration titles.
    """
    lines = [_line(guarantee, error) for error in _ERRORS]
    return aligned(lines)


def _remark(reason: str) -> str:
    """Why nothing can be promised, in a few words."""
    needed = re.search(r"needs at least [\d,]+ calibration titles", reason)
    return needed[0] if needed else "too many answers are wrong, or too few titles show it"


def _line(guarantee: "Guarantee", error: float) -> dict[str, str]:
    import numpy as np

    try:
        thresholds = guarantee.confidence_thresholds(error)
    except ConfigError as reason:
        answered, remark = "none", _remark(str(reason))
    else:
        limits = np.array([thresholds[name] for name in guarantee.names])
        share = float(np.mean(guarantee.confidence >= limits[guarantee.groups]))
        answered, remark = f"{share:.1%}", f"predict --max-error {error:g}"
    return {"WRONG AT MOST": f"{error:.0%}", "ANSWERED": answered, "HOW": remark}
