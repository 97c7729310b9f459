"""The comparison of two sets of titles."""

from collections.abc import Mapping

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.relabelling import Relabelling
from prodcat.catalog.targets import targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.drift.accuracy import LabelledAnswers, estimate_accuracy
from prodcat.insight.drift.across_trees import (
    changes_between,
    complete_labels,
    counted_labels,
    relabelling_to,
)
from prodcat.insight.drift.alarms import PValues, alarms_at, nodes_with_other_titles
from prodcat.insight.drift.answers import answers_to
from prodcat.insight.drift.evidence import evidence_of
from prodcat.insight.drift.permutation import PERMUTATIONS, PooledTitles
from prodcat.insight.drift.result import Drift
from prodcat.insight.drift.shares import p_of_shares
from prodcat.insight.drift.titles import p_of_titles
from prodcat.insight.empty_titles import titled_rows
from prodcat.insight.prevalence.counts import at_or_below
from prodcat.insight.prevalence.evidence import judged_rows
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.tree import Taxonomy


def find_drift(
    before: Catalog,
    after: Catalog,
    classifier: Classifier,
    *,
    labelled: Catalog | None = None,
    trees: tuple[Taxonomy, Taxonomy] | TreeChanges | None = None,
    level: float = 0.05,
    precision: ReadingPrecision = "auto",
    seed: int = 0,
) -> Drift:
    """Find out what changed between two sets of titles.

    Args:
        before: The earlier titles.
        after: The later titles.  Labels count if all titles have one of the classifier's tree.
        classifier: The classifier that answers the titles.
        labelled: Labelled titles that the classifier was not trained on, to estimate its accuracy.
        trees: Two trees, to be compared by their ids; or checked changes, which labels follow.
        level: The largest probability of any false alarm if nothing changed.
        precision: The precision of the classifier's encoder; see :meth:`Classifier.predict`.
        seed: Seed of the random divisions into two sets.

    Returns:
        The differences as an HTML page, a table and a text.

    Raises:
        CatalogError: A set is empty or no catalog, or ``labelled`` has none or a strange label.
        ConfigError: ``level`` cannot be tested, or the changes end with another tree.
    """
    tree = classifier.taxonomy
    before, after = _checked(level, tree, {"before": before, "after": after})
    relabelling = relabelling_to(tree, trees)
    texts = classifier.texts_of(before), classifier.texts_of(after)
    past, today = (answers_to(each, classifier, precision) for each in texts)
    labels = counted_labels(before, after, tree, relabelling)
    nodes = (past.nodes, today.nodes) if labels is None else labels
    shares = np.stack([at_or_below(tree, ends) / len(ends) for ends in nodes], axis=1)
    pool = PooledTitles.of(texts[0], texts[1], nodes)
    rng = np.random.default_rng(seed)
    p = PValues(p_of_shares(tree, pool, rng), *p_of_titles(tree, pool, rng))
    changed_titles = nodes_with_other_titles(tree, p, level / 2)
    alarms = alarms_at(p, shares, level / 2, changed_titles & (labels is None))
    known = _labelled_answers(labelled, classifier, precision, relabelling)
    confidences, doubtful = (past.confidence, today.confidence), bool(changed_titles.any())
    return Drift(
        taxonomy=tree,
        rows=(len(before), len(after)),
        changes=changes_between(trees),
        alarms=alarms,
        shares=shares,
        p_shares=p.shares,
        p_titles=p.titles,
        p_all_titles=p.all_titles,
        accuracy=None if known is None else estimate_accuracy(known, *confidences, doubtful, rng),
        level=level,
        by_labels=labels is not None,
        across_trees=relabelling is not None,
        evidence=evidence_of(tree, pool, [*before.titles, *after.titles], alarms),
    )


def _checked(level: float, tree: Taxonomy, catalogs: Mapping[str, Catalog]) -> list[Catalog]:
    """Check the arguments; return the rows of the catalogs that have a title."""
    # Below this level, not even a difference larger than in all random divisions raises an alarm.
    least = 2 * (tree.depth + 1) / (PERMUTATIONS + 1)
    if not least <= level < 1:
        raise ConfigError(
            f"level={level} is not a rate of false alarms that can be tested; expected at least "
            f"{least:.3f} and less than 1."
        )
    for name, catalog in catalogs.items():
        check_catalog(catalog, name)
        if not len(catalog):
            raise CatalogError(f"There are no titles in {name}; expected at least one.")
    return [titled_rows(catalog, name) for name, catalog in catalogs.items()]


def _labelled_answers(
    labelled: Catalog | None,
    classifier: Classifier,
    precision: ReadingPrecision,
    relabelling: Relabelling | None,
) -> LabelledAnswers | None:
    if labelled is None:
        return None
    if relabelling is not None:
        labelled = complete_labels(labelled, relabelling)
    judged = judged_rows(classifier, labelled)
    targets = targets_in(judged, classifier.taxonomy)
    return LabelledAnswers.of(answers_to(judged, classifier, precision), targets)
