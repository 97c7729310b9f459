"""The bars and the tables of the serving benchmark."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.jobs import read_result
from benchmarks.reporting import Bar, Report, Row, bar
from benchmarks.serving.hostile_requests import HOSTILE
from benchmarks.serving.many_models import COUNTRIES, SECONDS
from benchmarks.serving.measurements import OVERLOAD
from benchmarks.serving.peers import INFINITY, PRODCAT, TOOLKIT, TUNED

LEVELS = (1, 8, 32, 128)  # requests at once
Levels = dict[tuple[str, int], Row]  # server, requests at once


def median(values: Iterable[float]) -> float:
    """The upper median."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def assemble(work: Path) -> Report:
    """The rows and bars of all jobs."""
    read = partial(read_result, work=work)
    levels = load_rows([run for at_once in LEVELS for run in read(f"load/{at_once}")])
    rows: list[Row] = list(levels.values())
    bars = [*toolkit_bars(levels), *infinity_bars(levels)]
    bare_rows, bare_bars = bare_part(read("bare"))
    start_rows, start_bar = start_part(read("starts"))
    overload, many, hostile = read("overload"), read("many"), read("fuzz")
    rows += [*bare_rows, *start_rows, {"table": "overload", **overload}]
    rows += [{"table": "many", **many}, {"table": "fuzz", **hostile}]
    bars += [*bare_bars, start_bar, *overload_bars(overload), *many_bars(many)]
    bars += hostile_bars(hostile)
    for name, tests in read("contract").items():
        demand = "passes, nothing skipped"
        bars.append(bar(f"contract: tests/{name}", tests["said"], demand, tests["passed"]))
    return {"rows": rows, "bars": bars}


def load_rows(runs: list[Row]) -> Levels:
    """The median of the turns, for each server and number of requests at once."""
    levels: Levels = {}
    for server in dict.fromkeys(run["server"] for run in runs):
        for at_once in LEVELS:
            turns = [run for run in runs if (run["server"], run["at_once"]) == (server, at_once)]
            failed = sum(
                count
                for run in turns
                for status, count in run["statuses"].items()
                if status != "200"
            )
            levels[server, at_once] = {
                "table": "load", "server": server, "at_once": at_once, "failed": failed,
                **{name: median(run[name] for run in turns) for name in ("rate", "p50", "p99")},
            }  # fmt: skip
    return levels


def toolkit_bars(levels: Levels) -> list[Bar]:
    """Throughput and latency, compared with the better of both ways to run the toolkit."""
    ours, alone = levels[PRODCAT, 32], levels[PRODCAT, 1]
    toolkits = [levels[name, 32] for name in (TOOLKIT, TUNED)]
    rate = max(row["rate"] for row in toolkits)
    best = min(row["p99"] for row in toolkits)
    median_alone = min(levels[name, 1]["p50"] for name in (TOOLKIT, TUNED))
    ratio = ours["rate"] / rate
    return [
        bar(
            "32 at once: requests/s against the Hugging Face toolkit",
            f"{ratio:.1f} times ({ours['rate']:.0f} against {rate:.0f})",
            "at least 5",
            ratio >= 5,
        ),
        bar(
            "32 at once: p99 against the Hugging Face toolkit",
            f"{ours['p99'] / best:.2f} ({1e3 * ours['p99']:.0f} ms against {1e3 * best:.0f})",
            "at most 1/3",
            3 * ours["p99"] <= best,
        ),
        bar(
            "1 at once: p50 against the Hugging Face toolkit",
            f"{alone['p50'] / median_alone:.2f} ({1e3 * alone['p50']:.1f} ms against "
            f"{1e3 * median_alone:.1f})",
            "at most 1/4",
            4 * alone["p50"] <= median_alone,
        ),
    ]


def infinity_bars(levels: Levels) -> list[Bar]:
    """Throughput, compared with infinity-emb, and that no request is refused."""
    bars = []
    for at_once in LEVELS:
        rates = [
            row["rate"]
            for (server, count), row in levels.items()
            if server.startswith(INFINITY) and count == at_once
        ]
        ours, theirs = levels[PRODCAT, at_once], max(rates)
        ratio = ours["rate"] / theirs
        bars.append(
            bar(
                f"{at_once} at once: requests/s against infinity-emb",
                f"{ratio:.2f} times ({ours['rate']:.0f} answered against {theirs:.0f})",
                "at least 2",
                ratio >= 2,
            )
        )
    refused = {at_once: levels[PRODCAT, at_once]["failed"] for at_once in LEVELS}
    counts = ", ".join(f"{count} at {at_once} at once" for at_once, count in refused.items())
    bars.append(bar("requests not answered with 200", counts, "none", not any(refused.values())))
    return bars


def bare_part(runs: dict[str, list[Row]]) -> tuple[list[Row], list[Bar]]:
    """One title at a time, served and as function calls."""
    served = median(run["p99"] for run in runs["served"])
    rows: list[Row] = []
    for name in ("prodcat", "transformers"):
        alone = {key: median(run[key] for run in runs[name]) for key in ("p50", "mean", "p99")}
        rows.append({"table": "bare", "way": name, **alone})
    mean = rows[-1]["mean"]
    bars = [
        bar(
            "1 at once: p99 against the mean of transformers' model alone",
            f"{served / mean:.2f} ({1e3 * served:.1f} ms against {1e3 * mean:.1f}; "
            f"{1e3 * rows[-1]['p99']:.1f} at its p99)",
            "not above",
            served <= mean,
        )
    ]
    rows.append(
        {"table": "bare", "way": "served", "p50": median(run["p50"] for run in runs["served"]),
         "mean": median(1 / run["rate"] for run in runs["served"]), "p99": served}
    )  # fmt: skip
    return rows, bars


def start_part(runs: list[Row]) -> tuple[list[Row], Bar]:
    """From the start of the process to the first answer."""
    seconds = {
        server: median(run["seconds"] for run in runs if run["server"] == server)
        for server in (PRODCAT, TOOLKIT)
    }
    ours, theirs = seconds[PRODCAT], seconds[TOOLKIT]
    start_bar = bar(
        "start to the first answer against the Hugging Face toolkit",
        f"{ours:.1f} s against {theirs:.1f} ({ours / theirs:.2f})",
        "at most 1/2",
        2 * ours <= theirs,
    )
    rows = [{"table": "starts", "server": name, "seconds": time} for name, time in seconds.items()]
    return rows, start_bar


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
        cells = [
            f"{row['rate']:.0f}/s, {milliseconds(row['p50'], '.0f')} / "
            f"{milliseconds(row['p99'], '.0f')} ms"
            for row in loads
            if row["server"] == server
        ]
        lines.append(f"| {server} | {' | '.join(cells)} |")
    lines += ["", "Requests of one title a second, p50 / p99.", ""]
    lines += ["| one title | mean | p50 | p99 |", "|---|---|---|---|"]
    lines += [
        f"| {row['way']} | {milliseconds(row['mean'], '.2f')} ms | "
        f"{milliseconds(row['p50'], '.2f')} ms | {milliseconds(row['p99'], '.2f')} ms |"
        for row in rows
        if row["table"] == "bare"
    ]
    return "\n".join(lines)
