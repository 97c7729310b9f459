"""Many processes that publish, promote and load at once."""

import random
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.reporting import Row
from benchmarks.store.places import (
    FORK,
    Place,
    in_child,
    number_of,
    numbered,
    place_of,
    small_classifier,
)

if TYPE_CHECKING:
    from prodcat import Classifier

WRITERS, ROUNDS, READERS, READS = 32, 20, 8, 10_000
PAUSE, LONGEST = 2.0, 300  # seconds
WAIT = 900  # seconds for which a process waits for the others


class Weather:
    """What all processes of a storm share: when a round is over, and when all is.

    Attributes:
        reads: How many versions were read.
        over: 1 when no further round begins.
        barrier: At which all writers wait for each other.
    """

    def __init__(self) -> None:
        self.began = time.time()
        self.reads, self.over = FORK.Value("q", 0), FORK.Value("b", 0)
        self.waits = FORK.Value("q", 0)
        self.barrier = FORK.Barrier(WRITERS, self._next_round)

    def _next_round(self) -> None:
        """Called by one of the processes while all others wait: one decision for all."""
        self.waits.value += 1
        # Two waits a round; the decision is made at the first of them.
        enough = self.reads.value >= READS or time.time() - self.began > LONGEST
        if self.waits.value % 2 and self.waits.value > 2 * ROUNDS and enough:
            self.over.value = 1


@dataclass(frozen=True)
class WriterLog:
    """What one writer saw.

    Attributes:
        rounds: How many rounds it took part in.
        entries: One ``(kind, detail)`` for each attempt that ended: ``"won"`` with the event's
            number and version, ``"lost"``, or an error.
    """

    rounds: int
    entries: list[tuple[str, Any]]


@dataclass(frozen=True)
class ReaderLog:
    """What one reader saw: reads, what was wrong with them, and distinct versions."""

    reads: int
    wrong: list[str]
    versions: int


def write_rounds(
    number: int, place: Place, weather: Weather, classifier: "Classifier"
) -> WriterLog:
    """Publish a version at the same time as all others, then promote it, round by round."""
    import prodcat

    store, rng = place.store(), random.Random(number)
    entries: list[tuple[str, Any]] = []
    turn = 0
    while True:
        time.sleep(rng.uniform(0, PAUSE))
        weather.barrier.wait(WAIT)
        if weather.over.value:
            return WriterLog(turn, entries)
        model = 1 + turn * WRITERS + number
        version = None
        try:
            version = store.publish(numbered(classifier, model), "tr", note=str(model))
        except Exception as error:
            entries.append(("publish", repr(error)))
        weather.barrier.wait(WAIT)
        turn += 1
        if version is None:
            continue
        try:
            entries.append(("won", (store.promote("tr", version, "best").number, version)))
        except prodcat.ConflictError:
            entries.append(("lost", None))
        except Exception as error:
            entries.append(("error", repr(error)))


def read_on(number: int, place: Place, weather: Weather, folder: Path) -> ReaderLog:
    """Load whole versions, each verified and rebuilt, as long as the storm lasts."""
    import numpy as np
    import torch

    from prodcat.classifier.opening import rebuild
    from prodcat.storage.cache import Cache

    device, reads = torch.device("cpu"), 0
    wrong: list[str] = []
    versions: set[str] = set()
    store = place.store(Cache(folder / f"cache{number}", max_bytes=200 << 20))
    while not weather.over.value:
        try:
            version, artifact = store.open("tr@best" if reads % 4 else "tr@latest")
            classifier = rebuild(artifact, device)
            if not np.allclose(number_of(classifier), int(artifact.manifest["note"])):
                wrong.append(f"{version} holds another model")
            versions.add(version)
        except Exception as error:
            wrong.append(repr(error)[:300])
        reads += 1
        with weather.reads.get_lock():
            weather.reads.value += 1
    return ReaderLog(reads, wrong[:20], len(versions))


def publish_first(place: Place, classifier: "Classifier") -> str:
    """The version that the alias names before the storm."""
    return place.store().publish(numbered(classifier, 0), "tr", alias="best", note="0")


def inspect(place: Place) -> tuple[list[tuple[int, str | None]], int, int]:
    """The alias's events, how many versions there are, and how many of a sample are whole."""
    events = [(event.number, event.version) for event in place.store().history("tr", "best")]
    versions = place.store().list("tr")
    folder = Path(tempfile.mkdtemp())
    reader = place.store(folder)
    sample = versions[:: max(len(versions) // 60, 1)]
    whole = sum(bool(reader.open(version.reference)) for version in sample)
    shutil.rmtree(folder)
    return events, len(versions), whole


def run_processes(
    place: Place, classifier: "Classifier", folder: Path
) -> tuple[list[WriterLog], list[ReaderLog]]:
    """All writers and readers, from the first round until the storm is over."""
    weather = Weather()
    written, read = FORK.Queue(), FORK.Queue()

    def write(number: int) -> None:
        written.put(write_rounds(number, place, weather, classifier))

    def read_all(number: int) -> None:
        read.put(read_on(number, place, weather, folder))

    processes = [FORK.Process(target=read_all, args=(number,)) for number in range(READERS)]
    processes += [FORK.Process(target=write, args=(number,)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    writers = [written.get() for _ in range(WRITERS)]
    readers = [read.get() for _ in range(READERS)]
    for process in processes:
        process.join()
    return writers, readers


def storm(name: str) -> Row:
    """One storm on one kind of store."""
    classifier = small_classifier()
    folder = Path(tempfile.mkdtemp(prefix="storm"))
    began = time.time()
    try:
        with place_of(name, folder) as place:
            in_child(publish_first, place, classifier)
            writers, readers = run_processes(place, classifier, folder)
            events, versions, whole = in_child(inspect, place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    entries = [entry for log in writers for entry in log.entries]
    won = [detail for kind, detail in entries if kind == "won"]
    return {
        "job": "storm",
        "place": name,
        "published": versions,
        "whole": whole,
        "events": len(events),
        "won": len(won),
        "lost": sum(kind == "lost" for kind, _ in entries),
        # The first event is that of the start.
        "one_winner": sorted(map(tuple, won)) == sorted(map(tuple, events[1:])),
        "errors": [detail for kind, detail in entries if kind in ("publish", "error")],
        "reads": sum(log.reads for log in readers),
        "bad_reads": [text for log in readers for text in log.wrong],
        "versions_read": sum(log.versions for log in readers),
        "rounds": min(log.rounds for log in writers),
        "seconds": round(time.time() - began),
    }
