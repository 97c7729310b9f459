"""What changed between two sets of titles, and that nothing alarms where nothing did."""

import dataclasses
import json

import numpy as np
import pytest
from browsing import browser_test, opened, sideways, violations
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import prodcat
from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.drift import NodeDrift, compare_trees, find_drift
from prodcat.insight.drift.evidence import evidence_of
from prodcat.insight.drift.permutation import PooledTitles, corrected_p
from prodcat.insight.drift.sentences import verdict
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import shown


@pytest.fixture(scope="module")
def world():
    """A classifier, and many titles that it was not trained on."""
    rows = generate(4_000, "tr", seed=3, wrong_labels=0.0)
    catalog = prodcat.read_catalog([{"title": row.title, "path": list(row.path)} for row in rows])
    classifier = prodcat.fit(
        catalog.take(np.arange(700)), model=prodcat.ModelConfig(encoder=None), progress=False
    )
    inside = set(classifier.taxonomy.ids)
    there = np.array([catalog.tree.ids[own] in inside for own in catalog.targets])
    return classifier, catalog.take(np.flatnonzero(there & (np.arange(4_000) >= 700)))


def plain(catalog, titles=None):
    return dataclasses.replace(
        catalog,
        taxonomy=None,
        targets=np.full(len(catalog), -1),
        titles=catalog.titles if titles is None else tuple(titles),
    )


