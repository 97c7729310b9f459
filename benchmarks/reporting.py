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
CPU_FLAGS = (
    "avx2", "avx_vnni", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_int8", "amx_bf16",
)  # fmt: skip
LIMIT = "ONEDNN_MAX_CPU_ISA"  # the variable that keeps oneDNN from using later extensions

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


def cpu() -> str:
    """The processor in words: its model, and the extensions that matter for matrix products.

    Returns:
        For example ``"AMD EPYC, family 25 model 17 (avx2, avx512f, avx512_bf16, avx512_vnni)"``.
    """
    cpu_info = Path("/proc/cpuinfo")
    text = cpu_info.read_text(encoding="utf-8") if cpu_info.exists() else ""
    facts: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    words = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts:
        words += f", family {facts['cpu family']} model {facts.get('model', '?')}"
    present = facts.get("flags", "").split()
    flags = ", ".join(flag for flag in CPU_FLAGS if flag in present) or "none of the known flags"
    limit = f", oneDNN limited to {os.environ[LIMIT]}" if LIMIT in os.environ else ""
    return f"{words} ({flags}{limit})"


def machine(threads: int) -> str:
    """The machine in words: its cores, its processor, the threads of a job."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {cpu()}, no GPU; {threads} threads a job"


def cpu_lines(rows: Sequence[Row]) -> list[str]:
    """Lines that name the processors on which rows were measured, and say which are older.

    There are none for rows that say neither.
    """
    lines = []
    names = dict.fromkeys(row["cpu"] for row in rows if row.get("cpu") and EARLIER not in row)
    if names:
        lines += ["", f"Measured on: {'; '.join(names)}."]
    for (earlier,), kept in grouped([row for row in rows if EARLIER in row], EARLIER).items():
        tables = ", ".join(dict.fromkeys(row["table"] for row in kept))
        lines += ["", f"From an earlier run ({earlier}): {tables}."]
    return lines


EARLIER = "earlier"  # the key of what is known of the run that measured a row before this one


def with_earlier(report: Report, results: Path) -> Report:
    """A report with the tables and bars of earlier results that it lacks.

    Args:
        report: What was measured now.
        results: The file of earlier results; it may be missing.

    Returns:
        The report, in which each row of the earlier results says when and where it was measured.
    """
    if not results.exists():
        return report
    old = json.loads(results.read_text(encoding="utf-8"))
    tables = {row["table"] for row in report["rows"]}
    names = {row["name"] for row in report["bars"]}
    run = f"{old['date']}, commit {old['commit']}, {old['machine']}"
    rows = [{EARLIER: run, **row} for row in old["rows"] if row["table"] not in tables]
    bars = [row for row in old["bars"] if row["name"] not in names]
    return {"rows": [*report["rows"], *rows], "bars": [*report["bars"], *bars]}


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
