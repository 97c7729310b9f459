"""prodcat's training, timed, and the sets that all systems train on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_sets import chain, read
from benchmarks.jobs import Options
from benchmarks.training.events import say

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier
    from prodcat.classifier.records import EpochResult
    from prodcat.decisions.options import ReadingPrecision

SETS = ("food-terms", "shop-titles-en")


def read_sets(data: Path, name: str) -> "tuple[Catalog, Catalog, Catalog | None]":
    """A frozen set; or 50,000 made-up titles, for throughput alone, which have no test part."""
    if name != "parallel-synthetic":
        return read(data, name, "all")
    import prodcat

    catalog = prodcat.read_catalog(
        str(data / name / "items.jsonl.gz"), path_ids="path_ids", language="language"
    )
    rows = np.resize(np.arange(len(catalog)), 50_000)
    return catalog.take(rows), catalog.take(np.arange(500)), None


def trainer_command(options: Options, name: str, recipe: str, *more: str) -> list[str]:
    """The command that trains on a set with the Hugging Face Trainer."""
    return [
        sys.executable, "-m", "benchmarks.training.trainer", "--data", str(options.data), "--set",
        name, "--encoder", str(options.encoder), "--recipe", recipe,
        "--work", str(options.work / f"trainer-{name}-{recipe}"), *more,
    ]  # fmt: skip


def fit(
    options: Options,
    train: "Catalog",
    validation: "Catalog",
    *,
    model: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **rest: Any,
) -> "Classifier":
    """Train on the work folder's encoder, or from ``warm_start=``.

    Args:
        options: Where the encoder is.
        train: Titles to learn from.
        validation: Titles to stop by.
        model: Settings of the model that differ from the defaults.
        settings: Settings of the training that differ from the defaults.
        rest: Further keyword arguments of :func:`prodcat.fit`.
    """
    import prodcat

    if "warm_start" not in rest:
        rest["model"] = prodcat.ModelConfig(**{"encoder": str(options.encoder), **(model or {})})
    return prodcat.fit(
        train, validation=validation, training=prodcat.TrainingConfig(**(settings or {})),
        progress=False, **rest,
    )  # fmt: skip


def right_answers(
    model: "Classifier", test: "Catalog", precision: "ReadingPrecision" = "bfloat16"
) -> NDArray[np.bool_]:
    """Whether each test title is answered with its path, bool [title].

    A label that the model's tree lacks is never right.
    """
    answers = [best[0] for best in model.predict(list(test.titles), precision=precision)]
    tree = model.taxonomy
    right = [
        bool(answer.node_id) and chain(tree, tree.node(answer.node_id)) == chain(test.tree, target)
        for answer, target in zip(answers, test.targets.tolist(), strict=True)
    ]
    return np.array(right)


def path_accuracy(
    model: "Classifier", test: "Catalog", precision: "ReadingPrecision" = "bfloat16"
) -> float:
    """The share of the test titles that are answered with their path."""
    return float(right_answers(model, test, precision).mean())


def time_prodcat(options: Options, name: str, system: str, seed: int) -> None:
    """Train prodcat once, printing what happens when; imports and reading do not count.

    Args:
        options: Where the sets are; the model of the first seed is saved in the work folder.
        name: The set.
        system: ``"prodcat"``, or ``"prodcat-encoder"`` without n-grams.
        seed: Of the training.
    """
    import prodcat.training.fitting  # noqa: F401, its imports are not part of the time

    train, validation, test = read_sets(options.data, name)
    settings: dict[str, Any] = {"seed": seed}
    if test is None:
        settings |= {"epochs": 1, "closed_form": False}

    def say_epoch(result: "EpochResult") -> None:
        say("epoch", **{**result.to_dict(), "accuracy": result.path_accuracy})

    say("ready", titles=len(set(train.titles)))
    say("begin")
    model = fit(
        options, train, validation, model={"lexical": system == "prodcat"}, settings=settings,
        listener=say_epoch,
    )  # fmt: skip
    say("end")
    say("judged", part="validation", accuracy=path_accuracy(model, validation))
    if test is not None:
        say("judged", part="test", accuracy=path_accuracy(model, test))
        if seed == 0:
            model.save(str(options.work / f"{name}-{system}"))
