"""A trimmed vocabulary, a warm start, and a language that is new."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.frozen_sets import read
from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.training.systems import SETS, fit, path_accuracy, right_answers

if TYPE_CHECKING:
    from prodcat import Catalog


def bytes_of(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def all_titles(options: Options) -> "Catalog":
    """The titles of all three sets, in eight languages, without any test title."""
    import prodcat

    texts: list[str] = []
    languages: list[str] = []
    parts = [(name, part) for name in SETS for part in ("train", "validation")]
    for name, part in [*parts, ("parallel-synthetic", "items")]:
        path = str(options.data / name / f"{part}.jsonl.gz")
        catalog = prodcat.read_catalog(path, path=None, keep=["language"])
        texts += list(catalog.titles)
        languages += list(catalog.columns["language"])
    return prodcat.read_catalog(
        {"title": texts, "language": languages}, path=None, language="language"
    )


def trim_vocabulary(options: Options) -> Row:
    """The models of the race, cut to the word pieces of all titles."""
    import prodcat

    titles = all_titles(options)
    rows = []
    for name in SETS:
        _, _, test = read(options.data, name, "all")
        model = prodcat.load(str(options.work / f"{name}-prodcat"), device="cpu")
        whole = options.work / f"{name}-whole"
        model.save(str(whole))  # in the format of today
        small, report = model.trimmed(titles)
        target = options.work / f"{name}-trimmed"
        small.save(str(target))
        trimmed = prodcat.load(str(target), device="cpu")
        rows.append(
            {
                "set": name, "bytes": bytes_of(whole), "trimmed_bytes": bytes_of(target),
                "test": path_accuracy(model, test, "float32"),
                "trimmed_test": path_accuracy(trimmed, test, "float32"),
                "report": report.to_dict(),
            }
        )  # fmt: skip
    return {"rows": rows}


def warm_start(options: Options) -> Row:
    """Yesterday's model, one twentieth of the titles new: learn on, or begin again."""
    from prodcat.evaluation.intervals import paired_bootstrap

    rows = []
    for name in SETS:
        train, validation, test = read(options.data, name, "all")
        order = np.random.default_rng(0).permutation(len(train))
        old = train.take(np.sort(order[len(train) // 20 :]))
        base = fit(options, old, validation)
        began = time.perf_counter()
        cold = fit(options, train, validation)
        cold_seconds = time.perf_counter() - began
        began = time.perf_counter()
        warm = fit(options, train, validation, warm_start=base)
        warm_seconds = time.perf_counter() - began
        began = time.perf_counter()
        same = fit(options, train, validation, warm_start=warm)
        unchanged_seconds = time.perf_counter() - began
        models = {"cold": cold, "warm": warm, "base": base}
        right = {label: right_answers(model, test) for label, model in models.items()}
        gain = paired_bootstrap(right["warm"][:, None], right["cold"][:, None])
        rows.append(
            {
                "set": name, "new": len(train) - len(old), "cold_seconds": cold_seconds,
                "warm_seconds": warm_seconds,
                **{label: float(answers.mean()) for label, answers in right.items()},
                "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
                "unchanged_seconds": unchanged_seconds, "unchanged": same is warm,
            }
        )  # fmt: skip
    return {"rows": rows}


def learn_new_language(options: Options) -> Row:
    """A language that is new, with a small number of titles of its own."""
    language, sizes = "nl", (100, 500, 2_000)
    train, validation, test = read(options.data, "food-terms", "all")

    def in_language(catalog: "Catalog", code: str) -> Any:
        return np.array([name == code for name in catalog.languages or ()])

    dutch = in_language(train, language)
    dutch_validation = validation.take(in_language(validation, language))
    dutch_test = test.take(in_language(test, language))
    order = np.random.default_rng(0).permutation(np.flatnonzero(dutch))
    rest = np.flatnonzero(~dutch)
    french = fit(options, train.take(np.flatnonzero(in_language(train, "fr"))), validation)
    unified = fit(options, train.take(rest), validation)
    rows = [
        {"titles": 0, "start": start, "test": path_accuracy(model, dutch_test), "seconds": 0.0}
        for start, model in (("french", french), ("unified", unified))
    ]
    for size in sizes:
        titles = order[:size]
        starts: list[tuple[str, Any, dict[str, Any]]] = [
            ("scratch", titles, {}),
            ("french", titles, {"warm_start": french}),
            ("unified", np.concatenate([rest, titles]), {"warm_start": unified}),
        ]
        for start, chosen, more in starts:
            began = time.perf_counter()
            model = fit(options, train.take(chosen), dutch_validation, **more)
            rows.append({"titles": size, "start": start, "test": path_accuracy(model, dutch_test),
                         "seconds": time.perf_counter() - began})  # fmt: skip
    return {"language": language, "rows": rows}
