"""The bars and the tables of the training benchmark."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar, cpu_lines, grouped
from benchmarks.training.before import defaults_lines, defaults_part
from benchmarks.training.speed import race_rows
from benchmarks.training.systems import SETS

NAMES = {
    "default": "(a) Trainer, defaults",
    "tuned": "(b) Trainer, tuned",
    "prodcat": "(c) prodcat",
    "prodcat-encoder": "(c') prodcat, encoder alone",
}


def assemble(work: Path) -> Report:
    """The rows and bars of all jobs that have run."""
    rows, bars = defaults_part(work)

    def add(result: Any, add_part: Callable[[Any], tuple[list[Row], list[Bar]]]) -> None:
        if result is not None:
            more_rows, more_bars = add_part(result)
            rows.extend(more_rows)
            bars.extend(more_bars)

    for name in SETS:
        unpadded = read_result_or_none(f"unpadded/{name}", work)
        race = read_result_or_none(f"race/{name}", work)
        add(race, partial(race_part, name, unpadded=unpadded))
    add(read_result_or_none("throughput", work), throughput_part)
    for name, words in (("flops", "this processor's"), ("flops-without-amx", "AVX-512 alone")):
        add(read_result_or_none(name, work), partial(flops_part, words))
    shares = [
        row["padded_share"]
        for row in rows
        if row.get("system", "").startswith("prodcat") and "padded_share" in row
    ]
    if shares:
        bars.append(bar("padded share", f"{max(shares):.1%}", "at most 5 %", max(shares) <= 0.05))
    add(read_result_or_none("trim", work), trim_part)
    add(read_result_or_none("warm", work), warm_part)
    add(read_result_or_none("countries", work), countries_part)
    add(read_result_or_none("resume", work), resume_part)
    return {"rows": rows, "bars": bars}


def race_part(name: str, events: Any, unpadded: Row | None) -> tuple[list[Row], list[Bar]]:
    """The race on one set."""
    rows = race_rows(name, events)
    by_system = {key[0]: group for key, group in grouped(rows, "system").items()}
    tuned, default = by_system["tuned"][0], by_system["default"][0]
    if unpadded is not None:
        default["validation"], default["test"] = unpadded["validation"], unpadded["test"]
        if max(unpadded["epochs"]) >= default["target"]:
            reached = (i for i, a in enumerate(unpadded["epochs"]) if a >= default["target"])
            default["seconds_to_target"] = default["seconds"] * (next(reached) + 1) / 3
    ours = by_system["prodcat"]
    worst = max((row["seconds_to_target"] or float("inf")) for row in ours)
    slow = default["seconds_to_target"] or default["seconds"]
    note = "" if default["seconds_to_target"] else " (its whole run; it never gets there)"
    bars = [
        bar(f"{name}: seconds to (b)'s accuracy, over (a)'s{note}",
            f"1/{slow / worst:.0f} ({worst:.0f} s of {slow:.0f} s)", "at most 1/25",
            worst <= slow / 25),
        bar(f"{name}: seconds to (b)'s accuracy, over (b)'s",
            f"1/{tuned['seconds_to_target'] / worst:.1f} ({worst:.0f} s of "
            f"{tuned['seconds_to_target']:.0f} s)", "at most 1/3",
            worst <= tuned["seconds_to_target"] / 3),
        bar(f"{name}: final test accuracy, not below (b)",
            f"{np.mean([row['test'] for row in ours]):.4f} against {tuned['test']:.4f}",
            "not below", min(row["test"] for row in ours) >= tuned["test"]),
    ]  # fmt: skip
    return [{"table": "race", **row} for row in rows], bars


def throughput_part(result: dict[str, Row]) -> tuple[list[Row], list[Bar]]:
    """Throughput on made-up titles."""
    rows = [{"table": "throughput", "system": name, **row} for name, row in result.items()]
    return rows, []


def flops_part(words: str, result: Row) -> tuple[list[Row], list[Bar]]:
    """Useful FLOP/s of the variants, with one kind of processor."""
    top = result["peak_flops"]
    rows = []
    for (variant,), rounds in grouped(result["variants"], "variant").items():
        useful = float(np.median([row["useful_flops"] for row in rounds]))
        rows.append(
            {"table": "flops", "peak": words, "peak_flops": top, "variant": variant,
             "useful_flops": useful, "share": useful / top,
             "titles_per_second": float(np.median([r["titles_per_second"] for r in rounds])),
             "padded_share": rounds[0]["padded_share"]}
        )  # fmt: skip
    best = max(rows, key=lambda row: row["share"])
    bars = [
        bar(
            f"useful FLOP/s over the bf16 peak, {words} ({best['variant']})",
            f"{best['share']:.0%} of {top / 1e9:.0f} GFLOP/s",
            "at least 50 %",
            best["share"] >= 0.5,
        )
    ]
    return rows, bars


def trim_part(result: Row) -> tuple[list[Row], list[Bar]]:
    """Trimmed vocabularies."""
    bars = []
    for row in result["rows"]:
        share, lost = row["trimmed_bytes"] / row["bytes"], row["test"] - row["trimmed_test"]
        name = row["set"]
        bars += [
            bar(f"{name}: trimmed artifact", f"{share:.3f} of {row['bytes'] / 1e6:.0f} MB",
                "at most 1/4", share <= 0.25),
            bar(f"{name}: accuracy lost by the trim", f"{100 * lost:+.2f} points",
                "within 0.1 points", abs(lost) <= 0.001),
        ]  # fmt: skip
    return [{"table": "trim", **row} for row in result["rows"]], bars


def warm_part(result: Row) -> tuple[list[Row], list[Bar]]:
    """Warm starts."""
    bars = []
    for row in result["rows"]:
        ratio = row["warm_seconds"] / row["cold_seconds"]
        bars += [
            bar(f"{row['set']}: warm start on 5 % new titles",
                f"1/{1 / ratio:.1f} ({row['warm_seconds']:.0f} s of {row['cold_seconds']:.0f} s)",
                "at most 1/5 of the cold time", ratio <= 0.2),
            bar(f"{row['set']}: accuracy of the warm start",
                f"{row['warm']:.4f} against {row['cold']:.4f} cold: {100 * row['gain']:+.2f} "
                f"points [{100 * row['gain_low']:+.2f}, {100 * row['gain_high']:+.2f}]", "no loss",
                row["warm"] >= row["cold"]),
        ]  # fmt: skip
    return [{"table": "warm", **row} for row in result["rows"]], bars


def countries_part(result: Row) -> tuple[list[Row], list[Bar]]:
    """A new language."""
    points = result["rows"]
    rows = [{"table": "countries", "language": result["language"], **row} for row in points]
    complete = {row["titles"] for row in points} >= {100, 500, 2000}
    demand = "at 100, 500, 2,000 titles, three starts"
    bars = [bar("learning curve of a new language", f"{len(points)} points", demand, complete)]
    return rows, bars


def resume_part(result: Row) -> tuple[list[Row], list[Bar]]:
    """Interruptions."""
    bars = []
    for name in ("SIGKILL", "SIGTERM"):
        attempts = [row for row in result["rows"] if row["signal"] == name]
        hits = [row for row in attempts if row["code"] != 0]
        same = sum(row["same"] for row in attempts)
        bars.append(
            bar(f"{name} at random points, gone on: equal weights",
                f"{same} of {len(attempts)} ({len(hits)} hit it running, "
                f"{sum(row['checkpoint'] > 0 for row in hits)} with a state to go on from)",
                "10 of 10", len(attempts) == 10 and same == 10)
        )  # fmt: skip
    return [{"table": "resume", **row} for row in result["rows"]], bars


def formatted(value: Any, form: str) -> str:
    """A number, or a dash for None."""
    return "-" if value is None else format(value, form)


def race_lines(rows: Iterable[Row]) -> list[str]:
    """The table of the race."""
    return [
        "| set | system | to (b)'s accuracy, s | whole run, s | validation | test | titles/s | "
        "tokens/s | padded |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row['set']} | {NAMES[row['system']]}, seed {row['seed']} | "
            f"{formatted(row['seconds_to_target'], '.0f')} | {row['seconds']:.0f} | "
            f"{formatted(row.get('validation'), '.4f')} | {formatted(row.get('test'), '.4f')} | "
            f"{row['titles_per_second']:.0f} | {row['tokens_per_second']:.0f} | "
            f"{formatted(row.get('padded_share'), '.1%')} |"
            for row in rows
        ),
    ]


def speed_lines(throughput: Iterable[Row], flops: Iterable[Row]) -> list[str]:
    """The tables of throughput and of FLOP/s."""
    lines = ["", "50,000 made-up titles, encoder alone, throughput only:", "",
             "| system | titles/s | tokens/s |", "|---|---|---|"]  # fmt: skip
    lines += [
        f"| {NAMES[row['system'].split('/')[0]]} | {row['titles_per_second']:.0f} | "
        f"{row['tokens_per_second']:.0f} |"
        for row in throughput
    ]
    lines += ["", "| peak | variant | useful GFLOP/s | share of the peak | titles/s | padded |",
              "|---|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['peak']}, {row['peak_flops'] / 1e9:.0f} GFLOP/s | {row['variant']} | "
        f"{row['useful_flops'] / 1e9:.0f} | {row['share']:.0%} | "
        f"{row['titles_per_second']:.0f} | {row['padded_share']:.1%} |"
        for row in flops
    ]
    return lines


def table(rows: Sequence[Row]) -> str:
    """All tables, one below the other."""

    def part(name: str) -> list[Row]:
        return [row for row in rows if row["table"] == name]

    lines = [*race_lines(part("race")), *speed_lines(part("throughput"), part("flops"))]
    lines += ["", "| set | artifact, MB | trimmed, MB | test | trimmed |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['set']} | {row['bytes'] / 1e6:.1f} | {row['trimmed_bytes'] / 1e6:.1f} | "
        f"{row['test']:.4f} | {row['trimmed_test']:.4f} |"
        for row in part("trim")
    ]
    lines += ["", "| set | new titles | cold, s | warm, s | unchanged, s | before | cold | warm |",
              "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['set']} | {row['new']} | {row['cold_seconds']:.0f} | "
        f"{row['warm_seconds']:.0f} | {row['unchanged_seconds']:.1f} | {row['base']:.4f} | "
        f"{row['cold']:.4f} | {row['warm']:.4f} |"
        for row in part("warm")
    ]
    lines += ["", "| titles of the new language | start | test | seconds |", "|---|---|---|---|"]
    lines += [
        f"| {row['titles']} | {row['start']} | {row['test']:.4f} | {row['seconds']:.0f} |"
        for row in part("countries")
    ]
    return "\n".join([*lines, *defaults_lines(part("defaults")), *cpu_lines(rows)])
