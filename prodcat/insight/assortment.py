"""The category trees of several retailers side by side, and how far to trust each figure."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog, targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.insight.prevalence import (
    Confusion,
    Counts,
    at_or_below,
    gather,
    judged_rows,
    prevalence,
    shares,
)
from prodcat.taxonomy.tree import Taxonomy, join_path

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger("prodcat")
_FEW = 10  # labelled titles of a department
_HALF = 0.5  # of a product: what is above is there
_QUARTERS = (0.25, 0.5, 0.75)
_BANDS = ("low", "middle", "high")
_SHOWN_GAPS = 60
_COLOURS = ("#2166ac", "#b35806", "#1b7837", "#762a83", "#666666", "#c51b7d", "#8c6d00", "#00737d")


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of what was answered at or below each node.

    Attributes:
        rows: int64 [nodes]: products with a price.
        quarters: float64 [nodes, 3]: a quarter, half and three quarters of them cost at most this;
            NaN where there are none.
        bands: float64 [nodes, 3]: shares in the lower, middle and upper third of the prices that
            all retailers have in the department; NaN where there are none.
    """

    rows: NDArray[np.int64]
    quarters: NDArray[np.float64]
    bands: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Retailer:
    """One assortment.

    Attributes:
        name: Of the retailer.
        counts: Products of each node, with their intervals.
        leaves: float64 [nodes]: categories at or below the node that are there: in which at least
            half a product is expected.
        prices: Of its products, or None.
        labelled: Products whose category was known.
        without_price: Products whose price is missing or no number.
    """

    name: str
    counts: Counts
    leaves: NDArray[np.int64]
    prices: Prices | None
    labelled: int
    without_price: int


@dataclass(frozen=True, eq=False)
class Gap:
    """A category that another retailer has and the first one does not.

    Attributes:
        node: The highest node of which this is so.
        retailer: Who has it.
        count: Products that they have, as expected.
        low: At least so many, with 97.5 % probability.
        sure: Whether the first retailer's interval excludes a product of its own.
    """

    node: int
    retailer: str
    count: float
    low: float
    sure: bool