def halves(catalog, seed, size=1_200):
    order = np.random.default_rng(seed).permutation(len(catalog))[:size]
    return catalog.take(order[: size // 2]), catalog.take(order[size // 2 :])


def largest_department(catalog):
    """Its name, and the department of each title."""
    department = np.array([path[0] for path in catalog.paths])
    names, counts = np.unique(department, return_counts=True)
    return names[np.argmax(counts)], department


def with_a_larger_department(catalog):
    """300 titles with a greater share of the largest department, and its name."""
    grown, department = largest_department(catalog)
    weight = np.where(department == grown, 3.0, 1.0)
    chosen = np.random.default_rng(1).choice(
        len(catalog), 300, replace=False, p=weight / weight.sum()
    )
    return catalog.take(chosen), grown


def test_nothing_alarms_where_nothing_changed(world):
    classifier, catalog = world
    smallest = []  # p of shares and of titles
    for seed in range(12):
        before, after = halves(catalog, seed, 600)
        found = find_drift(plain(before), plain(after), classifier, level=0.2, seed=seed)
        p = {
            "shares": found.p_shares.min(),
            "titles": min(found.p_titles.min(), found.p_all_titles),
        }
        # What alarms is what is at most half the level, for shares and for titles, and no more.
        expected = {kind for kind, value in p.items() if value <= 0.1}
        assert {alarm.kind for alarm in found.alarms} == expected
        assert set(found.kinds) == {alarm.kind for alarm in found.alarms if not alarm.doubtful}
        assert ("nothing more than chance explains" in str(found)) == (not found.kinds)
        smallest.append(list(p.values()))
    smallest = np.array(smallest)
    assert (smallest.min(axis=1) <= 0.025).sum() <= 3  # of 12 at 5 %: more in 1 of 500 runs
    assert (smallest.min(axis=1) <= 0.1).sum() <= 6  # of 12 at 20 %: more in 1 of 250 runs
    # Nor is p so large that nothing could ever alarm: by chance it is anywhere from 0 to 1.
    assert (smallest.mean(axis=0) < 0.75).all() and (smallest.min(axis=0) < 0.25).all()


def test_other_shares_are_told_with_their_category(world):
    classifier, catalog = world
    before, after = halves(catalog, 0)
    some, grown = with_a_larger_department(after)
    found = find_drift(plain(before), plain(some), classifier)
    assert found.kinds == ("shares",)
    node = classifier.taxonomy.find((grown,))
    [alarm] = [own for own in found.alarms if own.node == node]
    assert alarm.kind == "shares" and alarm.after > alarm.before and alarm.p <= 0.025
    assert not alarm.doubtful and grown in str(found)
    assert found.p_all_titles > 0.025


def test_other_words_are_told_with_their_category(world):
    classifier, catalog = world
    before, after = halves(catalog, 2)
    changed, department = largest_department(after)
    titles = [
        f"{title} kampanya fırsat" if own == changed else title
        for title, own in zip(after.titles, department, strict=True)
    ]
    found = find_drift(plain(before), plain(after, titles), classifier)
    assert "titles" in found.kinds
    node = classifier.taxonomy.find((changed,))
    assert found.p_titles[node] <= 0.025
    others = [top for top in classifier.taxonomy.children() if top != node]
    assert (found.p_titles[others] > 0.025).mean() > 0.7
    assert not any(own.doubtful for own in found.alarms if own.kind == "titles")


def test_other_shares_are_doubtful_where_the_words_changed_too(world):
    classifier, catalog = world
    before, after = halves(catalog, 0)
    some, grown = with_a_larger_department(after)
    titles = [
        f"{title} kampanya fırsat" if path[0] == grown else title
        for title, path in zip(some.titles, some.paths, strict=True)
    ]
    found = find_drift(plain(before), plain(some, titles), classifier)
    node = classifier.taxonomy.find((grown,))
    [alarm] = [own for own in found.alarms if own.node == node and own.kind == "shares"]
    assert alarm.doubtful and found.p_titles[node] <= 0.025
    # What may be an error of the classifier is not told as a change.
    assert found.kinds == ("titles",) and "(the titles changed too)" in str(found)
    assert "which is doubtful as the words changed too" in found.html()
    [row] = [row for row in found.table().to_pylist() if row["path"] == grown]
    assert row["alarm"] == "shares,titles" and row["doubtful"]
    # Labels are no errors of the classifier.
    labelled = dataclasses.replace(some, titles=tuple(titles))
    found = find_drift(before, labelled, classifier)
    [alarm] = [own for own in found.alarms if own.node == node and own.kind == "shares"]
    assert not alarm.doubtful and set(found.kinds) == {"titles", "shares"}


def test_shares_of_labels_are_exact(world):
    classifier, catalog = world
    before, after = halves(catalog, 4)
    found = find_drift(before, after, classifier)
    tops = list(classifier.taxonomy.children())
    assert found.shares[tops].sum(axis=0) == pytest.approx([1, 1])
    for top in tops[:5]:
        name = classifier.taxonomy.names[top]
        wanted = [np.mean([path[0] == name for path in own.paths]) for own in (before, after)]
        assert found.shares[top].tolist() == pytest.approx(wanted)
    assert found.changes == () and found.by_labels and "by labels" in str(found)
    table = found.table().to_pylist()
    assert table[0]["node_id"] == "" and table[0]["p_titles"] == found.p_all_titles
    assert len(table) == len(classifier.taxonomy) + 1


def test_titles_that_are_listed_often_are_one(world):
    classifier, catalog = world
    some = catalog.take(np.arange(200))
    # One product 150 times on one side is one product that is listed often.
    often = plain(some.take(np.concatenate([np.arange(100), np.zeros(150, np.int64)])))
    found = find_drift(plain(some.take(np.arange(100, 200))), often, classifier)
    assert "titles" not in found.kinds
    assert found.p_shares.min() > 0.025


def test_trees_are_compared_by_ids():
    rows = [
        {"id": "a", "parent": None, "name": "Food"},
        {"id": "b", "parent": "a", "name": "Milk"},
        {"id": "c", "parent": "a", "name": "Bread"},
        {"id": "d", "parent": None, "name": "Home"},
        {"id": "e", "parent": "d", "name": "Soap"},
    ]
    old = prodcat.Taxonomy.from_table(rows)
    new = prodcat.Taxonomy.from_table(
        [
            {"id": "a", "parent": None, "name": "Food"},
            {"id": "b", "parent": "a", "name": "Fresh milk"},
            {"id": "c", "parent": "d", "name": "Bread"},
            {"id": "d", "parent": None, "name": "Home"},
            {"id": "f", "parent": "d", "name": "Towels"},
        ]
    )
    found = {own.node_id: own for own in compare_trees(old, new)}
    assert {name: own.kind for name, own in found.items()} == {
        "b": "renamed", "c": "moved", "e": "gone", "f": "new",
    }  # fmt: skip
    assert found["c"].before == ("Food", "Bread") and found["c"].after == ("Home", "Bread")
    assert compare_trees(old, old) == ()


def test_changes_of_the_tree_are_told_beside_all_others(world):
    classifier, catalog = world
    before, after = halves(catalog, 0, 60)
    table = [dict(row) for row in catalog.tree.to_table()]
    table[-1]["name"] += " (new)"
    new = prodcat.Taxonomy.from_table(table)
    found = find_drift(plain(before), plain(after), classifier, trees=(catalog.tree, new))
    [change] = found.changes
    assert change.kind == "renamed" and change.after[-1] == table[-1]["name"]
    assert found.kinds[0] == "tree"
    assert "tree: 0 new, 0 gone, 0 moved, 1 renamed" in str(found)
    assert table[-1]["name"] in found.html()


@given(
    arrays(np.float64, (20, 7), elements=st.integers(0, 5).map(float)),
    arrays(np.int64, 7, elements=st.integers(0, 2)),
)
def test_corrected_p_are_valid_whatever_is_tested(statistics, levels):
    """Where all deals are alike, one in ten has a p of at most a tenth somewhere, at most."""
    smallest = []
    for deal in range(len(statistics)):
        order = np.append(deal, np.delete(np.arange(len(statistics)), deal))
        p = corrected_p(statistics[order], levels)
        assert (p >= 1 / len(statistics)).all() and (p <= 1).all()
        assert (p[statistics[deal] == 0] == 1).all()
        smallest.append(p.min())
    for level in np.arange(1, len(statistics) + 1) / len(statistics):
        assert (np.array(smallest) <= level).sum() <= level * len(statistics) + 1e-9


def test_the_largest_statistic_of_all_has_the_smallest_p():
    rng = np.random.default_rng(0)
    statistics = rng.random((200, 6))
    statistics[0, 4] = 2.0
    p = corrected_p(statistics, np.array([1, 1, 2, 2, 2, 2]))
    assert p.argmin() == 4 and p[4] <= 2 / 200


def test_accuracy_is_estimated_without_labels(world):
    classifier, catalog = world
    order = np.random.default_rng(5).permutation(len(catalog))
    labelled, before, after = (
        catalog.take(order[start : start + 900]) for start in (0, 900, 1_800)
    )
    # Harder titles: those of the categories that are answered worst.
    wrong = ~classifier.evaluate(after).correct
    weight = np.where(wrong, 4.0, 1.0)
    hard = after.take(
        np.random.default_rng(6).choice(len(after), 500, replace=False, p=weight / weight.sum())
    )
    found = find_drift(plain(before), plain(hard), classifier, labelled=labelled)
    own = found.accuracy
    assert own.low < own.value < own.high and own.high - own.low < 0.15
    assert own.value < own.before
    true = classifier.evaluate(before).path_accuracy
    assert abs(own.before - true) < 0.05
    assert shown("share", own.value) in str(found)


def test_what_cannot_be_compared_is_refused(world):
    classifier, catalog = world
    before, after = halves(catalog, 0, 60)
    for level in (5, 0.001):
        with pytest.raises(ConfigError, match="not a rate of false alarms"):
            find_drift(before, after, classifier, level=level)
    with pytest.raises(CatalogError, match="no titles in after"):
        find_drift(before, after.take(np.zeros(0, np.int64)), classifier)
    with pytest.raises(CatalogError, match="no labelled row"):
        find_drift(before, after, classifier, labelled=plain(after))


@pytest.mark.system
@browser_test
def test_the_page_shows_alarms(world, tmp_path, browser, capsys):
    classifier, catalog = world
    classifier.save(str(tmp_path / "model"))
    before, after = halves(catalog, 7)
    files = []
    for name, own, end in (("before", before, ""), ("after", after, " promosyon")):
        place = tmp_path / f"{name}.jsonl"
        place.write_text("".join(json.dumps({"title": t + end}) + "\n" for t in own.titles))
        files.append(str(place))
    command = ["drift", *files, "--model", str(tmp_path / "model"), "--device", "cpu"]
    command += ["--output", str(tmp_path / "out.html"), "--output", str(tmp_path / "out.parquet")]
    assert main(command) == 0
    assert "changed: titles" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*command, "--fail", "--overwrite"])
    assert ended.value.code == 1
    with opened(browser, tmp_path / "out.html") as page:
        assert "“promosyon”" in page.locator(".verdict").inner_text()
        card = page.locator(".card").last  # of all titles
        assert card.locator("h3").inner_text() == "all titles"
        assert "promosyon: in 0 of" in card.inner_text()
        assert not violations(page)


