"""The bars and the tables of the serving benchmark."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar, cpu_lines
from benchmarks.serving.hostile_requests import HOSTILE
from benchmarks.serving.many_models import COUNTRIES, SECONDS
from benchmarks.serving.measurements import OVERLOAD
from benchmarks.serving.peers import INFINITY, PRODCAT, TOOLKIT, TUNED, WARM

LEVELS = (1, 8, 32, 128)  # requests at once
OVERLOAD_DEMANDS = (
    (f"{OVERLOAD} s of ten times the rate: every request answered", "200, 429 or 503, no crash"),
    ("overload: growth of memory", "at most 10 %"),
    ("overload: the accepted one that waited longest", "within its deadline"),
    ("p99 of one at a time 2 s after the overload against before", "normal: at most 1.3"),
)
MANY_DEMANDS = (
    (f"{COUNTRIES} models, memory for 8, 32 clients, {SECONDS} s: wrong answers and 5xx",
     "0 beside 507"),
    ("many models: peak memory over an empty server's", "within the budget"),
)  # fmt: skip
HOSTILE_DEMANDS = (
    (f"{HOSTILE:,} hostile requests: 5xx, tracebacks, hangs", f"0 of {HOSTILE:,} or more"),
    ("hostile requests: growth of memory", "flat: at most 10 %"),
)
Levels = dict[tuple[str, int], Row]  # server, requests at once


def median(values: Iterable[float]) -> float:
    """The upper median."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def assemble(work: Path) -> Report:
    """The rows of all jobs that have run, and all bars."""
    read = partial(read_result_or_none, work=work)
    levels = load_rows([run for at_once in LEVELS for run in read(f"load/{at_once}") or ()])
    rows: list[Row] = list(levels.values())
    bars = [*toolkit_bars(levels), *infinity_bars(levels)]
    for add_part, name in ((bare_part, "bare"), (start_part, "starts")):
        part_rows, part_bars = add_part(read(name))
        rows += part_rows
        bars += part_bars
    for name, part, demands in (
        ("fuzz", hostile_bars, HOSTILE_DEMANDS),
        ("overload", overload_bars, OVERLOAD_DEMANDS),
        ("many", many_bars, MANY_DEMANDS),
    ):
        result = read(name)
        if result is None:
            bars += [unmeasured(what, demand) for what, demand in demands]
        else:
            rows.append({"table": name, **result})
            bars += part(result)
    for name, tests in (read("contract") or {}).items():
        demand = "passes, nothing skipped"
        bars.append(bar(f"contract: tests/{name}", tests["said"], demand, tests["passed"]))
    return {"rows": rows, "bars": bars}


def unmeasured(name: str, demand: str) -> Bar:
    """A bar whose job has not run."""
    return bar(name, "not measured", demand, False)


def load_rows(runs: list[Row]) -> Levels:
    """The median of the turns, for each server and number of requests at once."""
    levels: Levels = {}
    for server in dict.fromkeys(run["server"] for run in runs):
        for at_once in LEVELS:
            turns = [run for run in runs if (run["server"], run["at_once"]) == (server, at_once)]
            if not turns:
                continue
            failed = sum(
                count
                for run in turns
                for status, count in run["statuses"].items()
                if status != "200"
            )
            levels[server, at_once] = {
                "table": "load", "server": server, "at_once": at_once, "failed": failed,
                "turns": len(turns), "cpu": turns[0]["cpu"],
                **{name: median(run[name] for run in turns) for name in ("rate", "p50", "p99")},
            }  # fmt: skip
    return levels


