"""Cold and warm starts, and loads compared with those of transformers."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.jobs import ROOT, Options
from benchmarks.reporting import Row
from benchmarks.store.places import Place
from tests.support import servers

if TYPE_CHECKING:
    from prodcat import Classifier

LOADS = 25
_START = """
import json, sys, time, prodcat
uri, cache, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
began = time.perf_counter()
classifier = prodcat.load(uri, device="cpu", cache=cache, storage_options=options)
print(json.dumps([classifier.origin, time.perf_counter() - began]))
"""


def encoder_classifier(options: Options) -> "Classifier":
    """A classifier around the encoder as it is, its vocabulary whole."""
    import prodcat
    from prodcat.demo.quick_commerce import generate

    rows = [{"title": row.title, "path": list(row.path)} for row in generate(600, "tr")]
    return prodcat.fit(
        prodcat.read_catalog(rows),
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(epochs=0),
        progress=False,
    )


def measure_starts(options: Options) -> list[Row]:
    """Processes that load a version through a proxy that counts, cold and warm."""
    folder = Path(tempfile.mkdtemp(prefix="starts"))
    try:
        classifier = encoder_classifier(options)
        with servers.ceph(folder / "c") as server:
            proxy = servers.FaultProxy(server)
            place = Place(f"s3://{server.bucket()}/models", proxy.s3.options)
            store = place.store(folder / "publisher")
            version = store.publish(classifier, "tr", alias="production")
            size = store.show("tr@production").bytes

            def start(reference: str, processes: int) -> Row:
                proxy.reset_counts()
                command = [sys.executable, "-c", _START, f"{place.uri}/tr@{reference}",
                           str(folder / "cache"), json.dumps(place.options)]  # fmt: skip
                running = [
                    subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
                    for _ in range(processes)
                ]
                answers = [json.loads(process.communicate()[0]) for process in running]
                assert all(answer[0] == f"tr@{version}" for answer in answers)
                return {
                    "job": "start",
                    "what": f"{processes} of {reference if reference != version else 'pinned'}",
                    "times_downloaded": round(proxy.bytes_sent / size, 4),
                    "connections": proxy.connections,
                    "requests": len(proxy.requests),
                    "seconds": round(max(answer[1] for answer in answers), 2),
                }

            starts = [("production", 8), (version, 8), ("production", 1), (version, 1)]
            rows = [start(reference, processes) for reference, processes in starts]
            proxy.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [{**row, "cold": place == 0} for place, row in enumerate(rows)]


def measure_loading(options: Options) -> list[Row]:
    """In one process, in turns: the warm artifact, and the same weights by transformers."""
    from transformers.utils import logging

    from prodcat.demo.quick_commerce import generate

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    folder = Path(tempfile.mkdtemp(prefix="loading"))
    try:
        classifier = encoder_classifier(options)
        titles = [row.title for row in generate(5_000, "tr")]
        with servers.moto() as server:
            place = Place(f"s3://{server.bucket()}/m", server.options)
            calls = loads(classifier, titles, place, folder, options.encoder)
            same = same_embeddings(calls)
            for call in calls.values():
                call()
            seconds: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(LOADS):
                for name, call in calls.items():
                    began = time.perf_counter()
                    call()
                    seconds[name].append(time.perf_counter() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        {
            "job": "loading",
            "what": name,
            "ms": round(1_000 * statistics.median(times), 1),
            "least_ms": round(1_000 * min(times), 1),
            "same_weights": same,
        }
        for name, times in seconds.items()
    ]


def loads(
    classifier: "Classifier", titles: list[str], place: Place, folder: Path, encoder: Path
) -> dict[str, Callable[[], Any]]:
    """The loads that are compared, by name: of the whole vocabulary, and of a trimmed one."""
    from transformers import AutoModel, AutoTokenizer

    import prodcat

    store = place.store(folder / "cache")
    whole = store.publish(classifier, "whole")
    trimmed = store.publish(classifier.trimmed(titles)[0], "trimmed")
    small_encoder = str(folder / "small")
    prodcat.trim_encoder(str(encoder), small_encoder, texts=titles)
    return {
        "prodcat, whole vocabulary": lambda: store.load(f"whole@{whole}", device="cpu"),
        "AutoModel, whole vocabulary": lambda: AutoModel.from_pretrained(str(encoder)),
        "AutoTokenizer, whole vocabulary": lambda: AutoTokenizer.from_pretrained(str(encoder)),
        "prodcat, trimmed": lambda: store.load(f"trimmed@{trimmed}", device="cpu"),
        "AutoModel, trimmed": lambda: AutoModel.from_pretrained(small_encoder),
        "AutoTokenizer, trimmed": lambda: AutoTokenizer.from_pretrained(small_encoder),
    }


def same_embeddings(calls: dict[str, Callable[[], Any]]) -> bool:
    """Whether both load the same vectors of word pieces."""
    import torch

    ours = calls["prodcat, whole vocabulary"]().network.encoder.word_embeddings.weight
    theirs = calls["AutoModel, whole vocabulary"]().get_input_embeddings().weight
    return bool(torch.equal(ours, theirs))
