"""Accuracy and calibration beside ten lines of scikit-learn; see README.md here.

    python -m benchmarks.quality.run --data DIR          # everything; writes results.json
    python -m benchmarks.quality.run --data DIR --job folds/shop-titles-es/0

Every job runs in a process of its own and leaves its figures and single rows in a work folder; a
job whose figures are there already is not run again.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.jobs import Benchmark, Options, result_path, write_result
from benchmarks.quality.answers import Answers, answers_of
from benchmarks.quality.checks import run_checks
from benchmarks.quality.sets import COLUMNS, FOLDS, SETS, Record, catalog_of, folds_of, rows_of
from benchmarks.quality.systems import (
    encoder_answers,
    ngram_answers,
    ngram_classifier,
    svm_answers,
)
from benchmarks.quality.tables import DRAWS, assemble, table

if TYPE_CHECKING:
    from prodcat.model.config import Structure

SEEDS = (0, 1, 2)
EVERY = ("train", "validation", "test")
FEW = 10  # whole labels of a leaf


def job_names() -> list[str]:
    """All jobs, the most telling first, so that an interrupted run says something."""
    names = [f"folds/{name}/{fold}" for fold in range(FOLDS) for name in reversed(SETS)]
    names += [f"columns/{name}/{fold}" for fold in range(FOLDS) for name in COLUMNS]
    names += [f"partial/{name}/{draw}" for draw in DRAWS for name in reversed(SETS)]
    for seed in SEEDS:
        for name in reversed(SETS):
            names += [f"encoder/{name}/{seed}", f"flat/{name}/{seed}"]
    return [*names, "checks"]


def keep(name: str, options: Options, test: list[Record], **systems: Answers) -> None:
    """Leave the single rows of systems that answered the same test rows, and their figures."""
    kind, data, number = name.split("/")
    arrays: dict[str, Any] = {}
    rows = []
    for system, answers in systems.items():
        arrays |= answers.arrays(test, f"{system}.")
        rows.append(
            {
                "job": kind, "data": data, "number": int(number), "system": system,
                "test_titles": len(test), "training_seconds": round(answers.seconds, 1),
                "path_accuracy": float(arrays[f"{system}.path"].mean()),
                "level1_accuracy": float(arrays[f"{system}.level1"].mean()),
            }
        )  # fmt: skip
    np.savez_compressed(result_path(name, options.work).with_suffix(".npz"), **arrays)
    write_result(name, options.work, rows)


def parts_of(options: Options, data: str, fold: int) -> tuple[list[Record], list[Record]]:
    """The rows to learn and the rows of a fold."""
    records = rows_of(options.data, data, EVERY)
    place = folds_of(data, records)
    train = [record for record, number in zip(records, place, strict=True) if number != fold]
    return train, [record for record, number in zip(records, place, strict=True) if number == fold]


def run_fold(name: str, options: Options, data: str, fold: int) -> None:
    """n-grams alone and the baseline on one fold."""
    train, test = parts_of(options, data, fold)
    ngrams, _ = ngram_answers(data, train, test)
    keep(name, options, test, svm=svm_answers(train, test), ngrams=ngrams)


def run_columns(name: str, options: Options, data: str, fold: int) -> None:
    """The same with further columns, and with these columns missing in the test rows."""
    text = COLUMNS[data]
    train, test = parts_of(options, data, fold)
    columns, classifier = ngram_answers(data, train, test, text)
    titles = [record["title"] for record in test]
    missing = answers_of(classifier, titles, columns.seconds, "path_ids" in test[0])
    keep(
        name, options, test,
        svm=svm_answers(train, test), svm_columns=svm_answers(train, test, text),
        ngrams=ngram_answers(data, train, test)[0], columns=columns, columns_missing=missing,
    )  # fmt: skip


def run_partial(name: str, options: Options, data: str, draw: int) -> None:
    """Labels of level 1 for all rows, and whole labels for a few rows of each leaf."""
    # Where products may end at level 1, a label that is cut there would be a whole one.
    train, test = (
        [record for record in rows_of(options.data, data, parts) if len(record["path"]) > 1]
        for parts in (EVERY[:2], EVERY[2:])
    )
    ids = "path_ids" in train[0]
    order = np.random.default_rng(draw).permutation(len(train))
    seen: dict[tuple[str, ...], int] = {}
    whole = np.zeros(len(train), np.bool_)
    for row in order.tolist():
        path = tuple(train[row]["path"])
        seen[path] = seen.get(path, 0) + 1
        whole[row] = seen[path] <= FEW
    few = [record for record, chosen in zip(train, whole, strict=True) if chosen]
    tree = catalog_of(data, train).tree
    cuts = [None if chosen else 1 for chosen in whole]
    both = catalog_of(data, train, taxonomy=tree, most_levels=cuts)
    mixed, seconds = ngram_classifier(data, both)
    alone, _ = ngram_classifier(data, catalog_of(data, few))
    level1, _ = ngram_classifier(data, catalog_of(data, train, most_levels=[1] * len(train)))
    titles = [record["title"] for record in test]
    keep(
        name, options, test, svm_level1=svm_answers(train, test, levels=1),
        mixed=answers_of(mixed, titles, seconds, ids), few=answers_of(alone, titles, 0.0, ids),
        level1=answers_of(level1, titles, 0.0, ids),
    )  # fmt: skip


def run_encoder(name: str, options: Options, kind: str, data: str, seed: int) -> None:
    """The whole model, or the flat softmax, on the frozen test rows."""
    rows = {part: rows_of(options.data, data, [part]) for part in EVERY}
    structure: Structure = "stacked" if kind == "encoder" else "flat"
    checkpoints = options.work / "checkpoints" / name.replace("/", "_")
    answers = encoder_answers(data, rows, options.encoder, structure, seed, checkpoints)
    train = [*rows["train"], *rows["validation"]]
    if kind == "flat":
        keep(name, options, rows["test"], flat=answers)
    else:
        keep(name, options, rows["test"], encoder=answers, svm=svm_answers(train, rows["test"]))


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    if name == "checks":
        write_result(name, options.work, run_checks(options))
        return
    kind, data, number = name.split("/")
    if kind == "folds":
        run_fold(name, options, data, int(number))
    elif kind == "columns":
        run_columns(name, options, data, int(number))
    elif kind == "partial":
        run_partial(name, options, data, int(number))
    else:
        run_encoder(name, options, kind, data, int(number))


BENCHMARK = Benchmark(Path(__file__).parent, job_names(), run_job, assemble, table)

if __name__ == "__main__":
    BENCHMARK.main()
