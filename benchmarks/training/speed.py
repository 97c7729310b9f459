"""The race against the Hugging Face Trainer, and throughput."""

import os
import subprocess

from benchmarks.jobs import Options, job_command
from benchmarks.reporting import Row
from benchmarks.training.events import (
    Event,
    accuracy_on,
    of_kind,
    read_event,
    seconds_at,
)
from benchmarks.training.race import Runner, race
from benchmarks.training.systems import trainer_command

MODULE = "benchmarks.training.run"
THREADS = len(os.sched_getaffinity(0))
# The best of the rates that were tried for the tuned Trainer, in pilots on the same sets.
PILOTS = {
    "shop-titles-en": {"1e-4": 0.288, "2e-4": 0.487, "4e-4": 0.549, "8e-4": 0.068},
    "food-terms": {"1e-4": 0.252, "2e-4": 0.099, "4e-4": 0.099},
}
EPOCHS = {"food-terms": 5, "shop-titles-en": 6}


def prodcat_runner(options: Options, name: str, system: str, seed: int) -> Runner:
    """A training of prodcat on a set, as a runner of a race."""
    job = f"timed/{name}/{system}/{seed}"
    return Runner(f"{system}/{seed}", job_command(MODULE, options, job))


def run_race(options: Options, name: str) -> dict[str, list[Event]]:
    """All systems on one set, in turns: their events by runner."""
    rates = PILOTS[name]
    best = max(rates, key=lambda rate: rates[rate])
    timed = [prodcat_runner(options, name, system, 0) for system in ("prodcat", "prodcat-encoder")]
    tuned_command = trainer_command(
        options, name, "tuned", "--rate", best, "--epochs", str(EPOCHS[name])
    )
    tuned = Runner("tuned", tuned_command)
    default = Runner("default", trainer_command(options, name, "default"), most=100.0)
    race([[tuned], timed, [default]])
    return {runner.name: runner.timed_events() for runner in (tuned, *timed, default)}


def race_rows(name: str, events: dict[str, list[Event]]) -> list[Row]:
    """One row for each runner of the race on a set."""
    tuned = tuned_row(name, events["tuned"])
    default = default_row(name, events["default"], tuned["target"])
    counts = of_kind(events["default"], "ready")[0]
    return [
        tuned,
        default,
        *(
            prodcat_row(name, runner, listed, tuned["target"], counts)
            for runner, listed in events.items()
            if runner.startswith("prodcat")
        ),
    ]


def tuned_row(name: str, events: list[Event]) -> Row:
    """(b): the accuracy of its best epoch is the target for all."""
    begin, end = seconds_at(events, "begin"), seconds_at(events, "end")
    # The evaluations after the end of the training are no epochs.
    epochs = [event for event in of_kind(events, "epoch") if event["active"] <= end]
    target = max(epoch["accuracy"] for epoch in epochs)
    reached = next(epoch["active"] - begin for epoch in epochs if epoch["accuracy"] >= target)
    counts = of_kind(events, "ready")[0]
    per_epoch = epochs[0]["active"] - begin
    return {
        "set": name, "system": "tuned", "seed": 0, "target": target,
        "seconds_to_target": reached, "seconds": end - begin, "validation": target,
        "test": accuracy_on(events, "test"), "epochs": len(epochs),
        "titles_per_second": counts["titles"] / per_epoch,
        "tokens_per_second": counts["tokens"] / per_epoch,
        "steps": of_kind(events, "step")[-1]["step"],
        "epoch_accuracies": [epoch["accuracy"] for epoch in epochs],
    }  # fmt: skip


def default_row(name: str, events: list[Event], target: float) -> Row:
    """(a): the time of all its steps is that of the measured ones times their number."""
    steps = of_kind(events, "step")
    counts, begun = of_kind(events, "ready")[0], of_kind(events, "begin")[0]
    whole = begun["steps"] * (steps[-1]["active"] - steps[0]["active"]) / (len(steps) - 1)
    return {
        "set": name, "system": "default", "seed": 0, "target": target,
        "seconds_to_target": None, "seconds": whole, "epochs": 3,
        "titles_per_second": 3 * counts["titles"] / whole,
        "tokens_per_second": 3 * counts["tokens"] / whole,
        "padded_share": 1 - counts["tokens"] / (128 * counts["titles"]),
        "measured_steps": len(steps), "steps": begun["steps"],
    }  # fmt: skip


def prodcat_row(name: str, runner: str, events: list[Event], target: float, counts: Event) -> Row:
    """(c) or (c'), by the seconds of its turns, validation included, as for the others."""
    system, seed = runner.split("/")
    begin = seconds_at(events, "begin")
    epochs = of_kind(events, "epoch")
    reached = next((e["active"] - begin for e in epochs if e["accuracy"] >= target), None)
    learned = [epoch for epoch in epochs if epoch["epoch"] > 0]
    rate = len(learned) * counts["titles"] / (epochs[-1]["active"] - epochs[0]["active"])
    return {
        "set": name, "system": system, "seed": int(seed), "target": target,
        "seconds_to_target": reached, "seconds": seconds_at(events, "end") - begin,
        "validation": accuracy_on(events, "validation"), "test": accuracy_on(events, "test"),
        "epochs": len(learned),
        "epoch_accuracies": [epoch["accuracy"] for epoch in epochs],
        "epoch_seconds": [epoch["active"] - begin for epoch in epochs],
        "titles_per_second": rate,
        "tokens_per_second": rate * counts["tokens"] / counts["titles"],
        "padded_share": learned[-1]["padded_share"],
    }  # fmt: skip


def train_unpadded(options: Options, name: str) -> Row:
    """The accuracy that (a) ends with; padding is masked out, so the seconds do not count."""
    command = trainer_command(options, name, "unpadded")
    output = subprocess.run(command, capture_output=True, text=True).stdout
    events = [event for line in output.splitlines() if (event := read_event(line)) is not None]
    return {
        "epochs": [event["accuracy"] for event in of_kind(events, "epoch")][:3],
        **{event["part"]: event["accuracy"] for event in of_kind(events, "judged")},
    }


def measure_throughput(options: Options) -> dict[str, Row]:
    """Titles and tokens a second on 50,000 made-up titles, by runner."""
    name = "parallel-synthetic"
    default = Runner("default", trainer_command(options, name, "default"), most=60.0)
    tuned_command = trainer_command(options, name, "tuned", "--epochs", "1")
    tuned = Runner("tuned", tuned_command, most=80.0)
    prodcat = prodcat_runner(options, name, "prodcat-encoder", 0)
    race([[default], [tuned], [prodcat]])
    rates, tokens_per_title = {}, float("nan")
    for runner in (default, tuned):
        events = runner.timed_events()
        steps, counts = of_kind(events, "step"), of_kind(events, "ready")[0]
        tokens_per_title = counts["tokens"] / counts["titles"]
        rate = 32 * (len(steps) - 1) / (steps[-1]["active"] - steps[0]["active"])
        rates[runner.name] = {
            "titles_per_second": rate,
            "tokens_per_second": rate * tokens_per_title,
        }
    events = prodcat.timed_events()
    epochs, counts = of_kind(events, "epoch"), of_kind(events, "ready")[0]
    rate = counts["titles"] / (epochs[-1]["active"] - epochs[0]["active"])
    rates[prodcat.name] = {
        "titles_per_second": rate,
        "tokens_per_second": rate * tokens_per_title,
        "padded_share": epochs[-1]["padded_share"],
    }
    return rates
