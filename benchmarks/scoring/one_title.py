"""The time of one title: n-grams alone and scikit-learn's pipeline, title by title in turn."""

import time

import numpy as np

from benchmarks.jobs import Options
from benchmarks.reporting import Row, cpu
from benchmarks.scoring.by_hand import THREADS
from benchmarks.scoring.models import SET, load, load_pipeline, test_rows

WARM_UP = 50  # titles that are not measured


def measure_one_title(options: Options) -> Row:
    """Seconds of one call with one title, for titles that come once each.

    Both answer the same title one after the other, and take turns in being first.
    """
    import torch

    torch.set_num_threads(THREADS)
    classifier, pipeline = load(options, "ngrams"), load_pipeline(options)
    titles = list(dict.fromkeys(row["title"] for row in test_rows(options, SET)))
    seconds = np.empty((2, len(titles)))
    calls = classifier.predict, pipeline.predict
    for number, title in enumerate(titles):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            calls[which]([title])
            seconds[which, number] = time.perf_counter() - began
    measured = seconds[:, WARM_UP:]
    names = ("prodcat", "scikit-learn")
    return {
        "titles": measured.shape[1],
        "median": dict(zip(names, np.median(measured, axis=1).tolist(), strict=True)),
        "p99": dict(zip(names, np.quantile(measured, 0.99, axis=1).tolist(), strict=True)),
        "cpu": cpu(),
    }
