"""The comparison of two sets of titles."""

from collections.abc import Mapping

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.targets import targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Ints
from prodcat.insight.drift.accuracy import LabelledAnswers, estimate_accuracy
from prodcat.insight.drift.alarms import PValues, alarms_at, nodes_with_other_titles
from prodcat.insight.drift.answers import answers_to
from prodcat.insight.drift.permutation import PERMUTATIONS, PooledTitles
from prodcat.insight.drift.result import Drift
from prodcat.insight.drift.shares import p_of_shares
from prodcat.insight.drift.titles import p_of_titles
from prodcat.insight.drift.trees import compare_trees
from prodcat.insight.prevalence.counts import at_or_below
from prodcat.insight.prevalence.evidence import judged_rows
from prodcat.taxonomy.tree import Taxonomy


def find_drift(
    before: Catalog,
    after: Catalog,
    classifier: Classifier,
    *,
    labelled: Catalog | None = None,
    trees: tuple[Taxonomy, Taxonomy] | None = None,
    level: float = 0.05,
    precision: ReadingPrecision = "auto",
    seed: int = 0,
) -> Drift:
    """Find out what changed between two sets of titles.

    Args:
        before: The earlier titles.
        after: The later titles.  Titles are counted by their labels if all titles of both sets have
            a label in the classifier's tree, otherwise by the classifier's answers.
        classifier: The classifier that answers the titles.
        labelled: Labelled titles that the classifier was not trained on, to estimate its accuracy.
        trees: The earlier and the later tree, to be compared.
        level: The largest probability of any false alarm if nothing changed.
        precision: The precision of the classifier's encoder; see :meth:`Classifier.predict`.
        seed: Seed of the random divisions into two sets.

    Returns:
        The differences as an HTML page, a table and a text.

    Raises:
        CatalogError: A set is empty or no catalog, or ``labelled`` has none or a strange label.
        ConfigError: ``level`` is 1 or more, or too small to be tested by 499 random divisions.
    """
    tree = classifier.taxonomy
    _check(level, tree, {"before": before, "after": after})
    texts = classifier.texts_of(before), classifier.texts_of(after)
    past, today = (answers_to(titles, classifier, precision) for titles in texts)
    labels = _labels(before, after, tree)
    nodes = (past.nodes, today.nodes) if labels is None else labels
    shares = np.stack([at_or_below(tree, ends) / len(ends) for ends in nodes], axis=1)
    pool = PooledTitles.of(texts[0], texts[1], nodes)
    rng = np.random.default_rng(seed)
    p = PValues(p_of_shares(tree, pool, rng), *p_of_titles(tree, pool, rng))
    changed_titles = nodes_with_other_titles(tree, p, level / 2)
    accuracy = None
    if labelled is not None:
        known = _labelled_answers(labelled, classifier, precision)
        doubtful = bool(changed_titles.any())
        accuracy = estimate_accuracy(known, past.confidence, today.confidence, doubtful, rng)
    return Drift(
        taxonomy=tree,
        rows=(len(before), len(after)),
        changes=() if trees is None else compare_trees(*trees),
        alarms=alarms_at(p, shares, level / 2, changed_titles & (labels is None)),
        shares=shares,
        p_shares=p.shares,
        p_titles=p.titles,
        p_all_titles=p.all_titles,
        accuracy=accuracy,
        level=level,
        by_labels=labels is not None,
    )


def _check(level: float, tree: Taxonomy, catalogs: Mapping[str, Catalog]) -> None:
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


def _labels(before: Catalog, after: Catalog, tree: Taxonomy) -> tuple[Ints, Ints] | None:
    """The labelled nodes of both sets, or None if any row has no label in the classifier's tree."""
    for catalog in (before, after):
        if catalog.taxonomy is None or not catalog.labelled.all():
            return None
    try:
        return targets_in(before, tree), targets_in(after, tree)
    except CatalogError:
        return None


def _labelled_answers(
    labelled: Catalog, classifier: Classifier, precision: ReadingPrecision
) -> LabelledAnswers:
    judged = judged_rows(classifier, labelled)
    targets = targets_in(judged, classifier.taxonomy)
    return LabelledAnswers.of(answers_to(judged, classifier, precision), targets)
