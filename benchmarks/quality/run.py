"""Path accuracy beside the usual alternatives, on frozen splits; see README.md here.

    python benchmarks/quality/run.py --data DIR          # everything; writes results.json
    python benchmarks/quality/run.py --data DIR --job food-terms/all/prodcat/0

Every job runs in a process of its own with one thread, two jobs at a time, and leaves its
metrics and single rows in a work folder; a job that is there already is not run again.
"""

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from frozen_sets import chain, read
from jobs import main
from reporting import grouped

LANGUAGES = ("de", "en", "es", "fr", "it", "nl")
SEEDS = (0, 1, 2)
EPOCHS = 3
METRICS = (
    "rows", "path_accuracy", "macro_f1", "hierarchical_precision", "hierarchical_recall",
    "hierarchical_f1", "inconsistent",
)  # fmt: skip
STRUCTURES = {"prodcat": "stacked", "flat": "flat", "per_level": "per_level"}
SYSTEMS = {
    "prodcat": "prodcat",
    "prodcat-encoder": "prodcat, encoder alone",
    "svc": "(a) TF-IDF + LinearSVC",
    "flat-encoder": "(b) flat softmax, same encoder",
    "flat": "(b') flat softmax, same encoder, + n-grams",
    "per_level-encoder": "(c) per-level softmaxes, exact decoding",
    "per_level": "(c') the same, + n-grams",
    "closed": "(d) frozen encoder, closed-form heads",
    "hiclass": "(e) HiClass, per parent node, logistic",
}


def jobs() -> list[str]:
    """The most telling first, so that an interrupted run says something."""
    both = ("food-terms", "shop-titles-en")
    quick = ("svc", "closed", "hiclass")
    names = [f"{data}/all/{system}/0" for system in ("prodcat", "flat", *quick) for data in both]
    names += ["checks", *(f"food-terms/{lang}/svc/0" for lang in LANGUAGES)]
    names += [f"{data}/all/{system}/1" for system in ("prodcat", "flat") for data in both]
    for system in ("prodcat", "flat"):
        names += [f"food-terms/{lang}/{system}/0" for lang in LANGUAGES]
    names += [f"{data}/all/per_level/0" for data in both]
    names += [f"{data}/all/{system}/2" for system in ("prodcat", "flat") for data in both]
    for system in ("hiclass", "closed", "per_level"):
        names += [f"food-terms/{lang}/{system}/0" for lang in LANGUAGES]
    names += [f"{data}/all/per_level/{seed}" for seed in SEEDS[1:] for data in both]
    return names


def run_job(name: str, data: Path, work: Path, encoder: Path) -> None:
    dataset, language, system, seed = name.split("/")
    train, validation, test = read(data, dataset, language)
    if system == "svc":
        found = {"svc": run_svc(train, test)}
    elif system == "hiclass":
        found = {"hiclass": run_hiclass(train, test)}
    else:
        found = run_prodcat(train, validation, test, system, int(seed), encoder)
    from prodcat.evaluation.judged_rows import NO_PATH
    from prodcat.evaluation.metrics import evaluate_nodes

    tree = test.tree
    place = {chain(tree, node): node for node in range(len(tree))}
    rows, correct = [], {}
    for label, (answers, seconds, extra) in found.items():
        nodes = np.array([place.get(tuple(answer), NO_PATH) for answer in answers])
        result = evaluate_nodes(tree, test.targets, nodes)
        values = {name: getattr(result, name) for name in METRICS}
        values["levels"] = [
            {"level": own.level, "rows": own.rows, "accuracy": own.accuracy,
             "macro_f1": own.macro_f1}
            for own in result.levels
        ]  # fmt: skip
        rows.append(
            {
                "data": dataset, "languages": language, "system": label, "seed": int(seed),
                "training_seconds": round(seconds, 1), "train_titles": len(train),
                "test_titles": len(test), **values, **extra,
            }
        )  # fmt: skip
        correct[label] = result.correct
    target = work / name.replace("/", "_")
    np.savez(target.with_suffix(".npz"), **correct)
    target.with_suffix(".json").write_text(json.dumps(rows))


def tfidf():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )


def run_svc(train, test):
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    began = time.perf_counter()
    model = make_pipeline(tfidf(), LinearSVC()).fit(train.titles, train.targets)
    seconds = time.perf_counter() - began
    return [chain(train.tree, node) for node in model.predict(test.titles)], seconds, {}


