"""How many titles a second every way answers, in turns, and how much memory a long job takes."""

import json
import random
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import Options, run_without_amx, uses_amx
from benchmarks.reporting import Row, cpu
from benchmarks.scoring.by_hand import THREADS, Way
from benchmarks.scoring.cascade import share_alone, without_memory
from benchmarks.scoring.flops import MODULE
from benchmarks.scoring.models import (
    SET,
    folder_of,
    load,
    load_pipeline,
    outcome_numbers,
    test_rows,
)
from benchmarks.scoring.peers import Make, MissingError, peers

if TYPE_CHECKING:
    from prodcat import Classifier

TURNS = 3
SLOW = "transformers.pipeline, one at a time"
SLOW_TITLES = 600
CASCADE = "prodcat, all of it, with cascade"
WITHOUT = "prodcat, all of it, without cascade"
ALONE = "prodcat, encoder alone"
NGRAMS = "prodcat, n-grams alone"
SKLEARN = "scikit-learn, TF-IDF + LinearSVC"
WARM = ", warm: the same titles again"


@dataclass(frozen=True)
class Contender:
    """One way to answer titles.

    Attributes:
        make: Makes the way before each turn, outside of the measured time; prodcat's n-grams then
            know no piece of any title.
        kind: ``"prodcat"``, ``"n-grams"``, or ``"encoder"`` for peers with the same encoder.
        precision: The encoder's, if the name does not say it.
        remembers: Whether the titles are answered a second time in each turn, which is another row.
        threads: Threads of torch.
        most: The largest number of titles.
    """

    make: Make
    kind: str
    precision: str = ""
    remembers: bool = False
    threads: int = THREADS
    most: int | None = None


def titles_of(options: Options, duplicates: float) -> tuple[list[str], list[int]]:
    """Test titles, and the position of the row of each.

    Args:
        options: Where the sets are.
        duplicates: The share of titles that repeat another one.
    """
    first: dict[str, int] = {}
    for position, row in enumerate(test_rows(options, SET)):
        first.setdefault(row["title"], position)
    distinct = list(first)
    fresh = distinct[: int(len(distinct) * (1 - duplicates))]
    rng = random.Random(0)
    titles = fresh + [rng.choice(fresh) for _ in range(len(distinct) - len(fresh))]
    rng.shuffle(titles)
    return titles, [first[title] for title in titles]


def warm_up_titles() -> list[str]:
    """Made-up titles in another language, so that no piece of the measured ones is known."""
    from prodcat.demo.quick_commerce import generate

    return [row.title for row in generate(64, "tr")]


def made_anew(classifier: "Classifier", precision: str, cascade: str) -> Make:
    """The classifier as a way that has seen no title yet."""
    place = {int(node): number for number, node in enumerate(classifier.taxonomy.outcomes)}

    def make() -> Way:
        fresh = without_memory(classifier)
        inference, decide = fresh.inference(precision, cascade=cascade), fresh.decision()

        def answer(titles: Sequence[str]) -> NDArray[np.int64]:
            answers = inference.answers(inference.prepare(fresh.reader.texts(titles)), decide)
            assert answers is not None
            return np.array([place[node] for node in answers.nodes[:, 0].tolist()])

        return answer

    return make


def encoder_alone(classifier: "Classifier") -> "Classifier":
    """The same encoder and heads without n-grams, which is what the peers run."""
    neutral = type(classifier.weights).neutral(classifier.taxonomy.depth)
    return replace(
        classifier,
        reader=replace(classifier.reader, ngrams=None, weights=neutral),
        decider=replace(classifier.decider, guarantee=None),
    )


def contenders(options: Options) -> dict[str, Contender]:
    """All ways by name."""
    classifier, ngrams = load(options, SET), load(options, "ngrams")
    alone, sklearn = encoder_alone(classifier), load_pipeline(options)
    picked = classifier.pick_precision("auto")
    ways = {
        CASCADE: Contender(made_anew(classifier, picked, "auto"), "prodcat", picked, True),
        WITHOUT: Contender(made_anew(classifier, picked, "off"), "prodcat", picked),
        NGRAMS: Contender(made_anew(ngrams, "float32", "auto"), "n-grams", "", True),
        f"{NGRAMS}, one thread": Contender(
            made_anew(ngrams, "float32", "auto"), "n-grams", threads=1
        ),
        SKLEARN: Contender(lambda: sklearn.predict, "n-grams"),
    }
    for precision in dict.fromkeys((picked, "float32", "int8", "bfloat16")):
        name = ALONE if precision == picked else f"{ALONE}, {precision}"
        ways[name] = Contender(made_anew(alone, precision, "off"), "prodcat", precision)
    for name, make in peers(classifier, folder_of(options, SET), options.work).items():
        most = SLOW_TITLES if name == SLOW else None
        ways[name] = Contender(make, "encoder", most=most)
    return ways


