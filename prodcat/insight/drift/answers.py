"""The answers of a classifier and their confidences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.evidence import node_probabilities


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers to a set of titles.

    Attributes:
        nodes: int64 [titles]: the answered node of each title.
        confidence: float64 [titles]: the probability of that node.
    """

    nodes: Ints
    confidence: Floats


def answers_to(
    titles: Catalog | Sequence[str], classifier: Classifier, precision: ReadingPrecision
) -> Answers:
    """Classify titles.

    Args:
        titles: A catalog, or the texts that ``classifier.texts_of`` returns for it.
        classifier: The classifier.
        precision: The precision of its encoder; see :meth:`Classifier.predict`.

    Returns:
        The answer to each title and its confidence.
    """
    nodes, confidence = [], []
    for answered, probabilities in node_probabilities(classifier, titles, precision):
        nodes.append(answered)
        confidence.append(probabilities[np.arange(len(answered)), answered])
    return Answers(np.concatenate(nodes), np.concatenate(confidence).astype(np.float64))
