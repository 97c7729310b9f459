"""Throughput and latency under load, of one title at a time, at the start and under overload."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.serving.models import read_titles, write_bodies
from benchmarks.serving.peers import (
    INT8,
    TUNED,
    PeakMemory,
    Peer,
    infinity_server,
    load,
    prodcat_server,
    started,
    toolkit_server,
)

TURNS = 3
SECONDS = 6
STARTS = 3
OVERLOAD = 60  # seconds
PATIENCE = 50.0  # seconds after which prodcat's server gives up on a request


def measure_load(options: Options, level: int) -> list[Row]:
    """All servers with so many requests at once, in turns."""
    rows = []
    with started(
        prodcat_server(options),
        prodcat_server(options, "--precision", "int8", name=INT8),
        toolkit_server(options),
        toolkit_server(options, TUNED, {"OMP_NUM_THREADS": "1"}),
        infinity_server(options, "embeddings", "float32"),
    ) as peers:
        for peer in peers:
            load(peer, "closed", 8, 3)
        for turn in range(TURNS):
            for peer in peers:
                seen = load(peer, "closed", level, SECONDS)
                rows.append({"server": peer.name, "at_once": level, "turn": turn, **seen})
                print(rows[-1], flush=True)
    return rows


def bare_models(options: Options) -> dict[str, Callable[[str], Any]]:
    """The models of prodcat and of transformers as function calls of one title."""
    import torch
    import transformers

    import prodcat

    classifier = prodcat.load(str(options.work / "model"), device="cpu")
    inference = classifier.inference(classifier.pick_precision("auto"))
    decide = classifier.decision()
    folder = options.work / "transformers"
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)

    def ours(title: str) -> None:
        inference.answers(inference.prepare([title]), decide)

    def theirs(title: str) -> None:
        with torch.inference_mode():
            network(**tokenizer([title], return_tensors="pt", return_token_type_ids=False))

    return {"prodcat": ours, "transformers": theirs}


def measure_bare_models(options: Options) -> dict[str, list[Row]]:
    """One title after another without a server, and through prodcat's."""
    titles = read_titles(options)
    calls = bare_models(options)
    rows: dict[str, list[Row]] = {name: [] for name in (*calls, "served")}
    with started(prodcat_server(options)) as [peer]:
        for turn in range(TURNS + 1):
            measured = {name: time_calls(call, titles[:400]) for name, call in calls.items()}
            measured["served"] = load(peer, "closed", 1, 6)
            if turn:  # the first turn warms up
                for name, row in measured.items():
                    rows[name].append(row)
    return rows


def time_calls(call: Callable[[str], Any], titles: list[str]) -> Row:
    """Quantiles and mean of the seconds of one call a title."""
    times = []
    for title in titles:
        began = time.perf_counter()
        call(title)
        times.append(time.perf_counter() - began)
    times.sort()
    count = len(times)
    return {
        "p50": times[count // 2],
        "p99": times[count * 99 // 100],
        "mean": sum(times) / count,
    }


def measure_starts(options: Options) -> list[Row]:
    """From the start of the process to the first answer, in turns."""
    makers: tuple[Callable[[Options], Peer], ...] = (prodcat_server, toolkit_server)
    rows = []
    for turn in range(STARTS):
        for make in makers:
            peer = make(options)
            try:
                rows.append({"server": peer.name, "turn": turn, "seconds": peer.wait()})
            finally:
                peer.stop()
            print(rows[-1], flush=True)
    return rows


def measure_overload(options: Options) -> Row:
    """Ten times as many requests a second as the server can answer, each of 32 titles."""
    titles = read_titles(options)
    sent = options.work / "thirty-two.jsonl"
    whole = len(titles) // 32 * 32
    write_bodies(sent, ({"inputs": titles[row : row + 32]} for row in range(0, whole, 32)))
    with started(prodcat_server(options)) as [peer]:
        load(peer, "closed", 2, 5, sent)
        sustained = load(peer, "closed", 2, 15, sent)
        before = load(peer, "closed", 1, 10)
        memory, watcher = peer.memory(), PeakMemory(peer, 0.2)
        flood = load(peer, "open", 10 * sustained["rate"], OVERLOAD, sent)
        time.sleep(2)
        after = load(peer, "closed", 1, 10)
        peak = watcher.stop()
        alive = peer.is_running()
    return {
        "sustained": sustained, "before": before, "flood": flood, "after": after,
        "memory": memory, "peak": peak, "alive": alive, "patience": PATIENCE,
    }  # fmt: skip
