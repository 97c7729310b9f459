"""The report of the benchmark of matching, and its tables."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import read_result_or_none
from benchmarks.matching.measure import PUBLIC
from benchmarks.reporting import Bar, Report, Row, bar, grouped

_BARS = {"abt-buy": (0.55, 0.75), "amazon-google": (0.50, 0.65), "walmart-amazon": (0.50, 0.72)}
_HEADINGS = {
    "public": "Public pairs",
    "generated": "Generated catalogs",
    "large": "Large tables",
    "vectors": "Vectors of an encoder",
}


def assemble(work: Path) -> Report:
    """The figures of all jobs in the work folder, and the bars."""
    rows: list[Row] = []
    for name in (*PUBLIC, "generated", "large", "vectors"):
        kind = "public" if name in PUBLIC else name
        rows += [{"table": kind, **row} for row in read_result_or_none(name, work) or ()]
    return {"rows": rows, "bars": _bars(rows)}


def _bars(rows: Sequence[Row]) -> list[Bar]:
    bars = []
    for row in rows:
        if row["table"] == "public" and row["method"] in ("no labelled pair", "all training pairs"):
            least = _BARS[row["set"]][row["method"] != "no labelled pair"]
            name = f"{row['set']}, {row['method']}"
            bars += [
                bar(f"{name}: F1 on the test pairs", row["f1"], f"at least {least}",
                    row["f1"] >= least),
                bar(f"{name}: ECE", row["ece"], "at most .05", row["ece"] <= 0.05),
            ]  # fmt: skip
        if row["table"] == "generated":
            name = f"generated, {row['language']}, {row['method']}: precision at recall .85"
            bars.append(bar(name, row["precision"], "at least .98", row["precision"] >= 0.98))
        if row["table"] == "large":
            name = f"{row['rows']:,} x {row['their rows']:,}"
            bars.append(bar(f"{name}: minutes", row["minutes"], "under 10", row["minutes"] < 10))
            bars.append(bar(f"{name}: GiB", row["GiB"], "under 4", row["GiB"] < 4))
    return bars


def table(rows: Sequence[Row]) -> str:
    """The tables as Markdown."""
    lines: list[str] = []
    for (kind,), group in grouped(rows, "table").items():
        names = list(dict.fromkeys(name for row in group for name in row if name != "table"))
        lines += [f"### {_HEADINGS[kind]}", "", f"| {' | '.join(names)} |"]
        lines.append(f"|{'---|' * len(names)}")
        lines += [f"| {' | '.join(str(row.get(name, '')) for name in names)} |" for row in group]
        lines.append("")
    return "\n".join(lines).rstrip()
