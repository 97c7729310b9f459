"""Add results on labelled titles to a classifier."""

from dataclasses import replace
from itertools import takewhile
from math import isfinite

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.evaluating import evaluate_log_probs
from prodcat.decisions.conformal import reference
from prodcat.evaluation.baseline import Baseline
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.intervals import Interval, paired_bootstrap
from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.taxonomy.tree import Taxonomy

_CHUNK = 2_048  # titles whose log-probabilities are in memory at the same time


def with_evaluation(classifier: Classifier, evaluation: Evaluation) -> Classifier:
    """The classifier with these metrics, and the confidences by which it notices a drift.

    The titles and ids of the evaluated rows are left out, so that no classifier contains them.
    """
    assert evaluation.judged is not None and evaluation.judged.confidence is not None
    confidences = reference(evaluation.judged.confidence)
    provenance = replace(
        classifier.provenance, validation=evaluation.with_columns({}), reference=confidences
    )
    return replace(classifier, provenance=provenance)


@torch.no_grad()
def measured_by(
    classifier: Classifier, margins: Tensor, targets: NDArray[np.int64], alone: NDArray[np.bool_]
) -> Classifier:
    """The classifier with the metrics of titles whose n-gram scores are known.

    Args:
        classifier: The classifier, which has no encoder.
        margins: float32 [titles, choice]: the scores, by n-grams that did not learn the titles.
        targets: int64 [titles]: the node of each label.
        alone: bool [titles]: which of them the branch of titles alone scored, if there is one.
    """
    paths, device = classifier.network.paths, classifier.network.device
    titles = classifier.reader.title_branch
    weights = classifier.weights.to(device)
    of_titles = weights if titles is None else titles.weights.to(device)

    def log_probs(start: int) -> Tensor:
        rows = slice(start, start + _CHUNK)
        chunk, by_titles = margins[rows].to(device), torch.from_numpy(alone[rows]).to(device)
        calibrated = weights(paths, None, chunk)
        if titles is not None and alone[rows].any():
            calibrated[by_titles] = of_titles(paths, None, chunk[by_titles])
        return calibrated

    chunks = map(log_probs, range(0, len(margins), _CHUNK))
    evaluation = evaluate_log_probs(classifier.decider, chunks, targets, classifier.counts)
    accuracies = {"float32": evaluation.path_accuracy}
    reader = replace(classifier.reader, accuracies=accuracies)
    return with_evaluation(replace(classifier, reader=reader), evaluation)


def difference(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> Interval:
    """The accuracy of ours minus that of theirs, with its 95 % interval.

    Args:
        ours: bool [titles]: which answers of one system are right.
        theirs: bool [titles]: which answers of the other system are right.
    """
    return paired_bootstrap(ours, theirs)


def with_baseline(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    rows: NDArray[np.int64],
    answers: NDArray[np.int64],
) -> Evaluation:
    """The evaluation of a classifier with the results of a baseline added.

    Args:
        evaluation: The evaluation, which has the individual rows.
        taxonomy: The tree.
        rows: int64 [n]: the rows of the evaluation that the baseline answered.
        answers: int64 [n]: the nodes that it answered.
    """
    assert evaluation.judged is not None
    correct = evaluation.correct[rows]
    theirs = evaluate_nodes(taxonomy, evaluation.judged.targets[rows], answers)
    baseline = Baseline(
        rows=len(rows),
        path_accuracy=theirs.path_accuracy,
        level_accuracy=tuple(takewhile(isfinite, theirs.level_accuracy)),
        classifier_accuracy=float(correct.mean()),
        difference=difference(correct, theirs.correct),
    )
    return replace(evaluation, baseline=baseline)