def measure_speed(options: Options, duplicates: float) -> list[Row]:
    """Titles a second and accuracy of every way, in turns; the first turn only warms up."""
    import torch

    warnings.simplefilter("ignore")
    titles, positions = titles_of(options, duplicates)
    truth = outcome_numbers(load(options, SET), test_rows(options, SET))[positions]
    first, before = warm_up_titles(), cpu()
    rows: dict[str, Row] = {}
    ways = contenders(options)
    for turn in range(1 + (1 if options.quick else TURNS)):
        for name, contender in ways.items():
            row = rows.setdefault(name, {"way": name, "kind": contender.kind, "cpu": before,
                                         "precision": contender.precision})  # fmt: skip
            if "missing" in row:
                continue
            torch.set_num_threads(contender.threads)
            try:
                way = contender.make()
                way(first)
                count = contender.most or len(titles)
                time_way(way, titles[:count], truth[:count], row, turn)
                if contender.remembers:
                    again = rows.setdefault(name + WARM, {**row, "way": name + WARM, "seconds": []})
                    time_way(way, titles[:count], truth[:count], again, turn)
            except MissingError as error:
                row["missing"] = str(error)
                print(name, error, flush=True)
    classifier = load(options, SET)
    inference = classifier.reader.inference(cascade="auto")
    rows[CASCADE]["alone"] = share_alone(inference, classifier.reader.texts(titles))
    for row in rows.values():
        done = "missing" not in row
        row["per_second"] = row["titles"] / float(np.median(row["seconds"])) if done else None
    return list(rows.values())


def time_way(
    way: Way, titles: Sequence[str], truth: NDArray[np.int64], row: Row, turn: int
) -> None:
    """Answer all titles once; seconds and accuracy go into the row, except in the first turn."""
    began = time.perf_counter()
    outcomes = way(titles)
    seconds = time.perf_counter() - began
    row["titles"] = len(titles)
    right = None if outcomes is None else float((np.asarray(outcomes) == truth).mean())
    row["accuracy"] = right
    row.setdefault("seconds", [])
    if turn:
        row["seconds"].append(seconds)


def measure_without_amx(options: Options) -> Row:
    """Titles a second of prodcat's forms of the encoder on a CPU that has no AMX."""
    if uses_amx():
        result: Row = run_without_amx(MODULE, options, "without-amx")
        return result
    import torch

    torch.set_num_threads(THREADS)
    alone = encoder_alone(load(options, SET))
    titles = titles_of(options, 0)[0][:1_000]
    rates: dict[str, list[float]] = {}
    ways = {
        f"{ALONE}, {precision}": made_anew(alone, precision, "off")()
        for precision in ("float32", "int8", "bfloat16")
    }
    for turn in range(1 + TURNS):
        for name, way in ways.items():
            began = time.perf_counter()
            way(titles)
            if turn:
                rates.setdefault(name, []).append(len(titles) / (time.perf_counter() - began))
    return {"cpu": cpu(), **{name: float(np.median(values)) for name, values in rates.items()}}


_MEASURED = """
import json, resource, sys, prodcat
report = prodcat.score(sys.argv[1], sys.argv[2], sys.argv[3], device="cpu")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"rows": report.summary["rows"], "peak_mb": peak, "seconds": report.seconds}))
"""


def measure_memory(options: Options, rows: int) -> Any:
    """Peak memory of scoring so many rows with a small encoder."""
    if options.quick:
        rows //= 50
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
    return {**json.loads(finished.stdout), "cpu": cpu()}


def write_titles(source: Path, rows: int) -> None:
    """A table of so many distinct titles, 20,000 in each row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from prodcat.demo.quick_commerce import generate

    generated = [row.title for row in generate(min(rows, 20_000), "tr")]
    schema = pa.schema([("sku", pa.int64()), ("title", pa.string())])
    with pq.ParquetWriter(source, schema) as writer:
        for start in range(0, rows, len(generated)):
            titles = [f"{title} {start + n}" for n, title in enumerate(generated)]
            skus = range(start, start + len(generated))
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
