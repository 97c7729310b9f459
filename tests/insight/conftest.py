"""Classifiers that err, titles that they have not seen, and a queue of them."""

import dataclasses

import numpy as np
import pytest

import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.insight.queue import review_queue


@pytest.fixture(scope="session")
def weak():
    """A weak classifier, so that it errs, labelled titles it was not trained on, and a pool."""
    rows = generate(2_600, "tr", seed=5, wrong_labels=0.0)
    catalog = prodcat.read_catalog(
        [
            {"title": row.title, "path": list(row.path), "price": 1.0 + number % 7}
            for number, row in enumerate(rows)
        ],
        keep=["price"],
    )
    trained = catalog.take(np.arange(0, 120))
    classifier = prodcat.fit(trained, model=prodcat.ModelConfig(encoder=None), progress=False)
    inside = set(classifier.taxonomy.ids)
    known = np.array([catalog.tree.ids[target] in inside for target in catalog.targets])
    rest = catalog.take(np.flatnonzero(known & (np.arange(len(catalog)) >= 120)))
    return classifier, rest.take(np.arange(0, 700)), rest.take(np.arange(700, len(rest)))


@pytest.fixture(scope="session")
def free(parts):
    """Titles without a category, with what they are worth."""
    test = parts.test
    return dataclasses.replace(
        test,
        targets=np.full(len(test), -1),
        columns={**test.columns, "sales": tuple(float(n % 5) for n in range(len(test)))},
    )


@pytest.fixture(scope="session")
def items(free, small, parts):
    """A queue of these titles."""
    return review_queue(free, small, 25, known=parts.train)
