"""The bars and the tables of the store benchmark."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar
from benchmarks.store.damage import DAMAGED
from benchmarks.store.kills import KILLS
from benchmarks.store.places import PLACES
from benchmarks.store.storm import READS, WRITERS

NAMES = [
    "loading",
    "starts",
    "damage",
    *(f"kill/{name}" for name in PLACES),
    *(f"storm/{name}" for name in PLACES),
]


def assemble(work: Path) -> Report:
    """The rows and bars of all jobs that have run."""
    rows: list[Row] = []
    for name in NAMES:
        result = read_result_or_none(name, work)
        if result is not None:
            rows += result if isinstance(result, list) else [result]
    reads = sum(row["reads"] for row in rows if row["job"] == "storm")
    bars: list[Bar] = []
    for row in rows:
        if row["job"] == "storm":
            bars += storm_bars(row, reads)
        if row["job"] == "kill":
            bars.append(kill_bar(row))
        if row["job"] == "damage":
            bars += damage_bars(row)
    by_name = {row["what"]: row for row in rows if row["job"] in ("start", "loading")}
    if "8 of production" in by_name:
        bars += start_bars(by_name)
    if "prodcat, trimmed" in by_name:
        bars += loading_bars(by_name)
    return {"rows": rows, "bars": bars}


def storm_bars(row: Row, reads: int) -> list[Bar]:
    """One winner for each event, and no version that is read in parts.

    Args:
        row: One storm.
        reads: How many versions were read in all storms.
    """
    what = f"{row['place']}: {WRITERS} processes, {row['rounds']} rounds"
    complete = row["published"] == WRITERS * row["rounds"] + 1
    return [
        bar(
            f"{what}: one winner for each alias event",
            f"{row['events'] - 1} events, {row['won']} winners, {row['lost']} lost, "
            f"{len(row['errors'])} errors",
            "exactly one",
            row["one_winner"] and not row["errors"] and complete,
        ),
        bar(
            f"{what}: corrupt loads",
            f"{len(row['bad_reads'])} in {row['reads']:,} reads",
            "0 in 10,000, over all places",
            not row["bad_reads"] and reads >= READS,
        ),
    ]


def kill_bar(row: Row) -> Bar:
    """Only whole versions after a kill, and the next publication succeeds."""
    counts = (row["kills"], row["only_whole_listed"], row["next_publish_succeeds"])
    return bar(
        f"{row['place']}: kill -9 of the publisher: only whole versions, next publish",
        f"{counts[1]} and {counts[2]} of {counts[0]} ({row['while_publishing']} hit it "
        f"publishing; {row['strays_after_prune']} objects left after prune)",
        f"all of {KILLS}",
        counts == (KILLS,) * 3 and not row["strays_after_prune"],
    )


def damage_bars(row: Row) -> list[Bar]:
    """Every damaged artifact is refused, and costs no more memory than a good one."""
    fine = row["refused"] == row["cases"] and not row["crashed"] and not row["wrote"]
    return [
        bar(
            "damaged artifacts refused with prodcat's own errors",
            f"{row['refused']} of {row['cases']:,}; {row['crashed']} crashed, "
            f"{row['wrote']} wrote anything",
            "all of 1,000",
            fine and row["cases"] >= DAMAGED,
        ),
        bar(
            "their peak of memory over a good load's",
            f"{row['most_memory_mb']} MB ({row['most_memory_case']})",
            "at most 100 MB",
            row["most_memory_mb"] <= 100,
        ),
    ]


def start_bars(by_name: dict[str, Row]) -> list[Bar]:
    """One download for all processes, and none once it is there."""
    times = by_name["8 of production"]["times_downloaded"]
    bars = [bar("cold start of 8 processes", f"downloaded {times} times", "once", times < 1.01)]
    for what, most in (("1 of pinned", 0), ("8 of pinned", 0), ("1 of production", 1)):
        count = by_name[what]["connections"]
        bars.append(bar(f"warm start, {what}: connections", count, str(most), count == most))
    return bars


def loading_bars(by_name: dict[str, Row]) -> list[Bar]:
    """The time of a load, compared with those of transformers."""
    bars = []
    for kind in ("whole vocabulary", "trimmed"):
        ours, model, tokenizer = (
            by_name[f"{name}, {kind}"]["ms"] for name in ("prodcat", "AutoModel", "AutoTokenizer")
        )
        bars += [
            bar(
                f"{kind}: load of the whole classifier, against AutoModel and AutoTokenizer",
                f"{ours} ms against {model + tokenizer:.1f} ms",
                "not slower",
                ours <= model + tokenizer,
            ),
            bar(
                f"{kind}: against AutoModel alone, which has no tokenizer, tree or heads",
                f"{ours} ms against {model} ms",
                "not slower",
                ours <= model,
            ),
        ]
    return bars


def table(rows: Sequence[Row]) -> str:
    """The storms, the kills, the starts and the loads."""

    def of(job: str) -> list[Row]:
        return [row for row in rows if row["job"] == job]

    lines = []
    if of("storm"):
        lines += [
            "| storm on | rounds | published | events | winners | losers | reads | bad | seconds |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
    lines += [
        f"| {row['place']} | {row['rounds']} | {row['published']} | {row['events'] - 1} | "
        f"{row['won']} | {row['lost']} | {row['reads']:,} | {len(row['bad_reads'])} | "
        f"{row['seconds']} |"
        for row in of("storm")
    ]
    lines += [
        "",
        "| kill -9 on | kills | hit it publishing | left something | only whole listed | "
        "next publish fine |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['place']} | {row['kills']} | {row['while_publishing']} | "
        f"{row['left_something']} | {row['only_whole_listed']} | {row['next_publish_succeeds']} |"
        for row in of("kill")
    ]
    lines += ["", "| start | downloaded, times | connections | requests | load, s |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {row['what']}{' (cold)' if row['cold'] else ''} | {row['times_downloaded']} | "
        f"{row['connections']} | {row['requests']} | {row['seconds']} |"
        for row in of("start")
    ]
    lines += ["", "| load | median, ms | least, ms |", "|---|---|---|"]
    lines += [f"| {row['what']} | {row['ms']} | {row['least_ms']} |" for row in of("loading")]
    return "\n".join(lines).strip()
