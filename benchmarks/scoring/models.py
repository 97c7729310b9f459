"""The classifiers that are measured, and scikit-learn's pipeline on the same titles."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_sets import QUICK
from benchmarks.jobs import Options
from benchmarks.quality.peers import tfidf
from benchmarks.quality.sets import GROUP, Record, catalog_of, rows_of
from benchmarks.reporting import Row, cpu

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier

SET = "shop-titles-en"
LEARNED = ("train", "validation")


def learned_rows(options: Options, name: str) -> list[Record]:
    """The rows of a set that every system learns."""
    rows = rows_of(options.data, name, LEARNED)
    return rows[:QUICK] if options.quick else rows


def test_rows(options: Options, name: str) -> list[Record]:
    """The test rows of a set."""
    rows = rows_of(options.data, name, ["test"])
    return rows[: QUICK // 2] if options.quick else rows


def folder_of(options: Options, name: str) -> Path:
    """Where the classifier of a set is saved; that of n-grams alone is ``"ngrams"``."""
    return options.work / "models" / name


def load(options: Options, name: str) -> "Classifier":
    """A saved classifier, on the CPU."""
    import prodcat

    return prodcat.load(str(folder_of(options, name)), device="cpu")


def fit_classifier(
    options: Options, name: str, catalog: "Catalog", encoder: Path | None
) -> "Classifier":
    """Train with the defaults, and go on where an interrupted training stopped."""
    import prodcat

    small: dict[str, Any] = {"epochs": 0} if options.quick else {}
    return prodcat.fit(
        catalog,
        model=prodcat.ModelConfig(encoder=None if encoder is None else str(encoder)),
        training=prodcat.TrainingConfig(group=GROUP.get(name), baseline=False, **small),
        checkpoints=options.work / "checkpoints" / (name if encoder else f"{name}-ngrams"),
        device="cpu",
        progress=False,
    )


def fit_set(options: Options, name: str) -> "Classifier":
    """The whole classifier of a set, saved in the work folder."""
    catalog = catalog_of(name, learned_rows(options, name))
    classifier = fit_classifier(options, name, catalog, options.encoder)
    classifier.save(str(folder_of(options, name)))
    return classifier


def fit_ngrams(options: Options) -> Row:
    """N-grams alone, and scikit-learn's pipeline with the same titles and labels."""
    import joblib
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    rows = learned_rows(options, SET)
    classifier = fit_classifier(options, SET, catalog_of(SET, rows), None)
    classifier.save(str(folder_of(options, "ngrams")))
    numbers = outcome_numbers(classifier, rows)
    pipeline = make_pipeline(tfidf(), LinearSVC()).fit([row["title"] for row in rows], numbers)
    joblib.dump(pipeline, options.work / "pipeline.joblib")
    return {"titles": len(rows), "outcomes": len(classifier.taxonomy.outcomes), "cpu": cpu()}


def load_pipeline(options: Options) -> Any:
    """What :func:`fit_ngrams` left of scikit-learn."""
    import joblib

    return joblib.load(options.work / "pipeline.joblib")


def outcome_numbers(classifier: "Classifier", rows: Sequence[Record]) -> NDArray[np.int64]:
    """The number of the outcome that is each row's label, int64 [rows]; -1 outside the tree."""
    tree = classifier.taxonomy
    place = {tree.paths[node]: number for number, node in enumerate(tree.outcomes)}
    return np.array([place.get(tuple(row["path"]), -1) for row in rows], np.int64)