def toolkit_bars(levels: Levels) -> list[Bar]:
    """Throughput and latency, compared with the better of both ways to run the toolkit."""

    def best(at_once: int, figure: str) -> tuple[float, float] | None:
        theirs = [levels[name, at_once][figure] for name in (TOOLKIT, TUNED)
                  if (name, at_once) in levels]  # fmt: skip
        if not theirs or (PRODCAT, at_once) not in levels:
            return None
        pick = max if figure == "rate" else min
        return levels[PRODCAT, at_once][figure], pick(theirs)

    against = "against the Hugging Face toolkit"
    bars = []
    if pair := best(32, "rate"):
        ours, theirs = pair
        value = f"{ours / theirs:.1f} times ({ours:.0f} against {theirs:.0f})"
        name = f"32 at once: requests/s {against}"
        bars.append(bar(name, value, "at least 5", ours >= 5 * theirs))
    else:
        bars.append(unmeasured(f"32 at once: requests/s {against}", "at least 5"))
    for at_once, figure, least in ((32, "p99", 3), (1, "p50", 4)):
        name, demand = f"{at_once} at once: {figure} {against}", f"at most 1/{least}"
        pair = best(at_once, figure)
        if pair is None:
            bars.append(unmeasured(name, demand))
            continue
        ours, theirs = pair
        value = f"{ours / theirs:.2f} ({1e3 * ours:.1f} ms against {1e3 * theirs:.1f})"
        bars.append(bar(name, value, demand, least * ours <= theirs))
    return bars


def infinity_bars(levels: Levels) -> list[Bar]:
    """Throughput, compared with infinity-emb, and that no request is refused."""
    bars = []
    for at_once in LEVELS:
        name = f"{at_once} at once: requests/s against infinity-emb"
        rates = [
            row["rate"]
            for (server, count), row in levels.items()
            if server.startswith(INFINITY) and count == at_once
        ]
        if not rates or (PRODCAT, at_once) not in levels:
            bars.append(unmeasured(name, "at least 2"))
            continue
        ours, theirs = levels[PRODCAT, at_once], max(rates)
        ratio = ours["rate"] / theirs
        value = f"{ratio:.2f} times ({ours['rate']:.0f} answered against {theirs:.0f})"
        bars.append(bar(name, value, "at least 2", ratio >= 2))
    refused = {
        at_once: sum(levels[server, at_once]["failed"] for server in (PRODCAT, PRODCAT + WARM))
        for at_once in LEVELS
        if (PRODCAT, at_once) in levels
    }
    counts = ", ".join(f"{count} at {at_once} at once" for at_once, count in refused.items())
    complete = len(refused) == len(LEVELS)
    bars.append(
        bar("requests not answered with 200", counts or "not measured", "none",
            complete and not any(refused.values()))
    )  # fmt: skip
    return bars


def bare_part(runs: dict[str, list[Row]] | None) -> tuple[list[Row], list[Bar]]:
    """One title at a time, served and as function calls."""
    name, demand = "1 at once: p99 against the mean of transformers' model alone", "not above"
    if runs is None:
        return [], [unmeasured(name, demand)]
    served = median(run["p99"] for run in runs["served"])
    rows: list[Row] = []
    for way in ("prodcat", "transformers"):
        alone = {key: median(run[key] for run in runs[way]) for key in ("p50", "mean", "p99")}
        rows.append({"table": "bare", "way": way, "cpu": runs[way][0]["cpu"], **alone})
    mean = rows[-1]["mean"]
    value = (
        f"{served / mean:.2f} ({1e3 * served:.1f} ms against {1e3 * mean:.1f}; "
        f"{1e3 * rows[-1]['p99']:.1f} at its p99)"
    )
    rows.append(
        {"table": "bare", "way": "served", "p50": median(run["p50"] for run in runs["served"]),
         "mean": median(1 / run["rate"] for run in runs["served"]), "p99": served,
         "cpu": runs["served"][0]["cpu"]}
    )  # fmt: skip
    return rows, [bar(name, value, demand, served <= mean)]


def start_part(runs: list[Row] | None) -> tuple[list[Row], list[Bar]]:
    """From the start of the process to the first answer."""
    name, demand = "start to the first answer against the Hugging Face toolkit", "at most 1/2"
    if runs is None:
        return [], [unmeasured(name, demand)]
    seconds = {
        server: median(run["seconds"] for run in runs if run["server"] == server)
        for server in (PRODCAT, TOOLKIT)
    }
    ours, theirs = seconds[PRODCAT], seconds[TOOLKIT]
    value = f"{ours:.1f} s against {theirs:.1f} ({ours / theirs:.2f})"
    rows = [
        {"table": "starts", "server": server, "seconds": time, "cpu": runs[0]["cpu"]}
        for server, time in seconds.items()
    ]
    return rows, [bar(name, value, demand, 2 * ours <= theirs)]


