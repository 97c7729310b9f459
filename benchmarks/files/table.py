"""The figures of all jobs as rows, bars and tables."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.files.properties import EXAMPLES, TESTS
from benchmarks.files.reading import REFUSED, RIGHT, UNHELPFUL, WRONG
from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar, grouped

_RIGHT = 0.95  # share of the files
_REPORTS = 20
_KINDS = (RIGHT, REFUSED, UNHELPFUL, WRONG)


def assemble(names: Sequence[str], work: Path) -> Report:
    """The report of what the jobs left."""
    results = {name: read_result_or_none(name, work) for name in names}
    rows = [row for row in results.values() if row is not None]
    rows = [_summed(row) if row["job"] == "matrix" else row for row in rows]
    bars = _matrix_bars([row for row in rows if row["job"] == "matrix"])
    for name in TESTS:
        bars.append(_property_bar(name, results.get(f"property/{name}")))
    bars.append(_report_bar(results.get("reports")))
    return {"rows": rows, "bars": bars}


def _summed(row: Row) -> Row:
    """The counts of a writer's files for each encoding, and the files that are not read right."""
    counts = [
        {"encoding": encoding, **Counter(file["outcome"] for file in files)}
        for (encoding,), files in grouped(row["files"], "encoding").items()
    ]
    others = [file for file in row["files"] if file["outcome"] != RIGHT]
    return {**row, "files": others, "counts": counts}


def _matrix_bars(rows: Sequence[Row]) -> list[Bar]:
    counts: Counter[str] = Counter()
    for line in (line for row in rows for line in row["counts"]):
        counts.update({kind: line.get(kind, 0) for kind in _KINDS})
    whole = counts.total()
    share = counts[RIGHT] / max(whole, 1)
    missing = [row["writer"] for row in rows if not row["counts"]]
    measured = whole > 0 and len(rows) == 3 and not missing
    absent = f"; not measured: {', '.join(missing)}" if missing else ""
    return [
        bar(
            "files of the matrix, read in both ways with defaults alone: right",
            f"{share:.2%} of {whole:,}{absent}",
            f"at least {_RIGHT:.0%}, of three writers",
            share >= _RIGHT and measured,
        ),
        bar("files of the matrix: read wrong", counts[WRONG], "0", not counts[WRONG]),
        bar(
            "files of the matrix: refused without advice that helps",
            f"{counts[UNHELPFUL]}, and {counts[REFUSED]} with it",
            "0",
            not counts[UNHELPFUL],
        ),
    ]


def _property_bar(name: str, row: Row | None) -> Bar:
    demand = f"property test of {name}: all examples pass"
    if row is None:
        return bar(demand, "not measured", f"at least {EXAMPLES:,}", False)
    value = f"{row['examples']:,} passed, {row['failing']} failed"
    met = row["passed"] and row["examples"] >= EXAMPLES and not row["failing"]
    return bar(demand, value, f"at least {EXAMPLES:,}, none fails", met)


def _report_bar(row: Row | None) -> Bar:
    reports = row["reports"] if row else []
    right = sum(report["right"] for report in reports)
    met = right == len(reports) >= _REPORTS
    value = f"{right} of {len(reports)}"
    return bar("reports of other libraries: prodcat is right", value, "all of 20 or more", met)


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    matrix = [row for row in rows if row["job"] == "matrix"]
    tests = [row for row in rows if row["job"] == "property"]
    reports = [report for row in rows if row["job"] == "reports" for report in row["reports"]]
    return "\n\n".join([_matrix_table(matrix), _property_table(tests), _report_table(reports)])


def _matrix_table(rows: Sequence[Row]) -> str:
    lines = [
        "| writer | encoding | files read | right | refused with advice | without | wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if not row["counts"]:
            lines.append(f"| {row['writer']} | not installed | not measured | | | | |")
        for line in row["counts"]:
            cells = [line.get(kind, 0) for kind in _KINDS]
            shown = " | ".join(map(str, [sum(cells), *cells]))
            lines.append(f"| {row['writer']} | {line['encoding']} | {shown} |")
    return "\n".join(lines)


def _property_table(rows: Sequence[Row]) -> str:
    lines = ["| property test | examples | invalid | failed | seconds |", "|---|---|---|---|---|"]
    for row in rows:
        counts = f"{row['examples']:,} | {row['invalid']} | {row['failing']} | {row['seconds']}"
        lines.append(f"| `{row['test'].rpartition('::')[2]}` | {counts} |")
    return "\n".join(lines)


def _report_table(reports: Sequence[Row]) -> str:
    lines = ["| report | what happened there | what prodcat does | right |", "|---|---|---|---|"]
    for row in reports:
        right = "yes" if row["right"] else "**no**"
        lines.append(f"| {row['report']} | {row['happened']} | {row['prodcat']} | {right} |")
    return "\n".join(lines)
