"""What a classifier is without its encoder: n-grams alone, on the validation titles."""

import logging
import time

import numpy as np
import torch
from torch import Tensor

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.measuring import difference

logger = logging.getLogger("prodcat")
_TIMED = 256  # titles whose answers are timed


def warn_of_useless_encoder(
    classifier: Classifier, validation: Catalog, margins: Tensor, seconds: tuple[float, float]
) -> None:
    """Log a warning if n-grams alone are as good, with what leaving the encoder out saves.

    Args:
        classifier: The classifier, with encoder and n-grams and with its evaluation on the
            validation titles.
        validation: The validation titles.
        margins: float32 [titles, choice]: their scores by n-grams.
        seconds: Seconds that encoder and heads were trained, and seconds of the whole training.
    """
    evaluation, paths = classifier.validation, classifier.network.paths
    assert evaluation is not None and evaluation.judged is not None
    targets = torch.from_numpy(evaluation.judged.targets).to(classifier.network.device)
    answers = margins[:, : len(paths.outcomes)].argmax(dim=1).to(targets.device)
    right = paths.covers(targets, answers).cpu().numpy()
    gain = difference(evaluation.correct, right)
    if gain.value > 0:
        return
    logger.warning(
        "The encoder does not pay: path accuracy %.4f with it and %.4f by n-grams alone on %d "
        "validation titles (difference %s). It took %.0f of the %.0f seconds of this training. "
        "Titles are answered at %.0f a second with it and at %.0f without. Leave it out with "
        "model=prodcat.ModelConfig(encoder=None) (on the command line --encoder none).",
        evaluation.path_accuracy,
        right.mean(),
        len(right),
        gain,
        *seconds,
        *_titles_per_second(classifier, validation),
    )


def _titles_per_second(classifier: Classifier, titles: Catalog) -> tuple[float, float]:
    """Titles that are answered per second by the classifier, and that n-grams alone score."""
    lexical, ngrams = classifier.network.lexical, classifier.ngrams
    assert lexical is not None and ngrams is not None
    timed = titles.take(np.arange(min(len(titles), _TIMED)))
    began = time.perf_counter()
    classifier.predict_proba(timed)
    answered = time.perf_counter()
    with torch.no_grad():
        lexical(ngrams(classifier.texts_of(timed)))
    ended = time.perf_counter()
    return len(timed) / (answered - began), len(timed) / (ended - answered)
