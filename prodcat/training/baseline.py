"""The baseline: TF-IDF of words and letters, and a linear support vector machine, by scikit-learn.

It shows what a classifier is worth: a catalog on which ten lines of scikit-learn are as good does
not need more.
"""

import logging
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.measuring import with_baseline
from prodcat.training.dataset import Dataset
from prodcat.training.held_out import label_hashes
from prodcat.training.settings import Setup

logger = logging.getLogger("prodcat")
_SHARE = 0.1  # of the time of a training that the baseline may take
_SECONDS = 0.1  # that the smallest baseline takes
_SECONDS_OF_ENTRY = 4e-6  # to count a feature of a title
_SECONDS_OF_PRODUCT = 3.1e-8  # to fit a class to a feature of a title
_MOST_BYTES = 4 << 30  # of the support vector machines
_CHUNK = 2_048  # titles that are answered at the same time


def expected_seconds(texts: list[str], classes: int) -> float:
    """About how long it takes to fit the baseline, in seconds of one core of a processor.

    Args:
        texts: The texts to learn.
        classes: The number of different labels.
    """
    # A letter begins an n-gram of each of three lengths, a word one of one word and one of two.
    entries = sum(3 * len(text) + 2 * text.count(" ") + 2 for text in texts)
    fit = entries * (classes if classes > 2 else 1) * _SECONDS_OF_PRODUCT
    return _SECONDS + entries * _SECONDS_OF_ENTRY + fit


def baseline_texts(catalog: Catalog) -> list[str]:
    """The texts of a catalog's rows: title and further texts, with blanks between them."""
    columns = (catalog.titles, *catalog.texts.values())
    return [" ".join(filter(None, parts)) for parts in zip(*columns, strict=True)]


def baseline_answers(
    texts: list[str], targets: NDArray[np.int64], judged: list[str]
) -> NDArray[np.int64] | None:
    """Fit the baseline, and answer titles with it.

    Args:
        texts: The texts to learn.
        targets: int64 [texts]: their labels.
        judged: The texts to answer.

    Returns:
        int64 [judged]: the label that the baseline answers; None if the texts have no words or its
        weights would take more than 4 GiB.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union
    from sklearn.svm import LinearSVC

    classes = np.unique(targets)
    if len(classes) == 1:
        return np.full(len(judged), classes[0])
    tfidf = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    try:
        features = tfidf.fit_transform(texts)
    except ValueError:  # no title has a word of two letters
        return None
    if features.shape[1] * len(classes) * 8 > _MOST_BYTES:
        logger.info("The weights of the baseline would take too much memory: it is not measured.")
        return None
    svm = LinearSVC(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may not have converged
        svm.fit(features, targets)
    return _answers(svm, tfidf, judged)


def _answers(svm: Any, tfidf: Any, texts: list[str]) -> NDArray[np.int64]:
    """The answers to texts in small parts, because each has a score for every class."""
    parts = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    return np.concatenate([svm.predict(tfidf.transform(part)) for part in parts]).astype(np.int64)


def with_measured_baseline(
    classifier: Classifier, dataset: Dataset, setup: Setup, spent: float
) -> Classifier:
    """The classifier with the results of the baseline in its evaluation, if they are cheap to get.

    Logs a warning if the baseline is better than the classifier by more than chance.

    Args:
        classifier: The classifier, with its evaluation on the validation titles.
        dataset: The titles of the fit.
        setup: The settings of the fit.
        spent: Seconds that the training has taken so far.
    """
    evaluation = classifier.validation
    if not setup.training.baseline or evaluation is None:
        return classifier
    learned, rows = _parts(dataset)
    texts, targets = baseline_texts(learned), learned.targets
    answers = None
    if setup.ranks.writes and expected_seconds(texts, len(np.unique(targets))) < _SHARE * spent:
        answers = baseline_answers(texts, targets, baseline_texts(dataset.validation.take(rows)))
    answers = setup.ranks.agree(answers)
    if answers is None:
        return classifier
    evaluation = with_baseline(evaluation, classifier.taxonomy, rows, answers)
    baseline = evaluation.baseline
    if baseline is not None and baseline.is_better and setup.ranks.writes:
        logger.warning(
            "scikit-learn's TF-IDF and linear support vector machine are better than this "
            "classifier: path accuracy %.4f against %.4f on %d titles.",
            baseline.path_accuracy,
            baseline.classifier_accuracy,
            baseline.rows,
        )
    return replace(classifier, provenance=replace(classifier.provenance, validation=evaluation))


def _parts(dataset: Dataset) -> tuple[Catalog, NDArray[np.int64]]:
    """The titles that the baseline learns, and which of the validation titles it answers."""
    folds = dataset.folds
    if folds is None:
        return dataset.catalog, np.arange(len(dataset.validation))
    asked = folds.fold[folds.asked]
    number = np.bincount(asked).argmax()
    fold = folds.fold[dataset.training_rows.places(label_hashes(dataset.catalog))]
    return dataset.catalog.take(fold != number), np.flatnonzero(asked == number)
