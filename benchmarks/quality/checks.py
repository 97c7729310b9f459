"""Checks whose answer is yes or no: invariances, and the memory of a long prediction."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_sets import read
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Classifier
    from prodcat.demo.quick_commerce import GeneratedRow


def run_checks(options: Options) -> Row:
    """The checks on a classifier of the shop titles."""
    import prodcat

    train, validation, test = read(options.data, "shop-titles-en", "all")
    classifier = prodcat.fit(
        train, validation=validation, model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(epochs=0), progress=False,
    )  # fmt: skip
    titles = list(test.titles[:512])
    together = classifier.predict_proba(titles)
    order = np.random.default_rng(0).permutation(len(titles))
    shuffled = classifier.predict_proba([titles[i] for i in order])
    alone = np.concatenate([classifier.predict_proba([title]) for title in titles[:128]])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        classifier.save(str(home / "artifact"))
        again = prodcat.load(str(home / "artifact"))
        equal = bool(np.array_equal(again.predict_proba(titles), together))
        peaks = peaks_of_prediction(home)
    return {
        "order_difference": float(np.abs(shuffled - together[order]).max()),
        "batch_difference": float(np.abs(alone - together[:128]).max()),
        "children_to_parent_gap": children_to_parent_gap(classifier, titles, together),
        "save_load_equal": equal,
        "peak_mib_20000": peaks[20_000],
        "peak_mib_200000": peaks[200_000],
    }


def children_to_parent_gap(
    classifier: "Classifier", titles: Sequence[str], probabilities: NDArray[Any]
) -> float:
    """The largest difference between a node and the sum of what is below it and ends there."""
    nodes, tree = classifier.node_probabilities(titles), classifier.taxonomy
    ending = np.zeros_like(nodes)
    ending[:, tree.outcomes] = probabilities
    return max(
        float(np.abs(nodes[:, list(tree.children(n))].sum(1) + ending[:, n] - nodes[:, n]).max())
        for n in range(len(tree))
        if tree.children(n)
    )


def peaks_of_prediction(home: Path) -> dict[int, float]:
    """Peak memory of ``prodcat predict`` with a small encoder, MiB by number of titles."""
    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    rows = generate(4_000, "tr")
    small = write_scratch_encoder([row.title for row in rows], home / "encoder")
    records = [{"title": row.title, "path": list(row.path)} for row in rows]
    prodcat.fit(
        prodcat.read_catalog(records), model=prodcat.ModelConfig(encoder=str(small)),
        training=prodcat.TrainingConfig(epochs=1), progress=False,
    ).save(str(home / "small"))  # fmt: skip
    return {count: peak_of_prediction(home, rows, count) for count in (20_000, 200_000)}


def peak_of_prediction(home: Path, rows: "Sequence[GeneratedRow]", count: int) -> float:
    """Peak memory of answering so many titles, MiB."""
    source = home / f"{count}.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("title\n")
        for number in range(count):
            file.write(f'"{rows[number % len(rows)].title} {number}"\n')
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-m", "prodcat", "predict", str(source), "--model",
               str(home / "small"), "--output", str(home / "out.csv")]  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    return int(run.stdout) / 1024
