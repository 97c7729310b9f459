"""The bars and the tables of the scoring benchmark."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.jobs import read_result_or_none
from benchmarks.quality.sets import SETS
from benchmarks.reporting import Bar, Report, Row, bar, cpu_lines
from benchmarks.scoring.kills import KILLS
from benchmarks.scoring.measurements import ALONE, CASCADE, NGRAMS, SKLEARN, WITHOUT
from benchmarks.scoring.peers import BUDGETS

SHARES = (0, 20)  # percent of titles that repeat another one
NEAR = 0.001  # accuracy that a way may lose to count
POOLED, EACH = 0.1, 0.3  # points that the cascade may lose on all sets and on one of them
NOT_MEASURED = "not measured"
MEMORY = (100_000, 500_000, 2_000_000)  # rows
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
    """The rows of all jobs that have run, and all bars."""
    read = partial(read_result_or_none, work=work)
    speeds = {share: speed_rows(share, read(f"speed/{share}") or []) for share in SHARES}
    rows: list[Row] = [row for speed in speeds.values() for row in speed]
    cascades = [result for name in SETS if (result := read(f"cascade/{name}")) is not None]
    rows += [{"table": "cascade", **row} for row in cascades]
    bars: list[Bar] = []
    by_name = {share: {row["way"]: row for row in speed} for share, speed in speeds.items()}
    bars += [cascade_speed_bar(by_name[0]), *cascade_bars(cascades), ngrams_bar(by_name[0])]
    one = read("one-title")
    rows += [{"table": "one title", **one}] if one else []
    bars.append(one_title_bar(one))
    memory = [{"table": "memory", **row} for rows in MEMORY if (row := read(f"memory/{rows}"))]
    rows += memory
    bars.append(memory_bar(memory))
    for share in SHARES:
        bars += speed_bars(share, by_name[share])
    for part_rows, part_bars in (machine_part(work), survival_part(work)):
        rows += part_rows
        bars += part_bars
    return {"rows": rows, "bars": bars}


def machine_part(work: Path) -> tuple[list[Row], list[Bar]]:
    """The arithmetic of the encoder, and prodcat's forms of it without AMX."""
    rows: list[Row] = []
    bars: list[Bar] = []
    for name, words in (("flops", "as this processor is"), ("flops-without-amx", "AVX-512 alone")):
        flops = read_result_or_none(name, work)
        rows += [{"table": "flops", "machine": words, **flops}] if flops else []
        bars.append(flops_bar(words, flops))
    without = read_result_or_none("without-amx", work)
    return rows + ([{"table": "without AMX", **without}] if without else []), bars


def survival_part(work: Path) -> tuple[list[Row], list[Bar]]:
    """Kills, and the contract of jobs."""
    kills = read_result_or_none("kills", work) or []
    rows: list[Row] = [{"table": "kills", **row} for row in kills]
    bars = [kills_bar(kills)]
    for name, words in (("children", "7 children, 3 killed"), ("ray", "a Ray cluster, killed")):
        result = read_result_or_none(name, work)
        rows += [{"table": name, **result}] if result else []
        bars.append(restart_bar(words, result))
    contract = read_result_or_none("contract", work) or {}
    rows += [{"table": "contract", **contract}] if contract else []
    for name, words in CONTRACT.items():
        tests = contract.get(name, {"said": NOT_MEASURED, "passed": False})
        bars.append(bar(words, tests["said"], "passes, nothing skipped", tests["passed"]))
    return rows, bars


def _reference(by_name: dict[str, Row]) -> float:
    accuracy: float = by_name[f"by hand, float32, sorted, {BUDGETS[-1]} tokens"]["accuracy"]
    return accuracy


def speed_rows(share: int, rows: list[Row]) -> list[Row]:
    """The ways with ``counts``: whether they are as accurate as float32 by hand."""
    reference = _reference({row["way"]: row for row in rows}) if rows else 0.0
    for row in rows:
        # What gives no answers counts as if they were right.
        accuracy = row.get("accuracy")
        counts = accuracy is None or accuracy >= reference - NEAR - 1e-9
        row |= {
            "table": "speed", "duplicates": share, "counts": counts and "missing" not in row,
        }  # fmt: skip
    return rows


def best_peer(by_name: dict[str, Row]) -> Row:
    """The fastest of the peers with the same encoder whose accuracy counts."""
    peers = [row for row in by_name.values() if row["kind"] == "encoder" and row["counts"]]
    return max(peers, key=lambda row: row["per_second"])


