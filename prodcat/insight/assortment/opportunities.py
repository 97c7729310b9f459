"""Where we are thin, what that is worth, and the products of theirs that we lack there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.assortment.column_rows import ColumnRows, Row
from prodcat.insight.assortment.products import named_rows
from prodcat.insight.assortment.supplements import OTHER_SIZE, SAME
from prodcat.insight.assortment.sureness import difference, ratio, sureness
from prodcat.insight.assortment.versus import Versus, count_figure, share_figure, used_nodes

_LEAST_MISSING = 2.0  # products; fewer are no opportunity
_LEAST_CHANCE = 0.5
_OTHER_SIZE_COUNTS = 0.5  # of a product of which we have another size


def category_rows(versus: Versus) -> list[Row]:
    """Our share and theirs of every category with products, with their difference.

    Shares and differences are 0 to 1; ``times`` is their share divided by ours.
    """
    rows = []
    for node in used_nodes(versus.tree, versus.ours, versus.theirs):
        ours, theirs = share_figure(versus.ours, node), share_figure(versus.theirs, node)
        our_count, their_count = (
            count_figure(retailer, node) for retailer in (versus.ours, versus.theirs)
        )
        gap, times = difference(ours, theirs), ratio(theirs, ours)
        parent = int(versus.tree.parent[node])
        row: Row = {
            **versus.place(node),
            "parent_id": versus.tree.ids[parent] if parent >= 0 else None,
            "level": int(versus.tree.level[node]),
        }
        for side, count, share in (("our", our_count, ours), ("their", their_count, theirs)):
            row |= {
                f"{side}_products": round(count.value),
                f"{side}_products_low": round(count.low),
                f"{side}_products_high": round(count.high),
                f"{side}_share": share.value,
                f"{side}_share_low": share.low,
                f"{side}_share_high": share.high,
            }
        row |= {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
        row |= {
            "times": times and times.value,
            "times_low": times and times.low,
            "times_high": times and times.high,
            "sure": sureness(gap.chance(0.0)),
        }
        rows.append(row)
    return rows


@dataclass(frozen=True)
class _Thin:
    """A category in which we have a smaller share than they have.

    Attributes:
        node: The node.
        missing: The number of further products with which our share would be theirs.
        chance: The probability that our share is smaller.
        price: The median price of their products there; None without prices.
    """

    node: int
    missing: float
    chance: float
    price: float | None

    @property
    def worth(self) -> float:
        """The missing products at their median price, times the probability that we lack them."""
        return self.missing * (1.0 if self.price is None else self.price) * self.chance


def _thin_categories(versus: Versus, rows_of: Mapping[int, Ints]) -> list[_Thin]:
    tree, theirs = versus.tree, versus.theirs
    thin = []
    for node in rows_of:
        if tree.level[node] - 1 != min(versus.level, tree.depth - 1) and not tree.terminal[node]:
            continue
        our_share, their_share = share_figure(versus.ours, node), share_figure(theirs, node)
        gap = difference(their_share, our_share)
        missing = gap.value * versus.ours.counts.rows
        chance = gap.chance(0.0)
        if missing < _LEAST_MISSING or chance <= _LEAST_CHANCE:
            continue
        prices = theirs.products.prices[rows_of[node]]
        priced = prices[~np.isnan(prices)]
        price = float(np.median(priced)) if len(priced) else None
        thin.append(_Thin(node, missing, chance, price))
    if theirs.products.has_prices:  # a category without prices is worth what a usual one is
        usual = float(np.nanmedian(theirs.products.prices))
        thin = [each if each.price else _Thin(each.node, each.missing, each.chance, usual)
                for each in thin]  # fmt: skip
    return sorted(thin, key=lambda each: (-each.worth, each.node))


def _rows_by_category(versus: Versus) -> Mapping[int, Ints]:
    """int64 [products]: the rows of their products in each category, by its node."""
    order = np.argsort(versus.their_categories, kind="stable")
    nodes, starts = np.unique(versus.their_categories[order], return_index=True)
    return dict(zip(nodes.tolist(), np.split(order, starts[1:]), strict=True))


def opportunity_rows(versus: Versus) -> tuple[list[Row], ColumnRows]:
    """The categories in which we are thin, and the products of theirs that we lack there.

    Returns:
        A row for each category, the one that is worth most first; and a row for each product, in
        the order of the categories and, within each, of the products' worth, which add up to the
        worth of the category.
    """
    rows_of = _rows_by_category(versus)
    thin = _thin_categories(versus, rows_of)
    most = max((each.worth for each in thin), default=1.0)
    categories: list[Row] = []
    listed: list[_Listed] = []
    for each in thin:
        products = _products_to_list(versus, each, rows_of[each.node])
        if not len(products.rows):
            continue
        listed.append(products)
        rank, size = len(listed), len(products.rows)
        categories.append(_opportunity_row(versus, each, rank, each.worth / most, size))
    return categories, _product_rows(versus, listed)


def _opportunity_row(versus: Versus, thin: _Thin, rank: int, index: float, listed: int) -> Row:
    ours, theirs = share_figure(versus.ours, thin.node), share_figure(versus.theirs, thin.node)
    times = ratio(theirs, ours)
    return {
        **versus.place(thin.node),
        "rank": rank,
        "our_products": round(count_figure(versus.ours, thin.node).value),
        "their_products": round(count_figure(versus.theirs, thin.node).value),
        "our_share": ours.value,
        "their_share": theirs.value,
        "times": times and times.value,
        "times_low": times and times.low,
        "times_high": times and times.high,
        "missing_products": round(thin.missing),
        "median_price": thin.price,
        "worth": thin.worth,
        "worth_index": 100 * index,
        "listed_products": listed,
        "probability": thin.chance,
        "sure": sureness(thin.chance),
    }


@dataclass(frozen=True, eq=False)
class _Listed:
    """Their products in one category that we lack, the one that is worth most first.

    Attributes:
        node: The node of the category.
        rows: int64 [listed products]: the row of each product.
        worth: float64 [listed products]: the worth of each product.
    """

    node: int
    rows: Ints
    worth: Floats


def _products_to_list(versus: Versus, thin: _Thin, rows: Ints) -> _Listed:
    """Their products in a category that we lack."""
    products = versus.theirs.products
    kept = [row for row in named_rows(products, rows.tolist()) if not _is_ours(versus, row)]
    price = thin.price or 1.0
    prices = products.prices[kept]
    # What is dearer than usual is worth no more, so that the list is not one of luxuries.
    value = np.minimum(np.where(np.isnan(prices), price, prices) / price, 1.0)
    weight = np.array([products.confidence[row] * _novelty(versus, row) for row in kept]) * value
    counts = Counter(products.brands[row] for row in kept)
    counts[""] = 0  # products without a brand are not of one brand
    rounded = [round(each, 2) for each in weight.tolist()]
    order = sorted(
        range(len(kept)),
        key=lambda place: (-rounded[place], -counts[products.brands[kept[place]]], kept[place]),
    )
    total = max(float(weight.sum()), 1e-12)
    worth = [thin.worth * float(weight[place]) / total for place in order]
    return _Listed(thin.node, np.array(kept, np.int64)[order], np.array(worth))


def _product_rows(versus: Versus, listed: Sequence[_Listed]) -> ColumnRows:
    """The columns of the products that we lack."""
    products, before = versus.theirs.products, versus.earlier_titles
    rows = np.concatenate([np.zeros(0, np.int64), *(each.rows for each in listed)])
    sizes = [len(each.rows) for each in listed]
    numbers = rows.tolist()
    keys = [products.keys[row] for row in numbers]
    matches = [versus.related.get(key) for key in keys]
    per_unit = [products.price_per_unit(row) for row in numbers]
    confidence = products.confidence[rows]
    return ColumnRows(
        {
            **versus.places(np.repeat([each.node for each in listed], sizes).astype(np.int64)),
            "rank": np.arange(1, len(rows) + 1),
            "category_rank": np.repeat(np.arange(1, len(listed) + 1), sizes),
            "title": [products.titles[row] for row in numbers],
            "brand": [products.brands[row] or None for row in numbers],
            "price": products.prices[rows],
            "price_per_unit": [told and told[0] for told in per_unit],
            "unit": [told and told[1] for told in per_unit],
            "closest_of_ours": [match and str(match["our_title"]) for match in matches],
            "relation": [match["relation"] if match else None for match in matches],
            "is_new": [None if before is None else key not in before for key in keys],
            "worth": np.concatenate([np.zeros(0), *(each.worth for each in listed)]),
            "probability": confidence,
            "sure": [sureness(each) for each in confidence.tolist()],
            "row_number": products.rows[rows] + 1,
        }
    )


def _novelty(versus: Versus, row: int) -> float:
    """How much of a product is new to us: a half where we have another size of it."""
    match = versus.related.get(versus.theirs.products.keys[row])
    return _OTHER_SIZE_COUNTS if match is not None and match["relation"] == OTHER_SIZE else 1.0


def _is_ours(versus: Versus, row: int) -> bool:
    key = versus.theirs.products.keys[row]
    match = versus.related.get(key)
    return key in versus.our_titles or (match is not None and match["relation"] == SAME)
