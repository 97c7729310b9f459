"""The two jobs of each country: train, which also publishes, compares and promotes; and score.

They write to the folder ``work``:

<work>/<country>/checkpoints/              checkpoints of a training, until its model is published
<work>/<country>/gate/<version>.json, .md  whether a version went to production, and why
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
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.jobs import score
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import Shard
from prodcat.storage.cache import Cache
from prodcat.storage.document import read_document
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key
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
    """

    countries: Countries
    keys: Sequence[Key] | None = None
    cache: Cache | str | None = None
    device: str | None = None
    progress: bool = False

    @cached_property
    def store(self) -> Store:
        """The store of the models, which this opens when it is first used."""
        return Store(self.countries.store, keys=self.keys, cache=self.cache)

    def train(self, country: Country) -> GateReport | None:
        """Train and publish a version, and promote it if it passes the gate.

        Args:
            country: The settings of the country.

        Returns:
            The report of the gate, or None if neither titles nor settings have changed since the
            version in production was trained.

        Raises:
            ProdcatError: An error of :func:`prodcat.read_catalog`, :func:`prodcat.fit` or
                :class:`prodcat.Store`.
            Interrupted: The process received SIGTERM; the same call resumes the job.
        """
        tree = None if country.taxonomy is None else read_taxonomy(country.taxonomy)
        group = country.settings()[1].group
        catalog = _read(country, country.labelled, tree, [] if group is None else [group])
        frozen = _read(country, country.validation, catalog.tree)
        production = self._production(country)
        checkpoints = CheckpointFolder(f"{self.countries.work}/{country.name}/checkpoints")
        candidate = self._candidate(country, catalog, frozen, production, checkpoints)
        if candidate is None:
            logger.info("%s: nothing has changed; the version in production stays.", country.name)
            return None
        version = self.store.publish(candidate, country.name)
        checkpoints.clear()
        report = compare_candidate(
            country.name,
            candidate,
            production,
            _baseline(country, candidate, catalog, frozen),
            (catalog, frozen),
            country.margin,
            (f"{country.name}@{version}", None if production is None else production.origin),
        )
        self._conclude(country, version, report)
        return report

    def _candidate(
        self,
        country: Country,
        catalog: Catalog,
        frozen: Catalog,
        production: Classifier | None,
        checkpoints: CheckpointFolder,
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
        if country.calibration is not None:
            others = _read(country, country.calibration, catalog.tree)
            candidate = candidate.with_guarantee(others)
        return candidate

    def _conclude(self, country: Country, version: str, report: GateReport) -> None:
        """Save and log the report of the gate, and promote the version if it passed."""
        place = Objects(f"{self.countries.work}/{country.name}/gate")
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
        runs = Objects(f"{self.countries.work}/{country.name}/runs")
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


def _read(country: Country, source: str, tree: Any, keep: Sequence[str] = ()) -> Catalog:
    """Read labelled titles, without rows that are wrong, with a tree or None."""
    return read_catalog(
        source,
        title=country.title,
        path=country.path if isinstance(country.path, str) else list(country.path),
        text=list(country.text),
        keep=keep,
        taxonomy=tree,
        on_error="aside",
    )


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
