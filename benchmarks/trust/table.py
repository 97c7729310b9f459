"""The figures of all jobs as rows, bars and a table."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar

MEMORY = 1.10  # of before


def assemble(names: Sequence[str], work: Path) -> Report:
    """The report of what the jobs left."""
    rows = [row for name in names if (row := read_result_or_none(name, work)) is not None]
    by_job = {job: [row for row in rows if row["job"] == job] for job in _DEMANDS}
    return {"rows": rows, "bars": [bar for job in _DEMANDS for bar in _bars(job, by_job[job])]}


_DEMANDS = {
    "damage": "3,000 altered artifacts: none loads, crashes or writes",
    "requests": "30,000 hostile requests and attackers beside them",
    "kills": "100 kills: each output is in the end that of a clean run",
    "rivals": "100 pairs of rivals: none says complete wrongly",
    "inputs": "50 inputs changed while read: no mixed rows",
    "warm": "a warm load takes as long as before",
}


def _bars(job: str, rows: Sequence[Row]) -> list[Bar]:
    demand = _DEMANDS[job]
    if not rows:
        return [bar(demand, "not measured", "measured", False)]
    if job == "damage":
        [row] = rows
        wrong = len(row["not_refused"]) + row["crashed"] + row["wrote"]
        value = f"{wrong} of {row['cases']:,}"
        return [bar(demand, value, "0 of 3,000", not wrong and row["cases"] >= 3_000)]
    if job == "requests":
        return _request_bars(demand, rows[0])
    if job == "warm":
        ratios = {
            kind: medians["now"] / medians["before"] for kind, medians in rows[0]["medians"].items()
        }
        return [
            bar(f"{demand} ({kind})", round(ratio, 3), "at most 1.1 times", ratio <= 1.1)
            for kind, ratio in ratios.items()
        ]
    cases, bad = sum(row["cases"] for row in rows), sum(len(row["bad"]) for row in rows)
    if job == "inputs":
        return [bar(demand, f"{bad} wrong of {cases}", "0 of 50", not bad and cases >= 50)]
    kind, words = ("hit", "killed in time") if job == "kills" else ("together", "at the same time")
    count = sum(row[kind] for row in rows)
    value = f"{bad} wrong of {cases}, {count} of them {words}"
    return [bar(demand, value, f"0 of 100 {words}", not bad and count >= 100)]


def _request_bars(demand: str, row: Row) -> list[Bar]:
    growth = max(after / before for before, after in row["memory"])
    return [
        bar(
            f"{demand}: no 5xx, traceback or hang",
            f"{len(row['bad'])} of {row['requests']:,}, {row['tracebacks']} tracebacks",
            "0 of 30,000",
            not row["bad"] and not row["tracebacks"] and row["alive"] and row["answers"]
            and row["requests"] >= 30_000,
        ),
        bar(
            "memory of the servers after it",
            f"{growth:.3f} times",
            "at most 1.1",
            growth <= MEMORY,
        ),
        bar(
            "/ping during it",
            f"{row['slowest_ping']:.2f} s at most, {len(row['failed_pings'])} failures",
            "under 1 s, no failure",
            row["slowest_ping"] < 1 and not row["failed_pings"],
        ),
    ]  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = ["| attack | place | cases | of these | wrong | commit |", "|---|---|---|---|---|---|"]
    lines += [f"| {line} | {row['commit']} |" for row in rows for line in _lines(row)]
    return "\n".join(lines)


def _lines(row: Row) -> list[str]:
    """The lines of a job in the table, without the last column."""
    job = row["job"]
    if job == "damage":
        detail = f"{row['refused']:,} refused, at most {row['most_memory_mb']} MB more memory"
        wrong = len(row["not_refused"]) + row["crashed"] + row["wrote"]
        return [f"artifacts | local | {row['cases']:,} | {detail} | {wrong}"]
    if job == "requests":
        detail = f"{row['attacks']:,} attacks of slow and greedy clients beside them"
        return [f"requests | loopback | {row['requests']:,} | {detail} | {len(row['bad'])}"]
    if job == "warm":
        return [
            f"warm loads ({kind}) | moto | {len(row['seconds'][kind]['now'])} | "
            f"{medians['before']:.3f} s before, {medians['now']:.3f} s now |"
            for kind, medians in row["medians"].items()
        ]
    details = {"kills": "hit", "rivals": "together", "inputs": "refused"}[job]
    detail = f"{row[details]} {details}"
    if job == "rivals":
        detail += f", {row['refused']} refused with 75"
    return [f"{job} | {row['place']} | {row['cases']} | {detail} | {len(row['bad'])}"]
