import pytest
from hypothesis import given
from hypothesis import strategies as st

import prodcat
from prodcat import CatalogError, read_catalog
from prodcat.catalog.splits import clusters


def test_a_split_never_lets_near_duplicates_straddle(catalog):
    parts = prodcat.split(catalog, validation=0.2, test=0.2)
    assert len(parts.train) + len(parts.validation) + len(parts.test) == len(catalog)
    assert len(parts.aside) == 0
    assert parts.audit.leaked == 0 < parts.audit.would_have_leaked
    assert prodcat.leak_audit(parts.train, parts.test).leaked == 0
    assert "would have one in a plain split" in str(parts.audit)


def test_a_split_that_ignores_near_duplicates_says_how_many_leak(catalog):
    parts = prodcat.split(catalog, test=0.2, near_duplicates="ignore")
    assert parts.audit.leaked == parts.audit.would_have_leaked > 0
    held = parts.validation, parts.test
    assert sum(prodcat.leak_audit(parts.train, part).leaked for part in held) == parts.audit.leaked


def test_groups_stay_together(catalog):
    parts = prodcat.split(
        catalog, by="group", column="brand", test=0.3, near_duplicates="ignore", validation=0
    )
    assert not set(parts.train.columns["brand"]) & set(parts.test.columns["brand"])
    assert len(parts.test) > 0


def test_a_split_by_time_puts_the_latest_last_and_sets_repeats_aside(catalog):
    parts = prodcat.split(catalog, by="time", column="number", test=0.2, validation=0.2)
    assert max(parts.train.columns["number"]) < min(parts.test.columns["number"])
    assert len(parts.aside) > 0 and parts.audit.leaked == 0
    sizes = [len(part) for part in (parts.train, parts.validation, parts.test, parts.aside)]
    assert sum(sizes) == len(catalog)


def test_equal_seeds_give_equal_splits(catalog):
    first, second, other = (prodcat.split(catalog, seed=seed).test.titles for seed in (1, 1, 2))
    assert first == second != other


@given(st.integers(0, 12).flatmap(
    lambda rows: st.lists(st.lists(st.integers(0, 9), min_size=rows, max_size=rows), max_size=3)
))  # fmt: skip
def test_clusters_are_numbered_by_their_first_rows(links):
    rows = len(links[0]) if links else 5
    expected = list(range(rows))
    for _ in range(rows):
        for values in links:
            for row, value in enumerate(values):
                expected[row] = min(expected[r] for r in range(rows) if values[r] == value)
    first_rows = sorted(set(expected))
    assert clusters(rows, links).tolist() == [first_rows.index(row) for row in expected]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 0.6, "test": 0.4}, "leave no rows for training"),
        ({"by": "colour"}, "expected 'random', 'group' or 'time'"),
        ({"by": "group"}, "needs a column"),
        ({"near_duplicates": "no"}, "expected 'together' or 'ignore'"),
    ],
)
def test_a_split_that_cannot_be_is_refused(catalog, options, message):
    with pytest.raises(CatalogError, match=message):
        prodcat.split(catalog, **options)


def test_a_time_that_is_missing_is_refused():
    catalog = read_catalog([{"title": "x", "path": "A", "t": None}] * 3, keep=["t"])
    with pytest.raises(CatalogError, match="empty in some rows"):
        prodcat.split(catalog, by="time", column="t")


def test_every_part_of_a_split_gets_rows_even_from_large_groups():
    rows = [{"title": f"{'abcde'[n % 5]} {n}x", "path": "A", "g": n % 5} for n in range(100)]
    catalog = read_catalog(rows, keep=["g"])
    parts = prodcat.split(catalog, by="group", column="g", near_duplicates="ignore")
    assert [len(p) for p in (parts.train, parts.validation, parts.test)] == [60, 20, 20]
    same = read_catalog([{"title": "milk", "path": "A"}] * 9)
    with pytest.raises(CatalogError, match="leaves 1 clusters .* too few to split"):
        prodcat.split(same)
