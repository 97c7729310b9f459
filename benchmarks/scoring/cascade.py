"""What it costs that n-grams alone answer easy titles, on the test titles of a set."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import Options
from benchmarks.quality.sets import Record, label
from benchmarks.reporting import Row, cpu
from benchmarks.scoring.models import fit_set, folder_of, load, test_rows

if TYPE_CHECKING:
    from prodcat import Classifier
    from prodcat.classifier.inference import BatchInference


def without_memory(classifier: "Classifier") -> "Classifier":
    """The same classifier, which has seen no piece of any title."""
    return replace(classifier, reader=replace(classifier.reader))


def share_alone(inference: "BatchInference", texts: Sequence[str]) -> float:
    """The share of texts that n-grams alone answer, 0 to 1."""
    window = inference.prepare(texts)
    alone = np.zeros(window.distinct, np.bool_)
    for part in window.parts:
        size = sum(len(batch) for batch in part.batches)
        alone[part.start : part.start + size] = not part.reading.encoded
    return float(alone[window.place].mean())


def compare_cascade(options: Options, name: str) -> Row:
    """Train on a set, and answer its test titles with the cascade and without, in float32."""
    saved = folder_of(options, name).exists()
    classifier = load(options, name) if saved else fit_set(options, name)
    rows = test_rows(options, name)
    titles = [row["title"] for row in rows]
    right = {way: right_answers(classifier, rows, way) for way in ("auto", "off")}
    lost, won = right["off"] & ~right["auto"], right["auto"] & ~right["off"]
    cascade, reader = classifier.reader.cascade, classifier.reader
    assert cascade is not None, "a classifier with encoder and n-grams has a cascade"
    return {
        "set": name,
        "titles": len(rows),
        "with": int(right["auto"].sum()),
        "without": int(right["off"].sum()),
        "lost": int(lost.sum()),
        "won": int(won.sum()),
        "alone": share_alone(reader.inference(cascade="auto"), reader.texts(titles)),
        "chosen_on": cascade.titles,
        "loss": cascade.loss if cascade.acts else None,
        "bound": cascade.bound if cascade.acts else None,
        "sentence": str(cascade),
        "precisions": dict(reader.accuracies or {}),
        "cpu": cpu(),
    }


def right_answers(
    classifier: "Classifier", rows: Sequence[Record], cascade: str
) -> NDArray[np.bool_]:
    """Whether each row is answered with its path, bool [rows].

    Args:
        classifier: The classifier.
        rows: Test rows.
        cascade: ``"auto"`` or ``"off"``.
    """
    tree = classifier.taxonomy
    steps = tree.ids if "path_ids" in rows[0] else tree.names
    titles = [row["title"] for row in rows]
    right = np.zeros(len(rows), np.bool_)
    answers = without_memory(classifier).predict(titles, cascade=cascade)
    for number, (best, row) in enumerate(zip(answers, rows, strict=True)):
        if best and best[0].node_id:
            nodes = tree.ancestors(tree.node(best[0].node_id))
            right[number] = tuple(steps[node] for node in nodes) == label(row)
    return right
