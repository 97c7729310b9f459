"""The bars and the tables of the scoring benchmark."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.jobs import read_result
from benchmarks.reporting import Bar, Report, Row, bar
from benchmarks.scoring.kills import KILLS
from benchmarks.scoring.peers import BUDGETS

SHARES = (0, 20)  # percent of titles that repeat another one
NEAR = 0.001  # accuracy that a way may lose to count
CONTRACT = {
    "batch": "tests/aws/test_batch.py: array children, two nodes (gloo), SIGTERM and the second "
    "attempt, against Ceph RGW",
    "countries": "tests/pipeline/test_jobs.py: train, publish, gate, promote, score for 7 "
    "countries in one command",
}
TESTS = {
    "batch": ["tests/aws/test_batch.py", "-m", "system"],
    "countries": ["tests/pipeline/test_jobs.py", "-k", "seven_countries or real_s3"],
}


def assemble(work: Path) -> Report:
    """The rows and bars of all jobs."""
    read = partial(read_result, work=work)
    rows: list[Row] = []
    bars: list[Bar] = []
    for share in SHARES:
        speed = speed_rows(share, read(f"speed/{share}"))
        rows += speed
        bars += speed_bars(share, {row["way"]: row for row in speed})
    for name, words in (("flops", "with AMX"), ("flops-without-amx", "AVX-512 alone")):
        flops = read(name)
        rows.append({"table": "flops", "machine": words, **flops})
        bars.append(flops_bar(words, flops))
    rows.append({"table": "without AMX", **read("without-amx")})
    memory = [read(f"memory/{count}") for count in (100_000, 500_000, 2_000_000)]
    rows += [{"table": "memory", **row} for row in memory]
    bars.append(memory_bar(memory[0], memory[-1]))
    kills = read("kills")
    rows += [{"table": "kills", **row} for row in kills]
    bars.append(kills_bar(kills))
    for name, words in (("children", "7 children, 3 killed"), ("ray", "a Ray cluster, killed")):
        result = read(name)
        rows.append({"table": name, **result})
        bars.append(restart_bar(words, result))
    contract = read("contract")
    rows.append({"table": "contract", **contract})
    for name, words in CONTRACT.items():
        tests = contract[name]
        bars.append(bar(words, tests["said"], "passes, nothing skipped", tests["passed"]))
    return {"rows": rows, "bars": bars}


def _reference(by_name: dict[str, Row]) -> float:
    accuracy: float = by_name[f"by hand, float32, sorted, {BUDGETS[-1]} tokens"]["accuracy"]
    return accuracy


def speed_rows(share: int, rows: list[Row]) -> list[Row]:
    """The ways with ``counts``: whether they are as accurate as float32 by hand."""
    reference = _reference({row["way"]: row for row in rows})
    for row in rows:
        # What gives no answers counts as if they were right.
        counts = row["accuracy"] is None or row["accuracy"] >= reference - NEAR - 1e-9
        row |= {"table": "speed", "duplicates": share, "counts": counts}
    return rows


def speed_bars(share: int, by_name: dict[str, Row]) -> list[Bar]:
    """Speed and accuracy of prodcat, compared with the best peer and with the pipelines."""
    ours = by_name["prodcat, bfloat16, encoder alone"]
    others = [
        row for name, row in by_name.items() if not name.startswith("prodcat") and row["counts"]
    ]
    best = max(others, key=lambda row: row["per_second"])
    ratio = ours["per_second"] / best["per_second"]
    least = 1.2 if share else 1.0
    value = f"{ratio:.2f} times ({ours['per_second']:.0f} against {best['per_second']:.0f}: "
    bars = [
        bar(
            f"{share} % duplicates: rows/s against the best peer",
            f"{value}{best['way']})",
            f"at least {least}",
            ratio >= least,
        ),
        bar(
            f"{share} % duplicates: accuracy against float32 by hand",
            f"{ours['accuracy']:.4f} against {_reference(by_name):.4f}",
            "within .001",
            ours["counts"],
        ),
    ]
    for way, times in (("batch of 32", 4), ("one at a time", 10)) if not share else ():
        theirs = by_name[f"transformers.pipeline, {way}"]["per_second"]
        ratio = ours["per_second"] / theirs
        bars.append(
            bar(
                f"against transformers.pipeline, {way}",
                f"{ratio:.1f} times ({ours['per_second']:.0f} against {theirs:.0f})",
                f"at least {times}",
                ratio >= times,
            )
        )
    return bars


def flops_bar(words: str, flops: Row) -> Bar:
    """The share of the machine's peak that is useful work."""
    share = flops["useful"] / flops["peak"]
    return bar(
        f"useful FLOP/s of the base-size encoder, {words}",
        f"{share:.0%} of {flops['peak'] / 1e9:,.0f} GFLOP/s",
        "at least 75 %",
        share >= 0.75,
    )


def memory_bar(small: Row, large: Row) -> Bar:
    """How much the peak grows with the number of rows."""
    growth = large["peak_mb"] / small["peak_mb"] - 1
    return bar(
        "peak memory, 2,000,000 rows against 100,000",
        f"{large['peak_mb']:.0f} MB against {small['peak_mb']:.0f} ({growth:+.1%})",
        "within 5 %",
        growth <= 0.05,
    )


def kills_bar(kills: list[Row]) -> Bar:
    """Whether every output that was finished after kills is that of a clean run."""
    checked = [row for row in kills if "equal" in row]
    hits = sum(row["hit"] for row in kills)
    good = all(row["equal"] and row["once"] for row in checked)
    return bar(
        "SIGKILL at random points, then the same command: equal to a clean run",
        f"{sum(row['equal'] for row in checked)} of {len(checked)} outputs; {hits} kills hit",
        "all, no row twice or missing",
        good and bool(checked) and hits == KILLS,
    )


def restart_bar(words: str, result: Row) -> Bar:
    """The same for array children, and for a Ray cluster."""
    hit = result.get("killed", result.get("hit"))
    return bar(
        f"{words} and run again: equal to a clean run",
        f"{'equal' if result['equal'] else 'NOT equal'}; killed: {hit}",
        "equal, every row once",
        result["equal"] and result["once"] and hit in (3, True),
    )


def _shown(accuracy: Any) -> str:
    return "" if accuracy is None else f"{accuracy:.4f}"


def table(rows: Sequence[Row]) -> str:
    """Titles a second of every way, the fastest first."""
    lines = []
    for share in SHARES:
        lines += [
            f"| {share} % duplicates | titles/s | path accuracy | counts |",
            "|---|---|---|---|",
        ]
        ways = [row for row in rows if row.get("table") == "speed" and row["duplicates"] == share]
        lines += [
            f"| {row['way']} | {row['per_second']:.0f} | {_shown(row['accuracy'])} | "
            f"{'yes' if row['counts'] else 'no'} |"
            for row in sorted(ways, key=lambda row: -row["per_second"])
        ]
        lines.append("")
    return "\n".join(lines)
