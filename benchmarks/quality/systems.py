"""prodcat, the same encoder under a flat softmax, and the ten-line baseline, on one set of rows."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.answers import Answers, answers_of
from benchmarks.quality.peers import tfidf
from benchmarks.quality.sets import GROUP, Record, catalog_of, label

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier, ModelConfig, TrainingConfig
    from prodcat.model.config import Structure

EPOCHS = 3


def svm_answers(
    train: Sequence[Record], test: Sequence[Record], text: Sequence[str] = (), levels: int = 64
) -> Answers:
    """TF-IDF with a linear SVM over whole paths; further columns are glued to the title.

    Args:
        train: Rows to learn.
        test: Rows to answer.
        text: Further columns.
        levels: The levels of the labels to learn.
    """
    from sklearn.svm import LinearSVC

    def glued(records: Sequence[Record]) -> list[str]:
        return [
            " ".join([row["title"], *(str(row[column] or "") for column in text)])
            for row in records
        ]

    labels = [label(record)[:levels] for record in train]
    distinct = sorted(set(labels))
    place = {path: number for number, path in enumerate(distinct)}
    features = tfidf()
    began = time.perf_counter()
    learned = features.fit_transform(glued(train))
    model = LinearSVC().fit(learned, np.array([place[path] for path in labels]))
    seconds = time.perf_counter() - began
    answered = model.predict(features.transform(glued(test)))
    return Answers([distinct[number] for number in answered], None, seconds)


def ngram_classifier(
    name: str,
    catalog: "Catalog",
    **settings: Any,
) -> tuple["Classifier", float]:
    """A classifier of n-grams alone, and the seconds that its training took."""
    import prodcat

    training = prodcat.TrainingConfig(group=GROUP.get(name), **settings)
    began = time.perf_counter()
    classifier = prodcat.fit(
        catalog, model=prodcat.ModelConfig(encoder=None), training=training, progress=False
    )
    return classifier, time.perf_counter() - began


def ngram_answers(
    name: str, train: Sequence[Record], test: Sequence[Record], text: Sequence[str] = ()
) -> tuple[Answers, "Classifier"]:
    """Prodcat with n-grams alone.

    Args:
        name: The set.
        train: Rows to learn.
        test: Rows to answer.
        text: Further columns of both.

    Returns:
        The answers, and the classifier.
    """
    catalog = catalog_of(name, train, text)
    classifier, seconds = ngram_classifier(name, catalog)
    titles: Any = [record["title"] for record in test]
    if text:
        titles = catalog_of(name, test, text)
    return answers_of(classifier, titles, seconds, "path_ids" in train[0]), classifier


def encoder_answers(
    name: str,
    rows: dict[str, list[Record]],
    encoder: Path,
    structure: "Structure",
    seed: int,
    checkpoints: Path,
) -> Answers:
    """Prodcat with its encoder, trained on the train and validation rows of a set.

    Args:
        name: The set.
        rows: Its rows, by part.
        encoder: The encoder's folder.
        structure: The heads: ``"stacked"`` for prodcat, ``"flat"`` for (b').
        seed: Of the training.
        checkpoints: A folder from which a training that was interrupted is resumed.
    """
    import prodcat

    model: ModelConfig = prodcat.ModelConfig(encoder=str(encoder), structure=structure)
    training: TrainingConfig = prodcat.TrainingConfig(
        epochs=EPOCHS, seed=seed, group=GROUP.get(name), baseline=False
    )
    catalog = catalog_of(name, [*rows["train"], *rows["validation"]])
    began = time.perf_counter()
    classifier = prodcat.fit(
        catalog, model=model, training=training, checkpoints=checkpoints, progress=False
    )
    seconds = time.perf_counter() - began
    titles = [record["title"] for record in rows["test"]]
    return answers_of(classifier, titles, seconds, "path_ids" in rows["test"][0])
