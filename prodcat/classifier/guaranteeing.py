"""Measure, on labelled titles, what can be guaranteed of a classifier's answers."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.report import UNKNOWN_CATEGORY
from prodcat.catalog.targets import targets_in
from prodcat.classifier.evaluating import titled_rows
from prodcat.classifier.parts import ClassifierParts
from prodcat.classifier.provenance import Provenance
from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.conformal import climb_scores
from prodcat.decisions.decider import Decider
from prodcat.decisions.decoding import decoder
from prodcat.decisions.guarantee import DEPARTMENT, Guarantee, pooled_groups, storable
from prodcat.decisions.objectives import Objective, pick_objective
from prodcat.errors import ConfigError, check_whole

logger = logging.getLogger("prodcat")


@dataclass(frozen=True)
class Grouping:
    """The groups of titles for each of which a guarantee holds.

    Attributes:
        group: A column of the catalog whose values are the groups, or None.
        by_department: Whether the groups are the top-level nodes of the answers.
        pool_below: Groups with fewer titles than this are pooled into one.

    Raises:
        ConfigError: ``group`` and ``by_department`` are both given, or ``pool_below`` is out of
            range.
    """

    group: str | None = None
    by_department: bool = False
    pool_below: int = 0

    def __post_init__(self) -> None:
        if self.group is not None and self.by_department:
            raise ConfigError(
                "group= and by_department= are two ways to tell groups apart; expected one of them."
            )
        check_whole("pool_below", self.pool_below, 0)

    @property
    def kind(self) -> str | None:
        """How a guarantee stores the grouping: a column's name, ``DEPARTMENT`` or None."""
        return DEPARTMENT if self.by_department else self.group


def measure_guarantee(
    parts: ClassifierParts, catalog: Catalog, grouping: Grouping, objective: str | Objective
) -> Guarantee:
    """Measure a guarantee: compare the answers for labelled titles with their labels.

    Logs a warning if the titles were used before, or if some labels are unknown; warns if some
    labels are partial.

    Args:
        parts: The parts of the classifier.
        catalog: Labelled titles that were not used for training or its validation; rows whose
            title is empty are left out.
        grouping: The groups of titles for each of which the guarantee holds.
        objective: The objective of the answers that the guarantee is for.

    Returns:
        The guarantee, with the conformal score of each title.

    Raises:
        CatalogError: No row is labelled, a label is not in the tree, or there is no such column.
        ConfigError: The objective is a cost matrix.
    """
    decider = parts.decider
    picked = storable(pick_objective(objective))
    labelled = titled_rows(catalog)
    targets = targets_in(labelled, decider.taxonomy)
    names = [""] * len(labelled) if grouping.group is None else labelled.column(grouping.group)
    texts = parts.reader.texts(labelled)
    _warn_of_seen(parts.provenance, texts)
    _warn_of_unknown(catalog)
    _warn_of_partial(decider, targets)
    decode = decoder(decider.paths, picked)
    chunks = parts.reader.log_probs(texts, cascade="auto")
    answers = join_answers([decode(log_probs) for log_probs in chunks])
    answered = answers.nodes[:, 0].cpu().numpy()
    kept = np.ones(len(answered), np.bool_)
    if grouping.by_department:
        names = decider.departments(answered)
        kept = answered >= 0  # the root is in no department, and is never wrong
    places, group_names, pooled = pooled_groups(
        np.array(names, dtype=object)[kept], grouping.pool_below
    )
    scores, right = _scores(decider, answers, targets)
    confidence = answers.confidence[:, 0].cpu().numpy().astype(np.float64)
    confidence[answered < 0] = -1.0
    return Guarantee(
        tree_hash=decider.taxonomy.hash,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        objective=picked,
        scores=scores[kept],
        confidence=confidence[kept],
        right=right[kept],
        group_by=grouping.kind,
        groups=places,
        names=group_names,
        pooled=pooled,
        reference=parts.provenance.reference,
    )


def _scores(
    decider: Decider, answers: Answers, targets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The conformal scores of the answers, float64 [title], and which are right, bool [title]."""
    paths, nodes = decider.paths, answers.nodes[:, 0]
    labels = torch.from_numpy(targets).to(nodes.device)
    scores = climb_scores(answers, decider.chains(labels), decider.chains(nodes))
    right = scores == 0
    if answers.exact:
        right = paths.covers(labels, paths.target_spans[nodes, 0]).cpu().numpy()
    return scores, right


def _warn_of_seen(provenance: Provenance, texts: Sequence[str]) -> None:
    seen = int(provenance.has_seen(texts).sum())
    if seen:
        logger.warning(
            "%d of %d calibration titles were used before in training, validation or calibration. "
            "The guarantee holds only if the same share of the new titles was used too. Measure it "
            "on titles that the classifier has not seen.",
            seen,
            len(texts),
        )


def _warn_of_unknown(catalog: Catalog) -> None:
    report = catalog.report
    unknown = report.counts().get(UNKNOWN_CATEGORY, 0) if report.on_error == "aside" else 0
    if unknown:
        logger.warning(
            "%d titles of the source have categories that the tree lacks, so they were left out; "
            "the guarantee holds only for titles of known categories. Read the catalog with "
            "on_error='accept' to count answers below the known part of their paths as wrong.",
            unknown,
        )


def _warn_of_partial(decider: Decider, targets: NDArray[np.int64]) -> None:
    partial = int((~decider.taxonomy.terminal[targets]).sum())
    if partial:
        warnings.warn(
            f"{partial} of {len(targets)} calibration labels are partial: the rest of their paths "
            "is not known. Answers below them count as wrong, so the guarantee is conservative.",
            stacklevel=4,
        )