def ratio_bar(name: str, ours: Row | None, theirs: Row | None, least: float) -> Bar:
    """Titles a second of two ways."""
    if ours is None or theirs is None:
        return bar(name, NOT_MEASURED, f"at least {least}", False)
    ratio = ours["per_second"] / theirs["per_second"]
    return bar(
        name,
        f"{ratio:.2f} times ({ours['per_second']:.0f} against {theirs['per_second']:.0f}: "
        f"{theirs['way']})",
        f"at least {least}",
        ratio >= least,
    )


def cascade_speed_bar(by_name: dict[str, Row]) -> Bar:
    """The whole classifier with the cascade against the best peer."""
    name = "no duplicates: the whole classifier with cascade against the best peer with an encoder"
    if not by_name:
        return ratio_bar(name, None, None, 4)
    ours, without = by_name[CASCADE], by_name[WITHOUT]
    result = ratio_bar(name, ours, best_peer(by_name), 4)
    accurate = ours["accuracy"] >= without["accuracy"] - EACH / 100
    words = (
        f"{result['value']}; {ours['precision']}, n-grams alone answer {ours['alone']:.0%}, "
        f"accuracy {ours['accuracy']:.4f}, without cascade {without['accuracy']:.4f}"
    )
    return bar(name, words, "at least 4", result["met"] and accurate)


def cascade_bars(sets: list[Row]) -> list[Bar]:
    """Accuracy with the cascade against without, pooled and on each set."""

    def lost(rows: list[Row]) -> float:
        points: float = 100 * sum(row["without"] - row["with"] for row in rows) / _titles(rows)
        return points

    complete = len(sets) == len(SETS)
    bars = [
        bar(
            f"accuracy with cascade, pooled over {len(sets)} of {len(SETS)} sets",
            f"{-lost(sets):+.3f} points ({_titles(sets)} titles)" if sets else NOT_MEASURED,
            f"at most {POOLED} points lost",
            complete and lost(sets) <= POOLED + 1e-9,
        )
    ]
    by_set = {row["set"]: row for row in sets}
    for name in SETS:
        demand, words = f"at most {EACH} points lost", f"accuracy with cascade, {name}"
        if name not in by_set:
            bars.append(bar(words, NOT_MEASURED, demand, False))
            continue
        row = by_set[name]
        points = lost([row])
        value = (
            f"{-points:+.2f} points ({row['won']} won, {row['lost']} lost of {row['titles']}); "
            f"{row['alone']:.0%} by n-grams alone, bound {_points(row['bound'])}"
        )
        bars.append(bar(words, value, demand, points <= EACH + 1e-9))
    return bars


def _titles(rows: list[Row]) -> int:
    return sum(row["titles"] for row in rows)


def ngrams_bar(by_name: dict[str, Row]) -> Bar:
    """N-grams alone in bulk, with titles that they have not seen."""
    name = "n-grams alone in bulk against scikit-learn"
    result = ratio_bar(name, by_name.get(NGRAMS), by_name.get(SKLEARN), 3)
    if not by_name:
        return result
    one = by_name[f"{NGRAMS}, one thread"]["per_second"] / by_name[SKLEARN]["per_second"]
    return {**result, "value": f"{result['value']}; with one thread {one:.2f} times"}


def one_title_bar(row: Row | None) -> Bar:
    """One title by n-grams alone."""
    name = "n-grams alone, one title against scikit-learn, median"
    if row is None:
        return bar(name, NOT_MEASURED, "at most 1/3", False)
    ours, theirs = row["median"]["prodcat"], row["median"]["scikit-learn"]
    words = f"{ours / theirs:.2f} ({1e3 * ours:.2f} ms against {1e3 * theirs:.2f})"
    return bar(name, words, "at most 1/3", 3 * ours <= theirs)


def speed_bars(share: int, by_name: dict[str, Row]) -> list[Bar]:
    """Speed and accuracy of the encoder alone, against the best peer and the pipelines."""
    least = 1.2 if share else 1.0
    words = f"{share} % duplicates: the encoder alone against the best peer with an encoder"
    accuracy_words = f"{share} % duplicates: accuracy of the encoder alone against float32 by hand"
    ours = by_name.get(ALONE)
    if ours is None:
        bars = [
            ratio_bar(words, None, None, least),
            bar(accuracy_words, NOT_MEASURED, "within .001", False),
        ]
    else:
        bars = [
            ratio_bar(words, ours, best_peer(by_name), least),
            bar(
                accuracy_words,
                f"{ours['accuracy']:.4f} against {_reference(by_name):.4f} ({ours['precision']})",
                "within .001",
                ours["counts"],
            ),
        ]
    for way, times in (("batch of 32", 4), ("one at a time", 10)) if not share else ():
        name = f"transformers.pipeline, {way}"
        bars.append(ratio_bar(f"the encoder alone against {name}", ours, by_name.get(name), times))
    return bars


