"""The bars and the tables of the insight benchmark."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.insight.drifts import LEVEL
from benchmarks.insight.label_errors import KINDS
from benchmarks.insight.labelling import LABELS, labels_needed
from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar

SETS = ("food-terms", "shop-titles-en")
SEEDS = 5
Part = tuple[list[Row], list[Bar]]


def assemble(work: Path) -> Report:
    """The rows and bars of all jobs that have left results."""
    drifts = [f"drift/{kind}" for kind in ("nothing", "shares", "titles")]
    needed: list[tuple[Callable[..., Part], list[str]]] = [
        *((partial(assortment_part, name), [f"assortment/{name}"]) for name in SETS),
        *((partial(swaps_part, SETS[0], kind), [f"swaps/{SETS[0]}/{kind}"]) for kind in KINDS),
        (labelling_part, [f"labelling/{seed}" for seed in range(SEEDS)]),
        (drift_part, [*drifts, "trees"]),
        (large_part, ["large"]),
        (large_assortment_part, ["large_assortment"]),
        (browser_part, ["browser"]),
    ]
    rows: list[Row] = []
    bars: list[Bar] = []
    for part, names in needed:
        results = [read_result_or_none(name, work) for name in names]
        if None not in results:
            more_rows, more_bars = part(*results)
            rows += more_rows
            bars += more_bars
    return {"rows": rows, "bars": bars}


def browser_part(result: Row) -> Part:
    """Whether the tests of the pages pass in a browser."""
    name = "the pages in Chromium, by keyboard, with axe-core"
    return [], [bar(name, result["said"], "passes, nothing skipped", result["passed"])]


def assortment_part(name: str, result: Row) -> Part:
    """Whether the intervals hold the share on one set."""
    runs = result["rows"]
    total = {
        key: sum(run[key] for run in runs)
        for key in ("departments", "inside", "present", "present_inside", "naive_inside")
    }
    covered = total["inside"] / total["departments"]
    below = [
        [sum(run["below"][level][which] for run in runs) for which in (0, 1)]
        for level in range(len(runs[0]["below"]))
    ]
    row = {
        "table": "assortment", "set": name, "competitors": len(runs), "covered": covered,
        "covered_present": total["present_inside"] / total["present"],
        "naive": total["naive_inside"] / total["departments"],
        **{key: float(np.mean([run[key] for run in runs]))
           for key in ("width", "error", "naive_error")},
        "below": [inside / max(count, 1) for inside, count in below],
        "dispersion": result["dispersion"],
    }  # fmt: skip
    coverage_bar = bar(
        f"{name}: {row['competitors']} competitors, intervals of 95 % hold the share",
        f"{covered:.1%} ({row['covered_present']:.1%} of those that are there); by answers "
        f"{row['naive']:.1%}",
        "93 to 97 %",
        0.93 <= covered <= 0.97,
    )
    return [row], [coverage_bar]


def swaps_part(name: str, kind: str, results: list[Row]) -> Part:
    """The audit's precision compared with cleanlab's, for one kind of wrong labels."""
    bars = []
    for result in results:
        ours = result["precision"]["prodcat"]
        other, best = max(
            ((n, p) for n, p in result["precision"].items() if n != "prodcat"), key=lambda x: x[1]
        )
        usual = result["precision"]["cleanlab, find_label_issues"]
        better = kind == "department"
        bars.append(
            bar(
                f"{result['rate']:.0%} of labels swapped, {kind}: precision at {result['planted']}",
                f"{ours:.3f} against {usual:.3f} (find_label_issues), at best {best:.3f} "
                f"({other.removeprefix('cleanlab, ')})",
                "better than find_label_issues" if better else "at least find_label_issues",
                ours > usual if better else ours >= usual,
            )
        )
    return [{"table": "swaps", "set": name, "kind": kind, **result} for result in results], bars


def labelling_part(*runs: Row) -> Part:
    """The labels that the queue needs."""
    needed = [labels_needed(run) for run in runs]
    rows = [
        {"table": "labelling", **run, "needed": labels}
        for run, labels in zip(runs, needed, strict=True)
    ]
    reached = [labels for labels in needed if labels is not None]
    complete = len(reached) == len(runs)
    mean = float(np.mean(reached)) / LABELS if complete else float("inf")
    value = f"{mean:.0%} ({', '.join(f'{labels:,.0f}' for labels in reached)})"
    name = f"labels for what {LABELS:,} random ones reach, {SEEDS} seeds"
    return rows, [bar(name, value if complete else "more", "at most 60 %", mean <= 0.6)]


def drift_part(nothing: list[Row], shares: list[Row], titles: list[Row], trees: list[Row]) -> Part:
    """Alarms where nothing changed, and where one thing did."""
    rows: list[Row] = []
    alarmed = sum(bool(split["alarms"]) for split in nothing)
    rate = alarmed / len(nothing)
    # Of 200 splits at 5 % so many alarm with 97.5 % probability.
    bars = [
        bar(
            f"{len(nothing)} splits in which nothing changed: alarms at a level of {LEVEL:.0%}",
            f"{rate:.1%} ({alarmed})", "5 %; by chance at most 8.5 %", rate <= 0.085,
        )
    ]  # fmt: skip
    for kind, splits in (("shares", shares), ("titles", titles)):
        right = np.mean([split["kinds"] == [kind] for split in splits])
        alarms = np.mean([bool(split["kinds"]) for split in splits])
        place = np.mean([split["at"] for split in splits])
        rows.append({"table": "drift", "kind": kind, "splits": len(splits), "found": alarms,
                     "right": right, "place": place})  # fmt: skip
        bars.append(
            bar(
                f"planted in one department: {kind}",
                f"{alarms:.0%} found, {right:.0%} with their kind alone, "
                f"{place:.0%} at the department or below",
                "found, their kind told right", right >= 0.9,
            )
        )  # fmt: skip
    told_right = [tree["right"] for tree in trees]
    bars.append(bar("planted in the tree: moved, renamed, new and gone nodes",
                    f"{np.mean(told_right):.0%} of {len(told_right)} trees told right", "all",
                    all(told_right)))  # fmt: skip
    held = [split["accuracy"] for split in nothing + shares]
    inside = np.mean([low <= true <= high for true, _, low, high in held])
    error = np.mean([abs(true - value) for true, value, _, _ in held])
    rows.append({"table": "accuracy", "splits": len(held), "covered": inside, "error": error})
    return rows, bars


def large_part(result: Row) -> Part:
    """How long a large report takes."""
    seconds = result["judged"] + result["made"]
    opened = result["opened"]
    bars = [
        bar(
            f"a report over {result['rows']:,} rows and {result['nodes']:,} nodes is made",
            f"{seconds:.1f} s ({result['judged']:.1f} to judge, {result['made']:.1f} to write)",
            "under 60 s", seconds < 60,
        ),
        bar("it opens", f"{opened[2]:.2f} s (worst {opened[-1]:.2f})", "under 3 s",
            opened[-1] < 3),
        bar("its file", f"{result['bytes'] / 1e6:.1f} MB", "under 10 MB", result["bytes"] < 10e6),
    ]  # fmt: skip
    return [{"table": "large", **result}], bars


def large_assortment_part(result: Row) -> Part:
    """How long the page of assortments of a million products takes."""
    opened = result["opened"]
    name = f"the page of {result['rows']:,} products and {result['nodes']:,} categories"
    bars = [
        bar(f"{name} opens", f"{opened[2]:.2f} s (worst {opened[-1]:.2f})", "under 3 s",
            opened[-1] < 3),
        bar(f"{name}: its file", f"{result['bytes'] / 1e6:.1f} MB", "under 10 MB",
            result["bytes"] < 10e6),
    ]  # fmt: skip
    return [{"table": "large assortment", **result}], bars


def table(rows: Sequence[Row]) -> str:
    """The intervals, the audit, the queue, and the accuracy without labels."""

    def of(name: str) -> list[Row]:
        return [row for row in rows if row["table"] == name]

    lines = ["| set | departments held | where there are products | by answers | width | "
             "error | error by answers | below, by level |", "|---" * 8 + "|"]  # fmt: skip
    for row in of("assortment"):
        below = ", ".join(f"{share:.1%}" for share in row["below"])
        lines.append(
            f"| {row['set']} | {row['covered']:.1%} | {row['covered_present']:.1%} | "
            f"{row['naive']:.1%} | {row['width']:.3f} | {row['error']:.3f} | "
            f"{row['naive_error']:.3f} | {below} |"
        )
    methods = list(of("swaps")[0]["precision"])
    lines += ["", f"| set | swapped | {' | '.join(methods)} |", "|---" * (2 + len(methods)) + "|"]
    lines += [
        f"| {row['set']} | {row['rate']:.0%}, {row['kind']} | "
        + " | ".join(f"{row['precision'][method]:.3f}" for method in methods)
        + " |"
        for row in of("swaps")
    ]
    lines += ["", "| labels | random | queue |", "|---|---|---|"]
    runs = of("labelling")
    for labels, _ in runs[0]["random"]:
        random, queue = (np.mean([dict(run[key])[labels] for run in runs]) for key in
                         ("random", "queue"))  # fmt: skip
        lines.append(f"| {labels:,} | {random:.3f} | {queue:.3f} |")
    row = of("accuracy")[0]
    lines += ["", f"Accuracy without labels, {row['splits']} sets: the interval of 95 % holds the "
              f"true one in {row['covered']:.1%}; mean error {row['error']:.4f}."]  # fmt: skip
    return "\n".join(lines)
