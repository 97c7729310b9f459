"""Predict, evaluate, calibrate, save and load: wiring only."""

import copy
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat._version import __version__
from prodcat.catalog.catalog import UNKNOWN_CATEGORY, Catalog, group_text, targets_in
from prodcat.catalog.text import readable, title_hashes
from prodcat.classifier.inference import Decide, Inference
from prodcat.classifier.records import EpochResult
from prodcat.decisions.calibration import Weights, fit_weights, rows_to_fit
from prodcat.decisions.decoding import (
    Answers,
    MostLikelyPath,
    Objective,
    decoder,
    join_answers,
    most_likely_paths,
    pick_objective,
)
from prodcat.decisions.guarantee import (
    DEPARTMENT,
    Guarantee,
    climb_scores,
    pooled_groups,
    reference,
    stop,
    storable,
)
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import ArtifactError, CatalogError, ConfigError, StoreError, is_fault
from prodcat.evaluation.metrics import Evaluation, evaluate_nodes
from prodcat.model.config import Method, ModelConfig, TrainingConfig
from prodcat.model.encoder import (
    Encoder,
    build_encoder,
    check_encoder,
    config_of,
    keep_pieces,
    without_weights,
)
from prodcat.model.lexical import LexicalBranch, NGrams
from prodcat.model.network import Network
from prodcat.model.reading import (
    PRECISIONS,
    Ranges,
    Reading,
    batch_tokens,
    fastest,
    make_reading,
    measure_ranges,
    no_reading,
    precisions,
)
from prodcat.model.tokenization import read_tokenizer, tokenize, try_tokenizer
from prodcat.model.vocabulary import (
    VocabularyReport,
    choose_pieces,
    trim_tokenizer,
    vocabulary_report,
)
from prodcat.storage.archive import is_archive, pack
from prodcat.storage.artifact import (
    MANIFEST,
    WEIGHTS,
    Artifact,
    check_loadable,
    content_hash,
    describe,
    to_bytes,
    write_artifact,
)
from prodcat.storage.objects import Objects
from prodcat.taxonomy.tree import Path, Taxonomy, join_path

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger("prodcat")
Titles = Sequence[str] | Catalog
# Log-probabilities and the groups of the rows, if any, to answers.
_CHUNK = 2_048
_WINDOW = 32_768
_MOST_LOST = 0.001 + 1e-9  # accuracy that a faster precision may lose
_MOST_MEASURED = 10_000  # titles that precisions are measured on
_MOST_RANGED = 2_000  # titles that ranges are measured on
_REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,63}@[A-Za-z0-9.-]{1,63}")
# Tensors of an artifact that are not the network's, and the branch that is checked by itself.
_BESIDES = ("calibration", "training", "guarantee", "ngrams", "lexical", "ranges")


@dataclass(frozen=True)
class Prediction:
    """One path for one title.

    Attributes:
        path: Node names, coarse to fine; empty for the root, where no category is answered.
        confidence: Probability that the path is right, 0 to 1: that it is the product's
            whole path or, where coarser answers are wanted (a guarantee, some objectives),
            that the product is at or below its end.
        level_confidences: Probability of the path's node at each of its levels.
        node_id: The stable id of the node at which the path ends; empty for the root.
    """

    path: Path
    confidence: float
    level_confidences: tuple[float, ...]
    node_id: str

    def __str__(self) -> str:
        """The path in one line, with its confidence."""
        return f"{join_path(self.path) or '(no category)'} ({self.confidence:.2f})"


