"""The names of metrics in tables, and for which metrics smaller values are better.

What plain words can say is named in plain words, with the term in brackets.
"""

METRIC_NAMES = {
    "path_accuracy": "whole path right (path accuracy)",
    "coverage": "truth or an ancestor",
    "answered_accuracy": "right among the answered",
    "macro_f1": "macro F1",
    "hierarchical_precision": "hierarchical precision",
    "hierarchical_recall": "hierarchical recall",
    "hierarchical_f1": "hierarchical F1",
    "macro_hierarchical_f1": "hierarchical F1, mean of rows",
    "tree_distance": "tree distance",
    "error_distance": "tree distance of errors",
    "tail_recall": "recall of the rarest tenth",
    "log_loss": "log loss",
    "ece": "confidence is off by (ECE)",
    "brier": "confidence, squared error (Brier score)",
    "risk_coverage_area": "area under risk-coverage",
}
_LOSSES = ("distance", "inconsistent", "log_loss", "ece", "brier", "risk_coverage_area")


def metric_name(name: str) -> str:
    """The name of a metric in tables.

    >>> metric_name("ece"), metric_name("level_1_accuracy")
    ('confidence is off by (ECE)', 'level 1 accuracy')
    """
    return METRIC_NAMES.get(name, name.replace("_", " "))


def is_loss(name: str) -> bool:
    """Whether smaller values of a metric are better.

    >>> is_loss("tree_distance"), is_loss("macro_f1")
    (True, False)
    """
    return name.endswith(_LOSSES)
