"""The bars and the tables of the decisions benchmark."""

import json
from collections.abc import ItemsView, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decisions.exactness import TREES
from benchmarks.decisions.judging import OBJECTIVES
from benchmarks.decisions.models import SETS
from benchmarks.decisions.promises import ALPHAS, DRAWS
from benchmarks.reporting import Bar, Report, Row, bar, grouped


def of_kind(rows: Sequence[Row], kind: str, **values: object) -> list[Row]:
    """The rows of a kind that have these values."""
    return [
        row
        for row in rows
        if row["kind"] == kind and all(row[name] == value for name, value in values.items())
    ]


def mean(rows: Sequence[Row], name: str) -> float:
    """The mean of a value."""
    return float(np.mean([row[name] for row in rows]))


def assemble(work: Path) -> Report:
    """The rows and bars of all jobs that have run."""
    rows: list[Row] = []
    for path in sorted(work.glob("*.json")):
        rows += json.loads(path.read_text()).get("rows", [])
    bars = [*exactness_bars(rows), *speed_bars(rows), *resample_bars(rows)]
    for data in SETS:
        bars += [*coverage_bars(rows, data), *error_bars(rows, data), *ece_bars(rows, data)]
    for row in of_kind(rows, "laws"):
        name = "tests of invariance, of hand-worked metrics, of agreement with HiClass"
        value = f"{row['passed']} passed, {row['failed']} failed"
        bars.append(bar(name, value, "all pass", row["status"] == 0))
    return {"rows": rows, "bars": bars}


def exactness_bars(rows: Sequence[Row]) -> list[Bar]:
    """The largest gap to brute force."""
    exact = of_kind(rows, "exactness")
    if not exact:
        return []
    worst = max(row["largest_gap"] for row in exact)
    name = f"exact on {TREES:,} random ragged trees, {len(exact)} objectives: largest gap"
    return [bar(name, f"{worst:.1e}", "within 1e-9", worst <= 1e-9)]


def speed_bars(rows: Sequence[Row]) -> list[Bar]:
    """Rows a second, and how the cost grows with the tree."""
    bars = []
    for objective, least in (("path", 100_000), ("hierarchical_f1", 70_000)):
        system = f"prodcat, {objective}"
        for row in of_kind(rows, "speed", tree="even, 1,200 leaves", system=system):
            speed = row["rows_per_second"]
            name = f"rows a second at 1,200 leaves, one thread, {objective}"
            bars.append(bar(name, f"{speed:,.0f}", f"at least {least:,}", speed >= least))
    for objective in OBJECTIVES:
        speeds = of_kind(rows, "speed", system=f"prodcat, {objective}")
        trees = [row for row in speeds if "Shopify" in row["tree"]]
        if trees:
            nodes = np.log([row["nodes"] for row in trees])
            seconds = np.log([1 / row["rows_per_second"] for row in trees])
            slope = float(np.polyfit(nodes, seconds, 1)[0])
            most = max(row["nodes"] for row in trees)
            name = f"cost against nodes up to {most:,}, {objective}: exponent"
            bars.append(bar(name, f"{slope:.2f}", "linear: at most 1.1", slope <= 1.1))
    return bars


def resample_bars(rows: Sequence[Row]) -> list[Bar]:
    """Coverage over draws from a known population."""
    bars = []
    for row in of_kind(rows, "resamples"):
        low, high = 1 - row["alpha"], 1 - row["alpha"] + 1 / (row["n"] + 1)
        met = low - row["error"] <= row["coverage"] <= high + row["error"]
        bars.append(
            bar(f"mean coverage over {row['resamples']:,} resamples, n={row['n']}, "
                f"alpha={row['alpha']}", f"{row['coverage']:.4f} ± {row['error']:.4f}",
                f"from {low:.4f} to {high:.4f}, within Monte Carlo error", met)
        )  # fmt: skip
    return bars


def coverage_bars(rows: Sequence[Row], data: str) -> list[Bar]:
    """Coverage on the test titles of one set, overall and by department."""
    bars = []
    for alpha in ALPHAS:
        draws = of_kind(rows, "draws", data=data, alpha=alpha)
        if draws:
            value, error = mean(draws, "coverage"), mean(draws, "error")
            bars.append(
                bar(f"{data} test titles, mean coverage, alpha={alpha}",
                    f"{value:.4f} ± {error:.4f}", f"at least {1 - alpha:.2f}",
                    value >= 1 - alpha - error)
            )  # fmt: skip
        groups = of_kind(rows, "draws by department", data=data, alpha=alpha)
        if groups:
            short = [row for row in groups if row["coverage"] < 1 - alpha - row["error"]]
            least = min(row["coverage"] for row in groups)
            bars.append(
                bar(f"{data} test titles, by department, alpha={alpha}: least mean coverage "
                    f"of {len(groups)} (departments x seeds)", f"{least:.4f}",
                    f"at least {1 - alpha:.2f} within Monte Carlo error, each", not short)
            )  # fmt: skip
    return bars


