"""Score on a Ray cluster, for catalogs that are too large for one machine.

Ray Data distributes the shares among actors, one for each device.  Each actor scores its shares as
:func:`prodcat.score` does, so the output is the same as on one machine.  If a machine fails,
another one gets its share, and scores only the parts that are not finished.

If no cluster is running, ``ray.init()`` starts one that sends no usage statistics to Ray's authors.
Any other cluster sends them unless it was started with ``ray start --disable-usage-stats`` or with
``RAY_USAGE_STATS_ENABLED=0`` in its environment.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import load
from prodcat.errors import (
    ConfigError,
    ProdcatError,
    StoreError,
    check_keywords,
    takes_keywords,
)
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.finished_parts import remove_output
from prodcat.scoring.jobs import score_share
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import lease_all
from prodcat.scoring.single_file import file_kind, resolved
from prodcat.storage.leased_folder import LeasedFolder
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key
from prodcat.storage.table_files import Files

_SHARES = 4  # for each actor, as machines are not equally fast
_COUNTED = ("rows", "errors", "parts", "skipped")


class ActorKeywords(TypedDict, total=False):
    """Keyword arguments for loading the classifier in each actor.

    ``keys`` are paths of key files, which must exist on every machine of the cluster.
    """

    device: str | None
    cache: str | Path | None
    keys: Sequence[str | Path]


@dataclass(frozen=True)
class _Task:
    """The work that all actors do together.

    Attributes:
        model: The URI of the classifier.
        input: The URI of the input: a file, a folder or a glob.
        output: The URI of the output folder.
        scoring: The columns to read, the options of the answers and the output format.
        shards: The number of shares.
        device: The device on which each actor puts the classifier; if None, its GPU if it has one.
        cache: The folder in which each machine keeps downloads; if None, the default one.
        keys: The paths of the files with the keys of the store.
        within: The token of the lease that the driver process holds on the whole output.
    """

    model: str
    input: str | Files
    output: str
    scoring: ScoringConfig
    shards: int
    device: str | None
    cache: str | None
    keys: tuple[str, ...]
    within: str


class _Actor:
    """Loads a classifier once, and scores the shares that Ray assigns to this actor."""

    def __init__(self, task: _Task) -> None:
        self.task = task
        self.classifier: Classifier | None = None

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Score shares; errors of prodcat become a column, as Ray would change their type."""
        columns: dict[str, list[Any]] = {name: [] for name in (*_COUNTED, "summary", "error")}
        for index in batch["id"].tolist():
            try:
                report = self._scored(index)
                counts = [getattr(report, name) for name in _COUNTED]
                summary, failure = json.dumps(report.summary), ""
            except ProdcatError as error:
                counts, summary, failure = [0] * len(_COUNTED), "null", _packed(error)
            for name, value in zip(columns, [*counts, summary, failure], strict=True):
                columns[name].append(value)
        return columns

    def _scored(self, index: int) -> ScoringReport:
        task = self.task
        if self.classifier is None:
            keys = [Key.from_file(path) for path in task.keys] or None
            self.classifier = load(task.model, device=task.device, cache=task.cache, keys=keys)
        return score_share(
            self.classifier,
            task.input,
            task.output,
            task.scoring,
            (index, task.shards),
            within=task.within,
        )


@takes_keywords(ActorKeywords)
def score_on_ray(
    model: str,
    input: str | Files,
    output: str,
    *,
    scoring: ScoringConfig | None = None,
    actors: int | None = None,
    overwrite: bool = False,
    **loading: Unpack[ActorKeywords],
) -> ScoringReport:
    """Classify all titles of the input files on a Ray cluster, and write the answers to a folder.

    Starts a cluster on this machine if none is running.

    Args:
        model: The URI of the classifier, readable from all machines of the cluster.
        input: The URI of the input as for :func:`prodcat.score`, readable from all machines.
        output: The URI of a folder, writable from all machines.
        scoring: The columns to read, the options of the answers and the output format; the
            defaults of :class:`ScoringConfig` if None.
        actors: The number of actors; if not given, one for each GPU of the cluster, or one for
            every two CPUs if there is no GPU.
        overwrite: Whether to begin again if the output was made with another model, input or
            settings.
        loading: ``device``, on which each actor puts the classifier (by default its GPU if it has
            one); ``cache``, the folder in which each machine keeps downloads; and ``keys``, the
            paths of the files with the keys of the store, the same on all machines.

    Returns:
        A report of what all actors did together.

    Raises:
        ConfigError: Ray is not installed, or the output is one file.
        OutputInUseError: Another process is writing the output.
        ProdcatError: The other errors of :func:`prodcat.score`.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(score_on_ray, loading)
    if file_kind(output) is not None:
        raise ConfigError(
            f"The output {output!r} is one file; expected a folder, which actors can share."
        )
    resources = _cluster_resources()
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    actors = actors or gpus or max(cpus // 2, 1)
    device, cache = loading.get("device"), loading.get("cache")
    cache = None if cache is None else str(cache)
    keys = tuple(str(path) for path in loading.get("keys", ()))
    scoring = scoring or ScoringConfig()
    task = _Task(model, input, output, scoring, _SHARES * actors, device, cache, keys, within="")
    # Ray itself needs a free CPU to distribute the shares; without one the job would never start.
    needs = {"num_cpus": min(max(cpus - 1, 0) / actors, 1.0)}
    if gpus and device != "cpu":
        needs = {"num_gpus": 1.0, "num_cpus": 0.0}
    objects = Objects(resolved(output))
    with lease_all(objects) as lease:
        if overwrite:
            remove_output(LeasedFolder(objects, lease))
        return _run(replace(task, within=lease.holder.token), actors, needs)


def _cluster_resources() -> dict[str, float]:
    """The resources of the cluster by name; starts a cluster if none is running."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigError(
            "The engine ray needs Ray. Install it: pip install 'prodcat[ray]'."
        ) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    resources: dict[str, float] = ray.cluster_resources()
    return resources


def _run(task: _Task, actors: int, needs: Mapping[str, float]) -> ScoringReport:
    """Score all shares on the cluster.

    Args:
        task: The work.
        actors: The number of actors.
        needs: The resources that Ray reserves for each actor, by name.
    """
    import ray.data

    began = time.monotonic()
    shares = ray.data.range(task.shards, override_num_blocks=task.shards).map_batches(
        _Actor,
        fn_constructor_args=(task,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=actors),
        **needs,
    )
    reports = shares.take_all()
    for report in reports:
        if report["error"]:
            raise _unpacked(report["error"])
    total = {name: sum(report[name] for report in reports) for name in _COUNTED}
    summaries = [json.loads(report["summary"]) for report in reports]
    return ScoringReport(
        output=task.output,
        seconds=time.monotonic() - began,
        summary=next(filter(None, summaries), None),
        **total,
    )


def _packed(error: ProdcatError) -> str:
    """An error that an actor met, as JSON text."""
    unreachable = getattr(error, "unreachable", False)
    return json.dumps([type(error).__name__, str(error), unreachable])


def _unpacked(text: str) -> ProdcatError:
    """The error that :func:`_packed` wrote."""
    kind, message, unreachable = json.loads(text)
    error: ProdcatError = getattr(sys.modules[ProdcatError.__module__], kind)(message)
    if isinstance(error, StoreError):
        error.unreachable = unreachable
    return error
