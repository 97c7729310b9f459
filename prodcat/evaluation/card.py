"""An evaluation as the text in the card of a saved classifier.

The card is one of the files from which a classifier's hash is made.  So its form stays as it is:
with another form, a classifier that was saved earlier would have another hash.
"""

from prodcat.evaluation.displays import summary
from prodcat.evaluation.levels import level_table
from prodcat.evaluation.measurements import Measurements
from prodcat.evaluation.metric_names import METRIC_NAMES

_TERMS = {"path_accuracy": "path accuracy", "ece": "ECE", "brier": "Brier score"}
_LEVEL_HEADER = ("level", "rows", "accuracy", "macro F1", "ECE", "Brier", "end here")


def card_text(evaluation: Measurements) -> str:
    """Two tables with a blank line between them: all metrics, and those of the levels."""
    terms = {METRIC_NAMES[metric]: term for metric, term in _TERMS.items()}
    lines = [
        f"{terms.get(name, name):<32}{value:>10}  {interval}".rstrip()
        for name, value, interval in summary(evaluation)
    ]
    levels = [_LEVEL_HEADER, *level_table(evaluation.levels)]
    return "\n".join([*lines, "", *("".join(f"{cell:>12}" for cell in row) for row in levels)])
