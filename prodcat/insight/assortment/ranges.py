"""Brands by category, ranges that only they have, and what changed between two dates."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from prodcat.insight.assortment.gaps import gaps_of
from prodcat.insight.assortment.opportunities import Row
from prodcat.insight.assortment.products import Products, title_key
from prodcat.insight.assortment.sureness import sureness
from prodcat.insight.assortment.versus import Versus
from prodcat.insight.prevalence.counts import at_or_below

_LEAST_RANGE = 3  # products of a brand in a category
_EXAMPLES = 3
_EQUAL = 0.005  # a smaller relative change of a price is none


def brand_rows(versus: Versus) -> list[Row]:
    """The numbers of products of each brand in each category, those that we lack most first."""
    ours = _by_brand(versus.ours.products, versus.our_categories)
    theirs = _by_brand(versus.theirs.products, versus.their_categories)
    rows = []
    for node, brand in dict.fromkeys([*theirs, *ours]):
        our_count, their_count = (len(each.get((node, brand), ())) for each in (ours, theirs))
        only = "theirs" if not our_count else "ours" if not their_count else "both"
        rows.append(
            {
                **versus.place(node),
                "brand": brand,
                "our_products": our_count,
                "their_products": their_count,
                "difference": our_count - their_count,
                "only": only,
            }
        )
    return sorted(rows, key=lambda row: (row["difference"], row["category"], row["brand"]))


def _by_brand(products: Products, categories: Any) -> dict[tuple[int, str], list[int]]:
    """The rows of products by the node of their category and their brand."""
    rows: dict[tuple[int, str], list[int]] = {}
    for row, (node, brand) in enumerate(zip(categories.tolist(), products.brands, strict=True)):
        if brand:
            rows.setdefault((node, brand), []).append(row)
    return rows


def only_theirs_rows(versus: Versus) -> list[Row]:
    """Whole categories, and brands that we have nowhere, by category; largest first."""
    rows = [*_categories(versus), *_brands(versus)]
    return sorted(rows, key=lambda row: (-row["products"], row["category"], row["brand"] or ""))


def _categories(versus: Versus) -> Iterator[Row]:
    products = versus.theirs.products
    for gap in gaps_of(versus.tree, (versus.ours, versus.theirs)):
        level = int(versus.tree.level[gap.node]) - 1
        inside = np.flatnonzero(versus.tree.chains[products.nodes, level] == gap.node)
        yield {
            **versus.place(gap.node),
            "kind": "category",
            "brand": None,
            "products": round(gap.count),
            "products_low": round(gap.low),
            "examples": _examples(products, inside.tolist()),
            "sure": sureness(1.0 if gap.sure else 0.9),
        }


def _brands(versus: Versus) -> Iterator[Row]:
    products = versus.theirs.products
    known = {title_key(brand) for brand in versus.ours.products.brands if brand}
    for (node, brand), rows in _by_brand(products, versus.their_categories).items():
        if len(rows) < _LEAST_RANGE or title_key(brand) in known:
            continue
        certain = float(np.mean(products.confidence[rows]))
        yield {
            **versus.place(node),
            "kind": "brand",
            "brand": brand,
            "products": len(rows),
            "products_low": round(float(products.confidence[rows].sum())),
            "examples": _examples(products, rows),
            "sure": sureness(certain),
        }


def _examples(products: Products, rows: Sequence[int]) -> str:
    titles = dict.fromkeys(products.titles[row] for row in rows[: 4 * _EXAMPLES])
    return " · ".join(list(titles)[:_EXAMPLES])


def change_rows(versus: Versus) -> tuple[list[Row], list[Row]]:
    """What the other retailer added, dropped and priced anew since the earlier catalog.

    Products are the same if their titles are.

    Returns:
        A row for each category with a change, the largest first; and a row for each product that
        is new, gone or has another price.  Both are empty without an earlier catalog.
    """
    earlier = versus.earlier_titles
    if versus.before is None or earlier is None:
        return [], []
    before, now = versus.before.products, versus.theirs.products
    present = {key: row for key, row in versus.their_titles.items() if key}
    new = [row for key, row in present.items() if key not in earlier]
    gone = [row for key, row in earlier.items() if key not in present]
    categories = versus.their_categories
    earlier_categories = versus.categories(before)
    rows = [_change(versus, "new", int(categories[row]), now, row) for row in new]
    rows += [_change(versus, "gone", int(earlier_categories[row]), before, row) for row in gone]
    dearer: Counter[int] = Counter()
    cheaper: Counter[int] = Counter()
    for key, row in present.items():
        old = float(before.prices[earlier[key]]) if key in earlier else float("nan")
        price = float(now.prices[row])
        if old > 0 and abs(price / old - 1) >= _EQUAL:
            node = int(categories[row])
            (dearer if price > old else cheaper)[node] += 1
            rows.append(_change(versus, "price", node, now, row, old))
    new_nodes, gone_nodes = (
        Counter(nodes[rows].tolist())
        for nodes, rows in ((categories, new), (earlier_categories, gone))
    )
    tree = versus.tree
    totals = at_or_below(tree, before.nodes), at_or_below(tree, now.nodes)
    nodes = {*new_nodes, *gone_nodes, *dearer, *cheaper}
    counts: list[Row] = [
        {
            **versus.place(node),
            "products_before": int(totals[0][node]),
            "products_now": int(totals[1][node]),
            "new_products": new_nodes[node],
            "gone_products": gone_nodes[node],
            "dearer_products": dearer[node],
            "cheaper_products": cheaper[node],
        }
        for node in sorted(nodes)
    ]
    counts.sort(key=lambda row: -(row["new_products"] + row["gone_products"]))
    return counts, rows


def _change(
    versus: Versus, kind: str, node: int, products: Products, row: int, old: float | None = None
) -> Row:
    price = None if np.isnan(products.prices[row]) else float(products.prices[row])
    is_gone = kind == "gone"
    before = price if is_gone else old
    now = None if is_gone else price
    confidence = float(products.confidence[row])
    return {
        **versus.place(node),
        "kind": kind,
        "title": products.titles[row],
        "brand": products.brands[row] or None,
        "price_before": before,
        "price": now,
        "difference": now / before - 1 if now is not None and before else None,
        "probability": confidence,
        "sure": sureness(confidence),
    }
