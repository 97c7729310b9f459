"""The page stays small whatever the tables behind it hold, and says what it leaves out."""

import base64
import io
import json
import re

import numpy as np
import pyarrow.csv as pc

import prodcat
from prodcat.insight.assortment import Assortment, Products, Retailer
from prodcat.insight.assortment.page_limits import PageLimits, tree_caption
from prodcat.insight.design.page import DesignPage
from prodcat.insight.prevalence.counts import Counts, at_or_below


def rows_with(letters, count):
    return [{"title": "x" * letters, "node_id": "y" * 999, "price": 1.0} for _ in range(count)]


def test_a_long_table_is_cut_and_says_so():
    page = DesignPage("", "en")
    rows = rows_with(20, 2_500)
    caption, kept = PageLimits(1).cut(page, "Brands", rows)
    assert kept == rows[:2_000]
    assert caption == "Brands. The first 2,000 of 2,500 rows; all are in the table files"
    assert PageLimits(1).cut(page, "Brands", rows[:2_000]) == ("Brands", rows[:2_000])
    caption, kept = PageLimits(1).cut(page, "Brands", rows[:7], 30)
    assert len(kept) == 7 and "The first 7 of 30 rows" in caption


def test_long_texts_and_several_retailers_leave_room_for_fewer_rows():
    page = DesignPage("", "en")
    caption, kept = PageLimits(1).cut(page, "Changes", rows_with(1_000, 1_500))
    assert len(kept) == 400 and "The first 400 of 1,500 rows" in caption
    for comparisons in (2, 4, 100):
        limits = PageLimits(comparisons)
        assert len(limits.cut(page, "", rows_with(20, 5_000))[1]) == 2_000 // comparisons
        assert limits.changes == 1_000 // comparisons
    # One row is shown whatever its length, so that no table is empty.
    assert len(PageLimits(1).cut(page, "", rows_with(10**6, 3))[1]) == 1


def test_of_a_large_tree_the_largest_categories_stay_with_what_is_above_them():
    paths = [(f"D{top}", f"C{number}") for top in range(4) for number in range(5_000)]
    tree = prodcat.Taxonomy.from_paths(paths)
    rng = np.random.default_rng(0)
    sizes = rng.random(len(tree))
    sizes[list(tree.children())] = 0  # departments may even be counted as smaller
    nodes = list(range(len(tree)))
    for comparisons in (1, 3):
        kept = PageLimits(comparisons).largest(tree, nodes, sizes)
        most = 12_000 // comparisons
        assert kept == sorted(kept) and most <= len(kept) <= most + 4
        assert {int(tree.parent[node]) for node in kept} - {-1} <= set(kept)
        left_out = set(nodes) - set(kept)
        below = [node for node in kept if tree.parent[node] >= 0]
        assert max(sizes[list(left_out)]) <= min(sizes[below])
    assert PageLimits(1).largest(tree, nodes[:12_000], sizes) == nodes[:12_000]
    page = DesignPage("", "en")
    assert tree_caption(page, "Shares", 5, 5) == "Shares"
    assert tree_caption(page, "Shares", 5, 8).startswith("Shares. The 5 largest of 8 categories;")


def retailer(name, tree, path, titles):
    """A retailer whose products, all of one category, have no prices and no brands."""
    size = len(titles)
    nodes = np.full(size, tree.find(path))
    counts = at_or_below(tree, nodes)
    exact, none = counts.astype(float), 0 * counts
    products = Products(
        titles, nodes, np.ones(size), np.full(size, np.nan), [""] * size, np.arange(size)
    )
    figures = Counts(size, exact, exact, exact, counts, none)
    return Retailer(name, figures, none, None, size, 0, products)


def test_files_of_long_titles_leave_out_the_last_rows_and_the_page_stays_small():
    paths = [("Food", "Snacks"), ("Food", "Bread")]
    tree = prodcat.Taxonomy.from_paths(paths)
    titles = [f"{number} {'crisps ' * 300}" for number in range(3_000)]
    ours = retailer("us", tree, paths[1], ["loaf", "bun"])
    page = Assortment(tree, (ours, retailer("Rival", tree, paths[0], titles)), 10).html()
    assert len(page) < 6_000_000
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    name = re.search(r'data-file="(\w+)" data-name="products-to-list.csv"', page)[1]
    held = pc.read_csv(io.BytesIO(base64.b64decode(data["files"][name])))
    assert 500 < len(held) < 3_000
    assert held.column("rank").to_pylist() == list(range(1, len(held) + 1))
    assert f"The first {len(held):,} of 3,000 rows; the table files have all." in page
