"""How long the explanation of one title takes, by one thread of the processor."""

import time

import numpy as np
import torch

from benchmarks.explain.models import classifier_of, test_titles
from benchmarks.jobs import Options
from benchmarks.reporting import Row

TITLES = 100
KINDS = ("ngrams", "encoder")


def time_titles(options: Options, kind: str, data: str) -> Row:
    """Explain test titles of a set one by one.

    Args:
        options: Where to read and write.
        kind: ``"ngrams"``, or ``"encoder"``, which reads each title.
        data: The set.
    """
    torch.set_num_threads(1)
    cascade = "off" if kind == "encoder" else "auto"
    classifier = classifier_of(options, kind, data)
    titles = test_titles(options, data, 4 if options.quick else TITLES)
    classifier.explain(titles[:3], cascade=cascade)
    seconds = []
    for title in titles:
        began = time.process_time()
        classifier.explain([title], cascade=cascade)
        seconds.append(time.process_time() - began)
    quantiles = np.quantile(seconds, [0.5, 0.95])
    return {
        "data": data,
        "job": kind,
        "titles": len(titles),
        "mean": float(np.mean(seconds)),
        "median": float(quantiles[0]),
        "slowest_in_20": float(quantiles[1]),
    }
