"""What the metrics are called in tables, and which of them are better when they are smaller."""

METRIC_NAMES = {
    "path_accuracy": "path accuracy",
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
    "ece": "ECE",
    "brier": "Brier score",
    "risk_coverage_area": "area under risk-coverage",
}
_LOSSES = ("distance", "inconsistent", "log_loss", "ece", "brier", "risk_coverage_area")


def metric_name(name: str) -> str:
    """What a metric is called in tables."""
    return METRIC_NAMES.get(name, name.replace("_", " "))


def is_loss(name: str) -> bool:
    """Whether less is better."""
    return name.endswith(_LOSSES)
