"""Machines that learn some of the rows, against machines that learn all and scikit-learn."""

import time

import numpy as np

from benchmarks.jobs import Options
from benchmarks.quality.peers import tfidf
from benchmarks.quality.sets import catalog_of, label, rows_of
from benchmarks.reporting import Row

ROUNDS = 3
DRAWN = 2_000
ALL_ROWS = 1e9


def compare_solvers(options: Options, name: str) -> Row:
    """Answers for the test titles by machines that learn some of the rows, and all of them."""
    from prodcat.model.ngrams import NGrams
    from prodcat.model.path_steps import choice_spans
    from prodcat.training.lexical_fit import FittedNGrams, solve

    learned = rows_of(options.data, name, ("train",))
    test = rows_of(options.data, name, ("test",))
    catalog = catalog_of(name, learned)
    tree = catalog.tree
    ngrams, features = NGrams.fit(catalog.inputs, (2, 4), 131_072)
    spans, outcomes = tree.target_spans[catalog.targets], len(tree.outcomes)
    place = {label(row): first for row, first in zip(learned, spans[:, 0].tolist(), strict=True)}
    truth = np.array([place.get(label(row), -1) for row in test])
    right, seconds = {}, {}
    for kind, share in (("some", 1.0), ("all", ALL_ROWS)):
        began = time.process_time()
        branch = solve(features, spans, choice_spans(tree)[:outcomes], share=share)
        seconds[kind] = time.process_time() - began
        margins = FittedNGrams(ngrams, branch).margins([row["title"] for row in test])
        right[kind] = margins.argmax(dim=1).numpy() == truth
    rng = np.random.default_rng(0)
    gain = 100 * (right["some"].astype(float) - right["all"])
    means = [gain[rng.integers(0, len(gain), len(gain))].mean() for _ in range(DRAWN)]
    return {
        "set": name,
        "titles": len(test),
        **{kind: float(hits.mean()) for kind, hits in right.items()},
        "difference": float(gain.mean()),
        "interval": [float(edge) for edge in np.quantile(means, (0.025, 0.975))],
        "cpu_seconds": seconds,
    }


def race_scikit_learn(options: Options) -> Row:
    """Seconds of training on 10,000 titles, in turn with the ten-line baseline."""
    from sklearn.svm import LinearSVC

    import prodcat

    name = "shop-titles-en"
    records = rows_of(options.data, name, ("train", "validation"))
    catalog = catalog_of(name, records)
    titles, labels = [row["title"] for row in records], [" > ".join(label(r)) for r in records]
    rounds = []
    for number in range(ROUNDS + 1):
        began = time.perf_counter()
        LinearSVC().fit(tfidf().fit_transform(titles), labels)
        between = time.perf_counter()
        prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None), device="cpu", progress=False)
        if number:  # the first round warms up
            rounds.append([between - began, time.perf_counter() - between])
    ratios = [ours / theirs for theirs, ours in rounds]
    return {
        "set": name,
        "titles": len(titles),
        "seconds": rounds,
        "ratio": float(np.median(ratios)),
    }
