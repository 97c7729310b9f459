"""What ``prodcat train`` prints at its end: results, the baseline beside them, what to do next."""

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from prodcat.cli.version_tables import aligned

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier

_BASELINE = "TF-IDF AND SVM"
_KEPT = ("--title", "--path", "--path-ids", "--separator", "--delimiter", "--file-encoding")


def training_results(options: argparse.Namespace, classifier: "Classifier") -> str:
    """Format the results of a training: which titles it was measured on, and a table.

    Args:
        options: The parsed options of ``prodcat train``.
        classifier: The trained classifier.
    """
    evaluation = classifier.validation
    if evaluation is None:
        return "not measured: no titles were held out, and no --validation was given"
    lines = [f"measured on {_measured_titles(options, classifier, evaluation)}", ""]
    baseline = evaluation.baseline
    levels = evaluation.level_accuracy
    interval = evaluation.intervals["path_accuracy"]
    names = [
        "whole path right (path accuracy)",
        *(f"  level {level + 1}" for level in range(len(levels))),
    ]
    scores = [evaluation.path_accuracy, *levels]
    others = ["not measured"] + [""] * len(levels)
    if baseline is not None:
        others = [f"{score:.1%}" for score in (baseline.path_accuracy, *baseline.level_accuracy)]
    ranges = [f"{interval.low:.1%} to {interval.high:.1%}"] + [""] * len(levels)
    lines.append(
        aligned(
            [
                {
                    "": name,
                    "THIS CLASSIFIER": f"{score:.1%}",
                    "95 % INTERVAL": around,
                    _BASELINE: other,
                }
                for name, score, around, other in zip(names, scores, ranges, others, strict=True)
            ]
        )
    )
    return "\n".join([*lines, *_remarks(classifier, evaluation)])


def next_commands(options: argparse.Namespace) -> str:
    """The commands that usually follow a training, with the columns of this one."""
    columns = "".join(
        f" {name} {' '.join(map(shlex.quote, options.given.options[name]))}"
        for name in _KEPT
        if name in options.given.options
    )
    title = "".join(
        f" --title {shlex.quote(value)}" for value in options.given.options.get("--title", ())
    )
    model = shlex.quote(options.output)
    return (
        "next:\n"
        f"  prodcat predict TITLES.csv --model {model} --output answers.csv{title}\n"
        f"  prodcat evaluate LABELLED.csv --model {model} --report report.html{columns}"
    )


def _measured_titles(options: argparse.Namespace, classifier: "Classifier", evaluation: Any) -> str:
    """Which titles the results were measured on, in words."""
    rows = f"{evaluation.rows:,} titles"
    if options.validation:
        return f"the {rows} of --validation, which the classifier did not learn before"
    if classifier.model.encoder is None and classifier.training.learn_validation:
        return f"{rows} of the training, each answered by n-grams that did not learn it"
    learned = "; it learned them afterwards" if classifier.training.learn_validation else ""
    return f"{rows} that were held out of the training{learned}"


def _remarks(classifier: "Classifier", evaluation: Any) -> list[str]:
    """What the table does not say about the baseline."""
    baseline = evaluation.baseline
    if baseline is None and not classifier.training.baseline:
        return []
    if baseline is None:
        return [
            "scikit-learn's TF-IDF and linear SVM were not measured: they would take more than a "
            "tenth of the time of this training"
        ]
    difference = baseline.difference
    points = f"{100 * difference.value:+.1f} points"
    around = f"95 % interval {100 * difference.low:+.1f} to {100 * difference.high:+.1f}"
    rows = "" if baseline.rows == evaluation.rows else f" on the {baseline.rows:,} that both have"
    return [f"against scikit-learn's TF-IDF and linear SVM{rows}: {points} ({around})"]
