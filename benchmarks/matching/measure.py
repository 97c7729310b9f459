"""Measures matching on public pairs, on generated catalogs, and on large ones."""

import gzip
import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.jobs import Options
from benchmarks.matching.generate import LANGUAGES, catalogs
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from prodcat.matching import MatchColumns, Products

PUBLIC = ("abt-buy", "amazon-google", "walmart-amazon")
_SPLITS = ("train", "validation", "test")
_BINS = 15
_RECALL = 0.85
_SPLINK = "SPLINK_PYTHON"  # the variable that names the Python of its environment


def columns_of(name: str) -> "MatchColumns":
    """The columns of both tables of a public set."""
    from prodcat.matching import MatchColumns

    return {
        "abt-buy": MatchColumns("name", price="price", text=("description",)),
        "amazon-google": MatchColumns("title", brand="manufacturer", price="price"),
        "walmart-amazon": MatchColumns("title", brand="brand", code="modelno", price="price"),
    }[name]


def measure_public(name: str, options: Options) -> list[Row]:
    """F1 on the test pairs of a public set, without and with its training pairs.

    The two tables are the distinct records of all pairs.  Thresholds other than 0.5 are chosen on
    the validation pairs.
    """
    from prodcat.matching import Candidates, Matcher, labelled_pairs, read_both

    tables: tuple[list[Any], list[Any]] = ([], [])
    pairs, same, splits = [], [], []
    for split in _SPLITS:
        with gzip.open(options.data / "matching" / name / f"{split}.jsonl.gz", "rt") as file:
            for line in file:
                row = json.loads(line)
                pairs.append([place_of(table, row[side]) for table, side in
                              zip(tables, ("left", "right"), strict=True)])  # fmt: skip
                same.append(bool(row["same"]))
                splits.append(split)
    ours, theirs = read_both(*tables, columns_of(name))
    rows, truth, part = np.array(pairs), np.array(same), np.array(splits)
    every = Candidates(rows[:, 0], rows[:, 1])
    results = [_figures(name, "TF-IDF cosine, best threshold",
                        _cosines(ours, theirs, rows), truth, part)]  # fmt: skip
    began = time.time()
    if (fellegi_sunter := _splink(ours, theirs, pairs)) is not None:
        seconds = time.time() - began
        for method, threshold in (("splink, best threshold", None), ("splink", 0.5)):
            figures = _figures(name, method, fellegi_sunter, truth, part, threshold)
            results.append(figures | {"seconds": round(seconds, 1)})
    began = time.process_time()
    zero = Matcher().probabilities(ours, theirs, every)
    seconds = time.process_time() - began
    results.append(_figures(name, "no labelled pair", zero, truth, part, threshold=0.5)
                   | {"seconds": round(seconds, 1)})  # fmt: skip
    rng = np.random.default_rng(0)
    train = np.flatnonzero(part == "train")
    for count in (300, 1000, len(train)):
        chosen = rng.choice(train, count, replace=False)
        lesson = labelled_pairs([tuple(rows[place]) for place in chosen], truth[chosen].tolist())
        began = time.process_time()
        learned = Matcher().fit(ours, theirs, lesson).probabilities(ours, theirs, every)
        seconds = time.process_time() - began
        words = f"{count:,} training pairs" if count < len(train) else "all training pairs"
        results.append(_figures(name, words, learned, truth, part) | {"seconds": round(seconds, 1)})
    return results


_places: dict[int, dict[str, int]] = {}


def place_of(table: list[Any], record: Any) -> int:
    """The row of a record in a table, to which it is added if it is new."""
    known = _places.setdefault(id(table), {})
    key = json.dumps(record, sort_keys=True)
    if key not in known:
        known[key] = len(table)
        table.append(record)
    return known[key]