def run_hiclass(train, test):
    from hiclass import LocalClassifierPerParentNode
    from sklearn.linear_model import LogisticRegression

    began = time.perf_counter()
    features = tfidf().fit(train.titles)
    chains = [chain(train.tree, node) for node in train.targets]
    depth = max(map(len, chains))
    labels = np.array([[*c, *[""] * (depth - len(c))] for c in chains])
    model = LocalClassifierPerParentNode(
        local_classifier=LogisticRegression(C=10, max_iter=200), n_jobs=1
    )
    model.fit(features.transform(train.titles), labels)
    seconds = time.perf_counter() - began
    answers = model.predict(features.transform(test.titles))
    return [tuple(str(p) for p in row if p != "") for row in answers], seconds, {}


def run_prodcat(train, validation, test, system, seed, encoder):
    import prodcat

    closed = system == "closed"
    model = prodcat.ModelConfig(
        encoder=str(encoder), structure=STRUCTURES.get(system, "stacked"), lexical=not closed
    )
    training = prodcat.TrainingConfig(epochs=0 if closed else EPOCHS, seed=seed)
    began = time.perf_counter()
    fitted = prodcat.fit(
        train, validation=validation, model=model, training=training, progress=False
    )
    seconds = time.perf_counter() - began
    extra = {
        "epochs": [
            {"epoch": r.epoch, "validation_path_accuracy": r.path_accuracy, "seconds": r.seconds}
            for r in fitted.history
        ]
    }
    found = {}
    variants = {system: fitted}
    if not closed:
        variants[f"{system}-encoder"] = dataclasses.replace(
            fitted, reader=dataclasses.replace(fitted.reader, ngrams=None)
        )
    for label, variant in variants.items():
        best = [answers[0] for answers in variant.predict(list(test.titles), precision="bfloat16")]
        answers = [chain(fitted.taxonomy, fitted.taxonomy.node(b.node_id)) for b in best]
        found[label] = (answers, seconds, extra)
    return found


# -- checks that are yes or no --------------------------------------------------