def overload_bars(result: Row) -> list[Bar]:
    """Every request is answered, memory stays, and so does the time afterwards."""
    flood = result["flood"]
    answered = set(flood["statuses"]) <= {"200", "429", "503"} and result["alive"]
    growth = result["peak"] / result["memory"] - 1
    accepted = flood["by_status"]["200"]
    ratio = result["after"]["p99"] / result["before"]["p99"]
    return [
        bar(
            f"{OVERLOAD} s of {flood['sent_rate'] / result['sustained']['rate']:.1f} times the "
            "rate: every request answered",
            str(flood["statuses"]),
            "200, 429 or 503, no crash",
            answered and flood["sent_rate"] >= 9.5 * result["sustained"]["rate"],
        ),
        bar(
            "overload: growth of memory",
            f"{growth:+.1%} of {result['memory'] / 1e6:.0f} MB",
            "at most 10 %",
            growth <= 0.1,
        ),
        bar(
            "overload: the accepted one that waited longest",
            f"{accepted['most']:.2f} s (p99 {accepted['p99']:.2f} s)",
            f"within its deadline, {result['patience']:.0f} s",
            accepted["most"] <= result["patience"],
        ),
        bar(
            "p99 of one at a time 2 s after the overload against before",
            f"{ratio:.2f} ({1e3 * result['after']['p99']:.1f} ms)",
            "normal: at most 1.3",
            ratio <= 1.3,
        ),
    ]


def many_bars(result: Row) -> list[Bar]:
    """No wrong answer, and memory within its budget."""
    over = result["peak"] - result["empty"]
    return [
        bar(
            f"{COUNTRIES} models, memory for 8, 32 clients, {SECONDS} s: wrong answers and 5xx",
            f"{result['wrong_count']}; {result['counts']}",
            "0 beside 507",
            result["wrong_count"] == 0 and result["alive"],
        ),
        bar(
            "many models: peak memory over an empty server's",
            f"{over / 1e6:.0f} MB of {result['budget'] / 1e6:.0f}; all 20 would take "
            f"{result['whole'] / 1e6:.0f}",
            "within the budget",
            over <= result["budget"],
        ),
    ]


def hostile_bars(result: Row) -> list[Bar]:
    """No crash, no traceback, no hang, and memory stays."""
    growth = max(after / before - 1 for before, after in result["memory"])
    enough = result["requests"] >= HOSTILE
    return [
        bar(
            f"{result['requests']:,} hostile requests: 5xx, tracebacks, hangs",
            f"{len(result['bad'])}; slowest {result['slowest']:.2f} s; tracebacks in the servers' "
            f"logs, of fsspec's finalisers: {result['tracebacks']}",
            f"0 of {HOSTILE:,} or more",
            not result["bad"] and enough and result["alive"] and result["answers"],
        ),
        bar(
            "hostile requests: growth of memory",
            f"{growth:+.1%}",
            "flat: at most 10 %",
            growth <= 0.1,
        ),
    ]


def milliseconds(seconds: Any, form: str) -> str:
    """Seconds as milliseconds in a format."""
    return format(1e3 * seconds, form)


def table(rows: Sequence[Row]) -> str:
    """Throughput and latency of all servers, and the time of one title."""
    loads = [row for row in rows if row["table"] == "load"]
    lines = [
        "| server | " + " | ".join(f"{level} at once" for level in LEVELS) + " |",
        "|---" * (1 + len(LEVELS)) + "|",
    ]
    for server in dict.fromkeys(row["server"] for row in loads):
        by_level = {row["at_once"]: row for row in loads if row["server"] == server}
        cells = [
            f"{by_level[level]['rate']:.0f}/s, {milliseconds(by_level[level]['p50'], '.0f')} / "
            f"{milliseconds(by_level[level]['p99'], '.0f')} ms" if level in by_level else ""
            for level in LEVELS
        ]  # fmt: skip
        lines.append(f"| {server} | {' | '.join(cells)} |")
    lines += ["", "Requests of one title a second, p50 / p99.", ""]
    lines += ["| one title | mean | p50 | p99 |", "|---|---|---|---|"]
    lines += [
        f"| {row['way']} | {milliseconds(row['mean'], '.2f')} ms | "
        f"{milliseconds(row['p50'], '.2f')} ms | {milliseconds(row['p99'], '.2f')} ms |"
        for row in rows
        if row["table"] == "bare"
    ]
    return "\n".join([*lines, *cpu_lines(rows)])
