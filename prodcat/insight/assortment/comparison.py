"""The comparison of several retailers."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.targets import targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.assortment.prices import (
    PricedProducts,
    plausible_prices,
    prices_of,
    read_prices,
)
from prodcat.insight.assortment.products import (
    Products,
    currency_of,
    given_brands,
    learned_brands,
)
from prodcat.insight.assortment.result import Assortment
from prodcat.insight.assortment.retailer import Retailer, leaves_of
from prodcat.insight.assortment.supplements import (
    NO_SUPPLEMENTS,
    Supplements,
    all_matches,
)
from prodcat.insight.design.texts import check_language
from prodcat.insight.empty_titles import titled_rows
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
    supplements: Supplements = NO_SUPPLEMENTS,
    language: str = "en",
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
        supplements: Brands, matched products and earlier catalogs, each of which answers further
            questions; none by default.
        language: The language of the page: ``de``, ``en``, ``es``, ``fr``, ``it``, ``nl``, ``pt``
            or ``tr``.
        precision: The precision of the classifier's encoder; see :meth:`Classifier.predict`.
        seed: Seed of the random draws that the intervals are computed from.

    Returns:
        Numbers and shares of products of every node with 95 % intervals, gaps, and prices.

    Raises:
        CatalogError: A retailer has no catalog, no row of ``labelled`` has a label, a category is
            not in the classifier's tree, or a catalog lacks the price column or has no usable price
            in it.
        ConfigError: ``retailers`` is empty or no mapping, a retailer has no products, the language
            is not supported, or a supplement is of no other retailer.
    """
    _check(retailers, price)
    check_language(language)
    matches = all_matches(supplements, retailers)
    tree = classifier.taxonomy
    confusion = _confusion(classifier, judged := judged_rows(classifier, labelled), precision)
    counted, earlier = (
        _count_all(catalogs, price, _Counting(classifier, confusion, precision, seed, columns))
        for catalogs, columns in (
            (retailers, supplements.price_columns),
            (supplements.before, supplements.price_columns_before),
        )
    )
    compared = _with_brands(tree, counted, earlier, supplements.brand)
    return Assortment(
        tree,
        compared[: len(counted)],
        len(judged),
        language=language,
        matches=matches,
        before={retailer.name: retailer for retailer in compared[len(counted) :]},
    )


def _with_brands(
    tree: Taxonomy,
    counted: Mapping[str, "_CountedCatalog"],
    earlier: Mapping[str, "_CountedCatalog"],
    column: str | None,
) -> tuple[Retailer, ...]:
    """The retailers with their brands and prices by category, and then the earlier ones."""
    named = [*counted.items(), *earlier.items()]
    given = [
        given_brands(each.catalog, column, name) if column is not None else None
        for name, each in named
    ]
    learned = None
    if None in given:
        learned = learned_brands(tree, [(each.catalog.titles, each.nodes) for _, each in named])
    priced = {
        name: PricedProducts(each.nodes, each.prices)
        for name, each in counted.items()
        if each.has_price_column
    }
    prices = prices_of(tree, priced)
    retailers = []
    for place, (name, each) in enumerate(named):
        brands = given[place]
        if brands is None and learned is not None:
            brands = [learned.find(title) or "" for title in each.catalog.titles]
        is_now = place < len(counted)
        retailers.append(
            Retailer(
                name=name,
                counts=each.counts,
                leaves=leaves_of(tree, each.counts),
                prices=prices.get(name) if is_now else None,
                labelled=each.labelled,
                without_price=int(np.isnan(each.prices).sum()) if each.has_price_column else 0,
                products=each.products(brands or [""] * len(each.catalog)),
            )
        )
    return tuple(retailers)


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


def _confusion(classifier: Classifier, judged: Catalog, precision: ReadingPrecision) -> Confusion:
    """Measure the classifier's mistakes on labelled titles."""
    tree = classifier.taxonomy
    evidence = gather(classifier, judged, precision=precision, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(judged, tree))
    _warn_of_missing_labels(tree, confusion)
    return confusion


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
class _Counting:
    """What the products of every retailer are counted with."""

    classifier: Classifier
    confusion: Confusion
    precision: ReadingPrecision
    seed: int
    price_columns: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class _CountedCatalog:
    """The products of one retailer.

    Attributes:
        catalog: The catalog.
        counts: Products of each node.
        nodes: int64 [products]: the label of each product, or the answer if it has no label.
        confidence: float64 [products]: the probability of the answer; 1 for labels.
        prices: float64 [products]: the price of each product; NaN if it is not known.
        has_price_column: Whether prices are compared.
        labelled: Number of products with a label.
        currency: The currency of the prices; empty if they do not tell one.
    """

    catalog: Catalog
    counts: Counts
    nodes: Ints
    confidence: Floats
    prices: Floats
    has_price_column: bool
    labelled: int
    currency: str

    def products(self, brands: Sequence[str]) -> Products:
        """The products with their brands."""
        size = len(self.catalog)
        rows = self.catalog.rows if len(self.catalog.rows) == size else np.arange(size)
        return Products(
            self.catalog.titles, self.nodes, self.confidence, self.prices, brands, rows,
            self.currency,
        )  # fmt: skip


def _count_all(
    catalogs: Mapping[str, Catalog], price: str | None, counting: _Counting
) -> dict[str, _CountedCatalog]:
    return {name: _count(catalog, name, price, counting) for name, catalog in catalogs.items()}


def _count(given: Catalog, name: str, price: str | None, counting: _Counting) -> _CountedCatalog:
    catalog = titled_rows(given, repr(name), keeps_labelled=True)
    classifier = counting.classifier
    tree = classifier.taxonomy
    known = catalog.labelled if catalog.taxonomy is not None else np.zeros(len(catalog), bool)
    nodes = np.full(len(catalog), -1, np.int64)
    if known.any():
        nodes[known] = targets_in(catalog.take(known), tree)
    evidence = gather(classifier, catalog.take(~known), precision=counting.precision)
    counts = prevalence(tree, evidence, counting.confusion, nodes[known], seed=counting.seed)
    nodes[~known] = evidence.answers
    confidence = np.ones(len(catalog))
    confidence[~known] = evidence.confidence
    prices, currency = np.full(len(catalog), np.nan), ""
    if price is not None and price in catalog.columns:
        column = counting.price_columns.get(name, price)
        prices = read_prices(name, column, catalog.columns[price], catalog.rows)
        prices = plausible_prices(name, tree, PricedProducts(nodes, prices))
        currency = currency_of(catalog.columns[price])
    return _CountedCatalog(
        catalog, counts, nodes, confidence, prices, price is not None, int(known.sum()), currency
    )
