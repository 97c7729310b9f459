"""What one version of prodcat answers, as hashes and texts by name: run once for each tree.

    PYTHONPATH=TREE python probe.py train FOLDER      two classifiers, saved below FOLDER
    PYTHONPATH=TREE python probe.py answer FOLDER OUT  what they answer, in all its forms

Only names that both versions have are used.
"""

import contextlib
import hashlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

LANGUAGE, ROWS = "tr", 900
KINDS = {
    "ngrams": {"encoder": None},
    "stacked": {"belief_width": 8},
    "per_level": {"structure": "per_level", "belief_width": 8},
    "flat": {"structure": "flat", "lexical": False},
}
TIMED = ("history.json", "manifest.json")  # they say how long it took, or when
REQUESTS = {
    "instances": ("application/json", {"instances": ["yarim yagli sut 1 lt", "elma"], "top_k": 3}),
    "inputs": ("application/json", {"inputs": "sut", "objective": "hierarchical_f1"}),
    "distance": ("application/json", {"inputs": ["sut"], "objective": "tree_distance"}),
    "guarantee": ("application/json", {"inputs": ["sut", "elma"], "guarantee": 0.7}),
    "max_error": ("application/json", {"inputs": ["sut", "elma"], "max_error": 0.4}),
    "list": ("application/json", ["sut", "elma"]),
    "both": ("application/json", {"inputs": ["sut"], "guarantee": 0.7, "max_error": 0.4}),
    "many": ("application/json", {"inputs": ["sut"], "top_k": 101}),
    "unknown": ("application/json", {"inputs": ["sut"], "temperature": 1}),
    "kind": ("application/json", {"inputs": ["sut"], "top_k": "3"}),
    "empty": ("application/json", {"inputs": []}),
    "lines": ("application/jsonlines", '"sut"\n{"title": "elma"}\nnonsense\n'),
    "csv": ("text/csv", "title\nsut\nelma\n"),
    "image": ("image/png", "sut"),
}


def data():
    rows = generate(ROWS, LANGUAGE)
    records = [{"title": r.title, "path": list(r.path), "brand": r.brand} for r in rows]
    tree = prodcat.read_catalog(records).tree  # of all titles, so that the test's are in it
    catalog = prodcat.read_catalog(records, keep=["brand"], taxonomy=tree)
    return rows, prodcat.split(catalog, validation=0.15, test=0.3)


def train(folder: Path) -> dict:
    rows, parts = data()
    encoder = folder / "encoder"
    if not encoder.exists():
        write_scratch_encoder(
            [row.title for row in rows], encoder, vocabulary=1_500, hidden=32, layers=2
        )
    found = {}
    for name, settings in KINDS.items():
        model = prodcat.ModelConfig(**{"encoder": str(encoder), **settings})
        classifier = prodcat.fit(
            parts.train,
            validation=parts.validation,
            model=model,
            training=prodcat.TrainingConfig(epochs=1, precision="float32"),
            device="cpu",
            progress=False,
        )
        classifier.save(str(folder / name))
        found |= files_of(f"train/{name}", folder / name)
    last = prodcat.load(str(folder / "stacked"), device="cpu")
    extra = generate(ROWS + 60, LANGUAGE)[ROWS:]
    more = [(t, p) for t, p in zip(parts.train.titles, parts.train.paths, strict=True)]
    more += [(row.title, row.path) for row in extra]
    warm = prodcat.fit(
        prodcat.read_catalog(
            [{"title": t, "path": list(p)} for t, p in more],
            taxonomy=last.taxonomy,
            on_error="aside",
        ),
        warm_start=last,
        device="cpu",
        progress=False,
    )
    warm.save(str(folder / "warm"))
    return found | files_of("train/warm", folder / "warm")


def files_of(name: str, folder: Path) -> dict:
    return {
        f"{name}/{path.relative_to(folder)}": digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in TIMED
    }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def array(values: np.ndarray) -> str:
    return f"{values.dtype}{list(values.shape)} {digest(np.ascontiguousarray(values).tobytes())}"


