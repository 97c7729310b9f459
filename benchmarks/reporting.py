"""results.json and the tables in README.md, in one form for every benchmark."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

MARK = "<!-- written by run.py -->"


def bar(name: str, value: object, wanted: str, met: object) -> dict:
    return {"name": name, "value": value, "bar": wanted, "met": bool(met)}


def grouped(rows: list[dict], *names: str) -> dict[tuple, list[dict]]:
    """Rows by their values under the names, in the order in which these come first."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def write(folder: Path, command: str, report: dict, tables: str, threads: int = 1) -> None:
    """Write ``results.json``, and the tables behind the mark in ``README.md``.

    Args:
        folder: The benchmark's own.
        command: What wrote the results.
        report: ``{"rows": [...], "bars": [...]}``.
        tables: Markdown.
        threads: Of each job.
    """
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=folder
    ).stdout.strip()
    result = {
        "command": command,
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU; {threads} threads a job",
        "date": time.strftime("%Y-%m-%d"),
        **report,
    }
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    lines = ["| bar | value | wanted | met |", "|---|---|---|---|"]
    lines += [
        f"| {own['name']} | {own['value']} | {own['bar']} | {'yes' if own['met'] else '**no**'} |"
        for own in report["bars"]
    ]
    readme = folder / "README.md"
    head = readme.read_text(encoding="utf-8").split(MARK)[0]
    text = f"{head}{MARK}\n\n{tables}\n\n" + "\n".join(lines) + "\n"
    readme.write_text(text, encoding="utf-8")


def bar_lines(bars: list[dict]) -> str:
    return "\n".join(
        f"{'met   ' if own['met'] else 'MISSED'} {own['name']} | {own['value']} | {own['bar']}"
        for own in bars
    )
