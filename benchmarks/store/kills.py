"""Publishers that are killed, and what is left of what they wrote."""

import random
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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

KILLS = 50


@dataclass(frozen=True)
class Remains:
    """What lies in the store after a kill.

    Attributes:
        listed: Versions that are listed.
        whole: Of these, versions that load as what their note says.
        before: Objects before pruning.
        after: Objects after pruning.
        published: Whether the next publication succeeded.
        strays: Objects in the end that belong to no version.
    """

    listed: int
    whole: int
    before: int
    after: int
    published: bool
    strays: int


def publish(place: Place, classifier: "Classifier", number: int) -> None:
    """Publish one version."""
    place.store().publish(numbered(classifier, number), "tr", note=str(number))


def inspect(place: Place, classifier: "Classifier", number: int) -> Remains:
    """List and load everything, prune, publish and load again."""
    folder = Path(tempfile.mkdtemp())
    store = place.store(folder)
    listed = store.list()
    whole = 0
    for version in listed:
        loaded = store.load(version.reference, device="cpu")
        whole += abs(number_of(loaded) - int(version.note)) < 1e-6
    before = place.count_objects()
    store.prune(1, unfinished_after=0)
    after = place.count_objects()
    model = 10_000 + number
    again = store.publish(numbered(classifier, model), "tr", note=str(model))
    published = store.load(f"tr@{again}", device="cpu").origin == f"tr@{again}"
    expected = sum(len(version.files) + 1 for version in store.list()) + 1
    strays = place.count_objects() - expected
    shutil.rmtree(folder)
    return Remains(len(listed), whole, before, after, published, strays)


def kill_publishers(name: str) -> Row:
    """Kill a publisher after a random part of the time that publishing takes, again and again."""
    classifier = small_classifier()
    rng = random.Random(0)
    folder = Path(tempfile.mkdtemp(prefix="kills"))
    remains: list[Remains] = []
    while_publishing = 0
    try:
        with place_of(name, folder) as place:
            seconds = []
            for number in range(3):
                began = time.time()
                in_child(publish, place, classifier, number)
                seconds.append(time.time() - began)
            for number in range(KILLS):
                process = FORK.Process(target=publish, args=(place, classifier, 100 + number))
                process.start()
                time.sleep(rng.uniform(0.0, min(seconds)))
                while_publishing += process.is_alive()
                process.kill()
                process.join()
                remains.append(in_child(inspect, place, classifier, number))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "job": "kill",
        "place": name,
        "kills": len(remains),
        "while_publishing": while_publishing,
        "left_something": sum(row.after < row.before for row in remains),
        "only_whole_listed": sum(row.listed == row.whole for row in remains),
        "next_publish_succeeds": sum(row.published for row in remains),
        "strays_after_prune": sum(row.strays for row in remains),
    }