@dataclass(frozen=True, eq=False)
class Classifier:
    """A fitted model; it does not change.  Make one with :func:`fit` or :func:`load`.

    Attributes:
        taxonomy: The tree that every answer is a path of.
        model: What the model is made of.
        training: How it was trained.
        history: One entry for each epoch, 0 being the closed-form start.
        validation: Metrics on the validation titles.
        text_columns: The further text columns that it was trained to read.
        weights: The calibration.
        counts: int64 [nodes]: training titles labelled with each node.
        guarantee: What :meth:`with_guarantee` measured, or None.
        origin: The store's version, ``model@version``, that it was loaded from, or that it was
            made of by training on, calibrating or trimming; or None.
    """

    taxonomy: Taxonomy
    model: ModelConfig
    training: TrainingConfig
    history: tuple[EpochResult, ...]
    validation: Evaluation | None
    text_columns: tuple[str, ...]
    weights: Weights
    counts: NDArray[np.int64]
    guarantee: Guarantee | None
    _network: Network
    _tokenizer: "Tokenizer | None"
    _ngrams: NGrams | None
    # Confidences on the titles of the calibration, ascending, and hashes of all titles that
    # training saw.
    _reference: NDArray[np.float64]
    _seen: NDArray[np.uint64]
    # Hashes of the training titles with their labels, ascending.
    _rows: NDArray[np.uint64]
    # Hashes of the titles that it was validated on, ascending.
    _held: NDArray[np.uint64]
    _stored: dict[str, Any]
    origin: str | None = None
    _ranges: Ranges | None = None  # of the encoder's activations
    # Forms of the encoder that are made to be read with, by precision and device.
    _readings: dict[tuple[str, str], Reading] = field(default_factory=dict, init=False, repr=False)

    # -- answers ------------------------------------------------------------------

    def predict(
        self,
        titles: Titles,
        top_k: int = 1,
        *,
        objective: str | Objective | None = None,
        guarantee: float | None = None,
        max_error: float | None = None,
        certainty: float = 0.95,
        groups: Sequence[str] | None = None,
        language: str | None = None,
        precision: str = "float32",
    ) -> list[list[Prediction]]:
        """Answer each title with the path that is best for an objective.

        Args:
            titles: Product titles, or a catalog.
            top_k: How many paths for each title; more than one for the most likely alone.
            objective: ``"path"`` (the most likely path; the default),
                ``"hierarchical_f1"``, ``"tree_distance"``, or one of
                :mod:`prodcat.decisions.decoding`'s objectives.
            guarantee: Answer with the deepest node of the path such that, with this
                probability, the answer is the truth or an ancestor of it.  See
                :meth:`with_guarantee`.
            max_error: Answer whole paths, as many as can be with no larger share of wrong
                ones among them; all other titles get the root, the empty path.
            certainty: Of ``max_error``: the probability that it holds.
            groups: The group of each title, where the guarantee is by a column and the
                titles are no catalog with that column.
            language: The language of the names in the answer, where the tree has it.
            precision: ``"float32"``, or ``"bfloat16"`` for speed; a guarantee is measured
                with ``"float32"``.

        Returns:
            For each title its best paths, best first, at most ``top_k``.

        Raises:
            CatalogError: The titles are not texts, or a text column is missing.
            ConfigError: The settings do not go together, or the guarantee cannot be given.
        """
        if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1:
            raise ConfigError(
                f"top_k={top_k!r} is out of range; expected a whole number, at least 1."
            )
        names: Sequence[Path] = self.taxonomy.paths
        if language is not None:
            names = [self.taxonomy.path(node, language) for node in range(len(names))]
        decide = self.decision(
            top_k,
            objective=objective,
            guarantee=guarantee,
            max_error=max_error,
            certainty=certainty,
        )
        texts = self._texts(titles)
        own = self._groups(titles, groups, guarantee is not None or max_error is not None)
        inference = self.inference(precision)
        found: list[list[Prediction]] = []
        for start in range(0, len(texts), _WINDOW):
            rows = slice(start, start + _WINDOW)
            answers = inference.answers(
                inference.ready(texts[rows]), decide, None if own is None else own[rows]
            )
            assert answers is not None
            found += self._predictions(answers, names)
        return found

    def _predictions(self, answers: Answers, names: Sequence[Path]) -> list[list[Prediction]]:
        paths, ids = [*names, ()], [*self.taxonomy.ids, ""]  # the last are the root's, for -1
        rows = zip(
            answers.nodes.tolist(),
            answers.confidence.tolist(),
            answers.level_confidence.tolist(),
            strict=True,
        )
        return [
            [
                Prediction(paths[n], p, tuple(levels[: len(paths[n])]), ids[n])
                for n, p, levels in zip(*row, strict=True)
            ]
            for row in rows
        ]

    def predict_proba(self, titles: Titles, *, precision: str = "float32") -> NDArray[np.float32]:
        """The probability of every outcome.

        Returns:
            float32 [title, outcome]; column ``i`` is the path ``classifier.outcomes[i]``.
        """
        parts = [p.exp().cpu().numpy() for p in self._log_probs(self._texts(titles), precision)]
        empty = np.zeros((0, len(self.taxonomy.outcomes)), np.float32)
        return np.concatenate([empty, *parts])

    def node_probabilities(self, titles: Titles) -> NDArray[np.float32]:
        """The probability of every node, float32 [title, node]; see ``taxonomy.paths``."""
        paths = self._network.paths
        parts = [
            paths.node_probs(p.exp()).cpu().numpy()
            for p in self._log_probs(self._texts(titles), "float32")
        ]
        return np.concatenate([np.zeros((0, len(self.taxonomy)), np.float32), *parts])

    @property
    def outcomes(self) -> list[Path]:
        """The paths that an answer can be, in the order of ``predict_proba``'s columns."""
        return [self.taxonomy.paths[node] for node in self.taxonomy.outcomes]

    def evaluate(
        self,
        catalog: Catalog,
        *,
        objective: str | Objective | None = None,
        guarantee: float | None = None,
        max_error: float | None = None,
        certainty: float = 0.95,
        groups: Sequence[str] | None = None,
        precision: str = "float32",
    ) -> Evaluation:
        """Judge the answers for the labelled rows of a catalog.

        Args:
            catalog: Titles with their categories.
            objective: As for :meth:`predict`, and so are the others.
            guarantee: See there.
            max_error: See there.
            certainty: See there.
            groups: See there; one for each row of the catalog.
            precision: See there.

        Raises:
            CatalogError: No row is labelled, or a label is not in this classifier's tree.
            ConfigError: The settings do not go together, or the guarantee cannot be given.
        """
        decide = self.decision(
            1,
            objective=objective,
            guarantee=guarantee,
            max_error=max_error,
            certainty=certainty,
        )
        labelled = self._labelled(catalog)
        own = self._groups(catalog, groups, guarantee is not None or max_error is not None)
        own = None if own is None else [own[row] for row in np.flatnonzero(catalog.labelled)]
        targets = targets_in(labelled, self.taxonomy)
        parts, log_likelihoods = [], []
        done = 0
        for log_probs in self._log_probs(self._texts(labelled), precision):
            rows = slice(done, done + len(log_probs))
            done = rows.stop
            some = torch.from_numpy(targets[rows]).to(log_probs.device)
            log_likelihoods.append(self._network.paths.target_log_probs(log_probs, some))
            parts.append(decide(log_probs, None if own is None else own[rows]))

        answers = join_answers(parts)
        return evaluate_nodes(
            self.taxonomy,
            targets,
            answers.nodes[:, 0].cpu().numpy(),
            answers.confidence[:, 0].cpu().numpy(),
            torch.cat(log_likelihoods).cpu().numpy(),
            level_confidence=answers.level_confidence[:, 0].cpu().numpy(),
            exact=answers.exact,
            counts=self.counts,
        )

    @staticmethod
    def _labelled(catalog: Catalog) -> Catalog:
        labelled = catalog.take(catalog.labelled)
        if not len(labelled):
            raise CatalogError(f"{catalog!r} has no labelled row to judge by; expected some.")
        return labelled

    # -- decisions ----------------------------------------------------------------

    def decision(
        self,
        top_k: int = 1,
        *,
        objective: str | Objective | None = None,
        guarantee: float | None = None,
        max_error: float | None = None,
        certainty: float = 0.95,
    ) -> Decide:
        """Check the settings before any title is read.

        Args:
            top_k: See :meth:`predict`, and so are the others.
            objective: See there.
            guarantee: See there.
            max_error: See there.
            certainty: See there.

        Returns:
            From log-probabilities, float [batch, outcome], and the titles' groups to answers.

        Raises:
            ConfigError: The settings do not go together, or the guarantee cannot be given.
        """
        paths = self._network.paths
        if guarantee is None and max_error is None:
            picked = pick_objective("path" if objective is None else objective)
            if isinstance(picked, MostLikelyPath):
                return lambda log_probs, groups: most_likely_paths(paths, log_probs, top_k)
            if top_k > 1:
                raise ConfigError(
                    f"top_k={top_k} goes with objective='path' alone; expected 1 with "
                    f"{picked!r}. Leave one of them out."
                )
            decode = decoder(paths, picked)
            return lambda log_probs, groups: decode(log_probs)
        own = self._own_guarantee(guarantee, max_error, top_k, objective)
        decode = decoder(paths, own.objective)
        if guarantee is not None:
            thresholds = own.node_thresholds(guarantee)
        else:
            assert max_error is not None
            thresholds = own.confidence_thresholds(max_error, certainty)
        whole = guarantee is None
        return lambda log_probs, groups: self._stop(decode(log_probs), groups, thresholds, whole)

    def _own_guarantee(
        self,
        guarantee: float | None,
        max_error: float | None,
        top_k: int,
        objective: str | Objective | None,
    ) -> Guarantee:
        own = self.guarantee
        asked = "guarantee" if guarantee is not None else "max_error"
        if own is None:
            raise ConfigError(
                f"{asked}= needs calibration titles, and this classifier has none. Call "
                "with_guarantee(catalog) with labelled titles that training did not see, and "
                "predict with what it gives back; on the command line: prodcat guarantee."
            )
        own.check(self.taxonomy)
        if guarantee is not None and max_error is not None:
            raise ConfigError(
                "guarantee= and max_error= are two different promises; expected one of them."
            )
        if top_k > 1:
            raise ConfigError(f"top_k={top_k} does not go with {asked}=; expected 1.")
        if objective is not None and pick_objective(objective) != own.objective:
            raise ConfigError(
                f"The guarantee was measured with {own.objective!r}, not with "
                f"{pick_objective(objective)!r}. Leave objective= out, or call "
                "with_guarantee(catalog, objective=...)."
            )
        return own

    def _stop(
        self,
        answers: Answers,
        groups: Sequence[str] | None,
        thresholds: dict[str, float],
        whole: bool,
    ) -> Answers:
        own = self.guarantee
        assert own is not None
        nodes, chains = answers.nodes[:, 0].cpu().numpy(), self._chains(answers.nodes[:, 0])
        names = groups
        if names is None:
            names = self._departments(nodes) if own.group_by == DEPARTMENT else [""] * len(nodes)
        known = nodes >= 0  # the root stays what it is, and belongs to no department
        limits = np.zeros(len(nodes))
        limits[known] = own.lookup([n for n, k in zip(names, known, strict=True) if k], thresholds)
        return stop(answers, chains, limits, whole)

    def _chains(self, nodes: Tensor) -> NDArray[np.int64]:
        """Ancestors of nodes, int64 [rows, level]; none for the root, -1."""
        chains: NDArray[np.int64] = self._network.paths.chains[nodes].cpu().numpy()
        return chains

    def _departments(self, nodes: NDArray[np.int64]) -> list[str]:
        top = self.taxonomy.chains[nodes, 0]
        return [self.taxonomy.ids[d] if n >= 0 else "" for d, n in zip(top, nodes, strict=True)]

    def _groups(
        self, titles: Titles, groups: Sequence[str] | None, promised: bool
    ) -> list[str] | None:
        """The group of each title where what is promised is by a column, or None."""
        column = self.group_column(promised)
        if column is None:
            if groups is not None:
                raise ConfigError(
                    "groups= was given, but no guarantee by a column was asked for. Leave it "
                    "out, or call with_guarantee(catalog, group=<column>) and give guarantee= "
                    "or max_error=."
                )
            return None
        if isinstance(groups, str):
            raise CatalogError("Found one text; expected the group of each title in a list.")
        if groups is not None:
            if len(groups) != len(titles):
                raise CatalogError(
                    f"Found {len(groups)} groups for {len(titles)} titles; expected one each."
                )
            return [group_text(group) for group in groups]
        if not isinstance(titles, Catalog):
            raise CatalogError(
                f"The guarantee is by {column!r}; expected the group of each title. Give "
                "groups=, or a catalog that was read with keep=[...]."
            )
        return titles.column(column)

    def with_guarantee(
        self,
        catalog: Catalog,
        *,
        group: str | None = None,
        by_department: bool = False,
        pool_below: int = 0,
        objective: str | Objective = "path",
    ) -> "Classifier":
        """Measure, on labelled titles, what can be promised of this classifier's answers.

        The promise is about titles drawn like these.  They must be titles that neither
        training nor its validation saw; the newest are best.

        Args:
            catalog: Labelled titles.  A promise of ``1 - alpha`` needs ``1/alpha - 1``.
            group: A column of the catalog (``"language"`` or one of ``keep=``): one promise
                for each of its values, such as countries.
            by_department: One promise for each top-level node of the answers.
            pool_below: Groups with fewer titles share one promise, which then holds for
                them on average.
            objective: Whose answers are climbed; as for :meth:`predict`.

        Returns:
            The same classifier that can ``predict(..., guarantee=)`` and ``max_error=``.

        Raises:
            CatalogError: No row is labelled, a label is not in the tree, or there is no
                such column.
            ConfigError: Both kinds of groups were asked for, or a cost matrix, or
                ``pool_below`` is no count.
        """
        if group is not None and by_department:
            raise ConfigError(
                "group= and by_department= are two ways to tell groups; expected one of them."
            )
        if isinstance(pool_below, bool) or not isinstance(pool_below, int) or pool_below < 0:
            raise ConfigError(
                f"pool_below={pool_below!r} is out of range; expected a whole number, at least 0."
            )
        picked = storable(pick_objective(objective))
        labelled = self._labelled(catalog)
        targets = targets_in(labelled, self.taxonomy)
        group_names = [""] * len(labelled) if group is None else labelled.column(group)
        texts = self._texts(labelled)
        self._warn_of_seen(texts)
        self._warn_of_unknown(catalog)
        partial = int((~self.taxonomy.terminal[targets]).sum())
        if partial:
            logger.warning(
                "%d of %d calibration labels stop early; an answer below them counts as wrong, so "
                "the promise is on the safe side.",
                partial,
                len(targets),
            )
        decode = decoder(self._network.paths, picked)
        answers = join_answers([decode(own) for own in self._log_probs(texts, "float32")])
        answered = answers.nodes[:, 0].cpu().numpy()
        kept = np.ones(len(answered), np.bool_)
        if by_department:
            group_names = self._departments(answered)
            kept = answered >= 0  # the root belongs to no department, and is never wrong
        own_names = np.array(group_names, dtype=object)[kept]
        places, names, pooled = pooled_groups(own_names, pool_below)
        paths, nodes = self._network.paths, answers.nodes[:, 0]
        labels = torch.from_numpy(targets).to(nodes.device)
        scores = climb_scores(answers, self._chains(labels), self._chains(nodes))
        right = scores == 0
        if answers.exact:
            right = paths.covers(labels, paths.target_spans[nodes, 0]).cpu().numpy()
        confidence = answers.confidence[:, 0].cpu().numpy().astype(np.float64)
        confidence[answered < 0] = -1.0
        return replace(
            self,
            guarantee=Guarantee(
                tree_hash=self.taxonomy.hash,
                date=datetime.now(UTC).isoformat(timespec="seconds"),
                objective=picked,
                scores=scores[kept],
                confidence=confidence[kept],
                right=right[kept],
                group_by=DEPARTMENT if by_department else group,
                groups=places,
                names=names,
                pooled=pooled,
                reference=self._reference,
            ),
        )

    def _warn_of_seen(self, texts: list[str]) -> None:
        seen = int(self.has_seen(texts).sum())
        if seen:
            logger.warning(
                "%d of %d calibration titles were in training, its validation or a calibration "
                "too; the promise holds only if new titles are as often known.",
                seen,
                len(texts),
            )

    def _warn_of_unknown(self, catalog: Catalog) -> None:
        report = catalog.report
        unknown = report.counts().get(UNKNOWN_CATEGORY, 0) if report.on_error == "aside" else 0
        if unknown:
            logger.warning(
                "%d titles of the source have categories that the tree lacks and are not among "
                "the calibration titles; the promise is about titles of known categories. Read "
                "with on_error='accept' to count them as wrong below what is known.",
                unknown,
            )

    def calibrate(self, catalog: Catalog, method: Method = "adaptive") -> "Classifier":
        """Fit the calibration anew, on labelled titles that training did not see.

        Args:
            catalog: Labelled titles; at most about 20 million probabilities are used.
            method: See :func:`prodcat.decisions.calibration.fit_weights`.

        Returns:
            The same classifier with new weights.  A guarantee and the validation metrics do
            not go over to it: they were measured on other probabilities.  The titles count
            as seen: promises need others.

        Raises:
            CatalogError: No row is labelled, or a label is not in the tree.
        """
        if method not in ("temperature", "levels", "adaptive"):
            raise ConfigError(
                f"method={method!r} is not known; expected 'temperature', 'levels' or 'adaptive'."
            )
        labelled = self._labelled(catalog)
        targets = targets_in(labelled, self.taxonomy)
        texts = self._texts(labelled)
        some = rows_to_fit(len(texts), len(self.taxonomy.outcomes))
        if len(some) < len(texts):
            logger.info("Calibrating on %d of %d titles.", len(some), len(texts))
            texts, targets = [texts[row] for row in some], targets[some]
        inference = self.inference()
        with torch.no_grad():
            encoder, lexical = inference.evidence(inference.ready(texts))
        labels = torch.from_numpy(targets).to(self._network.device)
        weights = fit_weights(self._network.paths, labels, encoder, lexical, method)
        with torch.no_grad():
            log_probs = weights.to(labels.device)(self._network.paths, encoder, lexical)
        return replace(
            self,
            training=replace(self.training, calibration=method),
            weights=weights,
            guarantee=None,
            validation=None,
            _reference=reference(log_probs.amax(dim=1).exp().cpu().numpy()),
            _seen=np.union1d(self._seen, title_hashes(texts)),
        )

    def uncalibrated(self) -> "Classifier":
        """The same classifier with neutral weights, to see what calibration does."""
        neutral = Weights.neutral(self.taxonomy.depth)
        return replace(self, weights=neutral, guarantee=None, validation=None)

    # -- what a next version starts from ------------------------------------------

    @property
    def network(self) -> Network:
        """The network itself; others read it and do not change it."""
        return self._network

    @property
    def tokenizer(self) -> "Tokenizer | None":
        """The encoder's tokenizer, or None without an encoder."""
        return self._tokenizer

    @property
    def ngrams(self) -> NGrams | None:
        """The n-gram vocabulary, or None without a lexical branch."""
        return self._ngrams

    @property
    def fingerprint(self) -> str | None:
        """The hash of titles, tree and settings that it was trained with."""
        found = self._stored.get("fingerprint")
        return None if found is None else str(found)

    def knows(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether it was trained on rows with these hashes of title and label, bool [rows]."""
        return np.isin(hashes, self._rows)

    def trimmed(
        self,
        titles: Titles,
        *,
        languages: Sequence[str] | None = None,
        min_count: int = 1,
        max_pieces: int | None = None,
    ) -> "tuple[Classifier, VocabularyReport]":
        """The same classifier with only the word pieces that are wanted.

        Args:
            titles: Keep the pieces that these are made of: best all titles that are known.
            languages: Keep what the alphabets of these languages can write, too.
            min_count: Of the pieces of the titles, those that are there so often.
            max_pieces: Of these, at most so many, the most frequent ones.

        Returns:
            The smaller classifier, which answers titles made of kept pieces as before, and
            what was cut.

        Raises:
            ConfigError: There is no encoder, or a language is not known.
            EncoderError: The tokenizer cannot be trimmed.
        """
        if self._network.encoder is None or self._tokenizer is None:
            raise ConfigError("This classifier has no encoder, so no vocabulary to trim.")
        texts = self._texts(titles)
        kept = choose_pieces(
            self._tokenizer,
            texts=texts,
            languages=languages,
            min_count=min_count,
            max_pieces=max_pieces,
        )
        tokenizer = trim_tokenizer(self._tokenizer, kept)
        network = copy.deepcopy(self._network)
        assert network.encoder is not None
        keep_pieces(network.encoder, torch.from_numpy(kept))
        names = list(titles.languages) if isinstance(titles, Catalog) and titles.languages else None
        width = network.encoder.word_embeddings.embedding_dim
        report = vocabulary_report(self._tokenizer, tokenizer, width, texts, names)
        stored = {**self._stored, "encoder": config_of(network.encoder)}
        small = replace(self, _network=network, _tokenizer=tokenizer, _stored=stored)
        return small, report

    @property
    def remembers(self) -> bool:
        """Whether it knows which titles it learned: not before format 3."""
        return bool(len(self._rows))

    def has_held(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether it was validated on these titles, bool [texts]."""
        return np.isin(title_hashes(texts), self._held)

    def has_seen(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether training, its validation or a calibration saw these titles, bool [texts]."""
        return np.isin(title_hashes(texts), self._seen)

    # -- reading ------------------------------------------------------------------

    def _texts(self, titles: Titles) -> list[str]:
        if isinstance(titles, Catalog):
            missing = [name for name in self.text_columns if name not in titles.texts]
            if missing:
                raise CatalogError(
                    f"The catalog has no text column {missing[0]!r}, which this classifier reads; "
                    f"found {sorted(titles.texts)}. Read it with text={list(self.text_columns)}."
                )
            return replace(titles, texts={n: titles.texts[n] for n in self.text_columns}).inputs
        if isinstance(titles, str):
            raise CatalogError("Found one text; expected a list of titles. Put it into a list.")
        texts = list(titles)
        for row, title in enumerate(texts):
            if not isinstance(title, str):
                raise CatalogError(
                    f"Title {row} is a {type(title).__name__}; expected text. Convert it with "
                    "str(), or drop the row."
                )
        if self.text_columns:
            logger.warning(
                "This classifier was trained to read %s too; titles alone are answered without. "
                "Give a catalog, read with text=, for all it knows.",
                list(self.text_columns),
            )
        return [readable(text) for text in texts]

    def texts_of(self, catalog: Catalog) -> list[str]:
        """What this classifier reads of each row.

        Raises:
            CatalogError: A text column is missing.
        """
        return self._texts(catalog)

    def group_column(self, promised: bool) -> str | None:
        """The column that tells a title's group where something is promised by it, or None."""
        own = self.guarantee if promised else None
        return None if own is None or own.group_by == DEPARTMENT else own.group_by

    def with_precisions(
        self, catalog: Catalog, known: Mapping[str, float] | None = None
    ) -> "Classifier":
        """Measure which precisions answer as well as float32, for ``precision="auto"``.

        Args:
            catalog: Labelled titles that training did not see.
            known: Path accuracies that are known already, by precision.

        Returns:
            The same classifier, which keeps what was measured.
        """
        rows = np.unique(np.linspace(0, len(catalog) - 1, _MOST_MEASURED).astype(np.int64))
        some, given = catalog, known or {}
        if len(rows) < len(catalog):
            some, given = catalog.take(rows), {}
        names = precisions(self._network.encoder)
        ranges, host = None, self
        if "int8" in names:  # which a CPU alone has
            if self._network.device.type != "cpu":
                host = replace(self, _network=copy.deepcopy(self._network).to("cpu"))
            ranges = host._measured_ranges(self._texts(some))
        own, on_host = replace(self, _ranges=ranges), replace(host, _ranges=ranges)
        measured = {
            name: given.get(name)
            or (on_host if name == "int8" else own).evaluate(some, precision=name).path_accuracy
            for name in names
        }
        return replace(own, _stored={**self._stored, "precisions": measured})

    def _measured_ranges(self, texts: list[str]) -> Ranges | None:
        if not texts:
            return None
        rows = np.linspace(0, len(texts) - 1, min(len(texts), _MOST_RANGED)).astype(int)
        assert self._network.encoder is not None and self._tokenizer is not None
        some = [texts[row] for row in rows]
        table = tokenize(self._tokenizer, some, self.model.max_tokens)
        return measure_ranges(self._network.encoder, table)

    def pick_precision(self, wanted: ReadingPrecision, promised: bool = False) -> str:
        """The precision that is meant.

        Args:
            wanted: ``"auto"`` for the fastest one of this machine that lost no more than 0.1
                points of accuracy when it was measured, or any other.
            promised: Whether something is promised of the answers, which was measured in
                float32.
        """
        if wanted != "auto":
            return wanted
        measured = self._stored.get("precisions") or {}
        if promised or "float32" not in measured:
            return "float32"
        good = [own for own in measured if measured[own] >= measured["float32"] - _MOST_LOST]
        return next(own for own in fastest(self._network.device) if own in good)

    def inference(self, precision: str = "float32") -> Inference:
        """Everything that answers many titles; see :mod:`prodcat.classifier.inference`.

        Args:
            precision: One of :data:`prodcat.model.reading.PRECISIONS`.

        Raises:
            ConfigError: The precision is not known, or the encoder has no such form.
        """
        if precision not in PRECISIONS:
            raise ConfigError(
                f"precision={precision!r} is not known; expected one of {list(PRECISIONS)}."
            )
        network = self._network
        encoder = network.encoder
        if precision == "int8" and encoder is not None:
            self._check_int8(encoder)
        return Inference(
            network,
            self._tokenizer,
            self._ngrams,
            self.weights,
            self.model.max_tokens,
            batch_tokens(network.device),
            no_reading if encoder is None else self._reading(encoder, precision),
        )

    def _check_int8(self, encoder: Encoder) -> None:
        device = self._network.device.type
        if device != "cpu":
            raise ConfigError(
                f"precision='int8' is for CPUs, and this classifier is on {device!r}. Leave the "
                "precision out, or move it with to('cpu')."
            )
        if "int8" not in precisions(encoder):
            raise ConfigError(
                "precision='int8' is not there for an encoder like this one; expected one of "
                f"{list(precisions(encoder))}. Leave the precision out."
            )
        if self._ranges is None:
            raise ConfigError(
                "precision='int8' needs to know the ranges of the encoder's activations, which "
                "were not measured when this classifier was built. Measure them with "
                "with_precisions(validation titles)."
            )

    def _reading(self, encoder: Encoder, precision: str) -> Reading:
        key = precision, str(self._network.device)
        if key not in self._readings:
            self._readings[key] = make_reading(encoder, precision, self._ranges)
        return self._readings[key]

    def share_encoder(self, other: "Classifier") -> bool:
        """Use another classifier's encoder where it is the same one, and let the own one go.

        Args:
            other: On the same device.

        Returns:
            Whether it is the same: its settings and every weight.
        """
        mine, theirs = self._network.encoder, other._network.encoder
        if mine is None or theirs is None or self._network.device != other._network.device:
            return False
        if mine is not theirs:
            if self._stored["encoder"] != other._stored["encoder"]:
                return False
            own, given = mine.state_dict(), theirs.state_dict()
            if mine.pooling != theirs.pooling or own.keys() != given.keys():
                return False
            if not all(torch.equal(own[name], given[name]) for name in own):
                return False
            self._network.encoder = theirs
        for (precision, device), reading in other._readings.items():
            if precision != "int8":  # whose ranges are each classifier's own
                self._readings[precision, device] = reading
        return True

    @property
    def memory(self) -> int:
        """Bytes of its weights, the encoder's not counted; see :attr:`encoder_memory`."""
        tensors = self._network.state_dict().items()
        own = sum(int(t.nbytes) for name, t in tensors if not name.startswith("encoder."))
        return own + (self._ngrams.hashes.nbytes + self._ngrams.idf.nbytes if self._ngrams else 0)

    @property
    def encoder_memory(self) -> int:
        """Bytes of its encoder's weights, 0 where there is none."""
        encoder = self._network.encoder
        weights = () if encoder is None else encoder.state_dict().values()
        return sum(int(own.nbytes) for own in weights)

    def __getstate__(self) -> dict[str, Any]:
        """All but what is made anew where it is needed."""
        return {**self.__dict__, "_readings": {}}

    def _log_probs(self, texts: list[str], precision: str) -> Iterator[Tensor]:
        """Log-probabilities of the outcomes, chunk by chunk, in the order of the texts."""
        inference = self.inference(precision)
        for start in range(0, len(texts), _CHUNK):
            with torch.inference_mode():
                log_probs = inference.log_probs(inference.ready(texts[start : start + _CHUNK]))
            yield log_probs

    # -- keeping ------------------------------------------------------------------

    def to(self, device: str | torch.device) -> "Classifier":
        """The same classifier on another device."""
        self._network.to(device)
        return self

    def save(self, uri: str | os.PathLike[str]) -> None:
        """Write the artifact; see :mod:`prodcat.storage.artifact` for its files.

        Args:
            uri: A folder at any fsspec URI, or ``…/model.tar.gz`` for one archive, as
                SageMaker takes it; see :mod:`prodcat.storage.archive`.

        Raises:
            ArtifactError: It cannot be written.
        """
        uri = os.fspath(uri)
        folder, _, name = uri.rstrip("/").rpartition("/")
        if "://" in uri and "@" in name and not is_archive(uri):
            raise ArtifactError(
                f"{uri!r} would be read as a version of a store, {name!r}. Name the folder "
                "without an @, or publish the classifier with prodcat.Store."
            )
        files = self.files()
        facts = describe(files, __version__)
        if self.origin is not None:
            facts["parent"] = self.origin
        manifest = to_bytes(facts)
        if is_archive(uri):
            try:
                Objects(folder or ".").write(name, pack({MANIFEST: manifest, **files}))
            except StoreError as error:
                raise ArtifactError(f"Cannot write the artifact to {uri!r}: {error}") from error
        else:
            write_artifact(Objects(uri), files, manifest)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over all that decides its answers, the same for equal classifiers."""
        return content_hash(describe(self.files(), __version__)["files"])

    def files(self) -> dict[str, bytes]:
        """The artifact's files by name, without the manifest; equal for equal classifiers.

        Raises:
            ArtifactError: They are too large to be loaded again.
        """
        from safetensors.torch import save

        tensors = {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self._network.state_dict().items()
        }
        tensors |= {f"calibration.{name}": own for name, own in vars(self.weights).items()}
        tensors["calibration.reference"] = torch.from_numpy(self._reference)
        tensors["training.counts"] = torch.from_numpy(self.counts)
        tensors["training.seen"] = torch.from_numpy(self._seen.view(np.int64))
        tensors["training.held"] = torch.from_numpy(self._held.view(np.int64))
        tensors["training.rows"] = torch.from_numpy(self._rows.view(np.int64))
        if self.guarantee is not None:
            for name, array in self.guarantee.arrays().items():
                tensors[f"guarantee.{name}"] = torch.tensor(array)
        if self._ranges is not None:
            tensors |= {f"ranges.{name}": own for name, own in vars(self._ranges).items()}
        if self._ngrams is not None:
            tensors["ngrams.hashes"] = torch.from_numpy(self._ngrams.hashes.view(np.int64))
            tensors["ngrams.idf"] = torch.from_numpy(self._ngrams.idf)
        files = {
            "config.json": _json(
                {
                    "model": asdict(self.model),
                    "training": asdict(self.training),
                    "text_columns": list(self.text_columns),
                    **self._stored,
                }
            ),
            "taxonomy.json": self.taxonomy.to_json().encode(),
            WEIGHTS: save(tensors),
            "history.json": _json([result.to_dict() for result in self.history]),
            "README.md": self._card().encode(),
        }
        if self.validation is not None:
            files["evaluation.json"] = _json(self.validation.to_dict())
        if self.guarantee is not None:
            files["guarantee.json"] = _json(self.guarantee.to_dict())
        if self._tokenizer is not None:
            files["tokenizer.json"] = self._tokenizer.to_str().encode()
        for name, content in files.items():
            if name.endswith(".json"):
                check_loadable(name, content, self._most_values(name))
        return files

    def _most_values(self, name: str) -> int | None:
        encoder = self._network.encoder
        if name != "tokenizer.json" or encoder is None:
            return None
        return _most_values(encoder.word_embeddings.num_embeddings)

    def _card(self) -> str:
        metrics = f"\n```\n{self.validation}\n```\n" if self.validation is not None else ""
        return (
            "# A prodcat classifier\n\n"
            f"{self.taxonomy!r}\n\nTree hash `{self.taxonomy.hash}`.\n\n"
            f"Encoder: {self.model.encoder}; structure: {self.model.structure}; lexical branch: "
            f"{'yes' if self.model.lexical else 'no'}.\n\n## Validation titles\n{metrics}\n"
            'Load it with `prodcat.load("<this folder>")`.\n'
        )

    def __repr__(self) -> str:
        """Encoder, tree and validation accuracy in one line."""
        accuracy = (
            f", validation path accuracy {self.validation.path_accuracy:.4f}"
            if self.validation is not None
            else ""
        )
        return f"Classifier({self.model.encoder}, {self.taxonomy!r}{accuracy})"


def rebuild(artifact: Artifact, device: torch.device) -> Classifier:
    """The classifier that a verified artifact holds.

    Raises:
        ArtifactError: Its files are of no classifier, or of different ones.
        StoreError: They were removed meanwhile.
    """
    try:
        return _rebuilt(artifact, device)
    except ArtifactError:
        raise
    except FileNotFoundError as error:
        raise StoreError(
            f"A file of {artifact.uri!r} went while it was loaded ({error.filename!r}): the cache "
            "was cleared. Load it again."
        ) from error
    except BaseException as error:  # whatever a damaged file makes of the libraries below
        if not is_fault(error):
            raise
        raise ArtifactError(
            f"The artifact at {artifact.uri!r} cannot be rebuilt: {type(error).__name__}: "
            f"{str(error)[:500]}. Its files are what its manifest says, so they were damaged "
            "before they were saved, or belong to different models. Save the classifier again."
        ) from error


def _rebuilt(artifact: Artifact, device: torch.device) -> Classifier:
    uri, files = artifact.uri, artifact.files
    config = artifact.document("config.json")
    history = artifact.document("history.json") if "history.json" in files else []
    try:
        model = ModelConfig(**config.pop("model"))
        training = TrainingConfig(**config.pop("training"))
        text_columns = tuple(config.pop("text_columns"))
        encoder_config = config["encoder"]
        epochs = tuple(EpochResult(**entry) for entry in history)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(
            f"The artifact at {uri!r} has settings of another form: {error}."
        ) from error
    shapes = artifact.shapes()
    taxonomy = Taxonomy.from_json(artifact.text("taxonomy.json"))
    encoder = tokenizer = ngrams = lexical = None
    # What the settings ask for is compared with what the file of weights has before anything
    # is allocated: settings alone could ask for any amount of memory.
    if encoder_config is not None:
        most = check_encoder(encoder_config, {name: own[1] for name, own in shapes.items()})
        encoder = build_encoder(encoder_config, model.pooling, empty=True, most=most)
    with without_weights():
        network = Network(
            taxonomy, encoder, model.structure, model.belief_width, None, training.dropout
        )
    _check_shapes(network, shapes, uri)

    tensors = artifact.tensors()
    if encoder_config is not None:
        assert encoder is not None
        rows = encoder.word_embeddings.num_embeddings
        text = artifact.text("tokenizer.json", _most_values(rows))
        tokenizer = read_tokenizer(text, f"{uri}/tokenizer.json")
        try_tokenizer(tokenizer, rows, f"{uri}/tokenizer.json")
    own = {name: _taken(tensors, name) for name in _BESIDES}
    if model.lexical:
        hashes = own["ngrams"]["hashes"].numpy().view(np.uint64)
        ngrams = NGrams(hashes, own["ngrams"]["idf"].numpy(), model.characters)
        parts = (own["lexical"][name] for name in ("offsets", "columns", "values", "bias"))
        lexical = LexicalBranch(*parts)
        if len(ngrams.idf) != len(hashes) or not lexical.fits(len(hashes), len(taxonomy.outcomes)):
            raise ArtifactError(f"The n-grams in the artifact at {uri!r} do not fit each other.")
    guarantee = None
    if "guarantee.json" in files:
        arrays = {name: tensor.numpy() for name, tensor in own["guarantee"].items()}
        guarantee = Guarantee.from_parts(artifact.document("guarantee.json"), arrays)
        guarantee.check(taxonomy)
    network.load_state_dict(tensors, assign=True)  # not copied
    if any(own.is_meta for own in (*network.parameters(), *network.buffers())):
        # A model that makes its own constants in an unusual way: build it in full.
        assert encoder_config is not None
        network.encoder = build_encoder(encoder_config, model.pooling)
        network.load_state_dict(tensors, assign=True)
    network.lexical = lexical
    ranges = None
    if own["ranges"]:
        ranges = Ranges(own["ranges"]["inner"], own["ranges"]["wide"])
        if network.encoder is None or not ranges.fits(network.encoder):
            raise ArtifactError(f"The ranges in the artifact at {uri!r} fit another encoder.")
    none = torch.zeros(0, dtype=torch.int64)  # before format 3
    evaluation = artifact.document("evaluation.json") if "evaluation.json" in files else None
    counts = own["training"]["counts"].numpy()
    weights = Weights(*(own["calibration"][n] for n in ("evidence", "levels", "sharpness")))
    if len(counts) != len(taxonomy) or not weights.fits(taxonomy.depth):
        raise ArtifactError(f"Counts or calibration in the artifact at {uri!r} fit another tree.")
    return Classifier(
        taxonomy=taxonomy,
        model=model,
        training=training,
        history=epochs,
        validation=None if evaluation is None else Evaluation.from_dict(evaluation),
        text_columns=text_columns,
        weights=weights,
        counts=counts,
        guarantee=guarantee,
        _network=(network if device.type == "cpu" else network.to(device)).eval(),
        _tokenizer=tokenizer,
        _ngrams=ngrams,
        _reference=own["calibration"]["reference"].numpy(),
        _seen=own["training"]["seen"].numpy().view(np.uint64),
        _rows=own["training"].get("rows", none).numpy().view(np.uint64),
        _held=own["training"].get("held", none).numpy().view(np.uint64),
        _stored=config,
        origin=_origin(artifact.manifest.get("parent")),
        _ranges=ranges,
    )


def _origin(parent: object) -> str | None:
    """What an artifact says it was made of; of no consequence, so what is odd is nothing."""
    return parent if isinstance(parent, str) and _REFERENCE.fullmatch(parent) else None


def _most_values(pieces: int) -> int:
    """Most values in the JSON of a tokenizer with so many pieces, merges of them counted."""
    return 12 * pieces + 200_000


def _check_shapes(
    network: Network, found: dict[str, tuple[str, tuple[int, ...]]], uri: str
) -> None:
    """Refuse weights that are not those of the network, before any are read."""
    wanted = {
        name: ("F32", tuple(own.shape)) for name, own in network.state_dict(keep_vars=True).items()
    }
    for name in sorted(wanted.keys() | found.keys()):
        if name.partition(".")[0] in _BESIDES:
            continue
        if found.get(name) != wanted.get(name):
            raise ArtifactError(
                f"The weights in the artifact at {uri!r} do not fit its config: {name} is "
                f"{_shape(found.get(name))}, expected {_shape(wanted.get(name))}. Save the "
                "classifier again."
            )


def _shape(own: tuple[str, tuple[int, ...]] | None) -> str:
    return "not there" if own is None else f"{own[0]} {list(own[1])}"


def _taken(tensors: dict[str, Tensor], owner: str) -> dict[str, Tensor]:
    """Take the tensors that are not the network's out of the others, by their own names."""
    names = [name for name in tensors if name.startswith(f"{owner}.")]
    return {name.removeprefix(f"{owner}."): tensors.pop(name) for name in names}


def pick_device(device: str | torch.device | None) -> torch.device:
    """The device that is meant; a GPU if there is one and none is named.

    Raises:
        ConfigError: There is no such device here.
    """
    try:
        found = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device={device!r} cannot be used here: {str(error).splitlines()[0]} Use 'cpu', or "
            "'cuda' on a machine with a GPU."
        ) from error
    return found


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
