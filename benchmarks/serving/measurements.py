"""Throughput and latency under load, of one title at a time, at the start and under overload."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.jobs import Options
from benchmarks.reporting import Row, cpu
from benchmarks.serving.models import WARM_UP, read_titles, write_bodies
from benchmarks.serving.peers import (
    INT8,
    PRODCAT,
    TUNED,
    WARM,
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


def seconds_of(options: Options) -> float:
    """Seconds of one round of requests."""
    return 1.0 if options.quick else SECONDS


def turns_of(options: Options) -> int:
    """How often each is measured."""
    return 1 if options.quick else TURNS


def warm_up(peer: Peer, at_once: int, seconds: float) -> None:
    """Send titles of another language, of which no piece is in the titles that are measured."""
    load(peer, "closed", at_once, seconds, peer.sent.with_name(WARM_UP + peer.sent.name))


def measure_load(options: Options, level: int) -> list[Row]:
    """All servers with so many requests at once, in turns.

    prodcat's server is started anew for each turn, and gets each title once, as its n-grams
    remember pieces of titles; with the same titles again it is another row.
    """
    rows: list[Row] = []
    seconds = seconds_of(options)

    def measure(peer: Peer, way: str, turn: int, name: str) -> None:
        seen = load(peer, way, level, seconds)
        rows.append({"server": name, "at_once": level, "turn": turn, "cpu": cpu(), **seen})
        print(rows[-1], flush=True)

    ours: dict[str, tuple[str, ...]] = {PRODCAT: (), INT8: ("--precision", "int8")}
    with started(
        toolkit_server(options),
        toolkit_server(options, TUNED, {"OMP_NUM_THREADS": "1"}),
        infinity_server(options, "embeddings", "float32"),
    ) as peers:
        for peer in peers:
            warm_up(peer, 8, seconds)
        for turn in range(turns_of(options)):
            for name, arguments in ours.items():
                with started(prodcat_server(options, *arguments, name=name)) as [peer]:
                    warm_up(peer, 8, seconds / 2)
                    measure(peer, "once", turn, name)
                    measure(peer, "closed", turn, name + WARM)
            for peer in peers:
                measure(peer, "closed", turn, peer.name)
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
    """One title after another without a server, and through prodcat's, each title once."""
    titles = read_titles(options)[: 60 if options.quick else 400]
    calls = bare_models(options)
    rows: dict[str, list[Row]] = {name: [] for name in (*calls, "served")}
    for turn in range(turns_of(options) + 1):
        measured = {name: time_calls(call, titles) for name, call in calls.items()}
        with started(prodcat_server(options)) as [peer]:
            warm_up(peer, 1, 2)
            measured["served"] = load(peer, "once", 1, seconds_of(options))
        if turn:  # the first turn warms up
            for name, row in measured.items():
                rows[name].append({**row, "cpu": cpu()})
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
    for turn in range(1 if options.quick else STARTS):
        for make in makers:
            peer = make(options)
            try:
                rows.append({"server": peer.name, "turn": turn, "seconds": peer.wait(),
                             "cpu": cpu()})  # fmt: skip
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
        flood_seconds = 5 if options.quick else OVERLOAD
        flood = load(peer, "open", 10 * sustained["rate"], flood_seconds, sent)
        time.sleep(2)
        after = load(peer, "closed", 1, 10)
        peak = watcher.stop()
        alive = peer.is_running()
    return {
        "sustained": sustained, "before": before, "flood": flood, "after": after,
        "memory": memory, "peak": peak, "alive": alive, "patience": PATIENCE, "cpu": cpu(),
    }  # fmt: skip
