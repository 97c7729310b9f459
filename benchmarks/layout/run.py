"""Whether the package answers to the bit as the commit before it was laid out anew.

    python benchmarks/layout/run.py [--before COMMIT]

See README.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT / "tests" / "support")]

import structure
from reporting import bar, bar_lines, write

BEFORE = "58d9937"
SLOW = 0.2  # seconds
# What names the settings of a training, of which some were removed after the layout.
SETTINGS = ("cli/train --help",)


def probe(tree: Path, *arguments: str | Path) -> dict:
    """What the package in a tree says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "probe.py"), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(tree), "HF_HUB_OFFLINE": "1"},
        cwd=tree,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{tree}: {done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


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


def compared(before: dict, after: dict) -> list[dict]:
    """One row for each kind of thing: how many were compared, and which differ."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(before.keys() | after.keys()):
        kinds.setdefault(name.split("/")[0], []).append(name)
    rows = []
    for kind, names in kinds.items():
        differing = [name for name in names if before.get(name) != after.get(name)]
        settings = [name for name in differing if name in SETTINGS]
        rows.append(
            {
                "what": kind,
                "compared": len(names),
                "different": [name for name in differing if name not in settings],
                "other settings": settings,
            }
        )
    return rows


def equality(before: Path, work: Path) -> list[dict]:
    folders = [work / "before", work / "after"]
    found = []
    for tree, folder in zip((before, ROOT), folders, strict=True):
        folder.mkdir()
        if folder is folders[1]:  # one encoder for both
            subprocess.run(["cp", "-r", folders[0] / "encoder", folder / "encoder"], check=True)
        print(f"training with {tree.name or tree} …", file=sys.stderr)
        found.append(probe(tree, "train", folder))
    # config.json names the encoder's folder, which differs.
    for own in found:
        for name in [n for n in own if n.endswith(("config.json", "README.md"))]:
            del own[name]
    rows = compared(*found)
    answers = []
    for tree, name in ((before, "out-before"), (ROOT, "out-after")):
        (work / name).mkdir()
        print(f"answering with {tree.name or tree} …", file=sys.stderr)
        own = probe(tree, "answer", folders[0], work / name)
        answers.append({key: json.loads(json.dumps(value).replace(name, "out"))
                        for key, value in own.items()})  # fmt: skip
    return rows + compared(*answers)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "-q", "--detach", before, options.before],
                       cwd=ROOT, check=True)  # fmt: skip
        try:
            rows = equality(before, Path(folder))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", before], cwd=ROOT, check=True)
    trees = structure.modules()
    graph = structure.edges(trees)
    between = structure.package_pairs(graph)
    over = structure.sizes(trees)
    private = structure.private_uses(trees)
    readers = structure.environment_readers(trees)
    start = seconds(ROOT, "-c", "import prodcat")
    usage = seconds(ROOT, "-m", "prodcat", "--help")
    different = [name for row in rows for name in row["different"]]
    upward, circles = structure.upward(structure.pairs(graph)), structure.circles(graph)
    report = {
        "rows": rows,
        "bars": [
            bar("answers that differ from the commit before", len(different), "0", not different),
            bar("pairs of packages", len(between), f"at most {structure.PAIRS}",
                len(between) <= structure.PAIRS),
            bar("imports of a higher package", len(upward), "0", not upward),
            bar("circles of imports", len(circles), "0", not circles),
            bar("modules, classes and functions over a limit", len(over), "0", not over),
            bar("uses of another module's private names", len(private), "0", not private),
            bar("readers of the environment outside aws and cli", len(readers), "0", not readers),
            bar("import prodcat, seconds more than Python", round(start, 3), f"under {SLOW}",
                start < SLOW),
            bar("prodcat --help, seconds more than Python", round(usage, 3), f"under {SLOW}",
                usage < SLOW),
        ],
    }  # fmt: skip
    lines = ["| what | compared | different | differs in settings alone |", "|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['compared']} | {', '.join(row['different']) or 0} "
        f"| {', '.join(row['other settings']) or 0} |"
        for row in rows
    ]
    write(HERE, "python benchmarks/layout/run.py", report, "\n".join(lines), 2)
    print("\n".join(lines))
    print(bar_lines(report["bars"]))


if __name__ == "__main__":
    main()