def flops_bar(words: str, flops: Row | None) -> Bar:
    """The share of the machine's peak that is useful work."""
    name = f"useful FLOP/s of the base-size encoder, {words}"
    if flops is None:
        return bar(name, NOT_MEASURED, "at least 75 %", False)
    share = flops["useful"] / flops["peak"]
    return bar(
        name,
        f"{share:.0%} of {flops['peak'] / 1e9:,.0f} GFLOP/s",
        "at least 75 %",
        share >= 0.75,
    )


def memory_bar(rows: list[Row]) -> Bar:
    """How much the peak grows with the number of rows."""
    name = f"peak memory, {MEMORY[-1]:,} rows against {MEMORY[0]:,}"
    if len(rows) < len(MEMORY):
        return bar(name, NOT_MEASURED, "within 5 %", False)
    small, large = rows[0], rows[-1]
    growth = large["peak_mb"] / small["peak_mb"] - 1
    return bar(
        name,
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


def restart_bar(words: str, result: Row | None) -> Bar:
    """The same for array children, and for a Ray cluster."""
    name = f"{words} and run again: equal to a clean run"
    if result is None:
        return bar(name, NOT_MEASURED, "equal, every row once", False)
    hit = result.get("killed", result.get("hit"))
    return bar(
        name,
        f"{'equal' if result['equal'] else 'NOT equal'}; killed: {hit}",
        "equal, every row once",
        result["equal"] and result["once"] and hit in (3, True),
    )


def _shown(accuracy: Any) -> str:
    return "" if accuracy is None else f"{accuracy:.4f}"


def _points(share: Any) -> str:
    return "none" if share is None else f"{100 * share:.2f}"


def table(rows: Sequence[Row]) -> str:
    """Titles a second of every way, the fastest first; the cascade on each set; one title."""
    lines = []
    for share in SHARES:
        lines += [
            f"| {share} % duplicates | titles/s | path accuracy | counts |",
            "|---|---|---|---|",
        ]
        ways = [row for row in rows if row.get("table") == "speed" and row["duplicates"] == share]
        lines += [
            f"| {_way(row)} | {row['per_second']:.0f} | {_shown(row['accuracy'])} | "
            f"{'yes' if row['counts'] else 'no'} |"
            for row in sorted(ways, key=lambda row: -(row["per_second"] or 0))
            if row["per_second"]
        ]
        lines += [f"| {row['way']} | {row['missing']} | | no |" for row in ways if "missing" in row]
        lines.append("")
    lines += cascade_lines([row for row in rows if row.get("table") == "cascade"])
    lines += one_title_lines([row for row in rows if row.get("table") == "one title"])
    return "\n".join([*lines, *cpu_lines(rows)])


def _way(row: Row) -> str:
    precision = row.get("precision") or ""
    return row["way"] if precision in row["way"] else f"{row['way']}, {precision}"


def cascade_lines(rows: list[Row]) -> list[str]:
    """What the cascade does on each set."""
    if not rows:
        return []
    lines = [
        "| set | test titles | with cascade | without | by n-grams alone | by the encoder too | "
        "loss when chosen | its 90 % bound | chosen on |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['set']} | {row['titles']} | {row['with'] / row['titles']:.4f} | "
        f"{row['without'] / row['titles']:.4f} | {row['alone']:.1%} | {1 - row['alone']:.1%} | "
        f"{_points(row['loss'])} | {_points(row['bound'])} | {row['chosen_on']} titles |"
        for row in rows
    ]
    return [*lines, "", "Losses and bounds in points of path accuracy.", ""]


def one_title_lines(rows: list[Row]) -> list[str]:
    """The time of one title by n-grams alone."""
    if not rows:
        return []
    lines = ["| one title, n-grams alone | median | p99 |", "|---|---|---|"]
    lines += [
        f"| {name} | {1e3 * row['median'][name]:.3f} ms | {1e3 * row['p99'][name]:.3f} ms |"
        for row in rows
        for name in row["median"]
    ]
    return lines
