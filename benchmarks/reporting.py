"""Writes results.json and the tables in README.md, in one form for every benchmark."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

MARK = "<!-- written by run.py -->"
# Extensions that decide how fast matrix products are, in float32, bfloat16 and int8.
CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile")

Row = dict[str, Any]


class Bar(TypedDict):
    """One thing that was demanded, and whether the measured value meets it."""

    name: str
    value: object
    bar: str
    met: bool


class Report(TypedDict):
    """What one benchmark measured."""

    rows: list[Row]
    bars: list[Bar]


def bar(name: str, value: object, demand: str, met: object) -> Bar:
    """A bar; ``met`` may be any value that is true or false."""
    return {"name": name, "value": value, "bar": demand, "met": bool(met)}


def grouped(rows: Sequence[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by their values under the names, in the order in which these values come first."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def machine(threads: int) -> str:
    """The machine in words: its cores, its kind, the extensions that matter, the threads."""
    cpu_info = Path("/proc/cpuinfo")
    text = cpu_info.read_text(encoding="utf-8") if cpu_info.exists() else ""
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    present = next(lines, "").split()
    flags = ", ".join(flag for flag in CPU_FLAGS if flag in present) or "none of the known flags"
    kind = f"{os.cpu_count()} cores, {platform.machine()} ({flags}), no GPU"
    return f"{kind}; {threads} threads a job"


def current_commit(folder: Path) -> str:
    """The commit that is checked out where the folder is; empty outside a checkout."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=folder
    ).stdout.strip()


def write(folder: Path, command: str, report: Report, tables: str, threads: int = 1) -> None:
    """Write ``results.json``, and the tables behind the mark in ``README.md``.

    Args:
        folder: The benchmark's folder.
        command: The command that wrote the results.
        report: What was measured.
        tables: Markdown.
        threads: Threads of each job.
    """
    result = {
        "command": command,
        "commit": current_commit(folder),
        "machine": machine(threads),
        "date": time.strftime("%Y-%m-%d"),
        **report,
    }
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    lines = ["| bar | value | wanted | met |", "|---|---|---|---|"]
    lines += [
        f"| {row['name']} | {row['value']} | {row['bar']} | {'yes' if row['met'] else '**no**'} |"
        for row in report["bars"]
    ]
    readme = folder / "README.md"
    head = readme.read_text(encoding="utf-8").split(MARK)[0]
    text = f"{head}{MARK}\n\n{tables}\n\n" + "\n".join(lines) + "\n"
    readme.write_text(text, encoding="utf-8")


def bar_lines(bars: Sequence[Bar]) -> str:
    """The bars as lines for a terminal."""
    return "\n".join(
        f"{'met   ' if row['met'] else 'MISSED'} {row['name']} | {row['value']} | {row['bar']}"
        for row in bars
    )