@dataclass(frozen=True, eq=False)
class Assortment(Shown):
    """Several retailers over one tree; the first is one's own.

    Attributes:
        taxonomy: The tree.
        retailers: In the order in which they were given.
        judged: Labelled titles that the classifier's mistakes were measured on.
    """

    taxonomy: Taxonomy
    retailers: tuple[Retailer, ...]
    judged: int

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What others have and the first one does not, the most products first."""
        own = self.retailers[0].counts
        tree = self.taxonomy
        found = []
        for other in self.retailers[1:]:
            there = _lacking(own, other.counts)
            for node in np.flatnonzero(there).tolist():
                above = int(tree.parent[node])
                if above < 0 or not there[above]:
                    found.append(
                        Gap(
                            node,
                            other.name,
                            float(other.counts.count[node]),
                            float(other.counts.low[node]),
                            bool(own.high[node] < _HALF),
                        )
                    )
        return tuple(sorted(found, key=lambda gap: (-gap.count, gap.node)))

    def table(self) -> "pa.Table":
        """One row for each retailer and node, for BI tools.

        Returns:
            The columns retailer, node_id, parent_id, path, level, products, count, count_low,
            count_high, share, share_low, share_high, naive_count, naive_share, categories, gap
            (whether the first retailer lacks it), and where there are prices price_rows,
            price_25, price_50, price_75, price_low_share, price_middle_share, price_high_share.
        """
        import pyarrow as pa

        tree = self.taxonomy
        size = len(tree)
        base = {
            "node_id": list(tree.ids),
            "parent_id": [tree.ids[own] if own >= 0 else None for own in tree.parent.tolist()],
            "path": [join_path(own) for own in tree.paths],
            "level": tree.level.tolist(),
        }
        first = self.retailers[0].counts
        priced = any(own.prices is not None for own in self.retailers)
        parts = []
        for own in self.retailers:
            counts, share = own.counts, shares(own.counts)
            columns: dict[str, Any] = {
                "retailer": [own.name] * size,
                **base,
                "products": [counts.rows] * size,
                "count": counts.count,
                "count_low": counts.low,
                "count_high": counts.high,
                "share": share["count"],
                "share_low": share["low"],
                "share_high": share["high"],
                "naive_count": counts.naive,
                "naive_share": share["naive"],
                "categories": own.leaves,
                "gap": _lacking(first, counts),
            }
            if priced:
                columns |= _price_columns(own.prices, size)
            parts.append(pa.table(columns))
        return pa.concat_tables(parts)

    def html(self) -> str:
        """One HTML file with everything in it."""
        return _page(self)

    def __str__(self) -> str:
        """Departments and gaps, for people."""
        tree = self.taxonomy
        names = [own.name for own in self.retailers]
        lines = [
            "; ".join(f"{own.name}: {own.counts.rows:,} products" for own in self.retailers),
            "  ".join(["share of each department, with its interval of 95 %", *names]),
        ]
        for node in tree.children():
            cells = []
            for own in self.retailers:
                share = shares(own.counts)
                low, high = share["low"][node], share["high"][node]
                cells.append(f"{share['count'][node]:.1%} ({low:.1%} – {high:.1%})")
            lines.append(f"  {tree.paths[node][0]}: {'  '.join(cells)}")
        lines.append(f"{len(self.gaps):,} categories that {names[0]} lacks and others have")
        lines += [
            f"  {join_path(tree.paths[gap.node])}: {gap.retailer} has about {gap.count:.0f}"
            for gap in self.gaps[:10]
        ]
        return "\n".join(lines)


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
        classifier: What answers.
        labelled: Labelled titles that it was not trained on, such as the test rows: how it
            confuses departments is measured on them.  A thousand are enough for departments.
        price: A column of the catalogs that was kept; rows without one are left out of the prices.
        precision: Of the classifier's encoder.
        seed: Of the draws that intervals are made of.

    Returns:
        Counts and shares of every node with intervals of 95 %, gaps, and prices.

    Raises:
        CatalogError: No row is labelled to judge by, a category is not in the classifier's tree,
            or a catalog lacks the price.
        ConfigError: There is no retailer, or one without products.
    """
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
    tree = classifier.taxonomy
    judged = judged_rows(classifier, labelled)
    evidence = gather(classifier, judged, precision=precision, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(judged, classifier.taxonomy))
    few = _few(tree, confusion)
    if few:
        logger.warning(
            "%s departments have fewer than %s labelled titles, such as %s: there the classifier's "
            "own probabilities are believed. Label more of them.",
            len(few),
            _FEW,
            ", ".join(few[:5]),
        )
    found, priced = [], []
    for name, catalog in retailers.items():
        known = catalog.labelled if catalog.taxonomy is not None else np.zeros(len(catalog), bool)
        targets = np.full(len(catalog), -1, np.int64)
        if known.any():
            targets[known] = targets_in(catalog.take(known), tree)
        own = gather(classifier, catalog.take(~known), precision=precision)
        counts = prevalence(tree, own, confusion, targets[known], seed=seed)
        targets[~known] = own.answers
        values = None if price is None else _numbers(name, price, catalog.columns[price])
        priced.append((targets, values))
        found.append((name, counts, int(known.sum())))
    edges = _band_edges(tree, priced)
    return Assortment(
        tree,
        tuple(
            Retailer(
                name,
                counts,
                _leaves(tree, counts),
                None if values is None else _prices(tree, targets, values, edges),
                known,
                0 if values is None else int(np.isnan(values).sum()),
            )
            for (name, counts, known), (targets, values) in zip(found, priced, strict=True)
        ),
        len(judged),
    )


def _lacking(own: Counts, other: Counts) -> NDArray[np.bool_]:
    """Bool [nodes]: what another has for sure and one's own is expected not to have."""
    # Where labels stop above a node nobody knows what is there.
    found: NDArray[np.bool_] = (other.low > _HALF) & (own.count < _HALF) & (own.open == 0)
    return found


def _few(tree: Taxonomy, confusion: Confusion) -> list[str]:
    tops = tree.children()
    return [tree.paths[top][0] for top, n in zip(tops, confusion.labelled, strict=True) if n < _FEW]


def _leaves(tree: Taxonomy, counts: Counts) -> NDArray[np.int64]:
    # Of a terminal inner node, what ends there and not below it.
    own = counts.count.copy()
    below = np.flatnonzero(tree.parent >= 0)
    np.subtract.at(own, tree.parent[below], counts.count[below])
    there = tree.outcomes[own[tree.outcomes] >= _HALF]
    return at_or_below(tree, there)


# -- prices -----------------------------------------------------------------------


def _numbers(name: str, column: str, values: Sequence[Any]) -> NDArray[np.float64]:
    found = np.array([_number(value) for value in values], np.float64)
    wrong = np.flatnonzero(np.isnan(found)).tolist()
    if len(wrong) == len(found):
        raise CatalogError(
            f"{name!r} has no usable price: {column} is, for example, {values[0]!r}; expected "
            "numbers of at least 0, such as 12.90."
        )
    if wrong:
        logger.warning(
            "%s: %s of %s products have no usable price (%s is, for example, %r); they are left "
            "out of the prices.",
            name,
            f"{len(wrong):,}",
            f"{len(found):,}",
            column,
            values[wrong[0]],
        )
    return found