def error_bars(rows: Sequence[Row], data: str) -> list[Bar]:
    """How often the error among the answered was above the promise, on one set."""
    bars = []
    for first in of_kind(rows, "error among the answered", data=data, seed=0):
        largest = first["max_error"]
        runs = of_kind(rows, "error among the answered", data=data, max_error=largest)
        value = mean(runs, "too_high")
        error = 3 * np.sqrt(0.05 * 0.95 / DRAWS / len(runs))
        bars.append(
            bar(f"{data}: error among the answered above {largest} in this share of "
                "draws", f"{value:.3f}", "at most .05, within Monte Carlo error",
                value <= 0.05 + error)
        )  # fmt: skip
    return bars


def ece_bars(rows: Sequence[Row], data: str) -> list[Bar]:
    """The calibration error of the path confidence, on one set."""
    judged = of_kind(rows, "evaluation", data=data, stage="adaptive", objective="path")
    if not judged:
        return []
    value = mean(judged, "ece")
    single = ", ".join(f"{row['ece']:.4f}" for row in judged)
    name = f"{data}: ECE of the path confidence, {len(judged)} seeds ({single})"
    return [bar(name, f"{value:.4f}", "at most .02", value <= 0.02)]


def _groups(rows: Sequence[Row], kind: str, *names: str) -> ItemsView[tuple[Any, ...], list[Row]]:
    return grouped(of_kind(rows, kind), *names).items()


def _ends(runs: Sequence[Row]) -> str:
    shares = np.mean([run["answers_end"] for run in runs], axis=0)
    return " / ".join(f"{share:.1%}" for share in shares)


def calibration_lines(rows: Sequence[Row]) -> list[str]:
    """Calibration and objectives on the test titles."""
    lines = [
        "### Calibration and objectives on the test titles", "",
        "| data | stage | objective | path acc. | hF1 | hF1, mean of rows | tree distance | ECE | "
        "Brier | risk-coverage area | ECE by level |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for (data, stage, objective), runs in _groups(rows, "evaluation", "data", "stage", "objective"):
        levels = " / ".join(
            f"{np.mean([run['levels'][i]['ece'] for run in runs]):.3f}"
            for i in range(len(runs[0]["levels"]))
        )
        lines.append(
            f"| {data} | {stage} | {objective} | {mean(runs, 'path_accuracy'):.4f} | "
            f"{mean(runs, 'hierarchical_f1'):.4f} | {mean(runs, 'macro_hierarchical_f1'):.4f} | "
            f"{mean(runs, 'tree_distance'):.4f} | {mean(runs, 'ece'):.4f} | "
            f"{mean(runs, 'brier'):.4f} | {mean(runs, 'risk_coverage_area'):.4f} | {levels} |"
        )
    return lines


def promise_lines(rows: Sequence[Row]) -> list[str]:
    """Promises on the test titles, and draws of calibration titles from these."""
    lines = ["", "### Guarantee measured on the validation titles, used on the test titles", "",
             "| data | promise | by | coverage | no category / answers that end at each level |",
             "|---|---|---|---|---|"]  # fmt: skip
    for (data, alpha, by), runs in _groups(
        rows, "validation to test", "data", "alpha", "by_department"
    ):
        lines.append(
            f"| {data} | {1 - alpha:.2f} | {'department' if by else 'all'} | "
            f"{mean(runs, 'coverage'):.4f} | {_ends(runs)} |"
        )
    lines += ["", "### Calibration titles drawn from the test titles", "",
              "| data | promise | coverage | no category / answers that end at each level |",
              "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {data} | {1 - alpha:.2f} | {mean(runs, 'coverage'):.4f} | {_ends(runs)} |"
        for (data, alpha), runs in _groups(rows, "draws", "data", "alpha")
    ]
    lines += ["", "| data | largest error among the answered | answered | above it in |",
              "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {data} | {most} | {mean(runs, 'share_answered'):.1%} of titles, in "
        f"{mean(runs, 'promised'):.1%} of draws | {mean(runs, 'too_high'):.1%} of draws |"
        for (data, most), runs in _groups(rows, "error among the answered", "data", "max_error")
    ]
    return lines


def table(rows: Sequence[Row]) -> str:
    """All tables, one below the other."""
    lines = [*calibration_lines(rows), *promise_lines(rows)]
    lines += ["", "### Draws from a known population", "",
              "| n | alpha | coverage | with the plain quantile |",
              "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['n']} | {row['alpha']} | {row['coverage']:.4f} ± {row['error']:.4f} | "
        f"{row['plain_quantile']:.4f} |"
        for row in of_kind(rows, "resamples")
    ]
    lines += ["", "### Speed, one thread", "",
              "| tree | system | rows a second | ns a node |", "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['tree']} | {row['system']} | {row['rows_per_second']:,.0f} | "
        f"{row['ns_per_node']:.1f} |"
        for row in of_kind(rows, "speed")
    ]
    return "\n".join(lines)
