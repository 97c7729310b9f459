"""The comparison of retailers, from their catalogs to all figures."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.targets import targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Ints
from prodcat.insight.assortment.prices import PricedProducts, prices_of, read_prices
from prodcat.insight.assortment.result import Assortment
from prodcat.insight.assortment.retailer import Retailer, leaves_of
from prodcat.insight.prevalence.confusion import Confusion
from prodcat.insight.prevalence.counts import Counts
from prodcat.insight.prevalence.estimation import prevalence
from prodcat.insight.prevalence.evidence import gather, judged_rows
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_FEW = 10  # labelled titles of a department


def compare_assortments(
    retailers: Mapping[str, Catalog],
    classifier: Classifier,
    labelled: Catalog,
    *,
    price: str | None = None,
    precision: ReadingPrecision = "auto",
    seed: int = 0,
) -> Assortment:
    """Compare what retailers sell, category by category.

    Args:
        retailers: Catalogs by name, one's own first.  Rows with a category count as they are;
            those of all others are estimated.
        classifier: Answers the titles.
        labelled: Labelled titles that it was not trained on, such as the test rows: how it
            confuses departments is measured on them.  A thousand are enough for departments.
        price: A column of the catalogs that was kept; rows without one are left out of the prices.
        precision: The precision of the classifier's encoder.
        seed: Seed of the draws that intervals are made of.

    Returns:
        Counts and shares of every node with intervals of 95 %, gaps, and prices.

    Raises:
        CatalogError: No row is labelled to judge by, a category is not in the classifier's tree,
            or a catalog lacks the price.
        ConfigError: There is no retailer, or one without products.
    """
    _check(retailers, price)
    tree = classifier.taxonomy
    judged = judged_rows(classifier, labelled)
    evidence = gather(classifier, judged, precision=precision, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(judged, tree))
    _warn_of_few_labels(tree, confusion)
    counted: dict[str, _CountedCatalog] = {}
    products: dict[str, PricedProducts] = {}
    for name, catalog in retailers.items():
        counted[name] = _count(catalog, classifier, confusion, precision, seed)
        if price is not None:
            values = read_prices(name, price, catalog.columns[price])
            products[name] = PricedProducts(counted[name].nodes, values)
    prices = prices_of(tree, products)
    compared = [
        Retailer(
            name=name,
            counts=catalog.counts,
            leaves=leaves_of(tree, catalog.counts),
            prices=prices.get(name),
            labelled=catalog.labelled,
            without_price=products[name].without_price if name in products else 0,
        )
        for name, catalog in counted.items()
    ]
    return Assortment(tree, tuple(compared), len(judged))


def _check(retailers: Mapping[str, Catalog], price: str | None) -> None:
    if not retailers:
        raise ConfigError("Found no retailer; expected catalogs by name, your own first.")
    for name, catalog in retailers.items():
        if not len(catalog):
            raise ConfigError(f"{name!r} has no product; expected at least one.")
        if price is not None and price not in catalog.columns:
            raise CatalogError(
                f"{name!r} has no column {price!r}; found {sorted(catalog.columns)}. Read it with "
                f"keep=[{price!r}]."
            )


def _warn_of_few_labels(tree: Taxonomy, confusion: Confusion) -> None:
    few = [
        tree.paths[department][0]
        for department, titles in zip(tree.children(), confusion.labelled, strict=True)
        if titles < _FEW
    ]
    if few:
        logger.warning(
            "%s departments have fewer than %s labelled titles, such as %s: there the classifier's "
            "own probabilities are believed. Label more of them.",
            len(few),
            _FEW,
            ", ".join(few[:5]),
        )


@dataclass(frozen=True, eq=False)
class _CountedCatalog:
    """A retailer's products, counted.

    Attributes:
        counts: Products of each node.
        nodes: int64 [products]: the label of each, or where there is none the answer.
        labelled: Products with a label.
    """

    counts: Counts
    nodes: Ints
    labelled: int


def _count(
    catalog: Catalog,
    classifier: Classifier,
    confusion: Confusion,
    precision: ReadingPrecision,
    seed: int,
) -> _CountedCatalog:
    tree = classifier.taxonomy
    known = catalog.labelled if catalog.taxonomy is not None else np.zeros(len(catalog), bool)
    nodes = np.full(len(catalog), -1, np.int64)
    if known.any():
        nodes[known] = targets_in(catalog.take(known), tree)
    evidence = gather(classifier, catalog.take(~known), precision=precision)
    counts = prevalence(tree, evidence, confusion, nodes[known], seed=seed)
    nodes[~known] = evidence.answers
    return _CountedCatalog(counts, nodes, int(known.sum()))
