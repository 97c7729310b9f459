"""Training with the defaults, by the code of today and by that of an earlier commit, in turns."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import numpy as np

from benchmarks.frozen_sets import read
from benchmarks.jobs import ROOT, Options, job_command, read_result_or_none
from benchmarks.reporting import Bar, Row, bar, cpu
from benchmarks.training.events import Event, of_kind, say, seconds_at
from benchmarks.training.race import Runner, race
from benchmarks.training.systems import SETS, fit, right_answers

MODULE = "benchmarks.training.run"
BEFORE = "d5f1ce4"  # the last commit in which the encoder read every title
SEEDS = (0, 1, 2)
TODAY, EARLIER = "today", "before"
LOST = 0.1  # points that are within chance if the interval reaches 0 too
QUICK = 300  # titles where everything is as small as it can be


def job_names() -> list[str]:
    """The jobs, one for each seed and set; both systems are in each of them."""
    return [f"defaults/{name}/{seed}" for seed in SEEDS for name in SETS]


def earlier_code(options: Options) -> Path:
    """The folder with the package ``prodcat`` of the earlier commit, taken out of git once.

    Raises:
        CalledProcessError: The commit is not in this checkout.
    """
    folder = options.work.resolve() / f"code-{BEFORE}"
    if not folder.exists():
        command = ["git", "archive", BEFORE, "prodcat"]
        archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
        partial = folder.with_suffix(".partial")
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(partial, filter="data")
        partial.rename(folder)
    return folder


def race_defaults(options: Options, name: str, seed: int) -> Row:
    """Train on a set with both, in turns of the same run, and answer the test titles."""
    command = job_command(MODULE, options, f"timed-defaults/{name}/{seed}")
    paths = {TODAY: [ROOT], EARLIER: [earlier_code(options), ROOT]}
    runners = {
        system: Runner(system, command, environment={
            "PYTHONPATH": os.pathsep.join(map(str, folders)), "PYTHONSAFEPATH": "1"})
        for system, folders in paths.items()
    }  # fmt: skip
    lanes = [[runner] for runner in runners.values()]
    race(lanes[::-1] if seed % 2 else lanes)
    row: Row = {"set": name, "seed": seed, "commit": BEFORE, "cpu": cpu()}
    for system, runner in runners.items():
        folder = Path(of_kind(runner.timed_events(), "ready")[0]["code"]).parent
        assert folder == paths[system][0], f"{system} imported prodcat from {folder}"
        row[system] = system_figures(runner.timed_events())
    return row


def system_figures(events: list[Event]) -> Row:
    """Seconds of the training, and which test titles are answered rightly, as text of 0 and 1."""
    seconds = seconds_at(events, "end") - seconds_at(events, "begin")
    return {"seconds": seconds, "right": of_kind(events, "answered")[0]["right"]}


def time_defaults(options: Options, name: str, seed: int) -> None:
    """Train once, printing what happens when; only what both versions of prodcat have is used.

    Args:
        options: Where the sets and the encoder are.
        name: The set.
        seed: Of the training.
    """
    import transformers  # noqa: F401, imports are not part of the time

    import prodcat.training.fitting

    train, validation, test = read(options.data, name, "all")
    if options.quick:
        head = np.arange(QUICK)
        train, validation, test = train.take(head), validation.take(head), test.take(head)
    settings = {"seed": seed, **({"epochs": 0} if options.quick else {})}
    say("ready", code=str(Path(prodcat.__file__).parent), titles=len(train))
    say("begin")
    model = fit(options, train, validation, settings=settings)
    say("end")
    right = right_answers(model, test, "float32")
    say("answered", right="".join("1" if answer else "0" for answer in right.tolist()))


def defaults_part(work: Path) -> tuple[list[Row], list[Bar]]:
    """One row for each job that has run, and the bars of each set."""
    rows: list[Row] = []
    bars: list[Bar] = []
    for name in SETS:
        results = [read_result_or_none(f"defaults/{name}/{seed}", work) for seed in SEEDS]
        done = [result for result in results if result is not None]
        rows += [defaults_row(result) for result in done]
        bars += defaults_bars(name, done)
    return rows, bars


def defaults_row(result: Row) -> Row:
    """The figures of one seed, without the single titles."""
    figures = {
        system: {
            "seconds": result[system]["seconds"],
            "test": result[system]["right"].count("1") / len(result[system]["right"]),
        }
        for system in (TODAY, EARLIER)
    }
    return {"table": "defaults", **result, **figures}


def defaults_bars(name: str, results: list[Row]) -> list[Bar]:
    """The time and the accuracy of all seeds together."""
    from prodcat.evaluation.intervals import paired_bootstrap

    words = f"{name}: training with the defaults against commit {BEFORE}"
    demands = "at most 1/3", f"at least -{LOST} points, and not wholly below 0"
    if not results:
        return [bar(f"{words}, {what}", "not measured", demand, False)
                for what, demand in zip(("seconds", "accuracy"), demands, strict=True)]  # fmt: skip
    today, before = (
        sum(result[system]["seconds"] for result in results) / len(results)
        for system in (TODAY, EARLIER)
    )
    right = {
        system: np.array([[mark == "1" for mark in r[system]["right"]] for r in results]).T
        for system in (TODAY, EARLIER)
    }
    gain = paired_bootstrap(right[TODAY], right[EARLIER])
    complete = len(results) == len(SEEDS)
    seeds = f"{len(results)} of {len(SEEDS)} seeds"
    return [
        bar(f"{words}, seconds", f"1/{before / today:.2f} ({today:.0f} s of {before:.0f} s; "
            f"{seeds})", demands[0], complete and 3 * today <= before),
        bar(f"{words}, accuracy", f"{100 * gain.value:+.2f} points [{100 * gain.low:+.2f}, "
            f"{100 * gain.high:+.2f}] ({seeds})", demands[1],
            complete and 100 * gain.value >= -LOST - 1e-9 and gain.high >= 0),
    ]  # fmt: skip


def defaults_lines(rows: list[Row]) -> list[str]:
    """The table of both versions; empty if no job has run."""
    if not rows:
        return []
    lines = [
        "",
        "| set | seed | training today, s | before, s | test today | before |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['set']} | {row['seed']} | {row[TODAY]['seconds']:.0f} | "
        f"{row[EARLIER]['seconds']:.0f} | {row[TODAY]['test']:.4f} | {row[EARLIER]['test']:.4f} |"
        for row in rows
    ]
    return lines