def _number(value: object) -> float:
    if isinstance(value, bool):
        return math.nan
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
    return found if math.isfinite(found) and found >= 0 else math.nan


def _band_edges(
    tree: Taxonomy, priced: Sequence[tuple[NDArray[np.int64], NDArray[np.float64] | None]]
) -> NDArray[np.float64]:
    """float64 [nodes, 2]: thirds of the prices of the node's department."""
    edges = np.full((len(tree), 2), np.nan)
    some = [(targets, values) for targets, values in priced if values is not None]
    if some:
        targets = np.concatenate([own for own, _ in some])
        values = np.concatenate([own for _, own in some])
        department = tree.chains[targets, 0]
        for node in tree.children():
            mine = values[(department == node) & ~np.isnan(values)]
            if len(mine):
                edges[node] = np.quantile(mine, (1 / 3, 2 / 3))
    found: NDArray[np.float64] = edges[tree.chains[:, 0]]
    return found


def _prices(
    tree: Taxonomy,
    targets: NDArray[np.int64],
    values: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> Prices:
    rows = np.zeros(len(tree), np.int64)
    quarters, bands = np.full((len(tree), 3), np.nan), np.full((len(tree), 3), np.nan)
    kept = ~np.isnan(values)
    chains, values = tree.chains[targets[kept]], values[kept]
    for level in range(tree.depth):
        at = chains[:, level]
        order = np.lexsort((values, at))
        order = order[at[order] >= 0]
        if not len(order):
            continue
        nodes, starts = np.unique(at[order], return_index=True)
        for node, own in zip(nodes.tolist(), np.split(order, starts[1:]), strict=True):
            mine = values[own]
            rows[node] = len(mine)
            quarters[node] = np.quantile(mine, _QUARTERS)
            band = np.searchsorted(edges[node], mine, "left")
            bands[node] = np.bincount(band, minlength=3) / len(mine)
    return Prices(rows, quarters, bands)


def _price_columns(prices: Prices | None, size: int) -> dict[str, Any]:
    if prices is None:
        prices = Prices(
            np.zeros(size, np.int64), np.full((size, 3), np.nan), np.full((size, 3), np.nan)
        )
    import pyarrow as pa

    def column(values: NDArray[np.float64]) -> Any:
        return pa.array(values, from_pandas=True)  # NaN is nothing

    found = {"price_rows": prices.rows}
    for place, quarter in enumerate(_QUARTERS):
        found[f"price_{100 * quarter:.0f}"] = column(prices.quarters[:, place])
    for place, band in enumerate(_BANDS):
        found[f"price_{band}_share"] = column(prices.bands[:, place])
    return found


# -- the page ---------------------------------------------------------------------


def _page(own: Assortment) -> str:
    tree = own.taxonomy
    first = own.retailers[0]
    names = ", ".join(one.name for one in own.retailers)
    page = Page(
        f"Assortments: {names}",
        "Shares are corrected by how the classifier confuses departments; intervals hold the true "
        f"figure with 95 % probability. Its mistakes were measured on {own.judged:,} labelled "
        "titles.",
    )
    page.section("Retailers")
    page.table(
        [("retailer", "text"), ("products", "count"), ("of these with a known category", "count"),
         ("categories", "count"), ("products in each", "price"), ("without a price", "count")],
        [
            (one.name, one.counts.rows, one.labelled, leaves,
             one.counts.rows / leaves if leaves else None,
             one.without_price if one.prices is not None else None)
            for one in own.retailers
            for leaves in [int(one.leaves[list(tree.children())].sum())]
        ],
        "What was compared",
    )  # fmt: skip
    page.section("Departments", "Share of all products of the retailer, with its interval of 95 %.")
    page.add(page.figure("Shares of departments; the table below says the same",
                         *_bars(own), tall=True))  # fmt: skip
    if len(own.retailers) > 1:
        _gaps(page, own)
    _whole_tree(page, own)
    if any(one.prices is not None for one in own.retailers):
        _price_tree(page, own)
    page.section(
        "How to read this",
        "A count by answers alone (by answers) is biased where categories are confused; it is "
        "shown beside. Below departments the classifier's own probabilities are counted, and the "
        "intervals have the error that was measured for each level. Products in each is the depth "
        f"of range. A gap is what another retailer has for sure and {first.name} is expected not "
        "to have.",
    )
    return page.html()


def _bars(own: Assortment) -> tuple[Any, Any]:
    tree = own.taxonomy
    nodes = np.array(tree.children(), np.int64)
    nodes = nodes[np.argsort(-own.retailers[0].counts.count[nodes], kind="stable")]
    names = [tree.paths[node][0] for node in nodes]
    traces = []
    for place, one in enumerate(own.retailers):
        share = {name: values[nodes] for name, values in shares(one.counts).items()}
        traces.append(
            {
                "type": "bar", "name": one.name, "orientation": "h", "y": names,
                "x": share["count"].round(6).tolist(),
                "marker": {"color": _COLOURS[place % len(_COLOURS)]},
                "error_x": {
                    "type": "data", "symmetric": False, "color": "#8a8a84",
                    "array": np.maximum(share["high"] - share["count"], 0).round(6).tolist(),
                    "arrayminus": np.maximum(share["count"] - share["low"], 0).round(6).tolist(),
                },
            }
        )  # fmt: skip
    layout = {
        "barmode": "group", "xaxis": {"tickformat": ".0%", "rangemode": "tozero"},
        "yaxis": {"autorange": "reversed", "automargin": True},
    }  # fmt: skip
    return traces, layout


def _gaps(page: Page, own: Assortment) -> None:
    tree, gaps = own.taxonomy, own.gaps
    said = "" if len(gaps) <= _SHOWN_GAPS else f" The largest {_SHOWN_GAPS} of {len(gaps):,}."
    page.section(
        "Gaps",
        f"What others have and {own.retailers[0].name} does not, the highest category of each."
        f"{said}",
    )
    page.table(
        [("category", "text"), ("retailer", "text"), ("products", "count"), ("at least", "count"),
         ("for sure", "text")],
        [
            (join_path(tree.paths[gap.node]), gap.retailer, round(gap.count), math.ceil(gap.low),
             "yes" if gap.sure else "probably")
            for gap in gaps[:_SHOWN_GAPS]
        ],
        "Categories that are missing",
    )  # fmt: skip


def _whole_tree(page: Page, own: Assortment) -> None:
    tree = own.taxonomy
    columns: list[dict[str, Any]] = []
    values: list[list[Any]] = []
    only: dict[str, int] = {}
    first = own.retailers[0].counts
    for one in own.retailers:
        counts, share = one.counts, shares(one.counts)
        for label, kind in (
            ("share", "share"), ("95 % interval", "interval"), ("products", "count"),
            ("by answers", "count"), ("categories", "count"),
        ):  # fmt: skip
            columns.append({"label": f"{one.name}: {label}", "kind": kind})
        values.append(share["count"].round(6).tolist())
        values.append(list(zip(share["low"].round(5).tolist(), share["high"].round(5).tolist(),
                               strict=True)))  # fmt: skip
        values.append(np.rint(counts.count).astype(int).tolist())
        values.append(counts.naive.tolist())
        values.append(one.leaves.tolist())
    for one in own.retailers[1:]:
        columns.append({"label": f"lacking, {one.name} has", "kind": "count"})
        lacking = _lacking(first, one.counts)
        values.append(np.where(lacking, np.rint(one.counts.count), 0).astype(int).tolist())
        only[f"gaps against {one.name}"] = len(columns) - 1
    used = np.zeros(len(tree), bool)
    for one in own.retailers:
        used |= (one.counts.count >= 0.05) | (one.counts.naive > 0)
    page.section("The whole tree", "Open a category to see what is below it, or filter by name.")
    page.tree(
        "Categories with each retailer's products",
        tree,
        columns,
        list(zip(*values, strict=True)),
        kept=np.flatnonzero(used).tolist(),
        only=only or None,
    )


def _price_tree(page: Page, own: Assortment) -> None:
    tree = own.taxonomy
    columns: list[dict[str, Any]] = []
    values: list[list[Any]] = []
    used = np.zeros(len(tree), bool)
    for one in own.retailers:
        if one.prices is None:
            continue
        used |= one.prices.rows > 0
        parts = [
            ("a quarter up to", "price", one.prices.quarters[:, 0]),
            ("median", "price", one.prices.quarters[:, 1]),
            ("three quarters up to", "price", one.prices.quarters[:, 2]),
            *(
                (f"{band} band", "share", one.prices.bands[:, place])
                for place, band in enumerate(_BANDS)
            ),
        ]
        for label, kind, column in parts:
            columns.append({"label": f"{one.name}: {label}", "kind": kind})
            values.append([None if math.isnan(own) else round(own, 4) for own in column.tolist()])
    page.section(
        "Prices",
        "Of products that were answered with a category. Bands are the thirds of all retailers' "
        "prices in the department.",
    )
    page.tree(
        "Categories with prices",
        tree,
        columns,
        list(zip(*values, strict=True)),
        kept=np.flatnonzero(used).tolist(),
    )