# -- words and products by name ---------------------------------------------------


def alarms_of(*nodes):
    return [NodeDrift(node, "titles", 0.01, 0.5, 0.5) for node in nodes]


@pytest.fixture
def renamed():
    """A tree with two departments, and titles of which some are new, gone, reworded or moved."""
    tree = prodcat.Taxonomy.from_paths([("food", "milk"), ("food", "bread"), ("home", "soap")])
    milk, bread, soap = (
        tree.find(path) for path in (("food", "milk"), ("food", "bread"), ("home", "soap"))
    )
    before = {
        "alpina whole milk": milk, "borsa oat drink": milk, "kept milk": milk,
        "moved rusk": milk, "rye loaf": bread, "lava soap": soap,
    }  # fmt: skip
    after = {
        "alpina whole milk offer": milk, "kept milk": milk, "moved rusk": bread,
        "quinoa crackers": bread, "rye loaf": bread, "lava soap": soap,
    }  # fmt: skip
    nodes = tuple(np.array(list(each.values()), np.int64) for each in (before, after))
    pool = PooledTitles.of(list(before), list(after), nodes)
    return tree, pool, (*before, *after)


def test_products_are_new_gone_reworded_or_relabelled(renamed):
    tree, pool, titles = renamed
    food, soap = tree.find(("food",)), tree.find(("home", "soap"))
    of_food, of_soap = evidence_of(tree, pool, titles, alarms_of(food, soap))
    changes = {(own.kind, own.title_before, own.title_after) for own in of_food.products}
    assert changes == {
        ("reworded", "alpina whole milk", "alpina whole milk offer"),
        ("relabelled", "moved rusk", "moved rusk"),
        ("new", "", "quinoa crackers"),
        ("gone", "borsa oat drink", ""),
    }
    assert of_food.counts == {"new": 1, "gone": 1, "reworded": 1, "relabelled": 1}
    assert of_food.titles == (5, 5) and of_soap.titles == (1, 1)
    assert of_soap.products == () and of_soap.words == ()
    [moved] = [own for own in of_food.products if own.kind == "relabelled"]
    assert moved.path_before == ("food", "milk") and moved.path_after == ("food", "bread")
    assert evidence_of(tree, pool, titles, []) == ()