def answer(folder: Path, out: Path) -> dict:
    _, parts = data()
    found = {}
    for name in [*KINDS, "warm"]:
        classifier = prodcat.load(str(folder / name), device="cpu")
        found |= {f"{name}/{key}": value for key, value in answers(classifier, parts).items()}
    last = prodcat.load(str(folder / "ngrams"), device="cpu")
    settings = {"model": last.model, "training": last.training, "progress": False}
    again = prodcat.fit(
        parts.train, validation=parts.validation, warm_start=last, device="cpu", **settings
    )
    found["train/unchanged"] = again is last  # a job whose data did not change trains nothing
    found |= stored(prodcat.load(str(folder / "stacked"), device="cpu"), out)
    promised = prodcat.load(str(folder / "stacked"), device="cpu").with_guarantee(parts.test)
    promised.save(str(out / "promised"))
    found |= scored(promised, parts, out)
    found |= commands(folder, parts, out)
    return found | served(out / "promised")


def shown(predictions) -> str:
    return digest(repr([[(p.path, p.confidence, p.level_confidences, p.node_id) for p in row]
                        for row in predictions]).encode())  # fmt: skip


def tried(call) -> str:
    try:
        return call()
    except (prodcat.ProdcatError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def answers(classifier, parts) -> dict:
    test = parts.test
    titles = list(test.titles)
    found = {
        "hash": classifier.content_hash,
        "probabilities": array(classifier.predict_proba(titles)),
        "nodes": array(classifier.node_probabilities(titles)),
        "top 3": shown(classifier.predict(titles, 3)),
        "repr": repr(classifier),
    }
    for precision in ("bfloat16", "int8"):
        found[precision] = tried(lambda p=precision: array(
            classifier.predict_proba(titles, precision=p)))  # fmt: skip
    objectives = ("path", "hierarchical_f1", "tree_distance", prodcat.HierarchicalF(0.5),
                  prodcat.TreeDistance(), "nonsense")  # fmt: skip
    for objective in objectives:
        found[f"{objective}"] = tried(
            lambda o=objective: shown(classifier.predict(titles, objective=o))
        )
        found[f"evaluation {objective}"] = tried(
            lambda o=objective: judged(classifier, test, objective=o)
        )
    for promise in ({"guarantee": 0.9}, {"max_error": 0.2}, {"top_k": 0}, {"top_k": 2,
                    "objective": "tree_distance"}):  # fmt: skip
        found[f"refused {promise}"] = tried(
            lambda p=promise: shown(classifier.predict(titles, **p))
        )
    groups = {"all": {}, "department": {"by_department": True, "pool_below": 12},
              "brand": {"group": "brand", "pool_below": 15}}  # fmt: skip
    for kind, settings in groups.items():
        promised = classifier.with_guarantee(test, **settings)
        arrays = promised.guarantee.arrays()
        found[f"guarantee {kind}"] = {name: array(arrays[name]) for name in sorted(arrays)}
        for promise in ({"guarantee": 0.6}, {"guarantee": 0.9}, {"max_error": 0.3}):
            found[f"promise {kind} {promise}"] = [
                tried(lambda p=promise, c=promised: shown(c.predict(test, **p))),
                tried(lambda p=promise, c=promised: judged(c, test, **p)),
            ]
    for method in ("temperature", "levels", "adaptive", "nonsense"):
        found[f"calibrated {method}"] = tried(lambda m=method: array(
            classifier.calibrate(test, m).predict_proba(titles)))  # fmt: skip
    found["uncalibrated"] = array(classifier.uncalibrated().predict_proba(titles))
    found["trimmed"] = tried(lambda: array(classifier.trimmed(titles)[0].predict_proba(titles)))
    return found


def judged(classifier, catalog, **options) -> str:
    return digest(classifier.evaluate(catalog, **options).to_json().encode())


def stored(classifier, out: Path) -> dict:
    """Files and archives, written and read again."""
    classifier.save(str(out / "saved"))
    classifier.save(str(out / "saved.tar.gz"))
    store = prodcat.Store(str(out / "store"))
    version = store.publish(classifier, "tr", alias="production")
    loaded = store.load("tr@production", device="cpu")
    archived = prodcat.load(str(out / "saved.tar.gz"), device="cpu")
    return {
        **files_of("saved", out / "saved"),
        "saved/history.json": digest((out / "saved" / "history.json").read_bytes()),
        "store/version": version.rpartition("-")[2],  # before it, when it was published
        "store/hash": loaded.content_hash,
        "store/origin": str(loaded.origin).rpartition("-")[2],
        "archive/hash": archived.content_hash,
    }


def scored(promised, parts, out: Path) -> dict:
    import pyarrow as pa
    import pyarrow.parquet as pq

    titles = list(parts.test.titles)
    table = pa.table({"title": [*titles, ""], "number": list(range(len(titles) + 1))})
    pq.write_table(table, out / "titles.parquet")
    found = {}
    for kind in ("parquet", "jsonl", "csv", "tsv"):
        for name, settings in {"top": {"top_k": 2}, "promise": {"guarantee": 0.7}}.items():
            scoring = prodcat.ScoringConfig(format=kind, part_rows=64, **settings)
            place = out / f"scored-{kind}-{name}"
            prodcat.score(promised, str(out / "titles.parquet"), str(place), scoring=scoring,
                          progress=False)  # fmt: skip
            found |= {
                f"scored/{kind}/{name}/{path.name}": digest(path.read_bytes())
                for path in sorted(place.iterdir())
                if path.is_file() and path.suffix.removeprefix(".") == kind
            }
        single = out / f"one.{kind}"
        prodcat.score(promised, str(out / "titles.parquet"), str(single), progress=False,
                      scoring=replace(scoring, guarantee=None))  # fmt: skip
        found[f"scored/one.{kind}"] = digest(single.read_bytes())
    return found


def run(*arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-m", "prodcat", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return f"{done.returncode} {digest(done.stdout.encode())} {done.stderr[-300:]}"


def commands(folder: Path, parts, out: Path) -> dict:
    levels = ["department", "category", "subcategory", "type"]
    with (out / "test.tsv").open("w", encoding="utf-8") as file:
        file.write("title\t" + "\t".join(levels) + "\n")
        for title, path in zip(parts.test.titles, parts.test.paths, strict=True):
            file.write("\t".join([title.replace("\t", " "), *path]) + "\n")
    test, model = str(out / "test.tsv"), str(folder / "stacked")
    promised = str(out / "promised")
    verbs = ("train", "predict", "evaluate", "calibrate", "guarantee", "trim", "models", "pipeline",
             "serve", "assortment", "audit", "drift", "review", "demo")  # fmt: skip
    return {
        "cli/help": run("--help"),
        **{f"cli/{verb} --help": run(verb, "--help") for verb in verbs},
        "cli/predict": run("predict", test, "--model", model, "--top-k", "2", "--device", "cpu"),
        "cli/promise": run("predict", test, "--model", promised, "--guarantee", "0.8"),
        "cli/evaluate": run("evaluate", test, "--model", model, "--path", *levels),
        "cli/error": run("evaluate", test, "--model", model, "--path", "nonsense"),
        "cli/refused": run("predict", test, "--model", model, "--guarantee", "0.8"),
    }


def served(model: Path) -> dict:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-W", "ignore", "-m", "prodcat", "serve", "--model", str(model), "--port", str(port)]
    command += ["--device", "cpu", "--precision", "float32"]
    server = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if asked(port, "/ping")[0] == 200:
                    break
            time.sleep(0.1)
        found = {f"http{path}": asked(port, path) for path in ("/openapi.json", "/models",
                 "/execution-parameters", "/nonsense")}  # fmt: skip
        status, document = found["http/openapi.json"]
        found["http/openapi.json"] = status, json.loads(document)  # the order says nothing
        for name, (kind, body) in REQUESTS.items():
            content = body if isinstance(body, str) else json.dumps(body)
            found[f"http/{name}"] = asked(port, "/invocations", content.encode(), kind)
        return found
    finally:
        server.terminate()
        server.wait(60)


def asked(port: int, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    if kind:
        request.add_header("Content-Type", kind)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main() -> None:
    torch.set_num_threads(2)
    step, folder = sys.argv[1], Path(sys.argv[2])
    found = train(folder) if step == "train" else answer(folder, Path(sys.argv[3]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
