"""The report of the benchmark of offers, and its tables."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar

_LEAST_RIGHT, _LEAST_PARSED = 0.99, 0.90


def assemble(work: Path) -> Report:
    """The figures of all jobs in the work folder, and the bars."""
    rows: list[Row] = []
    labelled = read_result_or_none("labelled", work)
    if labelled is not None:
        rows += [{"table": "labelled", **row} for row in labelled["rows"]]
        rows.append({"table": "agreement", **labelled["agreement"]})
    for name in ("generated", "speed"):
        rows += [{"table": name, **row} for row in read_result_or_none(name, work) or ()]
    return {"rows": rows, "bars": _bars(rows)}


def _bars(rows: Sequence[Row]) -> list[Bar]:
    bars = []
    for row in rows:
        if row["table"] == "labelled" and row["set"] == "all":
            bars += _accuracy(f"{row['half']} titles", row)
    generated = [row for row in rows if row["table"] == "generated" and len(row["name"]) == 2]
    if generated:
        names = ("texts", "sized", "parsed", "right")
        total: Row = {name: sum(row[name] for row in generated) for name in names}
        bars += _accuracy("generated texts", {**total, "parsed of sized": total["parsed"]})
    bars += [
        bar(f"{row['rows']:,} rows of CSV, all columns: memory", _size(row["peak"]), "under 1 GiB",
            row["peak"] < 2**30)
        for row in rows
        if row["table"] == "speed" and row["peak"] is not None
    ]  # fmt: skip
    return bars


def _accuracy(name: str, row: Row) -> list[Bar]:
    right, parsed = row["right"] / row["parsed"], row["parsed of sized"] / row["sized"]
    return [
        bar(f"{name}: right among what is parsed", _percent(right), "at least 99%",
            right >= _LEAST_RIGHT),
        bar(f"{name}: parsed of what has a size", _percent(parsed), "at least 90%",
            parsed >= _LEAST_PARSED),
    ]  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """The tables as Markdown."""
    lines = [
        "| half | set | titles | with a size | parsed | right | with its count | "
        "parsed of sized | unknown |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["table"] == "labelled":
            lines.append(
                f"| {row['half']} | {row['set']} | {row['texts']:,} | {row['sized']:,} | "
                f"{row['parsed']:,} | {_share(row['right'], row['parsed'])} | "
                f"{_share(row['count right'], row['parsed'])} | "
                f"{_share(row['parsed of sized'], row['sized'])} | {row['unknown']:,} |"
            )
    for row in rows:
        if row["table"] == "agreement":
            lines += [
                "",
                f"Both readings gave the same label to {row['same label']:,} of "
                f"{row['titles']:,} titles, and the same size to {row['same size']:,}.",
            ]
    lines += ["", "| generated | texts | with a size | parsed | right |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['name']} | {row['texts']:,} | {row['sized']:,} | {row['parsed']:,} | "
        f"{_share(row['right'], row['parsed'])} |"
        for row in rows
        if row["table"] == "generated"
    ]
    lines += ["", "| | rows | seconds | rows a second | peak memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['rows']:,} | {row['seconds']:.1f} | "
        f"{row['rows'] / row['seconds']:,.0f} | {_size(row['peak'])} |"
        for row in rows
        if row["table"] == "speed"
    ]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({_percent(part / whole)})" if whole else "0"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _size(number: int | None) -> str:
    return "" if number is None else f"{number / 2**30:.2f} GiB"
