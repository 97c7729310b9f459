"""The comparison of several retailers."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
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
from prodcat.storage.containers import described
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_LEAST_LABELLED = 10  # titles of a department


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
        retailers: The catalog of each retailer by the retailer's name, your own first.  Rows with a
            category are counted in it; the categories of all other rows are estimated.
        classifier: The classifier that answers the titles without a category.
        labelled: Labelled titles that the classifier was not trained on, such as the test rows, to
            measure its mistakes on.  A thousand titles are enough to measure those between
            departments.
        price: Name of the catalogs' column with the prices.  Rows without a usable price are left
            out of the price figures.  By default prices are not compared.
        precision: The precision of the classifier's encoder; see :meth:`Classifier.predict`.
        seed: Seed of the random draws that the intervals are computed from.

    Returns:
        Numbers and shares of products of every node with 95 % intervals, gaps, and prices.

    Raises:
        CatalogError: A retailer has no catalog, no row of ``labelled`` has a label, a category is
            not in the classifier's tree, or a catalog lacks the price column or has no usable price
            in it.
        ConfigError: ``retailers`` is empty or no mapping, or a retailer has no products.
    """
    _check(retailers, price)
    tree = classifier.taxonomy
    judged = judged_rows(classifier, labelled)
    evidence = gather(classifier, judged, precision=precision, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(judged, tree))
    _warn_of_missing_labels(tree, confusion)
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
    if not isinstance(retailers, Mapping):
        raise ConfigError(
            f"retailers is {described(retailers)}; expected a mapping {{name: catalog}} with your "
            "own shop first."
        )
    if not retailers:
        raise ConfigError(
            "retailers is empty; pass a mapping {name: catalog} with your own shop first."
        )
    for name, catalog in retailers.items():
        check_catalog(catalog, f"retailers[{name!r}]")
        if not len(catalog):
            raise ConfigError(f"The catalog of {name!r} has no product; expected at least one.")
        if price is not None and price not in catalog.columns:
            raise CatalogError(
                f"The catalog of {name!r} has no column {price!r}; it has "
                f"{sorted(catalog.columns)}. Read it with read_catalog(..., keep=[{price!r}])."
            )


def _warn_of_missing_labels(tree: Taxonomy, confusion: Confusion) -> None:
    departments = [
        tree.paths[department][0]
        for department, titles in zip(tree.children(), confusion.labelled, strict=True)
        if titles < _LEAST_LABELLED
    ]
    if departments:
        logger.warning(
            "Number of departments with fewer than %s labelled titles: %s, such as %s. Their "
            "products are counted by the classifier's probabilities alone, without a correction. "
            "Label more titles of these departments.",
            _LEAST_LABELLED,
            len(departments),
            ", ".join(departments[:5]),
        )


@dataclass(frozen=True, eq=False)
class _CountedCatalog:
    """The products of one retailer.

    Attributes:
        counts: Products of each node.
        nodes: int64 [products]: the label of each product, or the answer if it has no label.
        labelled: Number of products with a label.
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
