"""Damaged and hostile artifacts, each loaded in a process of its own."""

import contextlib
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.reporting import Row
from benchmarks.store.places import FORK
from tests.support import hostile

if TYPE_CHECKING:
    from prodcat import Classifier

DAMAGED = 1_000
KINDS = [
    *["flip"] * 5,
    *["cut"] * 4,
    *["swap"] * 3,
    *["vouched"] * 4,
    *["manifest"] * 2,
    *["archive"] * 2,
]


@dataclass(frozen=True)
class GoodArtifact:
    """The artifact that is damaged.

    Attributes:
        folder: Its folder.
        packed: The same as one archive.
        archives: Hostile archives by name.
    """

    folder: Path
    packed: bytes
    archives: Mapping[str, bytes]

    def damaged(self, kind: str, number: int, target: Path) -> tuple[str, Path]:
        """Write one damaged artifact.

        Returns:
            Its name, and what to load.
        """
        rng = random.Random(number)
        if kind == "archive":
            return self._archive(number, rng, target / "model.tar.gz")
        folder = target / "model"
        shutil.copytree(self.folder, folder)
        if kind == "vouched":
            name = sorted(hostile.HARM)[number % len(hostile.HARM)]
            hostile.HARM[name](folder)
            hostile.vouch(folder)
            return f"vouched: {name}", folder
        if kind == "manifest":
            name = sorted(hostile.MANIFEST_HARM)[number % len(hostile.MANIFEST_HARM)]
            hostile.MANIFEST_HARM[name](folder)
            return f"manifest: {name}", folder
        names = sorted(path.name for path in folder.iterdir())
        name, other = rng.choice(names), rng.choice(names)
        content = bytearray((folder / name).read_bytes())
        if kind == "flip":
            flip_bits(content, rng, rng.randint(1, 8))
        elif kind == "cut":
            del content[rng.randrange(len(content)) :]
        elif other != name:
            content = bytearray((folder / other).read_bytes())
        else:
            content.reverse()
        (folder / name).write_bytes(content)
        return f"{kind}: {name}", folder

    def _archive(self, number: int, rng: random.Random, path: Path) -> tuple[str, Path]:
        name = sorted(self.archives)[number % len(self.archives)]
        content = bytearray(self.archives[name])
        if number >= len(self.archives) and content:  # and then bits of a good archive too
            content = bytearray(self.packed)
            flip_bits(content, rng, rng.randint(1, 4))
            name = "flipped"
        path.write_bytes(content)
        return f"archive: {name}", path


def flip_bits(content: bytearray, rng: random.Random, count: int) -> None:
    """Flip so many random bits."""
    for _ in range(count):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def fit_classifier(room: Path) -> "Classifier":
    """A classifier with a tiny encoder, which has every file that an artifact can have."""
    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    rows = generate(300, "tr")
    encoder = write_scratch_encoder(
        [row.title for row in rows], room / "encoder", vocabulary=1_500, hidden=32, layers=2
    )
    catalog = prodcat.read_catalog([{"title": row.title, "path": list(row.path)} for row in rows])
    return prodcat.fit(
        catalog,
        model=prodcat.ModelConfig(encoder=str(encoder), belief_width=8),
        training=prodcat.TrainingConfig(epochs=0),
        device="cpu",
        progress=False,
    )


def _load(path: Path, answer: Any) -> None:
    """What comes of loading it, and the process's peak of memory in MiB."""
    import prodcat

    try:
        prodcat.load(str(path), device="cpu")
        outcome = "loaded"
    except prodcat.ProdcatError as error:
        outcome = f"refused: {type(error).__name__}"
    except BaseException as error:
        outcome = f"{type(error).__name__}: {str(error)[:200]}"
    peak = next(
        int(line.split()[1]) / 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    answer.put((outcome, peak))


def outcome_of(path: Path) -> tuple[str, float]:
    """The outcome of loading it in a process of its own, and that one's peak of memory."""
    answer = FORK.Queue()
    child = FORK.Process(target=_load, args=(path, answer))
    child.start()
    result: tuple[str, float] | None = None
    with contextlib.suppress(Exception):
        result = answer.get(timeout=120)
    child.join(10)
    if child.exitcode != 0 or result is None:
        return f"crashed ({child.exitcode})", 0.0
    return result


def _tree(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_size) for path in folder.rglob("*") if path.is_file()} | {
        (str(path), 0) for path in Path("/tmp").glob("evil*")
    }


def damage(count: int = DAMAGED) -> Row:
    """Load so many damaged artifacts, each in a process with its peak of memory."""
    import torch

    from prodcat.storage.archive import pack

    torch.set_num_threads(1)
    room = Path(tempfile.mkdtemp(prefix="damage"))
    try:
        folder = room / "good"
        fit_classifier(room).save(str(folder))
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        # Large ones are written once: what this process holds, its children's peaks begin with.
        good = GoodArtifact(folder, pack(files), hostile.archives(files))
        base = max(outcome_of(folder)[1] for _ in range(5))
        (room / "good.tar.gz").write_bytes(good.packed)
        base_archive = max(outcome_of(room / "good.tar.gz")[1] for _ in range(5))
        cases = load_all(good, room, count, {"archive": base_archive}, base)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    refused = [case for case in cases if case["outcome"].startswith("refused")]
    worst = max(cases, key=lambda case: case["more_memory"])
    return {
        "job": "damage",
        "cases": len(cases),
        "refused": len(refused),
        "not_refused": [case for case in cases if case not in refused][:20],
        "crashed": sum(case["outcome"].startswith("crashed") for case in cases),
        "wrote": sum(bool(case["wrote"]) for case in cases),
        "most_memory_mb": round(worst["more_memory"], 1),
        "most_memory_case": worst["name"],
        "good_load_mb": round(base, 1),
        "kinds": {
            kind: sum(case["name"].startswith(kind) for case in cases)
            for kind in dict.fromkeys(KINDS)
        },
    }


def load_all(
    good: GoodArtifact, room: Path, count: int, bases: Mapping[str, float], base: float
) -> list[Row]:
    """One row for each damaged artifact.

    Args:
        good: What is damaged.
        room: The folder in which nothing but the artifact may change.
        count: How many.
        bases: The peak of a good load by kind, MiB.
        base: The same for all other kinds.
    """
    counts: Counter[str] = Counter()
    cases = []
    (room / "sandbox").mkdir()
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        target = room / "sandbox" / str(number)
        target.mkdir()
        name, path = good.damaged(kind, counts[kind], target)
        counts[kind] += 1
        before = _tree(room)
        outcome, peak = outcome_of(path)
        cases.append(
            {
                "name": name,
                "outcome": outcome,
                "more_memory": peak - bases.get(kind, base),
                "wrote": sorted(_tree(room) ^ before),
            }
        )
        shutil.rmtree(target)
        if number % 100 == 99:
            print(number + 1, flush=True)
    return cases
