"""The page of assortments over a million products and ten thousand categories, in a browser."""

import resource
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.insight.large_report import open_page, shopify_tree
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Taxonomy
    from prodcat.insight.assortment import Retailer

PRODUCTS = 1_000_000  # of both retailers together
_BRANDS = 3_000


def open_large_assortment(options: Options) -> Row:
    """Compare two made-up retailers, write the page and its tables, and open it five times."""
    from prodcat.insight.assortment.result import Assortment

    tree = shopify_tree(options)
    rng = np.random.default_rng(0)
    began = time.perf_counter()
    products = PRODUCTS // 100 if options.quick else PRODUCTS
    retailers = tuple(_retailer(name, tree, rng, products // 2) for name in ("Ours", "Rival"))
    before = {"Rival": _retailer("Rival", tree, rng, products // 20)}
    assortment = Assortment(tree, retailers, 1_000, before=before)
    prepared = time.perf_counter() - began
    began = time.perf_counter()
    place = options.work / "large-assortment.html"
    assortment.save(str(place))
    made = time.perf_counter() - began
    began = time.perf_counter()
    assortment.save_tables(options.work / "large-assortment")
    saved = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux
    return {
        "nodes": len(tree), "rows": products, "prepared": prepared, "made": made,
        "tables_saved": saved, "memory": memory, "bytes": place.stat().st_size,
        "opened": sorted(open_page(place, 5)),
    }  # fmt: skip


def _retailer(name: str, tree: "Taxonomy", rng: np.random.Generator, products: int) -> "Retailer":
    """A retailer whose titles name the category, a brand and a size."""
    from prodcat.insight.assortment.products import Products
    from prodcat.insight.assortment.retailer import Retailer
    from prodcat.insight.prevalence.counts import Counts, at_or_below

    size = len(tree.outcomes)
    odds = rng.gamma(1.0, size=size)
    nodes = tree.outcomes[rng.choice(size, products, p=odds / odds.sum())]
    counts = at_or_below(tree, nodes)
    exact = counts.astype(np.float64)
    brands = [f"Brand {number}" for number in rng.integers(0, _BRANDS, products).tolist()]
    titles = tuple(
        f"{brand} {tree.names[node]} {number} {amount} g"
        for number, (brand, node, amount) in enumerate(
            zip(brands, nodes.tolist(), rng.integers(1, 20, products).tolist(), strict=True)
        )
    )
    return Retailer(
        name=name,
        counts=Counts(products, exact, exact * 0.97, exact * 1.03, counts, 0 * counts),
        leaves=at_or_below(tree, np.unique(nodes)),
        prices=None,
        labelled=products,
        without_price=0,
        products=Products(
            titles, nodes, rng.uniform(0.6, 1.0, products), rng.gamma(2, 3, products).round(2),
            brands, np.arange(products), "EUR",
        ),
    )  # fmt: skip
