"""The accuracy before and after a migration, on titles of categories that both trees have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from prodcat.classifier.migration.migrations import Migration
from prodcat.classifier.migration.outcomes import OutcomePlan
from prodcat.classifier.migration.report import SharedMetrics
from prodcat.classifier.provenance import Provenance
from prodcat.classifier.reader import Reader
from prodcat.evaluation.intervals import paired_bootstrap
from prodcat.taxonomy.arrays import Ints

_MOST = 1_000  # titles
_RESAMPLES = 1_000


@dataclass(frozen=True)
class ComparedAnswers:
    """The answers to labelled titles before and after a migration.

    Attributes:
        texts: The texts of the titles.
        labels: int64 [texts]: the new outcome of each label.
        before: int64 [texts]: the old outcome that is the most likely one before.
        after: int64 [texts]: the new outcome that is the most likely one after.
    """

    texts: Sequence[str]
    labels: Ints
    before: Ints
    after: Ints

    def shared(self, plan: OutcomePlan, provenance: Provenance) -> SharedMetrics | None:
        """The metrics on categories that exactly one old category has become.

        Args:
            plan: What becomes of each outcome.
            provenance: The provenance of the classifier before, which knows what it learned.

        Returns:
            None if no title is of such a category.
        """
        sources = np.array([of_new[0] if len(of_new) == 1 else -1 for of_new in plan.sources])
        rows = np.flatnonzero(sources[self.labels] >= 0)
        if not len(rows):
            return None
        right_before = self.before[rows] == sources[self.labels[rows]]
        right_after = self.after[rows] == self.labels[rows]
        return SharedMetrics(
            len(rows),
            int(provenance.has_seen([self.texts[row] for row in rows.tolist()]).sum()),
            float(right_before.mean()),
            float(right_after.mean()),
            paired_bootstrap(right_after, right_before, resamples=_RESAMPLES),
        )

    def taken(self, outcome: int) -> int:
        """The number of titles whose answer after is an outcome that is not their label."""
        return int(((self.after == outcome) & (self.labels != outcome)).sum())


def compared_answers(
    reader: Reader, migration: Migration, plan: OutcomePlan, texts: Sequence[str], labels: Ints
) -> ComparedAnswers:
    """Answer titles of categories that were there before, by both trees.

    Args:
        reader: The reader before the migration.
        migration: The migration.
        plan: What becomes of each outcome.
        texts: The texts of titles.
        labels: int64 [texts]: the new outcome of each, or -1.

    Returns:
        The answers to at most 1,000 of the titles, evenly spaced.
    """
    rows = np.flatnonzero((labels >= 0) & ~np.isin(labels, plan.added))
    if len(rows) > _MOST:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST).astype(np.int64)]
    picked = [texts[row] for row in rows.tolist()]
    before, after = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    done = 0
    for log_probs in reader.log_probs(picked, cascade="auto") if picked else ():
        chunk = picked[done : done + len(log_probs)]
        done += len(log_probs)
        scores = None if migration.scores is None else migration.scores(chunk).to(log_probs.device)
        with torch.inference_mode():
            migrated = migration(log_probs, scores, False)
        before.append(log_probs.argmax(dim=1).cpu().numpy())
        after.append(migrated.argmax(dim=1).cpu().numpy())
    return ComparedAnswers(picked, labels[rows], np.concatenate(before), np.concatenate(after))