def _cosines(
    ours: "Products", theirs: "Products", rows: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [
        [f"{title} {brand} {code}" for title, brand, code in
         zip(each.titles, each.brands, each.codes, strict=True)]
        for each in (ours, theirs)
    ]  # fmt: skip
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    words.fit([*texts[0], *texts[1]])
    one, other = (words.transform(each) for each in texts)
    return np.asarray(one[rows[:, 0]].multiply(other[rows[:, 1]]).sum(axis=1)).ravel()


def _splink(
    ours: "Products", theirs: "Products", pairs: list[list[int]]
) -> "NDArray[np.float64] | None":
    """The probabilities of splink, or None where its environment is not named."""
    if (python := os.environ.get(_SPLINK)) is None:
        return None
    tables = [
        [{"title": title, "brand": brand, "code": code, "price": None if price != price else price}
         for title, brand, code, price in
         zip(each.titles, each.brands, each.codes, each.prices.tolist(), strict=True)]
        for each in (ours, theirs)
    ]  # fmt: skip
    script = Path(__file__).with_name("splink_engine.py")
    answer = subprocess.run(
        [python, str(script)],
        input=json.dumps({"tables": tables, "pairs": pairs}) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return np.array(json.loads(answer.stdout.splitlines()[-1]))


def _figures(
    name: str,
    method: str,
    scores: "NDArray[np.float64]",
    same: "NDArray[np.bool_]",
    part: "NDArray[np.str_]",
    threshold: float | None = None,
) -> Row:
    """F1 and calibration on the test pairs."""
    valid, test = part == "validation", part == "test"
    if threshold is None:
        threshold = best_threshold(scores[valid], same[valid])
    chosen = scores[test] >= threshold
    hits = int((chosen & same[test]).sum())
    row: Row = {
        "set": name,
        "method": method,
        "threshold": round(threshold, 3),
        "precision": round(hits / max(chosen.sum(), 1), 3),
        "recall": round(hits / same[test].sum(), 3),
        "f1": round(2 * hits / (chosen.sum() + same[test].sum()), 3),
    }
    if not method.startswith("TF-IDF"):
        row["ece"] = round(calibration_error(scores[test], same[test]), 3)
    return row


def best_threshold(scores: "NDArray[np.float64]", same: "NDArray[np.bool_]") -> float:
    """The threshold with the largest F1."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(same[order])
    f1 = 2 * hits / (np.arange(1, len(same) + 1) + same.sum())
    return float(scores[order[f1.argmax()]])


def calibration_error(probability: "NDArray[np.float64]", same: "NDArray[np.bool_]") -> float:
    """The expected calibration error in fifteen bins of equal width."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [abs((same - probability)[bins == number].sum()) for number in range(_BINS)]
    return float(sum(gaps) / len(same))


def measure_generated(options: Options) -> list[Row]:
    """Precision where 85 % of the same products are retrieved, in eight languages."""
    from prodcat.matching import MatchColumns, Matcher, labelled_pairs, read_both

    rows = []
    for language in LANGUAGES:
        made = catalogs(200 if options.quick else 2_000, language, seed=2)
        truth = made.same()
        ours, theirs = read_both(
            made.ours, made.theirs, MatchColumns(price="price", brand="brand"),
            MatchColumns(price="price"),
        )  # fmt: skip
        zero = Matcher()
        table = zero.match(ours, theirs).table
        rows.append({"language": language, "method": "no labelled pair",
                     **_retrieved(table, truth), **_relations(table, made)})  # fmt: skip
        rng = np.random.default_rng(1)
        shown = rng.choice(table.num_rows, min(500, table.num_rows), replace=False)
        pairs = [(table["our_row"][int(row)].as_py(), table["their_row"][int(row)].as_py())
                 for row in shown]  # fmt: skip
        lesson = labelled_pairs(pairs, [made.relation(*pair) for pair in pairs])
        learned = zero.fit(ours, theirs, lesson).match(ours, theirs).table
        known = set(pairs)
        rows.append({"language": language, "method": "500 reviewed pairs",
                     **_retrieved(learned, truth, known), **_relations(learned, made)})  # fmt: skip
    return rows


def _retrieved(
    table: Any,
    truth: set[tuple[int, int]],
    known: set[tuple[int, int]] = frozenset(),  # type: ignore[assignment]
) -> Row:
    """Precision and recall of the pairs of a table, without those that were learned from."""
    pairs = list(zip(table["our_row"].to_pylist(), table["their_row"].to_pylist(), strict=True))
    kept = [place for place, pair in enumerate(pairs) if pair not in known]
    scores = np.array(table["probability"].to_pylist())[kept]
    same = np.array([pairs[place] in truth for place in kept])
    total = len(truth - known)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(same[order])
    enough = int(np.searchsorted(hits, _RECALL * total))
    chosen = scores >= 0.5
    return {
        "precision": round(float(hits[enough] / (enough + 1)), 3) if enough < len(hits) else 0.0,
        "precision at 0.5": round(float(same[chosen].mean()), 3),
        "recall at 0.5": round(float(same[chosen].sum() / total), 3),
    }


def _relations(table: Any, made: Any) -> Row:
    """The share of right relations among pairs that were called so."""
    right: dict[str, list[bool]] = {}
    for one, other, relation in zip(
        *(table[name].to_pylist() for name in ("our_row", "their_row", "relation")), strict=True
    ):
        right.setdefault(relation, []).append(made.relation(one, other) == relation)
    return {
        f"right {name}": round(float(np.mean(right[name])), 3)
        for name in ("same but other size", "substitute")
        if name in right
    }


def measure_vectors(options: Options) -> list[Row]:
    """Seconds that the vectors of an encoder take beside the n-grams, with two threads."""
    import torch

    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.matching import Matcher

    torch.set_num_threads(2)
    rows = [{"title": row.title, "path": list(row.path)} for row in generate(1_000, "en", seed=1)]
    classifier = prodcat.fit(
        prodcat.read_catalog(rows),
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(epochs=0, baseline=False),
        device="cpu",
        progress=False,
    )
    ours, theirs = _large_tables(400 if options.quick else 10_000)
    measured: Row = {"rows": len(ours), "their rows": len(theirs)}
    began = time.time()
    measured["pairs"] = Matcher().match(ours, theirs).table.num_rows
    measured["seconds with n-grams"] = round(time.time() - began, 1)
    began = time.time()
    ours, theirs = ours.with_encoder(classifier), theirs.with_encoder(classifier)
    measured["seconds of the encoder"] = round(time.time() - began, 1)
    began = time.time()
    measured["pairs with vectors"] = Matcher().match(ours, theirs).table.num_rows
    measured["seconds with both"] = round(time.time() - began, 1)
    return [measured]


def _large_tables(count: int) -> "tuple[Products, Products]":
    """So many products on either side, of catalogs in all languages."""
    from prodcat.matching import MatchColumns, read_both

    ours, theirs = [], []
    for language in LANGUAGES:
        made = catalogs(count // len(LANGUAGES), language, seed=7)
        ours += made.ours
        theirs += made.theirs
    return read_both(ours, theirs, MatchColumns(price="price", brand="brand"),
                     MatchColumns(price="price"))  # fmt: skip


def measure_large(options: Options) -> list[Row]:
    """Seconds and memory for two large tables, one thread of Python and two of the search."""
    from prodcat.matching import Matcher

    began, computed = time.time(), time.process_time()
    ours, theirs = _large_tables(800 if options.quick else 100_000)
    matches = Matcher().match(ours, theirs)
    return [
        {
            "rows": len(ours),
            "their rows": len(theirs),
            "pairs": matches.table.num_rows,
            "minutes": round((time.time() - began) / 60, 1),
            "processor minutes": round((time.process_time() - computed) / 60, 1),
            "GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        }
    ]