def test_words_are_compared_within_categories_and_not_between_them():
    tree = prodcat.Taxonomy.from_paths([("a", "milk"), ("a", "soap")])
    milk, soap = tree.find(("a", "milk")), tree.find(("a", "soap"))
    # There is more soap afterwards, which is a change of shares and not of words.
    before = [f"milk {letter}x" for letter in "abcdefghijklmnop"] + ["soap xa", "soap xb"]
    after = [f"milk {letter}y offer" for letter in "abcdefghijklmnop"]
    after += [f"soap {letter}z" for letter in "abcdefghijklmnop"]
    nodes = tuple(
        np.array([milk if own.startswith("milk") else soap for own in each])
        for each in (before, after)
    )
    pool = PooledTitles.of(before, after, nodes)
    [evidence] = evidence_of(tree, pool, (*before, *after), alarms_of(-1))
    words = {own.word: own for own in evidence.words}
    assert set(words) == {"offer"}
    assert (words["offer"].before, words["offer"].after) == (0, 16)
    assert evidence.titles == (18, 32)


def test_titles_without_a_word_have_no_words_to_name():
    tree = prodcat.Taxonomy.from_paths([("a",)])
    pool = PooledTitles.of(["1", "22"], ["3"], (np.zeros(2, np.int64), np.zeros(1, np.int64)))
    [evidence] = evidence_of(tree, pool, ("1", "22", "3"), alarms_of(0))
    assert evidence.words == () and evidence.counts["new"] == 1 and evidence.counts["gone"] == 2


@pytest.fixture(scope="module")
def grown(world):
    """A department that grew, by labels."""
    classifier, catalog = world
    before, after = halves(catalog, 0)
    larger, name = with_a_larger_department(after)
    return find_drift(before, larger, classifier), name


def test_the_verdict_names_what_grew(grown, world):
    drift, name = grown
    tables = drift.tables()
    assert f"{name}" in verdict(drift, PageLanguage()) and "grew" in verdict(drift, PageLanguage())
    [alarm] = [row for row in tables["alarms"].to_pylist() if row["category"] == name]
    page = drift.html()
    before, after = shown("share", alarm["share_before"]), shown("share", alarm["share_after"])
    assert f"{name} grew from {before} to {after} (" in page
    assert alarm["titles_after"] == round(alarm["share_after"] * drift.rows[1])
    assert alarm["changed"] == "shares" and alarm["new"] > 0
    named = [row for row in tables["products"].to_pylist() if row["category"] == name]
    assert any(row["change"] == "new" and row["title_after"] in page for row in named)
    same = find_drift(*halves(world[1], 3, 60), world[0])
    assert verdict(same, PageLanguage()) == "Nothing changed more than chance explains."
    assert same.tables()["words"].num_rows == 0


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("width", [1_440, 1_024, 390])
def test_the_page_fits_every_screen_and_has_the_figures_of_the_tables(
    browser, grown, tmp_path, width
):
    drift, _ = grown
    drift.save(tmp_path / "drift.html")
    alarms = drift.tables()["alarms"].to_pylist()
    with opened(browser, tmp_path / "drift.html", viewport={"width": width, "height": 800}) as page:
        assert sideways(page) == []
        assert not violations(page)
        rows = page.locator(".scroll[aria-label^='Alarms'] tbody tr").all()
        assert len(rows) == len(alarms)
        for row, alarm in zip(rows, alarms, strict=True):
            cells = row.locator("td").all_inner_texts()
            assert cells[0] == alarm["category"]
            assert cells[2:4] == [
                shown("share", alarm["share_before"]), shown("share", alarm["share_after"]),
            ]  # fmt: skip
            assert cells[4:9] == [
                shown("count", alarm[name])
                for name in ("titles_before", "titles_after", "new", "gone", "reworded")
            ]
            assert cells[9] == shown("share", alarm["p"])
        assert "0.0" not in [text[:3] for text in page.locator(".card p").all_inner_texts()]
