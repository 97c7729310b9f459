"""The comparison of two sets of titles, from the titles to all that changed."""

from collections.abc import Mapping

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.targets import targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Ints
from prodcat.insight.drift.accuracy import LabelledAnswers, estimate_accuracy
from prodcat.insight.drift.alarms import PValues, alarms_at, nodes_with_other_titles
from prodcat.insight.drift.answers import answers_to
from prodcat.insight.drift.permutation import DEALS, PooledTitles
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
    """Tell what changed between two sets of titles.

    Args:
        before: Titles of the past.
        after: Titles of today.  Where both have categories of the classifier's tree for all rows,
            shares are of these; otherwise of the answers.
        classifier: Answers the titles.
        labelled: Labelled titles that it was not trained on, for the estimate of accuracy.
        trees: The tree of the past and that of today, to be compared.
        level: The probability that anything alarms where nothing changed.
        precision: The precision of the classifier's encoder.
        seed: Seed of the draws by which titles are dealt.

    Raises:
        CatalogError: A set is empty, or the labelled one has no label.
        ConfigError: The level is not between 0 and 1.
    """
    tree = classifier.taxonomy
    _check_level(level, tree)
    _check_not_empty({"before": before, "after": after})
    answers = [answers_to(catalog, classifier, precision) for catalog in (before, after)]
    labels = _labels(before, after, tree)
    nodes = (answers[0].nodes, answers[1].nodes) if labels is None else labels
    shares = np.stack([at_or_below(tree, ends) / len(ends) for ends in nodes], axis=1)
    pool = PooledTitles.of(classifier.texts_of(before), classifier.texts_of(after), nodes)
    rng = np.random.default_rng(seed)
    p = PValues(p_of_shares(tree, pool, rng), *p_of_titles(tree, pool, rng))
    half = level / 2
    changed_titles = nodes_with_other_titles(tree, p, half)
    accuracy = None
    if labelled is not None:
        labelled_answers = _labelled_answers(labelled, classifier, precision)
        past, today = (answer.confidence for answer in answers)
        doubtful = bool(changed_titles.any())
        accuracy = estimate_accuracy(labelled_answers, past, today, doubtful, rng)
    return Drift(
        taxonomy=tree,
        rows=(len(before), len(after)),
        changes=() if trees is None else compare_trees(*trees),
        alarms=alarms_at(p, shares, half, changed_titles & (labels is None)),
        shares=shares,
        p_shares=p.shares,
        p_titles=p.titles,
        p_all_titles=p.all_titles,
        accuracy=accuracy,
        level=level,
        by_labels=labels is not None,
    )


def _check_level(level: float, tree: Taxonomy) -> None:
    # Below it not even a difference that no deal reaches alarms.
    least = 2 * (tree.depth + 1) / (DEALS + 1)
    if not least <= level < 1:
        raise ConfigError(
            f"level={level} is no rate of false alarms that can be told; expected one from "
            f"{least:.3f} to below 1."
        )


def _check_not_empty(catalogs: Mapping[str, Catalog]) -> None:
    for name, catalog in catalogs.items():
        if not len(catalog):
            raise CatalogError(f"The titles {name} are none; expected at least one.")


def _labels(before: Catalog, after: Catalog, tree: Taxonomy) -> tuple[Ints, Ints] | None:
    """Where the labels are in the classifier's tree; None unless all rows have one there."""
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
