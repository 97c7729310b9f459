"""Brands by category, ranges that only they have, and what changed between two dates."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.assortment.column_rows import ColumnRows, Row
from prodcat.insight.assortment.gaps import gaps_of
from prodcat.insight.assortment.products import Products, title_key
from prodcat.insight.assortment.sureness import sureness
from prodcat.insight.assortment.versus import Versus
from prodcat.insight.prevalence.counts import at_or_below

_LEAST_RANGE = 3  # products of a brand in a category
_EXAMPLES = 3
_EQUAL = 0.005  # a smaller relative change of a price is none


def brand_rows(versus: Versus) -> ColumnRows:
    """The numbers of products of each brand in each category, those that we lack most first."""
    ours, theirs = versus.ours.products, versus.theirs.products
    names = sorted({*ours.brands, *theirs.brands} - {""})
    place = {name: number for number, name in enumerate(names)}
    counts = [
        _numbers_by_brand(products, nodes, place)
        for products, nodes in ((ours, versus.our_categories), (theirs, versus.their_categories))
    ]
    codes = np.union1d(*(each[0] for each in counts))
    our_count, their_count = (_spread(codes, *each) for each in counts)
    nodes, brand = np.divmod(codes, max(len(names), 1))
    labels = sorted(set(nodes.tolist()), key=versus.label)
    rank = np.zeros(len(versus.tree), np.int64)
    rank[labels] = np.arange(len(labels))
    order = np.lexsort((brand, rank[nodes], our_count - their_count))
    our_count, their_count, brand = our_count[order], their_count[order], brand[order]
    words = np.where(our_count == 0, 0, np.where(their_count == 0, 1, 2)).tolist()
    return ColumnRows(
        {
            **versus.places(nodes[order]),
            "brand": [names[number] for number in brand.tolist()],
            "our_products": our_count,
            "their_products": their_count,
            "difference": our_count - their_count,
            "only": [("theirs", "ours", "both")[word] for word in words],
        }
    )


def _numbers_by_brand(
    products: Products, nodes: Ints, place: Mapping[str, int]
) -> tuple[Ints, Ints]:
    """The numbers of products of each brand in each category.

    Args:
        products: The products.
        nodes: int64 [products]: the category of each product.
        place: The place of each brand in their order, by its name.

    Returns:
        int64 [pairs]: node times the number of brands plus the place of the brand, ascending; and
        int64 [pairs]: the number of products.
    """
    brands = np.array([place.get(brand, -1) for brand in products.brands], np.int64)
    has_brand = brands >= 0
    codes, counts = np.unique(nodes[has_brand] * len(place) + brands[has_brand], return_counts=True)
    return codes, counts.astype(np.int64)


def _spread(all_codes: Ints, codes: Ints, counts: Ints) -> Ints:
    """int64 [all codes]: the counts of codes; 0 for the others."""
    spread = np.zeros(len(all_codes), np.int64)
    spread[np.searchsorted(all_codes, codes)] = counts
    return spread


def only_theirs_rows(versus: Versus) -> list[Row]:
    """Whole categories, and brands that we have nowhere, by category; largest first."""
    rows = [*_categories(versus), *_brands(versus)]
    return sorted(rows, key=lambda row: (-row["products"], row["category"], row["brand"] or ""))


def _categories(versus: Versus) -> Iterator[Row]:
    products, tree = versus.theirs.products, versus.tree
    gaps = gaps_of(tree, (versus.ours, versus.theirs))
    inside = _first_products(tree.chains[products.nodes], {gap.node for gap in gaps}, 4 * _EXAMPLES)
    for gap in gaps:
        yield {
            **versus.place(gap.node),
            "kind": "category",
            "brand": None,
            "products": round(gap.count),
            "products_low": round(gap.low),
            "examples": _examples(products, inside.get(gap.node, [])),
            "sure": sureness(1.0 if gap.sure else 0.9),
        }


def _first_products(chains: Ints, nodes: set[int], most: int) -> dict[int, list[int]]:
    """The rows of the first products at or below some nodes.

    Args:
        chains: int64 [products, levels]: the nodes from the root to each product's node.
        nodes: The nodes whose products are looked for.
        most: The most rows of each node.
    """
    rows: dict[int, list[int]] = {}
    for level in chains.T if nodes else ():
        at = np.flatnonzero(np.isin(level, list(nodes)))
        for node, row in zip(level[at].tolist(), at.tolist(), strict=True):
            listed = rows.setdefault(node, [])
            if len(listed) < most:
                listed.append(row)
    return rows


def _brands(versus: Versus) -> Iterator[Row]:
    products = versus.theirs.products
    known = {title_key(brand) for brand in {*versus.ours.products.brands} - {""}}
    unknown = {brand for brand in {*products.brands} - {""} if title_key(brand) not in known}
    by_brand: dict[tuple[int, str], list[int]] = {}
    pairs = zip(versus.their_categories.tolist(), products.brands, strict=True)
    for row, (node, brand) in enumerate(pairs):
        if brand in unknown:
            by_brand.setdefault((node, brand), []).append(row)
    for (node, brand), rows in by_brand.items():
        if len(rows) < _LEAST_RANGE:
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


def change_rows(versus: Versus) -> tuple[list[Row], ColumnRows]:
    """What the other retailer added, dropped and priced anew since the earlier catalog.

    Products are the same if their titles are.

    Returns:
        A row for each category with a change, the largest first; and a row for each product that
        is new, gone or has another price.  Both are empty without an earlier catalog.
    """
    earlier, present = versus.earlier_titles, versus.their_titles
    if versus.before is None or earlier is None:
        return [], ColumnRows({})
    before, now = versus.before.products, versus.theirs.products
    earlier_categories = versus.categories(before)
    new = np.array([row for key, row in present.items() if key not in earlier], np.int64)
    gone = np.array([row for key, row in earlier.items() if key not in present], np.int64)
    both = [(row, earlier[key]) for key, row in present.items() if key in earlier]
    rows, old_rows = np.array(both, np.int64).reshape(-1, 2).T
    priced = before.prices[old_rows] > 0
    rows, old = rows[priced], before.prices[old_rows][priced]
    is_other = np.abs(now.prices[rows] / old - 1) >= _EQUAL
    rows, old = rows[is_other], old[is_other]
    is_dearer = now.prices[rows] > old
    categories, size = versus.their_categories, len(versus.tree)
    counted = {
        "new_products": categories[new],
        "gone_products": earlier_categories[gone],
        "dearer_products": categories[rows[is_dearer]],
        "cheaper_products": categories[rows[~is_dearer]],
    }
    changes = [
        _changes(versus, "new", now, counted["new_products"], new),
        _changes(versus, "gone", before, counted["gone_products"], gone),
        _changes(versus, "price", now, categories[rows], rows, old),
    ]
    counts = {name: np.bincount(nodes, minlength=size) for name, nodes in counted.items()}
    return _changed_categories(versus, before, counts), ColumnRows.chain(changes)


def _changed_categories(versus: Versus, before: Products, counts: Mapping[str, Ints]) -> list[Row]:
    """The numbers of changes of each category that has any, the largest first.

    Args:
        versus: The comparison.
        before: Their earlier products.
        counts: int64 [nodes]: the number of changes of each node, by the name of its column.
    """
    tree = versus.tree
    totals = at_or_below(tree, before.nodes), at_or_below(tree, versus.theirs.products.nodes)
    rows: list[Row] = [
        {
            **versus.place(node),
            "products_before": int(totals[0][node]),
            "products_now": int(totals[1][node]),
            **{name: int(numbers[node]) for name, numbers in counts.items()},
        }
        for node in np.flatnonzero(sum(counts.values())).tolist()
    ]
    return sorted(rows, key=lambda row: -(row["new_products"] + row["gone_products"]))


def _changes(
    versus: Versus, kind: str, products: Products, nodes: Ints, rows: Ints,
    old: Floats | None = None,
) -> ColumnRows:  # fmt: skip
    """The columns of products that changed in one way.

    Args:
        versus: The comparison.
        kind: How they changed: ``new``, ``gone`` or ``price``.
        products: The products.
        nodes: int64 [changes]: the category of each product.
        rows: int64 [changes]: the row of each product.
        old: float64 [changes]: the earlier price; None for products of one date alone.
    """
    numbers, confidence = rows.tolist(), products.confidence[rows]
    none = np.full(len(rows), np.nan)
    price = products.prices[rows]
    before, now = (price, none) if kind == "gone" else (none if old is None else old, price)
    return ColumnRows(
        {
            **versus.places(nodes),
            "kind": [kind] * len(rows),
            "title": [products.titles[row] for row in numbers],
            "brand": [products.brands[row] or None for row in numbers],
            "price_before": before,
            "price": now,
            "difference": now / before - 1,
            "probability": confidence,
            "sure": [sureness(each) for each in confidence.tolist()],
        }
    )
