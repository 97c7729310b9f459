"""The two jobs of each country: train, which also publishes, compares and promotes; and score.

They write to the folder ``work``:

<work>/<country>/checkpoints/              checkpoints of a training, until its model is published
<work>/<country>/gate/<version>.json, .md  whether a version went to production, and why
<work>/<country>/trees/                    changes of the tree; see prodcat.pipeline.tree_changes
<work>/<country>/runs/<run>.json           the version with which a scoring began
<work>/<country>/scores/<run>/             the answers; see prodcat.scoring.finished_parts
"""

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.reading import read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.store import Store
from prodcat.errors import StoreError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.pipeline.countries import Countries, Country
from prodcat.pipeline.gate import GateReport, compare_candidate
from prodcat.pipeline.tree_changes import TreeHistory
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.jobs import score
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import Shard
from prodcat.storage.cache import Cache
from prodcat.storage.document import read_document
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.reading import read_taxonomy
from prodcat.training.checkpoint import CheckpointFolder
from prodcat.training.fitting import fit

logger = logging.getLogger("prodcat")
Step = Literal["train", "score"]
PRODUCTION = "production"


@dataclass(frozen=True)
class Pipeline:
    """Runs the jobs of countries.

    Attributes:
        countries: The content of ``countries.toml``.
        keys: The keys to sign and verify models with, or None; see :class:`prodcat.Store`.
        cache: The cache of models, or None; see :class:`prodcat.Store`.
        device: The torch device to train and score on; None for a GPU if there is one.
        progress: Whether to show progress bars.
        accept_unsure: Whether to take changes of a tree that are not sure and nobody has checked.
    """

    countries: Countries
    keys: Sequence[Key] | None = None
    cache: Cache | str | None = None
    device: str | None = None
    progress: bool = False
    accept_unsure: bool = False

    @cached_property
    def store(self) -> Store:
        """The store of the models, which this opens when it is first used."""
        return Store(self.countries.store, keys=self.keys, cache=self.cache)

    def train(self, country: Country) -> GateReport | None:
        """Train and publish a version, and promote it if it passes the gate.

        If the file with the tree has changed, the version in production is migrated to the new tree
        first; only if that version does not pass the gate is one trained.

        Args:
            country: The settings of the country.

        Returns:
            The report of the gate, or None if neither titles nor settings have changed since the
            version in production was trained.

        Raises:
            ConfigError: The tree has changed in a way that a person must check.
            ProdcatError: An error of :func:`prodcat.read_catalog`, :func:`prodcat.fit` or
                :class:`prodcat.Store`.
            Interrupted: The process received SIGTERM; the same call resumes the job.
        """
        tree = None if country.taxonomy is None else read_taxonomy(country.taxonomy)
        production = self._production(country)
        history, changes = None, None
        if tree is not None:
            history = TreeHistory(country.name, self._folder(country, "trees"), tree)
            if production is not None and production.taxonomy != tree:
                changes = history.changes_from(
                    production.taxonomy, accept_unsure=self.accept_unsure
                )
        group = country.settings()[1].group
        catalog = _read(country, country.labelled, tree, history, [] if group is None else [group])
        frozen = _read(country, country.validation, catalog.tree, history)
        start = production
        if changes is not None and production is not None:
            start = self._migrated(country, production, changes, catalog, history)
            report = self._release(country, start, production, (catalog, frozen), changes)
            if report.passed:
                return report
        checkpoints = CheckpointFolder(f"{self.countries.work}/{country.name}/checkpoints")
        candidate = self._candidate(country, catalog, frozen, start, checkpoints, history)
        if candidate is None:
            logger.info("%s: nothing has changed; the version in production stays.", country.name)
            return None
        report = self._release(country, candidate, production, (catalog, frozen), changes)
        checkpoints.clear()
        return report

    def _folder(self, country: Country, name: str) -> Objects:
        return Objects(f"{self.countries.work}/{country.name}/{name}")

    def _release(
        self,
        country: Country,
        candidate: Classifier,
        production: Classifier | None,
        catalogs: tuple[Catalog, Catalog],
        changes: TreeChanges | None,
    ) -> GateReport:
        """Publish a version, and promote it if it passes the gate."""
        version = self.store.publish(candidate, country.name)
        report = compare_candidate(
            country.name,
            candidate,
            production,
            _baseline(country, candidate, *catalogs),
            catalogs,
            country.margin,
            (f"{country.name}@{version}", None if production is None else production.origin),
            changes,
        )
        self._conclude(country, version, report)
        return report

    def _migrated(
        self,
        country: Country,
        production: Classifier,
        changes: TreeChanges,
        catalog: Catalog,
        history: TreeHistory | None,
    ) -> Classifier:
        """The version in production, migrated to the present tree."""
        logger.info("%s: the tree has changed; production is migrated to it.", country.name)
        complete = catalog.take(catalog.tree.terminal[catalog.targets] & catalog.labelled)
        migrated, report = production.migrate(changes, complete if len(complete) else None)
        logger.info("%s", report)
        return self._with_guarantee(country, migrated, history)

    def _with_guarantee(
        self, country: Country, candidate: Classifier, history: TreeHistory | None
    ) -> Classifier:
        """A classifier with the guarantee that is measured on the country's calibration titles."""
        if country.calibration is None:
            return candidate
        others = _read(country, country.calibration, candidate.taxonomy, history)
        return candidate.with_guarantee(others)

    def _candidate(
        self,
        country: Country,
        catalog: Catalog,
        frozen: Catalog,
        production: Classifier | None,
        checkpoints: CheckpointFolder,
        history: TreeHistory | None,
    ) -> Classifier | None:
        """Train a classifier, from production if possible; None if it would equal production."""
        model, training = country.settings()
        training = replace(training, learn_validation=False)  # the gate asks for the frozen titles
        warm = production if _can_start_from(production, model) else None
        candidate = fit(
            catalog,
            validation=frozen,
            model=model,
            training=training,
            warm_start=warm,
            checkpoints=checkpoints,
            device=self.device,
            progress=self.progress,
        )
        if candidate is warm:
            return None
        if candidate.origin is None and production is not None:
            candidate = candidate.with_origin(production.origin)
        return self._with_guarantee(country, candidate, history)

    def _conclude(self, country: Country, version: str, report: GateReport) -> None:
        """Save and log the report of the gate, and promote the version if it passed."""
        place = self._folder(country, "gate")
        place.write(f"{version}.json", report.to_json().encode())
        place.write(f"{version}.md", report.to_markdown().encode())
        if report.passed:
            reason = " ".join(report.reasons)
            self.store.promote(country.name, version, PRODUCTION, reason=reason[:500])
        logger.info("%s", report.to_markdown())

    def score(
        self, country: Country, run: str | None = None, shard: Shard | None = None
    ) -> ScoringReport:
        """Score the assortment of a country with the version in production.

        Args:
            country: The settings of the country.
            run: A name for this scoring; a call with the same name resumes it.  None for today's
                date in UTC, such as ``"2025-01-31"``.
            shard: The share of this process, (number from 0, number of processes); None for all.

        Returns:
            The report of the scoring.

        Raises:
            ProdcatError: An error of :class:`prodcat.Store` or :func:`prodcat.score`.
            Interrupted: The process received SIGTERM; the same call resumes the job.
        """
        run = run or f"{datetime.now(UTC):%Y-%m-%d}"
        classifier = self._pinned(country, run)
        translated = country.language in classifier.taxonomy.translations
        scoring = ScoringConfig(
            language=country.language if translated else None,
            title=country.title,
            text=country.text or None,
            guarantee=country.guarantee,
            format=country.format,  # type: ignore[arg-type]  # ScoringConfig checks it
        )
        return score(
            classifier,
            country.assortment,
            f"{self.countries.work}/{country.name}/scores/{run}",
            scoring=scoring,
            shard=shard or (0, 1),
            progress=self.progress,
        )

    def _pinned(self, country: Country, run: str) -> Classifier:
        """The version that was in production when the run began; records it for later calls."""
        classifier = self.store.load(f"{country.name}@{PRODUCTION}", device=self.device)
        pin = {"model": classifier.origin, "by": uuid.uuid4().hex}
        runs = self._folder(country, "runs")
        earlier = runs.create(f"{run}.json", json.dumps(pin).encode())
        if earlier is None:
            return classifier
        pinned = read_document(earlier, runs.at(f"{run}.json"), limit=1 << 20)["model"]
        if pinned == classifier.origin:
            return classifier
        logger.info("%s: run %s began with %s and continues with it.", country.name, run, pinned)
        return self.store.load(str(pinned), device=self.device)

    def _production(self, country: Country) -> Classifier | None:
        """The classifier in production, or None if there is none yet."""
        store = self.store
        try:
            aliases = store.aliases(country.name)
        except StoreError as error:
            if error.unreachable:
                raise
            return None
        if PRODUCTION not in aliases:
            return None
        return store.load(f"{country.name}@{PRODUCTION}", device=self.device)


