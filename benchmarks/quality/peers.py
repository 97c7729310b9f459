"""What a team would otherwise use: TF-IDF with a linear SVM, and HiClass."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.frozen_sets import chain

if TYPE_CHECKING:
    from prodcat import Catalog


@dataclass(frozen=True)
class Result:
    """What one system answered.

    Attributes:
        answers: For each test title the ids from the top level down.
        seconds: How long training took.
        extra: Further values for the row in results.json.
    """

    answers: list[tuple[str, ...]]
    seconds: float
    extra: dict[str, Any] = field(default_factory=dict)


def tfidf() -> Any:
    """TF-IDF of words 1-2 and of characters 2-4 within words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )


def fit_svc(train: "Catalog", test: "Catalog") -> Result:
    """TF-IDF with a linear SVM over whole paths."""
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    began = time.perf_counter()
    model = make_pipeline(tfidf(), LinearSVC()).fit(train.titles, train.targets)
    seconds = time.perf_counter() - began
    return Result([chain(train.tree, node) for node in model.predict(test.titles)], seconds)


def fit_hiclass(train: "Catalog", test: "Catalog") -> Result:
    """HiClass: a logistic regression for each parent node, on the same features."""
    from hiclass import LocalClassifierPerParentNode
    from sklearn.linear_model import LogisticRegression

    began = time.perf_counter()
    features = tfidf().fit(train.titles)
    chains = [chain(train.tree, node) for node in train.targets]
    depth = max(map(len, chains))
    labels = np.array([[*ids, *[""] * (depth - len(ids))] for ids in chains])
    model = LocalClassifierPerParentNode(
        local_classifier=LogisticRegression(C=10, max_iter=200), n_jobs=1
    )
    model.fit(features.transform(train.titles), labels)
    seconds = time.perf_counter() - began
    answers = model.predict(features.transform(test.titles))
    return Result([tuple(str(part) for part in row if part != "") for row in answers], seconds)
