"""Whether the package answers to the bit as the commit before it was laid out anew.

    python -m benchmarks.layout.run [--before COMMIT]

See README.md here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import ROOT
from benchmarks.reporting import Bar, Row, bar, bar_lines, write
from tests.support import structure

HERE = Path(__file__).resolve().parent
BEFORE = "58d9937"
SLOW = 0.2  # seconds
Answers = dict[str, object]


def probe(tree: Path, *arguments: str | Path) -> Answers:
    """What the package in a tree answers, by name.

    The probe runs in that tree and imports only from there.
    """
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "probe.py"), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(tree), "HF_HUB_OFFLINE": "1"},
        cwd=tree,
        capture_output=True,
        text=True,
    )
    if finished.returncode:
        sys.exit(f"{tree}: {finished.stderr[-4000:]}")
    answers: Answers = json.loads(finished.stdout.splitlines()[-1])
    return answers


def seconds(tree: Path, *arguments: str) -> float:
    """The least of seven starts of Python, less the least of Python alone."""

    def least(*command: str) -> float:
        times = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], env={**os.environ, "PYTHONPATH": str(tree)},
                           cwd=tree, capture_output=True, check=True)  # fmt: skip
            times.append(time.perf_counter() - began)
        return min(times)

    return least(*arguments) - least("-c", "pass")


def without_sentences(name: str, value: object) -> object:
    """What of an answer is no sentence for people: those may be reworded.

    Args:
        name: The answer's name.
        value: The answer: a hash, the error that was raised instead, what a command ended with
            (code, hash of the output, messages), or the status and body of a response.
    """
    if isinstance(value, dict):
        return {
            key: without_sentences(name, part)
            for key, part in value.items()
            if key not in ("description", "summary")
        }
    if isinstance(value, list) and name.startswith("http") and int(value[0]) >= 400:
        return value[0]
    if isinstance(value, list):
        return [without_sentences(name, part) for part in value]
    if isinstance(value, str) and name.startswith("cli/"):
        return value.split()[: 1 if name.endswith("--help") else 2]
    if isinstance(value, str) and value.split(": ")[0].endswith("Error"):
        return value.split(": ")[0]
    return value


def compared(before: Answers, after: Answers) -> list[Row]:
    """One row for each kind of answer: how many were compared, and which differ."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(before.keys() | after.keys()):
        kinds.setdefault(name.split("/")[0], []).append(name)
    rows = []
    for kind, names in kinds.items():
        differing = [name for name in names if before.get(name) != after.get(name)]
        different = [
            name
            for name in differing
            if without_sentences(name, before.get(name)) != without_sentences(name, after.get(name))
        ]
        rows.append(
            {
                "what": kind,
                "compared": len(names),
                "different": different,
                "reworded": [name for name in differing if name not in different],
            }
        )
    return rows


def compare_trees(before: Path, work: Path) -> list[Row]:
    """Train with both trees, then let both answer with what the first one has saved."""
    folders = [work / "before", work / "after"]
    trained = []
    for tree, folder in zip((before, ROOT), folders, strict=True):
        folder.mkdir()
        if folder is folders[1]:  # one encoder for both
            subprocess.run(["cp", "-r", folders[0] / "encoder", folder / "encoder"], check=True)
        print(f"training with {tree.name or tree} …", file=sys.stderr)
        files = probe(tree, "train", folder)
        # config.json and the card name the encoder's folder, which differs.
        trained.append(
            {
                name: value
                for name, value in files.items()
                if not name.endswith(("config.json", "README.md"))
            }
        )
    answered = []
    for tree, name in ((before, "out-before"), (ROOT, "out-after")):
        (work / name).mkdir()
        print(f"answering with {tree.name or tree} …", file=sys.stderr)
        answers = probe(tree, "answer", folders[0], work / name)
        answered.append({key: json.loads(json.dumps(value).replace(name, "out"))
                         for key, value in answers.items()})  # fmt: skip
    return compared(*trained) + compared(*answered)


def rule_bars() -> list[Bar]:
    """Whether the package keeps the limits of its layout, and starts fast."""
    trees = structure.modules()
    graph = structure.edges(trees)
    between = structure.package_pairs(graph)
    start = seconds(ROOT, "-c", "import prodcat")
    usage = seconds(ROOT, "-m", "prodcat", "--help")
    violations = {
        "imports of a higher package": structure.upward(structure.pairs(graph)),
        "circles of imports": structure.circles(graph),
        "modules, classes and functions over a limit": structure.sizes(trees),
        "uses of another module's private names": structure.private_uses(trees),
        "readers of the environment outside aws and cli": structure.environment_readers(trees),
    }
    return [
        bar("pairs of packages", len(between), f"at most {structure.PAIRS}",
            len(between) <= structure.PAIRS),
        *(bar(name, len(places), "0", not places) for name, places in violations.items()),
        bar("import prodcat, seconds more than Python", round(start, 3), f"under {SLOW}",
            start < SLOW),
        bar("prodcat --help, seconds more than Python", round(usage, 3), f"under {SLOW}",
            usage < SLOW),
    ]  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """One line for each kind of answer."""
    lines = ["| what | compared | different | sentences reworded |", "|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['compared']} | {', '.join(row['different']) or 0} "
        f"| {', '.join(row['reworded']) or 0} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare with a commit before, in a worktree of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layout.run")
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    commit = parser.parse_args().before
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "tree"
        command = ["git", "worktree", "add", "-q", "--detach", str(before), commit]
        subprocess.run(command, cwd=ROOT, check=True)
        try:
            rows = compare_trees(before, Path(folder))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", before], cwd=ROOT, check=True)
    different = [name for row in rows for name in row["different"]]
    first = bar("answers that differ from the commit before", len(different), "0", not different)
    bars = [first, *rule_bars()]
    write(HERE, "python -m benchmarks.layout.run", {"rows": rows, "bars": bars}, table(rows), 2)
    print(table(rows))
    print(bar_lines(bars))


if __name__ == "__main__":
    main()
