"""The report of the benchmark of explanations, and its tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import read_result_or_none
from benchmarks.quality.sets import SETS
from benchmarks.reporting import Bar, Report, Row, bar, grouped

_DRAWS = 10_000  # of titles, for intervals
_KINDS = ("ngrams", "encoder")
_SECONDS = {"ngrams": 0.05, "encoder": 0.3}
_METHODS = (
    "alone and without",
    "without",
    "Shapley values, sampled",
    "integrated gradients",
    "gradient times input",
)
_NAMES = {"ngrams": "n-grams alone", "encoder": "with the encoder"}
EXACT = 1e-5


def assemble(work: Path) -> Report:
    """The figures of all jobs in the work folder, and the bars."""
    rows: list[Row] = []
    levels: list[Row] = []
    for kind in _KINDS:
        for data in SETS:
            result = read_result_or_none(f"{kind}/{data}", work) or []
            rows += [{"table": "checks", **row} for row in result if row["row"] == "checks"]
            levels += [row for row in result if row["row"] == "level"]
    rows += _levels(levels)
    for data in SETS:
        compared = read_result_or_none(f"methods/{data}", work)
        if compared:
            rows.append(_methods(data, compared))
    timed = [read_result_or_none(f"speed/{kind}/{data}", work) for kind in _KINDS for data in SETS]
    rows += [{"table": "speed", **row} for row in timed if row is not None]
    return {"rows": rows, "bars": _bars(rows)}


def _levels(levels: Sequence[Row]) -> list[Row]:
    """The mean falls by set and level, and those of all levels together, with intervals."""
    rows: list[Row] = []
    for (kind, data, level), group in grouped(levels, "job", "data", "level").items():
        rows.append({"table": "levels", "job": kind, "data": data, "level": level, **_falls(group)})
    for (kind,), group in grouped(levels, "job").items():
        rows.append(
            {"table": "levels", "job": kind, "data": "all sets", "level": 0, **_falls(group)}
        )
    return rows


def _falls(group: Sequence[Row]) -> Row:
    named, salient, random = (
        np.array([row[name] for row in group]) for name in ("named", "salient", "random")
    )
    titles = [row["title"] for row in group]
    return {
        "titles": len(set(titles)),
        "named": float(named.mean()),
        "random": float(random.mean()),
        "salient": float(salient.mean()),
        "over_random": interval(named - random, titles),
        "over_salient": interval(named - salient, titles),
    }


def interval(differences: NDArray[np.float64], titles: Sequence[str]) -> list[float]:
    """A 95 % interval of the mean of differences, by drawing titles again.

    >>> interval(np.ones(5), list("abcde"))
    [1.0, 1.0]
    """
    place = {title: number for number, title in enumerate(dict.fromkeys(titles))}
    rows = [place[title] for title in titles]
    sums = np.bincount(rows, differences, len(place))
    counts = np.bincount(rows, minlength=len(place))
    random = np.random.default_rng(0)
    drawn = random.integers(len(place), size=(_DRAWS, len(place)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return [round(float(end), 6) for end in np.quantile(means, [0.025, 0.975])]


def _methods(data: str, compared: Sequence[Row]) -> Row:
    columns = [*_METHODS, "random"]
    row: Row = {"table": "methods", "data": data, "levels": len(compared)}
    for name in columns:
        row[name] = float(np.mean([each[name] for each in compared]))
    for name in _METHODS:
        row[f"{name}, seconds"] = float(np.mean([each[f"{name}, seconds"] for each in compared]))
    return row


def _bars(rows: Sequence[Row]) -> list[Bar]:
    checks = [row for row in rows if row["table"] == "checks"]
    levels = [row for row in rows if row["table"] == "levels"]
    speed = [row for row in rows if row["table"] == "speed"]
    bars: list[Bar] = []
    for kind in _KINDS:
        mine = [row for row in checks if row["job"] == kind]
        if mine:
            off = max(max(row["parts_off"], row["margins_off"]) for row in mine)
            bars.append(
                bar(f"{_NAMES[kind]}: parts and margins differ by", f"{off:.1e}", "at most 1e-5",
                    off <= EXACT)
            )  # fmt: skip
            deletions, changed = (
                sum(row[name] for row in mine) for name in ("deletions", "deletions_that_change")
            )
            bars.append(
                bar(f"{_NAMES[kind]}: deletions that change the answer",
                    f"{changed:,} of {deletions:,}", "all", changed == deletions > 0)
            )  # fmt: skip
        of_levels = [row for row in levels if row["job"] == kind and row["level"]]
        if of_levels:
            better = sum(row["over_random"][0] > 0 for row in of_levels)
            bars.append(
                bar(f"{_NAMES[kind]}: levels of sets at which named words lower the probability "
                    "more than random ones (95 %)", f"{better} of {len(of_levels)}", "all",
                    better == len(of_levels))
            )  # fmt: skip
        for row in levels:
            if row["job"] == kind and not row["level"]:
                low = row["over_salient"][0]
                bars.append(
                    bar(f"{_NAMES[kind]}: more than salient words, all sets together (95 %)",
                        f"{100 * (row['named'] - row['salient']):.1f} points, at least "
                        f"{100 * low:.1f}", "above 0", low > 0)
                )  # fmt: skip
        times = [row["mean"] for row in speed if row["job"] == kind]
        if times:
            bars.append(
                bar(f"{_NAMES[kind]}: milliseconds of one thread for a title, mean of the slowest "
                    "set",
                    f"{1000 * max(times):.0f}", f"at most {1000 * _SECONDS[kind]:.0f}",
                    max(times) <= _SECONDS[kind])
            )  # fmt: skip
    return bars


def table(rows: Sequence[Row]) -> str:
    """The tables as Markdown."""
    lines = [
        "| set | model | titles | levels | parts off by | margins off by | deletions | change the "
        "answer | surely smallest | surely none |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["table"] == "checks":
            lines.append(
                f"| {row['data']} | {_NAMES[row['job']]} | {row['titles']:,} | {row['levels']:,} | "
                f"{row['parts_off']:.0e} | {row['margins_off']:.0e} | {row['deletions']:,} | "
                f"{row['deletions_that_change']:,} | {row['surely_smallest']:,} | "
                f"{row['none_of_all']:,} |"
            )
    lines += [
        "",
        "| set | model | level | titles | named | random | salient | named − random | named − "
        "salient |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["table"] == "levels":
            lines.append(
                f"| {row['data']} | {_NAMES[row['job']]} | {row['level'] or 'all'} | "
                f"{row['titles']:,} | {_points(row['named'])} | {_points(row['random'])} | "
                f"{_points(row['salient'])} | {_range(row['over_random'])} | "
                f"{_range(row['over_salient'])} |"
            )
    return "\n".join([*lines, *_method_lines(rows), *_speed_lines(rows)])


def _method_lines(rows: Sequence[Row]) -> list[str]:
    compared = [row for row in rows if row["table"] == "methods"]
    if not compared:
        return []
    lines = [
        "",
        f"| set | levels | {' | '.join(_METHODS)} | random |",
        "|---" * (len(_METHODS) + 3) + "|",
    ]
    for row in compared:
        falls = " | ".join(
            f"{row[name]:.2f} ({1000 * row[f'{name}, seconds']:.0f} ms)" for name in _METHODS
        )
        lines.append(f"| {row['data']} | {row['levels']:,} | {falls} | {row['random']:.2f} |")
    return lines


def _speed_lines(rows: Sequence[Row]) -> list[str]:
    timed = [row for row in rows if row["table"] == "speed"]
    if not timed:
        return []
    lines = [
        "",
        "| set | model | titles | mean | median | slowest in 20 |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['data']} | {_NAMES[row['job']]} | {row['titles']} | "
        f"{1000 * row['mean']:.0f} ms | {1000 * row['median']:.0f} ms | "
        f"{1000 * row['slowest_in_20']:.0f} ms |"
        for row in timed
    ]
    return lines


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _range(ends: Sequence[float]) -> str:
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"
