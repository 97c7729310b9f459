"""Path accuracy compared with the usual alternatives, on frozen splits; see README.md here.

    python -m benchmarks.quality.run --data DIR          # everything; writes results.json
    python -m benchmarks.quality.run --data DIR --job food-terms/all/prodcat/0

Every job runs in a process of its own with one thread, two jobs at a time, and leaves its
metrics and single rows in a work folder; a job whose figures are there already is not run again.
"""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frozen_sets import chain, read
from benchmarks.jobs import Benchmark, Options, result_path, write_result
from benchmarks.quality.checks import run_checks
from benchmarks.quality.peers import fit_hiclass, fit_svc
from benchmarks.quality.systems import fit_prodcat
from benchmarks.quality.table import LANGUAGES, assemble, table
from benchmarks.reporting import Row

SEEDS = (0, 1, 2)
METRICS = (
    "rows", "path_accuracy", "macro_f1", "hierarchical_precision", "hierarchical_recall",
    "hierarchical_f1", "inconsistent",
)  # fmt: skip


def job_names() -> list[str]:
    """All jobs, the most telling first, so that an interrupted run says something."""
    both = ("food-terms", "shop-titles-en")
    quick = ("svc", "closed", "hiclass")
    names = [f"{data}/all/{system}/0" for system in ("prodcat", "flat", *quick) for data in both]
    names += ["checks", *(f"food-terms/{language}/svc/0" for language in LANGUAGES)]
    names += [f"{data}/all/{system}/1" for system in ("prodcat", "flat") for data in both]
    for system in ("prodcat", "flat"):
        names += [f"food-terms/{language}/{system}/0" for language in LANGUAGES]
    names += [f"{data}/all/per_level/0" for data in both]
    names += [f"{data}/all/{system}/2" for system in ("prodcat", "flat") for data in both]
    for system in ("hiclass", "closed", "per_level"):
        names += [f"food-terms/{language}/{system}/0" for language in LANGUAGES]
    names += [f"{data}/all/per_level/{seed}" for seed in SEEDS[1:] for data in both]
    return names


def judge_systems(name: str, options: Options) -> None:
    """Train what the job's name says and judge its answers to the test titles."""
    from prodcat.evaluation.judged_rows import NO_PATH
    from prodcat.evaluation.metrics import evaluate_nodes

    dataset, language, system, seed = name.split("/")
    train, validation, test = read(options.data, dataset, language)
    if system == "svc":
        results = {"svc": fit_svc(train, test)}
    elif system == "hiclass":
        results = {"hiclass": fit_hiclass(train, test)}
    else:
        results = fit_prodcat((train, validation, test), system, int(seed), options.encoder)
    tree = test.tree
    node_of = {chain(tree, node): node for node in range(len(tree))}
    rows: list[Row] = []
    correct: dict[str, Any] = {}
    for label, result in results.items():
        nodes = np.array([node_of.get(answer, NO_PATH) for answer in result.answers])
        evaluation = evaluate_nodes(tree, test.targets, nodes)
        levels = [
            {"level": level.level, "rows": level.rows, "accuracy": level.accuracy,
             "macro_f1": level.macro_f1}
            for level in evaluation.levels
        ]  # fmt: skip
        rows.append(
            {
                "data": dataset, "languages": language, "system": label, "seed": int(seed),
                "training_seconds": round(result.seconds, 1), "train_titles": len(train),
                "test_titles": len(test),
                **{name: getattr(evaluation, name) for name in METRICS}, "levels": levels,
                **result.extra,
            }
        )  # fmt: skip
        correct[label] = evaluation.correct
    np.savez(result_path(name, options.work).with_suffix(".npz"), **correct)
    write_result(name, options.work, rows)


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    if name == "checks":
        write_result(name, options.work, run_checks(options))
    else:
        judge_systems(name, options)


BENCHMARK = Benchmark(Path(__file__).parent, job_names(), run_job, assemble, table)

if __name__ == "__main__":
    BENCHMARK.main()
