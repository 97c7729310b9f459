"""Where we are thin, what that is worth, and the products of theirs that we lack there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prodcat.insight.assortment.products import named_rows, title_key, unit_price
from prodcat.insight.assortment.supplements import OTHER_SIZE, SAME
from prodcat.insight.assortment.sureness import difference, ratio, sureness
from prodcat.insight.assortment.versus import Versus, count_figure, share_figure, used_nodes

_LEAST_MISSING = 2.0  # products; fewer are no opportunity
_LEAST_CHANCE = 0.5
_OTHER_SIZE_COUNTS = 0.5  # of a product of which we have another size
Row = dict[str, Any]


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


def _thin_categories(versus: Versus) -> list[_Thin]:
    tree, theirs = versus.tree, versus.theirs
    rows_of = _rows_by_category(versus)
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


def _rows_by_category(versus: Versus) -> Mapping[int, Any]:
    """int64 [products]: the rows of their products in each category, by its node."""
    order = np.argsort(versus.their_categories, kind="stable")
    nodes, starts = np.unique(versus.their_categories[order], return_index=True)
    return dict(zip(nodes.tolist(), np.split(order, starts[1:]), strict=True))


def opportunity_rows(versus: Versus) -> tuple[list[Row], list[Row]]:
    """The categories in which we are thin, and the products of theirs that we lack there.

    Returns:
        A row for each category, the one that is worth most first; and a row for each product, in
        the order of the categories and, within each, of the products' worth, which add up to the
        worth of the category.
    """
    thin = _thin_categories(versus)
    rows_of = _rows_by_category(versus)
    most = max((each.worth for each in thin), default=1.0)
    categories: list[Row] = []
    products: list[Row] = []
    for each in thin:
        listed = list(_products_to_list(versus, each, rows_of[each.node]))
        if not listed:
            continue
        rank = len(categories) + 1
        categories.append(_opportunity_row(versus, each, rank, each.worth / most, len(listed)))
        products += [
            {"rank": len(products) + place, "category_rank": rank, **row}
            for place, row in enumerate(listed, 1)
        ]
    return categories, products


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


def _products_to_list(versus: Versus, thin: _Thin, rows: Any) -> Iterator[Row]:
    """Their products in a category that we lack, the one that is worth most first."""
    products = versus.theirs.products
    kept = [row for row in named_rows(products, rows.tolist()) if not _is_ours(versus, row)]
    price = thin.price or 1.0
    prices = np.array([products.prices[row] for row in kept])
    # What is dearer than usual is worth no more, so that the list is not one of luxuries.
    value = np.minimum(np.where(np.isnan(prices), price, prices) / price, 1.0)
    weight = np.array([products.confidence[row] * _novelty(versus, row) for row in kept]) * value
    counts: dict[str, int] = {}
    for row in kept:
        counts[products.brands[row]] = counts.get(products.brands[row], 0) + 1
    order = sorted(
        range(len(kept)),
        key=lambda place: (-round(float(weight[place]), 2),
                           -(counts[products.brands[kept[place]]] if products.brands[kept[place]]
                             else 0), kept[place]),
    )  # fmt: skip
    total = max(float(weight.sum()), 1e-12)
    before = versus.earlier_titles
    for place in order:
        row, title = kept[place], products.titles[kept[place]]
        match = versus.related.get(title_key(title))
        per_unit = unit_price(title, float(products.prices[row]))
        probability = float(products.confidence[row])
        yield {
            **versus.place(int(thin.node)),
            "title": title,
            "brand": products.brands[row] or None,
            "price": None if np.isnan(products.prices[row]) else float(products.prices[row]),
            "price_per_unit": per_unit and per_unit[0],
            "unit": per_unit and per_unit[1],
            "closest_of_ours": match and str(match["our_title"]),
            "relation": match["relation"] if match else None,
            "is_new": None if before is None else title_key(title) not in before,
            "worth": thin.worth * float(weight[place]) / total,
            "probability": probability,
            "sure": sureness(probability),
            "row_number": int(products.rows[row]) + 1,
        }


def _novelty(versus: Versus, row: int) -> float:
    """How much of a product is new to us: a half where we have another size of it."""
    match = versus.related.get(title_key(versus.theirs.products.titles[row]))
    return _OTHER_SIZE_COUNTS if match is not None and match["relation"] == OTHER_SIZE else 1.0


def _is_ours(versus: Versus, row: int) -> bool:
    key = title_key(versus.theirs.products.titles[row])
    match = versus.related.get(key)
    return key in versus.our_titles or (match is not None and match["relation"] == SAME)
