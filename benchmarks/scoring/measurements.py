"""How many titles a second every way answers, and how much memory a long job takes."""

import json
import random
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import frozen_sets
from benchmarks.jobs import Options, run_without_amx, uses_amx
from benchmarks.reporting import Row
from benchmarks.scoring.flops import MODULE
from benchmarks.scoring.peers import Way, peers

if TYPE_CHECKING:
    from prodcat import Classifier

SET = "shop-titles-en"
TITLES = 3_000
TURNS = 3
SLOW = "transformers.pipeline, one at a time"


def fit_model(options: Options) -> Row:
    """The classifier of all ways: multilingual-e5-small, cut to the titles' vocabulary."""
    classifier, _ = frozen_sets.fitted(options, SET)
    return {"precisions": dict(classifier.reader.accuracies or {})}


def titles_of(options: Options, duplicates: float) -> tuple[list[str], dict[str, str]]:
    """The titles to answer, and the right node id of those that are test titles.

    Args:
        options: Where the sets are.
        duplicates: The share of titles that repeat another one.
    """
    train, _, test = frozen_sets.read(options.data, SET, "all")
    distinct = list(dict.fromkeys([*test.titles, *train.titles]))
    fresh = distinct[: int(TITLES * (1 - duplicates))]
    rng = random.Random(0)
    titles = fresh + [rng.choice(fresh) for _ in range(TITLES - len(fresh))]
    rng.shuffle(titles)
    truth = dict(zip(test.titles, (test.tree.ids[node] for node in test.targets), strict=True))
    return titles, truth


def prodcat_ways(classifier: "Classifier") -> dict[str, Way]:
    """The ways of prodcat itself: the same encoder and heads alone, and all of it."""
    tree = classifier.taxonomy
    neutral = type(classifier.weights).neutral(tree.depth)
    alone = replace(
        classifier,
        reader=replace(classifier.reader, ngrams=None, weights=neutral),
        decider=replace(classifier.decider, guarantee=None),
    )
    position = {int(node): place for place, node in enumerate(tree.outcomes)}

    def way(variant: "Classifier", precision: str) -> Way:
        inference, decide = variant.inference(precision), variant.decision()

        def answer(titles: Sequence[str]) -> NDArray[np.int64]:
            answers = inference.answers(inference.prepare(titles), decide)
            assert answers is not None
            return np.array([position[node] for node in answers.nodes[:, 0].tolist()])

        return answer

    return {
        "prodcat, float32, encoder alone": way(alone, "float32"),
        "prodcat, int8, encoder alone": way(alone, "int8"),
        "prodcat, bfloat16, encoder alone": way(alone, "bfloat16"),
        "prodcat, bfloat16, all of it": way(classifier, "bfloat16"),
    }


def measure_speed(options: Options, duplicates: float) -> list[Row]:
    """Titles a second and accuracy of every way, in turns."""
    import torch

    import prodcat

    warnings.simplefilter("ignore")
    torch.set_num_threads(2)
    classifier = prodcat.load(str(options.work / "model"), device="cpu")
    titles, truth = titles_of(options, duplicates)
    ways = {**prodcat_ways(classifier), **peers(classifier, options.work)}
    tree = classifier.taxonomy
    ids = np.array([tree.ids[node] for node in tree.outcomes])
    rows: dict[str, Row] = {}
    for turn in range(TURNS):
        for name, way in ways.items():
            answered = titles[:600] if name == SLOW else titles
            way(answered[:64])
            began = time.perf_counter()
            outcomes = way(answered)
            seconds = time.perf_counter() - began
            row = rows.setdefault(name, {"way": name, "seconds": [], "titles": len(answered)})
            row["seconds"].append(seconds)
            row.setdefault("accuracy", None)
            if turn == 0 and outcomes is not None:
                judged = [
                    ids[outcome] == truth[title]
                    for outcome, title in zip(outcomes, answered, strict=True)
                    if title in truth
                ]
                row["judged"] = len(judged)
                row["accuracy"] = float(np.mean(judged))
    for row in rows.values():
        row["per_second"] = row["titles"] / float(np.median(row["seconds"]))
    return list(rows.values())


def measure_without_amx(options: Options) -> dict[str, float]:
    """Titles a second of prodcat's forms of the encoder on a CPU that has no AMX."""
    if uses_amx():
        result: dict[str, float] = run_without_amx(MODULE, options, "without-amx")
        return result
    import torch

    import prodcat

    torch.set_num_threads(2)
    classifier = prodcat.load(str(options.work / "model"), device="cpu")
    titles, _ = titles_of(options, 0)
    rates: dict[str, list[float]] = {}
    ways = {name: way for name, way in prodcat_ways(classifier).items() if "alone" in name}
    for _ in range(TURNS):
        for name, way in ways.items():
            began = time.perf_counter()
            way(titles[:1_000])
            rates.setdefault(name, []).append(1_000 / (time.perf_counter() - began))
    return {name: float(np.median(values)) for name, values in rates.items()}


_MEASURED = """
import json, resource, sys, prodcat
report = prodcat.score(sys.argv[1], sys.argv[2], sys.argv[3], device="cpu")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"rows": report.summary["rows"], "peak_mb": peak, "seconds": report.seconds}))
"""


def measure_memory(options: Options, rows: int) -> Any:
    """Peak memory of scoring so many rows with a small encoder."""
    folder = options.work / "memory"
    folder.mkdir(exist_ok=True)
    small = folder / "model"
    if not small.exists():
        fit_small_model(folder).save(str(small))
    source = folder / f"{rows}.parquet"
    if not source.exists():
        write_titles(source, rows)
    out = folder / f"out-{rows}"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", _MEASURED, str(small), str(source), str(out)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(out)
    return json.loads(finished.stdout)


def write_titles(source: Path, rows: int) -> None:
    """A table of so many distinct titles, 20,000 in each row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from prodcat.demo.quick_commerce import generate

    generated = [row.title for row in generate(20_000, "tr")]
    schema = pa.schema([("sku", pa.int64()), ("title", pa.string())])
    with pq.ParquetWriter(source, schema) as writer:
        for start in range(0, rows, 20_000):
            titles = [f"{title} {start + n}" for n, title in enumerate(generated)]
            skus = range(start, start + 20_000)
            writer.write_table(pa.table({"sku": skus, "title": titles}, schema=schema))


def fit_small_model(folder: Path) -> "Classifier":
    """A classifier with a tiny encoder, which is written to the folder."""
    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    rows = generate(1_000, "tr")
    encoder = write_scratch_encoder([row.title for row in rows], folder / "encoder", hidden=32,
                                    vocabulary=1_500, layers=2)  # fmt: skip
    catalog = prodcat.read_catalog([{"title": r.title, "path": list(r.path)} for r in rows])
    return prodcat.fit(
        catalog,
        model=prodcat.ModelConfig(encoder=str(encoder), belief_width=8),
        training=prodcat.TrainingConfig(epochs=1),
        device="cpu",
        progress=False,
    )
