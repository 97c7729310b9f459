"""What one version of prodcat answers, as hashes and texts by name: run once for each tree.

    PYTHONPATH=TREE python probe.py train FOLDER       five classifiers, saved below FOLDER
    PYTHONPATH=TREE python probe.py answer FOLDER OUT  what they answer, in all its forms

Only names that both versions have are used, and nothing of benchmarks or tests.
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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

Answers = dict[str, Any]
LANGUAGE, ROWS = "tr", 900
KINDS: dict[str, dict[str, Any]] = {
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


def data() -> tuple[Any, Any]:
    """The generated rows, and the catalogs to train, to stop and to test with."""
    rows = generate(ROWS, LANGUAGE)
    records = [{"title": r.title, "path": list(r.path), "brand": r.brand} for r in rows]
    tree = prodcat.read_catalog(records).tree  # of all titles, so that the test's are in it
    catalog = prodcat.read_catalog(records, keep=["brand"], taxonomy=tree)
    return rows, prodcat.split(catalog, validation=0.15, test=0.3)


def train(folder: Path) -> Answers:
    """Train and save the classifiers; the hashes of their files."""
    rows, parts = data()
    encoder = folder / "encoder"
    if not encoder.exists():
        write_scratch_encoder(
            [row.title for row in rows], encoder, vocabulary=1_500, hidden=32, layers=2
        )
    files: Answers = {}
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
        files |= files_of(f"train/{name}", folder / name)
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
    return files | files_of("train/warm", folder / "warm")


def files_of(name: str, folder: Path) -> Answers:
    """The hashes of the files below a folder that do not say how long something took."""
    return {
        f"{name}/{path.relative_to(folder)}": digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in TIMED
    }


def digest(content: bytes) -> str:
    """A short hash."""
    return hashlib.sha256(content).hexdigest()[:16]


def array(values: Any) -> str:
    """The type, the shape and a hash of an array."""
    return f"{values.dtype}{list(values.shape)} {digest(np.ascontiguousarray(values).tobytes())}"


def answer(folder: Path, out: Path) -> Answers:
    """What the saved classifiers answer in all forms."""
    _, parts = data()
    gathered: Answers = {}
    for name in [*KINDS, "warm"]:
        classifier = prodcat.load(str(folder / name), device="cpu")
        gathered |= {f"{name}/{key}": value for key, value in answers(classifier, parts).items()}
    # A job whose data did not change trains nothing.
    last = prodcat.load(str(folder / "ngrams"), device="cpu")
    gathered["train/unchanged"] = unchanged(last, parts)
    gathered |= stored(prodcat.load(str(folder / "stacked"), device="cpu"), out)
    promised = prodcat.load(str(folder / "stacked"), device="cpu").with_guarantee(parts.test)
    promised.save(str(out / "promised"))
    gathered |= scored(promised, parts, out)
    gathered |= commands(folder, parts, out)
    return gathered | served(out / "promised")


def unchanged(last: Any, parts: Any) -> bool:
    """Whether training on the same titles and settings gives the same object back."""
    again = prodcat.fit(
        parts.train, validation=parts.validation, warm_start=last, device="cpu",
        model=last.model, training=last.training, progress=False,
    )  # fmt: skip
    return again is last


def shown(predictions: Iterable[Any]) -> str:
    """A hash of predictions."""
    return digest(repr([[(p.path, p.confidence, p.level_confidences, p.node_id) for p in row]
                        for row in predictions]).encode())  # fmt: skip


def tried(call: Callable[..., str], *arguments: Any, **named: Any) -> str:
    """What a call returns, or its error."""
    try:
        return call(*arguments, **named)
    except (prodcat.ProdcatError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def answers(classifier: Any, parts: Any) -> Answers:
    """What one classifier answers."""
    test = parts.test
    titles = list(test.titles)

    def probabilities(variant: Any, **options: Any) -> str:
        return array(variant.predict_proba(titles, **options))

    def predicted(**options: Any) -> str:
        return shown(classifier.predict(titles, **options))

    gathered: Answers = {
        "hash": classifier.content_hash,
        "probabilities": probabilities(classifier),
        "nodes": array(classifier.node_probabilities(titles)),
        "top 3": shown(classifier.predict(titles, 3)),
        "repr": repr(classifier),
    }
    for precision in ("bfloat16", "int8"):
        gathered[precision] = tried(probabilities, classifier, precision=precision)
    objectives = ("path", "hierarchical_f1", "tree_distance", prodcat.HierarchicalF(0.5),
                  prodcat.TreeDistance(), "nonsense")  # fmt: skip
    for objective in objectives:
        gathered[f"{objective}"] = tried(predicted, objective=objective)
        gathered[f"evaluation {objective}"] = tried(judged, classifier, test, objective=objective)
    refused: list[dict[str, Any]] = [{"guarantee": 0.9}, {"max_error": 0.2}, {"top_k": 0},
                                     {"top_k": 2, "objective": "tree_distance"}]  # fmt: skip
    for promise in refused:
        gathered[f"refused {promise}"] = tried(predicted, **promise)
    gathered |= promises(classifier, test)
    for method in ("temperature", "levels", "adaptive", "nonsense"):
        gathered[f"calibrated {method}"] = tried(
            lambda name: probabilities(classifier.calibrate(test, name)), method
        )
    gathered["uncalibrated"] = probabilities(classifier.uncalibrated())
    gathered["trimmed"] = tried(lambda: probabilities(classifier.trimmed(titles)[0]))
    return gathered


def promises(classifier: Any, test: Any) -> Answers:
    """What is promised with three kinds of groups."""
    groups: dict[str, dict[str, Any]] = {
        "all": {},
        "department": {"by_department": True, "pool_below": 12},
        "brand": {"group": "brand", "pool_below": 15},
    }
    gathered: Answers = {}
    for kind, settings in groups.items():
        promised = classifier.with_guarantee(test, **settings)
        arrays = promised.guarantee.arrays()
        gathered[f"guarantee {kind}"] = {name: array(arrays[name]) for name in sorted(arrays)}
        for promise in ({"guarantee": 0.6}, {"guarantee": 0.9}, {"max_error": 0.3}):
            gathered[f"promise {kind} {promise}"] = [
                tried(lambda c=promised, **named: shown(c.predict(test, **named)), **promise),
                tried(judged, promised, test, **promise),
            ]
    return gathered


def judged(classifier: Any, catalog: Any, **options: Any) -> str:
    """A hash of an evaluation."""
    return digest(classifier.evaluate(catalog, **options).to_json().encode())


def stored(classifier: Any, out: Path) -> Answers:
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


def scored(promised: Any, parts: Any, out: Path) -> Answers:
    """The files that bulk scoring writes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    titles = list(parts.test.titles)
    table = pa.table({"title": [*titles, ""], "number": list(range(len(titles) + 1))})
    source = str(out / "titles.parquet")
    pq.write_table(table, source)
    gathered: Answers = {}
    options: dict[str, dict[str, Any]] = {"top": {"top_k": 2}, "promise": {"guarantee": 0.7}}
    for kind in ("parquet", "jsonl", "csv", "tsv"):
        form: Any = kind
        for name, settings in options.items():
            scoring = prodcat.ScoringConfig(format=form, part_rows=64, **settings)
            place = out / f"scored-{kind}-{name}"
            prodcat.score(promised, source, str(place), scoring=scoring, progress=False)
            gathered |= {
                f"scored/{kind}/{name}/{path.name}": digest(path.read_bytes())
                for path in sorted(place.iterdir())
                if path.is_file() and path.suffix.removeprefix(".") == kind
            }
        single = out / f"one.{kind}"
        scoring = prodcat.ScoringConfig(format=form, part_rows=64)
        prodcat.score(promised, source, str(single), scoring=scoring, progress=False)
        gathered[f"scored/one.{kind}"] = digest(single.read_bytes())
    return gathered