def run_checks(data: Path, work: Path, encoder: Path) -> None:
    """Invariances on the shop titles, and the memory of a long prediction."""
    import tempfile

    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    train, validation, test = read(data, "shop-titles-en", "all")
    fitted = prodcat.fit(
        train, validation=validation, model=prodcat.ModelConfig(encoder=str(encoder)),
        training=prodcat.TrainingConfig(epochs=0), progress=False,
    )  # fmt: skip
    titles = list(test.titles[:512])
    together = fitted.predict_proba(titles)
    order = np.random.default_rng(0).permutation(len(titles))
    shuffled = fitted.predict_proba([titles[i] for i in order])
    alone = np.concatenate([fitted.predict_proba([title]) for title in titles[:128]])
    nodes, tree = fitted.node_probabilities(titles), fitted.taxonomy
    own = np.zeros_like(nodes)
    own[:, tree.outcomes] = together
    gap = max(
        float(np.abs(nodes[:, list(tree.children(n))].sum(1) + own[:, n] - nodes[:, n]).max())
        for n in range(len(tree)) if tree.children(n)
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fitted.save(str(home / "artifact"))
        again = prodcat.load(str(home / "artifact"))
        equal = bool(np.array_equal(again.predict_proba(titles), together))
        rows = generate(4_000, "tr")
        small = write_scratch_encoder([row.title for row in rows], home / "encoder")
        table = [{"title": row.title, "path": list(row.path)} for row in rows]
        prodcat.fit(
            prodcat.read_catalog(table), model=prodcat.ModelConfig(encoder=str(small)),
            training=prodcat.TrainingConfig(epochs=1), progress=False,
        ).save(str(home / "small"))  # fmt: skip
        peaks = {count: peak(home, rows, count) for count in (20_000, 200_000)}
    (work / "checks.json").write_text(
        json.dumps(
            {
                "order_difference": float(np.abs(shuffled - together[order]).max()),
                "batch_difference": float(np.abs(alone - together[:128]).max()),
                "children_to_parent_gap": gap,
                "save_load_equal": equal,
                "peak_mib_20000": peaks[20_000],
                "peak_mib_200000": peaks[200_000],
            }
        )
    )


def peak(home: Path, rows, count: int) -> float:
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


# -- the report -----------------------------------------------------------------


def assemble(work: Path) -> dict:
    from prodcat.evaluation.intervals import paired_bootstrap

    rows, correct = [], {}
    for path in sorted(work.glob("*_*.json")):
        for row in json.loads(path.read_text()):
            rows.append(row)
            key = (row["data"], row["languages"], row["system"])
            single = np.load(path.with_suffix(".npz"))[row["system"]]
            correct.setdefault(key, []).append(single)
    stacked = {key: np.stack(runs, axis=1) for key, runs in correct.items()}

    bars = []

    def compare(name, data, language, other, wanted):
        ours, theirs = (stacked.get((data, language, s)) for s in ("prodcat", other))
        if ours is None or theirs is None:
            return
        gain = paired_bootstrap(ours, theirs)
        met = gain.value >= wanted and (gain.low > 0 if wanted > 0 else True)
        value = f"{100 * gain.value:+.2f} points [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]"
        bar = f"at least {100 * wanted:+.1f} points" + (", interval above 0" if wanted > 0 else "")
        bars.append({"name": name, "value": value, "bar": bar, "met": bool(met)})

    compare("food-terms, all languages: prodcat over (a)", "food-terms", "all", "svc", 0.03)
    compare("shop-titles-en: prodcat over (a)", "shop-titles-en", "all", "svc", 0.015)
    for data, language in [("food-terms", "all"), ("shop-titles-en", "all")] + [
        ("food-terms", language) for language in LANGUAGES
    ]:
        for other in ("flat-encoder", "flat"):
            name = f"{data}, {language}: prodcat not below {SYSTEMS[other]}"
            compare(name, data, language, other, 0.0)
    answered = [row for row in rows if row["system"] in ("prodcat", "prodcat-encoder")]
    worst = max((row["inconsistent"] for row in answered), default=None)
    bars.append(
        {"name": "inconsistent paths over all test rows", "value": worst, "bar": "0",
         "met": worst == 0}
    )  # fmt: skip
    if (work / "checks.json").exists():
        checks = json.loads((work / "checks.json").read_text())
        growth = checks["peak_mib_200000"] - checks["peak_mib_20000"]
        for name, value, bar, met in [
            ("probabilities for any order of rows", checks["order_difference"], "within 1e-5",
             checks["order_difference"] <= 1e-5),
            ("probabilities for any batch size", checks["batch_difference"], "within 1e-5",
             checks["batch_difference"] <= 1e-5),
            ("children's probabilities against the parent's", checks["children_to_parent_gap"],
             "within 1e-6", checks["children_to_parent_gap"] <= 1e-6),
            ("save, load, predict", checks["save_load_equal"], "equal to the bit",
             checks["save_load_equal"]),
            ("peak memory at 200,000 titles over the peak at 20,000", f"{growth:.0f} MiB",
             "within 300 MB", growth * 1.048576 <= 300),
        ]:  # fmt: skip
            bars.append({"name": name, "value": value, "bar": bar, "met": bool(met)})
    return {"rows": rows, "bars": bars}


def table(rows) -> str:
    lines = [
        "| data | system | path acc. | levels | macro F1 | hF1 | train s |",
        "|---|---|---|---|---|---|---|",
    ]
    groups = grouped(rows, "data", "languages", "system")
    order = list(SYSTEMS)
    for (data, language, system), runs in sorted(
        groups.items(), key=lambda item: (*item[0][:2], order.index(item[0][2]))
    ):
        mean = lambda name: np.mean([run[name] for run in runs])  # noqa: B023, E731
        spread = f" ± {np.std([run['path_accuracy'] for run in runs]):.4f}" if len(runs) > 1 else ""
        levels = " / ".join(
            f"{np.mean([run['levels'][i]['accuracy'] for run in runs]):.3f}"
            for i in range(len(runs[0]["levels"]))
        )
        lines.append(
            f"| {data}, {language} | {SYSTEMS[system]} | {mean('path_accuracy'):.4f}{spread} | "
            f"{levels} | {mean('macro_f1'):.4f} | {mean('hierarchical_f1'):.4f} | "
            f"{mean('training_seconds'):.0f} |"
        )
    return "\n".join(lines)


def run_any(name: str, options) -> None:
    if name == "checks":
        run_checks(options.data, options.work, options.encoder)
    else:
        run_job(name, options.data, options.work, options.encoder)


if __name__ == "__main__":
    main(Path(__file__), jobs(), run_any, assemble, table)
