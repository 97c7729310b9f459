"""Add results on labelled titles to a classifier."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.evaluating import evaluate_log_probs
from prodcat.decisions.conformal import reference
from prodcat.evaluation.evaluation import Evaluation


def with_evaluation(classifier: Classifier, evaluation: Evaluation) -> Classifier:
    """The classifier with these metrics, and the confidences by which it notices a drift."""
    assert evaluation.judged is not None and evaluation.judged.confidence is not None
    confidences = reference(evaluation.judged.confidence)
    provenance = replace(classifier.provenance, validation=evaluation, reference=confidences)
    return replace(classifier, provenance=provenance)


def measured_by(
    classifier: Classifier, chunks: Iterable[Tensor], targets: NDArray[np.int64]
) -> Classifier:
    """The classifier with the metrics of titles whose log-probabilities are known.

    Args:
        classifier: The classifier, which has no encoder.
        chunks: float [chunk, outcome] each: the log-probabilities of the titles, in order.
        targets: int64 [titles]: the node of each label.
    """
    evaluation = evaluate_log_probs(classifier.decider, chunks, targets, classifier.counts)
    accuracies = {"float32": evaluation.path_accuracy}
    reader = replace(classifier.reader, accuracies=accuracies)
    return with_evaluation(replace(classifier, reader=reader), evaluation)
