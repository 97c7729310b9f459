"""Who is cheaper at what: shared products, typical prices of categories, and price bands."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.assortment.column_rows import ColumnRows, Row
from prodcat.insight.assortment.prices import MOST_TIMES, PricedProducts, band_edges
from prodcat.insight.assortment.products import Products, title_key, unit_price
from prodcat.insight.assortment.supplements import SAME
from prodcat.insight.assortment.sureness import (
    Figure,
    shift,
    sureness,
    sureness_of_all,
    typical,
)
from prodcat.insight.assortment.table_columns import COLUMNS
from prodcat.insight.assortment.versus import Versus

BAND_WORDS = ("entry", "middle", "premium")
_MOST_SAMPLED = 300  # products of a retailer in a category, for its typical price
_LEAST_COMPARED = 5  # products of each retailer
_LEAST_SHARED = 3
_SAME = 0.005  # relative difference of prices that are told as equal


def shared_rows(versus: Versus) -> ColumnRows:
    """The products that both retailers have, the largest difference in price first.

    With matches these are the products of the relation ``same product``; otherwise those with the
    same title.
    """
    pairs = _matched(versus) if versus.matches is not None else _equal_titles(versus)
    rows = ColumnRows.collect(COLUMNS["shared_products"], pairs)
    differences, titles = rows.column("difference"), rows.column("our_title")
    order = sorted(range(len(rows)), key=lambda row: (-abs(differences[row] or 0.0), titles[row]))
    return rows.take(np.array(order, np.int64))


def _equal_titles(versus: Versus) -> Iterator[Row]:
    for key, ours in versus.our_titles.items():
        theirs = versus.their_titles.get(key)
        if theirs is not None:
            yield _shared(versus, ours, theirs, {}, "same title")


def _matched(versus: Versus) -> Iterator[Row]:
    for match in versus.matches or ():
        if match["relation"] == SAME:
            ours = versus.our_titles.get(title_key(str(match["our_title"])))
            theirs = versus.their_titles.get(title_key(str(match["their_title"])))
            if ours is not None and theirs is not None:
                yield _shared(versus, ours, theirs, match, "match")


def _shared(versus: Versus, ours: int, theirs: int, match: Any, basis: str) -> Row:
    our_products, their_products = versus.ours.products, versus.theirs.products
    prices = [
        _first(match.get(f"{side}_price"), float(products.prices[row]))
        for side, products, row in (
            ("our", our_products, ours), ("their", their_products, theirs)
        )
    ]  # fmt: skip
    titles = our_products.titles[ours], their_products.titles[theirs]
    per_unit = [match.get(f"{side}_price_per_unit") for side in ("our", "their")]
    unit = match.get("unit")
    if None in per_unit:
        computed = [
            _per_unit(products, row, price)
            for products, row, price in zip(
                (our_products, their_products), (ours, theirs), prices, strict=True
            )
        ]
        one, other = computed
        comparable = one is not None and other is not None and one[1] == other[1]
        per_unit = [one[0], other[0]] if one and other and comparable else [None, None]
        unit = one[1] if one and comparable else None
    one_price, other_price = per_unit if None not in per_unit else prices
    change = None
    if one_price is not None and other_price and _are_plausible(*prices):
        change = one_price / other_price - 1
    probability = match.get("probability")
    probability = 1.0 if probability is None else float(probability)
    return {
        **versus.place(int(versus.our_categories[ours])),
        "our_title": titles[0],
        "their_title": titles[1],
        "brand": our_products.brands[ours] or their_products.brands[theirs] or None,
        "our_price": prices[0],
        "their_price": prices[1],
        "our_price_per_unit": per_unit[0],
        "their_price_per_unit": per_unit[1],
        "unit": unit,
        "difference": change,
        "cheaper": None if change is None else _cheaper(change),
        "basis": basis,
        "probability": probability,
        "sure": sureness(probability),
    }


def _are_plausible(one: float | None, other: float | None) -> bool:
    """Whether two prices are not so far apart that one of them is a mistake."""
    if not one or not other:
        return True
    return max(one, other) <= MOST_TIMES * min(one, other)


def _per_unit(products: Products, row: int, price: float | None) -> tuple[float, str] | None:
    if price is None:
        return None
    if price == products.prices[row]:
        return products.price_per_unit(row)
    return unit_price(products.titles[row], price)


def _first(given: Any, other: float) -> float | None:
    if given is not None:
        return float(given)
    return None if np.isnan(other) else other


def _cheaper(change: float) -> str:
    if abs(change) < _SAME:
        return "same"
    return "ours" if change < 0 else "theirs"


def comparison_rows(versus: Versus, shared: ColumnRows) -> list[Row]:
    """For each category, by how much our prices differ from theirs.

    A category with at least three shared products is compared by these.  Otherwise the prices per
    kilogram, litre, wash, dose or piece are compared, whichever most products tell; and, if too few
    tell any, the prices.

    Returns:
        A row for each category in which both have enough prices; the largest certain difference
        first.  ``difference`` is our price divided by theirs, less 1.
    """
    by_category: dict[str, list[int]] = {}
    compared_prices = zip(shared.column("node_id"), shared.column("difference"), strict=True)
    for number, (category, difference) in enumerate(compared_prices):
        if difference is not None and difference > -1:
            by_category.setdefault(category, []).append(number)
    places = np.union1d(versus.our_categories, versus.their_categories).tolist()
    samples = [
        _sampler(products, nodes)
        for products, nodes in (
            (versus.ours.products, versus.our_categories),
            (versus.theirs.products, versus.their_categories),
        )
    ]
    rows = []
    for node in places:
        numbers = by_category.get(versus.tree.ids[node], [])
        if len(numbers) >= _LEAST_SHARED:
            rows.append(_by_pairs(versus, node, [shared[number] for number in numbers]))
        elif (compared := _by_medians(versus, node, samples)) is not None:
            rows.append(compared)
    for row, sure in zip(rows, sureness_of_all([row["p_value"] for row in rows]), strict=True):
        row["sure"] = sure
    return sorted(
        rows,
        key=lambda row: (row["sure"] == "uncertain", row["sure"] != "almost certain",
                         row["basis"] == "price", -abs(np.log1p(row["difference"]))),
    )  # fmt: skip


def _by_pairs(versus: Versus, node: int, pairs: list[Row]) -> Row:
    """The comparison of a category by the products that both have."""
    tested = typical(np.log([1 + row["difference"] for row in pairs]))
    prices = [
        [row[f"{side}_price"] for row in pairs if row[f"{side}_price"] is not None]
        for side in ("our", "their")
    ]
    medians = None
    if all(prices):
        medians = float(np.median(prices[0])), float(np.median(prices[1]))
    return _compared(versus, node, "shared products", tested, (len(pairs),) * 2, medians)


def _compared(
    versus: Versus, node: int, basis: str, tested: tuple[Figure, float], numbers: tuple[int, int],
    medians: tuple[float, float] | None = None,
) -> Row:  # fmt: skip
    figure, p_value = tested
    low, value, high = np.expm1([figure.low, figure.value, figure.high]).tolist()
    typical_prices = _typical_prices(medians, figure.value)
    return {
        **versus.place(node),
        "basis": basis,
        "our_typical": typical_prices and typical_prices[0],
        "their_typical": typical_prices and typical_prices[1],
        "our_compared": numbers[0],
        "their_compared": numbers[1],
        "difference": value,
        "difference_low": low,
        "difference_high": high,
        "cheaper": _cheaper(value),
        "p_value": p_value,
    }


def _typical_prices(
    medians: tuple[float, float] | None, difference: float
) -> tuple[float, float] | None:
    """The middle of two median prices, moved apart by the difference that was found.

    The medians alone would say another difference than products that are compared one by one.

    Args:
        medians: The median price of each retailer, or None.
        difference: The logarithm of our prices divided by theirs.
    """
    if medians is None:
        return None
    middle = math.sqrt(medians[0] * medians[1])
    return middle * math.exp(difference / 2), middle * math.exp(-difference / 2)


_Sample = Callable[[int], Ints]


def _sampler(products: Products, nodes: Ints) -> _Sample:
    """A function that returns the rows of some products in a category that have a price."""
    priced = np.flatnonzero(products.prices > 0)
    order = priced[np.argsort(nodes[priced], kind="stable")]
    starts = nodes[order]

    def sample(node: int) -> Ints:
        rows = order[slice(*np.searchsorted(starts, (node, node + 1)))]
        chosen: Ints = rows[
            np.linspace(0, len(rows) - 1, min(len(rows), _MOST_SAMPLED)).astype(int)
        ]
        return chosen

    return sample


def _by_medians(versus: Versus, node: int, samples: list[_Sample]) -> Row | None:
    chosen = [sample(node) for sample in samples]
    if min(map(len, chosen)) < _LEAST_COMPARED:
        return None
    by_unit: list[dict[str, list[float]]] = []
    for rows, retailer in zip(chosen, (versus.ours, versus.theirs), strict=True):
        units: dict[str, list[float]] = {"": retailer.products.prices[rows].tolist()}
        for row in rows.tolist():
            per_unit = retailer.products.price_per_unit(row)
            if per_unit is not None and per_unit[0] > 0:
                units.setdefault(per_unit[1], []).append(per_unit[0])
        by_unit.append(units)
    shared_units = [unit for unit in by_unit[0] if unit and unit in by_unit[1]]
    fewest = {unit: min(len(units[unit]) for units in by_unit) for unit in ("", *shared_units)}
    unit = max(shared_units, key=lambda name: fewest[name], default="")
    if fewest[unit] < max(_LEAST_COMPARED, fewest[""] / 2):
        unit = ""
    ours, theirs = (np.array(units[unit]) for units in by_unit)
    tested = shift(np.log(ours), np.log(theirs))
    basis = f"price per {unit}" if unit else "price"
    medians = float(np.median(ours)), float(np.median(theirs))
    return _compared(versus, node, basis, tested, (len(ours), len(theirs)), medians)


def band_rows(versus: Versus) -> list[Row]:
    """Entry, middle and premium prices of each department and of each category.

    The bands are the thirds of both retailers' prices in the category.
    """
    ours, theirs = versus.ours.products, versus.theirs.products
    rows: list[Row] = []
    for departments in (True, False):
        nodes = [
            versus.tree.chains[products.nodes, 0] if departments else categories
            for products, categories in (
                (ours, versus.our_categories), (theirs, versus.their_categories)
            )
        ]  # fmt: skip
        if departments or versus.level > 0:
            rows += _bands_at(versus, nodes)
    by_node = sorted(rows, key=lambda row: row["node_id"])
    for row, sure in zip(
        by_node, sureness_of_all([row["p_value"] for row in by_node]), strict=True
    ):
        row["sure"] = sure
    return rows


def _bands_at(versus: Versus, nodes: list[Ints]) -> list[Row]:
    prices = [versus.ours.products.prices, versus.theirs.products.prices]
    priced = [PricedProducts(*pair) for pair in zip(nodes, prices, strict=True)]
    edges = band_edges(priced)
    counts = [_counted(products, edges, len(versus.tree)) for products in priced]
    rows: list[Row] = []
    for node in sorted(edges):
        ours, theirs = (count[node] for count in counts)
        if min(ours.sum(), theirs.sum()) < _LEAST_COMPARED:
            continue
        ends = [None, *map(float, edges[node]), None]
        for band, word in enumerate(BAND_WORDS):
            our_share, their_share = ours[band] / ours.sum(), theirs[band] / theirs.sum()
            rows.append(
                {
                    **versus.place(node),
                    "level": int(versus.tree.level[node]),
                    "band": word,
                    "price_from": ends[band],
                    "price_to": ends[band + 1],
                    "our_products": int(ours[band]),
                    "their_products": int(theirs[band]),
                    "our_share": float(our_share),
                    "their_share": float(their_share),
                    "difference": float(our_share - their_share),
                    "p_value": _alike(ours, theirs, band),
                }
            )
    return rows


def _alike(ours: Ints, theirs: Ints, band: int) -> float:
    """The p-value of two retailers' having the same share of products in a band."""
    sizes = int(ours.sum()), int(theirs.sum())
    share = float(ours[band] + theirs[band]) / sum(sizes)
    spread = math.sqrt(max(share * (1 - share) * (1 / sizes[0] + 1 / sizes[1]), 1e-12))
    gap = abs(ours[band] / sizes[0] - theirs[band] / sizes[1])
    return math.erfc(float(gap) / spread / math.sqrt(2))


def _counted(products: PricedProducts, edges: dict[int, Floats], nodes: int) -> Ints:
    """int64 [nodes, 3]: the number of products of each node in each band."""
    counts = np.zeros((nodes, len(BAND_WORDS)), np.int64)
    limits = np.full((nodes, 2), np.nan)
    for node, ends in edges.items():
        limits[node] = ends
    priced = ~np.isnan(products.prices)
    band = (products.prices[priced, None] > limits[products.nodes[priced]]).sum(axis=1)
    np.add.at(counts, (products.nodes[priced], band), 1)
    return counts
