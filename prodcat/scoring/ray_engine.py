"""Scoring on a Ray cluster, for catalogs that outgrow one machine.

Ray Data hands out the shares, one actor for each device; each share is scored by
:func:`prodcat.score`, so the output is the same, and what is done is not done again: a share of
a machine that went is given to another one, which finds the parts that are there.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import load
from prodcat.errors import ConfigError, ProdcatError, StoreError
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.jobs import ScoringReport, file_kind, score
from prodcat.scoring.ledger import SUMMARY
from prodcat.scoring.ledger import overwrite as clear
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key

_SHARES = 4  # of each actor: machines are not equally fast
_LIMIT = 1 << 20
_COUNTED = ("rows", "errors", "parts", "skipped")


class _Scorer:
    """An actor: a classifier on its device, and the shares that it is given."""

    def __init__(self, model: str, task: dict[str, Any]) -> None:
        self.model, self.task = model, task
        self.classifier: Classifier | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Score shares; an error of prodcat's own is an answer too, which Ray would reword."""
        found: dict[str, list[Any]] = {name: [] for name in (*_COUNTED, "error")}
        for index in batch["id"].tolist():
            try:
                report = self._scored(index)
                for name in _COUNTED:
                    found[name].append(getattr(report, name))
                found["error"].append("")
            except ProdcatError as error:
                for name in _COUNTED:
                    found[name].append(0)
                passes = getattr(error, "unreachable", False)
                found["error"].append(json.dumps([type(error).__name__, str(error), passes]))
        return found

    def _scored(self, index: int) -> ScoringReport:
        task = self.task
        if self.classifier is None:
            keys = [Key.from_file(path) for path in task["keys"]] or None
            self.classifier = load(
                self.model, device=task["device"], cache=task["cache"], keys=keys
            )
        return score(
            self.classifier,
            task["input"],
            task["output"],
            scoring=task["scoring"],
            shard=(index, task["shards"]),
        )


def score_on_ray(
    model: str,
    input: str,
    output: str,
    *,
    scoring: ScoringConfig | None = None,
    actors: int | None = None,
    overwrite: bool = False,
    device: str | None = None,
    cache: str | Path | None = None,
    keys: Sequence[str | Path] = (),
) -> ScoringReport:
    """Answer all titles of files on a Ray cluster; see :func:`prodcat.score`.

    Args:
        model: Where the classifier is, for all machines of the cluster.
        input: As there, readable from all machines.
        output: A folder, writable from all machines.
        scoring: As there.
        actors: How many; one for each GPU of the cluster if not given, or one for every two
            CPUs where there are none.
        overwrite: As there.
        device: Of each actor; its GPU if it has one.
        cache: Where each machine keeps models.
        keys: Files with the store's keys, on all machines.

    Returns:
        What was done, by all actors together.

    Raises:
        ConfigError: Ray is not installed, or the output is one file.
        ProdcatError: As for :func:`prodcat.score`.
    """
    if file_kind(output) is not None:
        raise ConfigError(f"{output!r} is one file; expected a folder, which actors can share.")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigError("engine ray needs Ray: pip install 'prodcat[ray]'.") from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    if overwrite:
        clear(Objects(output))
    gpus = int(ray.cluster_resources().get("GPU", 0))
    cpus = int(ray.cluster_resources().get("CPU", 1))
    actors = actors or gpus or max(cpus // 2, 1)
    shards = _SHARES * actors
    task = {
        "input": input,
        "output": output,
        "scoring": scoring or ScoringConfig(),
        "shards": shards,
        "device": device,
        "cache": None if cache is None else str(cache),
        "keys": [str(path) for path in keys],
    }
    # One CPU stays free for those that hand out the shares, or all would wait for each other.
    needs = {"num_cpus": min(max(cpus - 1, 0) / actors, 1.0)}
    if gpus and device != "cpu":
        needs = {"num_gpus": 1.0, "num_cpus": 0.0}
    began = time.monotonic()
    shares = ray.data.range(shards, override_num_blocks=shards).map_batches(
        _Scorer,
        fn_constructor_args=(model, task),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=actors),
        **needs,
    )
    done = shares.take_all()
    for own in done:
        if own["error"]:
            raise _said(own["error"])
    total = {name: sum(own[name] for own in done) for name in _COUNTED}
    report = ScoringReport(output=output, seconds=time.monotonic() - began, **total)
    try:
        summary = json.loads(Objects(output).start(SUMMARY, _LIMIT))
    except FileNotFoundError:
        return report
    return replace(report, summary=summary)


def _said(text: str) -> ProdcatError:
    """The error that an actor had."""
    kind, message, passes = json.loads(text)
    error: ProdcatError = getattr(sys.modules[ProdcatError.__module__], kind)(message)
    if isinstance(error, StoreError):
        error.unreachable = passes
    return error
