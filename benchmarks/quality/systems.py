"""prodcat, and the same encoder under other heads."""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.frozen_sets import Sets, chain
from benchmarks.quality.peers import Result

if TYPE_CHECKING:
    from prodcat.model.config import Structure

EPOCHS = 3
STRUCTURES: "dict[str, Structure]" = {
    "prodcat": "stacked",
    "flat": "flat",
    "per_level": "per_level",
}


def fit_prodcat(sets: Sets, system: str, seed: int, encoder: Path) -> dict[str, Result]:
    """Train one system, judged with its n-grams and with the encoder alone.

    Args:
        sets: The train, validation and test catalogs.
        system: A name of ``STRUCTURES``, or ``"closed"`` for the frozen encoder with
            closed-form heads.
        seed: Of the training.
        encoder: The encoder's folder.
    """
    import prodcat

    train, validation, test = sets
    closed = system == "closed"
    model = prodcat.ModelConfig(
        encoder=str(encoder), structure=STRUCTURES.get(system, "stacked"), lexical=not closed
    )
    training = prodcat.TrainingConfig(epochs=0 if closed else EPOCHS, seed=seed)
    began = time.perf_counter()
    classifier = prodcat.fit(
        train, validation=validation, model=model, training=training, progress=False
    )
    seconds = time.perf_counter() - began
    epochs = [
        {"epoch": epoch.epoch, "validation_path_accuracy": epoch.path_accuracy,
         "seconds": epoch.seconds}
        for epoch in classifier.history
    ]  # fmt: skip
    variants = {system: classifier}
    if not closed:
        variants[f"{system}-encoder"] = dataclasses.replace(
            classifier, reader=dataclasses.replace(classifier.reader, ngrams=None)
        )
    tree = classifier.taxonomy
    results = {}
    for label, variant in variants.items():
        predicted = variant.predict(list(test.titles), precision="bfloat16")
        answers = [chain(tree, tree.node(best[0].node_id)) for best in predicted]
        results[label] = Result(answers, seconds, {"epochs": epochs})
    return results
