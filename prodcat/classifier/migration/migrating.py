"""The method by which a classifier goes on with the next version of its tree."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.fingerprint import fingerprint, row_hashes
from prodcat.catalog.targets import targets_in
from prodcat.catalog.text import title_hashes
from prodcat.classifier.evaluating import titled_rows
from prodcat.classifier.migration.actions import carried_counts, categories_of, with_taken
from prodcat.classifier.migration.guarantees import kept_guarantee
from prodcat.classifier.migration.learning import (
    LabelledTitles,
    LearnedShares,
    TitleReading,
    learn_shares,
)
from prodcat.classifier.migration.metrics import compared_answers
from prodcat.classifier.migration.migrations import Migration, Migrations
from prodcat.classifier.migration.outcomes import OutcomePlan
from prodcat.classifier.migration.renames import Rename
from prodcat.classifier.migration.report import MigrationReport
from prodcat.classifier.parts import ClassifierParts
from prodcat.classifier.provenance import Provenance
from prodcat.classifier.reader import Reader
from prodcat.decisions.decider import Decider
from prodcat.errors import ConfigError, TaxonomyError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.model.elementwise import exp
from prodcat.model.path_model import PathModel
from prodcat.storage.containers import described
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.paths import join_path


@dataclass(frozen=True, eq=False, repr=False)
class Migrating(ClassifierParts):
    """A classifier that can go on with the next version of its tree."""

    def migrate(
        self, changes: TreeChanges, catalog: Catalog | None = None
    ) -> tuple[Self, MigrationReport]:
        """Go on with the next version of the tree, in seconds and without training.

        The network stays the one that learned the old tree; its probabilities become those of the
        new tree.  Categories that were renamed or moved keep their probability to the bit, and
        those of merged ones are added.  A split category keeps its probability as a whole; which
        part of it each title is, is learned from the titles in ``catalog``, or guessed by the names
        of the parts.  A dropped category can no longer be an answer: all other probabilities are
        divided by their sum, as if the product were known to be in one of the others.  An added
        category gets probability only if ``catalog`` has titles of it, and best also titles of
        others like it.

        Args:
            changes: What each category has become, checked by a person; see
                :meth:`Taxonomy.diff` and :meth:`TreeChanges.read`.
            catalog: Titles that are labelled with the new tree, if there are any; the titles of
                split and added categories are learned.

        Returns:
            The classifier of the new tree, and what was done with each category.

        Raises:
            TaxonomyError: The changes begin with another tree than this classifier's, or drop all
                of its categories and no titles of others are given.
            CatalogError: No row of the catalog is labelled, or a label is not in the new tree.
            ConfigError: ``changes`` is no table of changes.
        """
        parts, report = _migrated(self, changes, catalog)
        return replace(
            self, reader=parts.reader, decider=parts.decider, provenance=parts.provenance
        ), report


def _migrated(
    parts: ClassifierParts, changes: TreeChanges, catalog: Catalog | None
) -> tuple[ClassifierParts, MigrationReport]:
    plan = _checked_plan(parts, changes)
    given = _Given.of(parts, plan, catalog)
    learned = learn_shares(
        plan, given.labelled, _title_reading(parts), int(parts.provenance.counts.sum())
    )
    if len(plan.dropped) == len(plan.old.outcomes) and not learned.added:
        raise TaxonomyError(
            "All categories of the classifier were dropped, so that it could answer nothing in the "
            "new tree. Say in the table what some of them have become, give labelled titles of the "
            "added ones, or train a classifier with the new tree."
        )
    guarantee, state, reason = kept_guarantee(parts.decider.guarantee, plan)
    outcome_map = plan.outcome_map(learned.columns, learned.added)
    migration = Migration(
        tree=plan.old,
        paths=parts.reader.paths if plan.only_renames else PathModel(plan.new),
        nodes=plan.continued,
        outcome_map=outcome_map,
        report=MigrationReport(
            categories=categories_of(changes, plan, learned, parts.provenance.counts),
            unchanged=sum(row.kind == "same" for row in changes.rows),
            guarantee=state,
            guarantee_reason=reason,
            validation=plan.only_renames and parts.provenance.validation is not None,
            shared=None,
            given=len(given.texts),
            learned=len(learned.used) if learned.scores is not None else 0,
            old_tree=plan.old.hash,
            new_tree=plan.new.hash,
        ),
        scores=learned.scores,
        unmerged=guarantee is not None and outcome_map.merges,
    ).to(parts.reader.device)
    answers = compared_answers(parts.reader, migration, plan, given.texts, given.labelled.outcomes)
    compared = replace(
        migration.report,
        shared=answers.shared(plan, parts.provenance),
        categories=with_taken(migration.report.categories, plan, answers),
    )
    migration = replace(migration, report=compared)
    reader = _with_migration(parts.reader, migration, plan)
    decider = Decider(plan.new, reader.paths, guarantee)
    provenance = _carried_provenance(parts, plan, learned, given)
    if plan.only_renames:
        others = () if reader.migrations is None else reader.migrations.steps
        rename = Rename(len(others), migration.report)
        provenance = replace(provenance, renames=(*provenance.renames, rename))
    return ClassifierParts(reader, decider, provenance), migration.report


def _checked_plan(parts: ClassifierParts, changes: TreeChanges) -> OutcomePlan:
    """What becomes of each outcome of the classifier's tree.

    Raises:
        ConfigError: It is no table of changes.
        TaxonomyError: It begins with another tree.
    """
    if not isinstance(changes, TreeChanges):
        raise ConfigError(
            f"changes is {described(changes)}; expected prodcat.TreeChanges, as of "
            "classifier.taxonomy.diff(new) or TreeChanges.read(uri, classifier.taxonomy, new)."
        )
    plan, tree = OutcomePlan.of(changes), parts.decider.taxonomy
    if plan.old.hash != tree.hash:
        raise TaxonomyError(
            f"The changes begin with {plan.old!r}, whose hash is {plan.old.hash[:12]}, and the "
            f"classifier has {tree!r} with {tree.hash[:12]}. Compare and read with "
            "classifier.taxonomy as the old tree: the ids and names must be the same."
        )
    return plan


@dataclass(frozen=True)
class _Given:
    """The labelled titles of a catalog, in the two forms in which they are read.

    Attributes:
        labelled: The titles with their outcomes.
        texts: The texts that the classifier reads.
        targets: int64 [titles]: the new node of each label.
    """

    labelled: LabelledTitles
    texts: list[str]
    targets: Ints

    @classmethod
    def of(cls, parts: ClassifierParts, plan: OutcomePlan, catalog: Catalog | None) -> "_Given":
        """The titles of a catalog that is labelled with the new tree, or none."""
        if catalog is None:
            none = LabelledTitles([], np.zeros(0, np.int64))
            return cls(none, [], np.zeros(0, np.int64))
        rows = titled_rows(catalog)
        targets, texts = targets_in(rows, plan.new), parts.reader.texts(rows)
        outcomes = plan.new.outcome_positions[targets]
        labelled = LabelledTitles(list(rows.titles), outcomes)
        of_others = {
            (share.old, outcome)
            for share in plan.shared
            for outcome in share.new
            if share.scored and plan.sources[outcome]
        }
        if of_others:
            old, new = (np.unique(side) for side in zip(*of_others, strict=True))
            needed = np.flatnonzero(np.isin(outcomes, new))
            labelled = replace(labelled, likely=_likely(parts, texts, needed, old))
        return cls(labelled, texts, targets)


def _likely(
    parts: ClassifierParts, texts: list[str], rows: Ints, outcomes: Ints
) -> dict[int, NDArray[np.float32]]:
    """The probability of each of some old outcomes for some titles; 1 for all other titles."""
    likely = np.ones((len(texts), len(outcomes)), np.float32)
    chunks = parts.reader.log_probs([texts[row] for row in rows.tolist()], cascade="auto")
    if len(rows):
        likely[rows] = np.concatenate([exp(chunk[:, outcomes]).cpu().numpy() for chunk in chunks])
    return dict(zip(outcomes.tolist(), likely.T, strict=True))


def _title_reading(parts: ClassifierParts) -> TitleReading:
    """How the titles of a migration are read: with the frequencies of the n-grams of titles."""
    reader, model = parts.reader, parts.provenance.model
    titles = reader.ngrams if reader.title_branch is None else reader.title_branch.ngrams
    like = None if titles is None or titles.fields or titles.version == 1 else titles
    return TitleReading(model.characters, model.max_features, like)


def _with_migration(reader: Reader, migration: Migration, plan: OutcomePlan) -> Reader:
    """The reader whose probabilities are those of the new tree."""
    if plan.only_renames:  # all arrays of both trees are equal
        return reader
    earlier = () if reader.migrations is None else reader.migrations.steps
    return replace(reader, migrations=Migrations((*earlier, migration)))


def _carried_provenance(
    parts: ClassifierParts, plan: OutcomePlan, learned: LearnedShares, given: _Given
) -> Provenance:
    """The provenance, with the hashes of the titles that were learned.

    Hashes of rows with labels of the old tree stay, as the titles themselves are not known.
    """
    before = parts.provenance
    used = learned.used if learned.scores is not None else learned.used[:0]
    titles = [given.labelled.titles[row] for row in used.tolist()]
    texts = [given.texts[row] for row in used.tolist()]
    hashes = row_hashes(texts, [plan.new.ids[node] for node in given.targets[used].tolist()])
    became = [[plan.new.ids[target] for target in targets] for targets in plan.targets]
    settings = {"before": before.fingerprint, "tree": plan.new.hash, "became": became}
    validation = before.validation if plan.only_renames else None
    return replace(
        before,
        counts=carried_counts(plan, learned, before.counts),
        validation=None if validation is None else _renamed(validation, plan),
        seen=np.union1d(before.seen, title_hashes([*titles, *texts])),
        rows=np.union1d(before.rows, hashes),
        fingerprint=fingerprint((hashes,), settings, ordered=False),
    )


def _renamed(validation: Evaluation, plan: OutcomePlan) -> Evaluation:
    """The metrics with the new names of the same nodes."""
    names = {
        join_path(plan.old.paths[node]): join_path(plan.new.paths[node])
        for node in range(len(plan.old))
    }
    last = {
        (names[join_path(path[:-1])] if len(path) > 1 else "", path[-1]): plan.new.names[node]
        for node, path in enumerate(plan.old.paths)
    }
    confusions = tuple(
        (names.get(truth, truth), names.get(answer, answer), rows)
        for truth, answer, rows in validation.confusions
    )
    groups = tuple(
        replace(
            group,
            ancestor=names.get(group.ancestor, group.ancestor),
            branches=tuple(
                (last.get((names.get(group.ancestor, ""), truth), truth),
                 last.get((names.get(group.ancestor, ""), answer), answer), rows)
                for truth, answer, rows in group.branches
            ),
        )
        for group in validation.confusion_groups
    )  # fmt: skip
    judged = validation.judged
    if judged is not None:
        judged = replace(judged, tree_hash=plan.new.hash, taxonomy=plan.new)
    return replace(validation, confusions=confusions, confusion_groups=groups, judged=judged)