def _read(
    country: Country,
    source: str,
    tree: Any,
    history: TreeHistory | None = None,
    keep: Sequence[str] = (),
) -> Catalog:
    """Read labelled titles, without rows that are wrong, with a tree or None.

    Args:
        country: The settings of the country.
        source: The titles.
        tree: The tree, or None to make it from the titles.
        history: The earlier trees of the country, of which the labels may be; or None.
        keep: Columns to keep.
    """
    steps = () if history is None else history.steps
    catalog = read_catalog(
        source,
        title=country.title,
        path=country.path if isinstance(country.path, str) else list(country.path),
        text=list(country.text),
        keep=keep,
        taxonomy=None if steps else tree,
        on_error="aside",
    )
    if history is None or not steps:
        return catalog
    settings = ("labelled", "validation", "calibration")
    [name, *_] = [name for name in settings if getattr(country, name) == source]
    return history.relabelled(catalog, name)


def _baseline(
    country: Country, candidate: Classifier, catalog: Catalog, frozen: Catalog
) -> Classifier:
    """Train a classifier that has only n-grams; the candidate itself if it has no encoder."""
    model, training = country.settings()
    if model.encoder is None:
        return candidate
    cheap = replace(model, encoder=None, lexical=True, structure="stacked")
    training = TrainingConfig(group=training.group, learn_validation=False)
    return fit(
        catalog, validation=frozen, model=cheap, training=training, progress=False, device="cpu"
    )


def _can_start_from(production: Classifier | None, model: ModelConfig) -> bool:
    """Whether a training with these settings can start from the classifier in production."""
    if production is None:
        return False
    return all(
        getattr(production.model, name) == getattr(model, name)
        for name in ("encoder", "pooling", "structure", "belief_width")
    )


def facts_of(report: GateReport | ScoringReport | None) -> Mapping[str, Any]:
    """The attributes of a job's report by name; empty for None, if there was nothing to do."""
    return {} if report is None else asdict(report)