def run(*arguments: str) -> str:
    """Exit code, output and errors of a command."""
    command = [sys.executable, "-W", "ignore", "-m", "prodcat", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True)
    return f"{finished.returncode} {digest(finished.stdout.encode())} {finished.stderr[-300:]}"


def commands(folder: Path, parts: Any, out: Path) -> Answers:
    """What the command line writes."""
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


def served(model: Path) -> Answers:
    """What a server answers to good and bad requests, and its OpenAPI document."""
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
        gathered: Answers = {f"http{path}": asked(port, path) for path in ("/openapi.json",
                             "/models", "/execution-parameters", "/nonsense")}  # fmt: skip
        status, document = gathered["http/openapi.json"]
        gathered["http/openapi.json"] = status, json.loads(document)  # the order says nothing
        for name, (kind, body) in REQUESTS.items():
            content = body if isinstance(body, str) else json.dumps(body)
            gathered[f"http/{name}"] = asked(port, "/invocations", content.encode(), kind)
        return gathered
    finally:
        server.terminate()
        server.wait(60)


def asked(port: int, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, str]:
    """The status and the body of one request."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    if kind:
        request.add_header("Content-Type", kind)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main() -> None:
    """Run one of the two steps and print what came of it as one line of JSON."""
    torch.set_num_threads(2)
    step, folder = sys.argv[1], Path(sys.argv[2])
    gathered = train(folder) if step == "train" else answer(folder, Path(sys.argv[3]))
    print(json.dumps(gathered))


if __name__ == "__main__":
    main()
