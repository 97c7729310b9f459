"""Classifiers that go on with the next version of their tree, without training."""

import json
import shutil

import hostile
import numpy as np
import pytest

import prodcat
from prodcat import CatalogError, ConfigError, Taxonomy, TaxonomyError, TreeChanges
from prodcat.classifier.migration.report import MigrationReport
from prodcat.model.outcome_map import NO_PROBABILITY
from prodcat.testing import tiny_classifier

PATHS = [
    "Food > Fruit > Apples", "Food > Fruit > Bananas", "Food > Dairy > Milk", "Food > Dairy > Kefir",
    "Home > Knives & Forks", "Home > Soap", "Toys > Dolls", "Toys > Cars",
]  # fmt: skip
TITLES = [
    "Velmora Fruit Apples 100 g", "Fresh Bananas", "Daily Dairy Milk 500 g", "Kefir", "knives", "x",
    "Home Soap", "Toys Dolls", "fast Cars 3", "Nordika Knives & Forks 400 g", "forks and spoons",
]  # fmt: skip


@pytest.fixture(scope="module")
def tiny():
    return tiny_classifier(PATHS)


def changed(tree, edit, remove=(), add=()):
    """The tree with other names and parents, by the ids of nodes, and without some nodes."""
    rows = [dict(row) for row in tree.to_table() if row["id"] not in remove]
    for row in rows:
        row.update(edit.get(row["id"], {}))
    return Taxonomy.from_table([*rows, *add])


def table(old, new, targets=None):
    """The checked table: equal ids are the same category, but for those that are given."""
    place = {key: node for node, key in enumerate(new.ids)}
    given = targets or {}
    names = {key: given.get(key, [key] if key in place else []) for key in old.ids}
    rows = [
        {
            "kind": "split" if len(keys) > 1 else "same" if keys else "dropped",
            "old_id": old_id, "new_id": key,
        }
        for old_id, keys in names.items()
        for key in keys or [""]
    ]  # fmt: skip
    return rows


@pytest.fixture
def read(tmp_path):
    def read(old, new, targets=None):
        file = tmp_path / "changes.json"
        file.write_text(json.dumps(table(old, new, targets)))
        return TreeChanges.read(file, old, new)

    return read


def column(classifier, key):
    return classifier.taxonomy.outcomes.tolist().index(classifier.taxonomy.node(key))


def assert_same(before, after, titles=TITLES, **options):
    """Outcomes with equal ids have equal probabilities, to the bit."""
    first, second = (each.predict_proba(titles, **options) for each in (before, after))
    for node in before.taxonomy.outcomes.tolist():
        key = before.taxonomy.ids[node]
        assert np.array_equal(first[:, column(before, key)], second[:, column(after, key)]), key


RENAMED = {"Food > Fruit": {"name": "Früchte"}, "Toys > Dolls": {"name": "Puppen"}}
MOVED = {
    "Food > Dairy > Kefir": {"parent": "Food"}, "Toys > Cars": {"parent": "Home", "name": "Autos"},
}  # fmt: skip


def saved(classifier, tmp_path):
    classifier.save(str(tmp_path / "saved"))
    return prodcat.load(str(tmp_path / "saved"), device="cpu")


@pytest.mark.parametrize("edit", [RENAMED, MOVED, {**RENAMED, **MOVED}])
def test_renamed_and_moved_categories_have_the_same_probabilities_to_the_bit(
    tiny, read, tmp_path, edit
):
    new = changed(tiny.taxonomy, edit)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new))
    assert migrated.taxonomy is new and len(migrated.outcomes) == len(tiny.outcomes)
    loaded = saved(migrated, tmp_path)
    for after in (migrated, loaded, migrated.to("cpu")):
        assert_same(tiny, after)
        answers = zip(tiny.predict(TITLES), after.predict(TITLES), strict=True)
        for [one], [other] in answers:
            assert one.node_id == other.node_id and one.confidence == other.confidence
            assert other.path == new.path(new.node(other.node_id))
    assert loaded.files() == migrated.files() and loaded.memory == migrated.memory
    assert report.unchanged + len(report.categories) == len(tiny.taxonomy)
    assert {row.action for row in report.categories} == {"kept"} and not report.to_check


def test_names_alone_leave_the_artifact_as_it_is_but_for_the_tree(tiny, read, tmp_path):
    new = changed(tiny.taxonomy, RENAMED)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new))
    assert migrated.reader is tiny.reader and migrated.migrations == (report,)
    assert saved(migrated, tmp_path).migrations == (report,)
    assert report.guarantee == "kept" and report.validation
    before, after = tiny.validation, migrated.validation
    assert after.path_accuracy == before.path_accuracy and after.levels == before.levels
    names = {name for truth, answer, _ in after.confusions for name in (truth, answer)}
    assert not any("Dolls" in name or "Fruit" in name.split(" > ") for name in names)
    again = tiny.predict(TITLES, guarantee=0.9)
    for [one], [other] in zip(again, migrated.predict(TITLES, guarantee=0.9), strict=True):
        assert one.node_id == other.node_id and one.confidence == other.confidence


def test_a_moved_category_keeps_max_error_alone(tiny, read, tmp_path):
    migrated, report = tiny.migrate(read(tiny.taxonomy, changed(tiny.taxonomy, MOVED)))
    assert report.guarantee == "kept for max_error" and "coarser" in report.guarantee_reason
    for classifier in (migrated, saved(migrated, tmp_path)):
        before = tiny.predict(TITLES, max_error=0.1)
        for [one], [other] in zip(before, classifier.predict(TITLES, max_error=0.1), strict=True):
            assert one.node_id == other.node_id
        with pytest.raises(ConfigError, match="categories have moved since"):
            classifier.predict(TITLES, guarantee=0.9)


MERGED = {"Toys > Dolls": ["Toys > Cars"], "Food > Dairy > Kefir": ["Food > Dairy > Milk"]}


@pytest.fixture
def merged(tiny, read):
    new = changed(tiny.taxonomy, {}, remove=MERGED)
    return tiny.migrate(read(tiny.taxonomy, new, MERGED))


def test_merged_categories_have_the_sum(tiny, merged, tmp_path):
    migrated, report = merged
    before = tiny.predict_proba(TITLES)
    for after in (migrated, saved(migrated, tmp_path)):
        probabilities = after.predict_proba(TITLES)
        for gone, [key] in MERGED.items():
            both = before[:, column(tiny, gone)] + before[:, column(tiny, key)]
            np.testing.assert_allclose(probabilities[:, column(after, key)], both, atol=1e-6)
        assert np.array_equal(
            probabilities[:, column(after, "Home > Soap")], before[:, column(tiny, "Home > Soap")]
        )
    actions = {row.old_id: row.action for row in report.categories}
    assert actions == dict.fromkeys(MERGED, "probabilities added")
    assert migrated.counts.sum() == tiny.counts.sum()


def test_answers_with_a_guarantee_are_those_before_the_merge(tiny, merged, tmp_path):
    """So that titles are answered that were answered before, and no others."""
    migrated, report = merged
    assert report.guarantee == "kept"
    for after in (migrated, saved(migrated, tmp_path)):
        for promise in ({"max_error": 0.1}, {"guarantee": 0.9}):
            one_by_one = zip(tiny.predict(TITLES, **promise), after.predict(TITLES, **promise),
                             strict=True)  # fmt: skip
            for [one], [other] in one_by_one:
                if "max_error" in promise:
                    assert other.node_id == MERGED.get(one.node_id, [one.node_id])[0]
                    assert other.confidence == one.confidence
                else:
                    assert len(other.path) <= len(one.path)


def test_a_new_guarantee_counts_the_sums(tiny, merged):
    migrated, _ = merged
    rows = [{"title": t, "path": migrated.taxonomy.paths[n]} for t in TITLES * 9
            for n in [migrated.taxonomy.node("Toys > Cars")]]  # fmt: skip
    measured = migrated.with_guarantee(prodcat.read_catalog(rows, taxonomy=migrated.taxonomy))
    assert not any(step.unmerged for step in measured.reader.migrations.steps)
    assert any(step.unmerged for step in migrated.reader.migrations.steps)


def split_tree(tree):
    return changed(
        tree, {}, remove=["Home > Knives & Forks"],
        add=[{"id": "k", "parent": "Home", "name": "Knives"},
             {"id": "f", "parent": "Home", "name": "Forks"}],
    )  # fmt: skip


SPLIT = {"Home > Knives & Forks": ["k", "f"]}
NEW_TITLES = [*(f"sharp blade {n}" for n in range(12)), *(f"four prongs {n}" for n in range(12))]


def of_parts(tree, titles=NEW_TITLES):
    half = len(titles) // 2
    rows = [
        {"title": title, "path": list(tree.path(tree.node("k" if row < half else "f")))}
        for row, title in enumerate(titles)
    ]
    return prodcat.read_catalog(rows, taxonomy=tree)


def test_a_split_category_is_learned_and_keeps_its_probability(tiny, read, tmp_path):
    new = split_tree(tiny.taxonomy)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new, SPLIT), of_parts(new))
    asked = ["Home blade", "Home prongs", "x"]
    before = tiny.predict_proba(asked)[:, column(tiny, "Home > Knives & Forks")]
    for after in (migrated, saved(migrated, tmp_path)):
        parts = after.predict_proba(asked)[:, [column(after, "k"), column(after, "f")]]
        np.testing.assert_allclose(parts.sum(1), before, atol=1e-6)
        assert parts[0, 0] > 3 * parts[0, 1] and parts[1, 1] > 3 * parts[1, 0]
    [row] = report.categories
    assert (row.kind, row.action, row.titles, row.sure) == (
        "split",
        "learned from titles",
        24,
        True,
    )
    assert report.guarantee == "dropped" and "split" in report.guarantee_reason
    assert migrated.guarantee is None and report.learned == report.given == 24
    assert migrated.has_seen(NEW_TITLES).all() and not tiny.has_seen(NEW_TITLES).any()
    assert migrated.counts[[new.node("k"), new.node("f")]].tolist() == [12, 12]
    assert migrated.fingerprint != tiny.fingerprint


def test_a_split_category_without_titles_is_shared_out_by_names(tiny, read):
    new = split_tree(tiny.taxonomy)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new, SPLIT))
    asked = ["Home Knives", "Home Forks", "Knives & Forks"]
    parts = migrated.predict_proba(asked)[:, [column(migrated, "k"), column(migrated, "f")]]
    assert parts[0, 0] > parts[0, 1] and parts[1, 1] > parts[1, 0]
    assert 0.5 < parts[2, 0] / parts[2, 1] < 2
    [row] = report.to_check
    assert row.action == "shared out by names" and "fewer than 10 titles" in row.look_at
    # The nearest node above both parts has the titles that were learned of the whole.
    before = tiny.counts[tiny.taxonomy.node("Home > Knives & Forks")]
    assert migrated.counts[new.node("Home")] == before + tiny.counts[tiny.taxonomy.node("Home")]


def test_a_part_that_others_became_learns_only_titles_that_may_be_of_the_split(tiny, read):
    """Soap gets a part of what was split, and its titles say nothing about that part."""
    new = changed(tiny.taxonomy, {}, remove=["Home > Knives & Forks"],
                  add=[{"id": "k", "parent": "Home", "name": "Knives"}])  # fmt: skip
    targets = {"Home > Knives & Forks": ["k", "Home > Soap"]}
    soaps = [{"title": f"Velmora Home Soap {n}00 g", "path": ["Home", "Soap"]} for n in range(60)]
    knives = [{"title": f"sharp blade {n}", "path": ["Home", "Knives"]} for n in range(12)]
    catalog = prodcat.read_catalog([*soaps, *knives], taxonomy=new)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new, targets), catalog)
    assert report.learned < 60
    asked = ["Velmora Home Soap 300 g"]
    soap = migrated.predict_proba(asked)[0, column(migrated, "Home > Soap")]
    assert soap >= tiny.predict_proba(asked)[0, column(tiny, "Home > Soap")]


def test_a_classifier_of_which_all_is_dropped_is_refused(tiny, tmp_path):
    old, new = tiny.taxonomy, prodcat.Taxonomy.from_paths(["Bananas", "Zebras"])
    rows = [{"kind": "dropped", "old_path": " > ".join(p), "new_path": ""} for p in old.paths]
    table = tmp_path / "changes.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(prodcat.TaxonomyError, match="could answer nothing in the new tree"):
        tiny.migrate(prodcat.TreeChanges.read(table, old, new))


def test_a_dropped_category_is_divided_out_and_its_titles_are_told(tiny, read, tmp_path):
    new = changed(tiny.taxonomy, {}, remove=["Home > Soap"])
    migrated, report = tiny.migrate(read(tiny.taxonomy, new))
    before = tiny.predict_proba(TITLES)
    gone = before[:, column(tiny, "Home > Soap")]
    for after in (migrated, saved(migrated, tmp_path)):
        probabilities = after.predict_proba(TITLES)
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
        key = "Toys > Cars"
        expected = before[:, column(tiny, key)] / (1 - gone)
        np.testing.assert_allclose(probabilities[:, column(after, key)], expected, rtol=1e-3)
    [row] = report.to_check
    count = int(tiny.counts[tiny.taxonomy.node("Home > Soap")])
    assert row.learned_before == count and f"learned {count} titles of it" in row.look_at
    assert migrated.counts.sum() == tiny.counts.sum() - count


ADDED = [{"id": "lamps", "parent": "Home", "name": "Lamps"}]


def test_an_added_category_has_no_probability_without_titles(tiny, read):
    new = changed(tiny.taxonomy, {}, add=ADDED)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new))
    assert_same(tiny, migrated)
    assert not migrated.predict_proba([*TITLES, "Lamps"])[:, column(migrated, "lamps")].any()
    log_probs = np.concatenate([c.numpy() for c in migrated.reader.log_probs(["Lamps"])])
    assert log_probs[0, column(migrated, "lamps")] == NO_PROBABILITY
    [row] = report.to_check
    assert row.action == "no probability" and "give some" in row.look_at
    best = migrated.predict(["Lamps"], top_k=9)[0]
    assert best[-1].node_id == "lamps" and best[-1].confidence == 0


@pytest.mark.parametrize("others", [True, False])
def test_an_added_category_is_learned_from_titles(tiny, read, tmp_path, others):
    new = changed(tiny.taxonomy, {}, add=ADDED)
    rows = [{"title": f"bright bulb {n} W", "path": ["Home", "Lamps"]} for n in range(15)]
    if others:
        rows += [{"title": f"Velmora {path.split(' > ')[-1]} {n}", "path": path.split(" > ")}
                 for path in PATHS for n in range(4)]  # fmt: skip
    catalog = prodcat.read_catalog(rows, taxonomy=new)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new), catalog)
    for after in (migrated, saved(migrated, tmp_path)):
        lamps = after.predict_proba(["bright bulb 60 W", *TITLES])[:, column(after, "lamps")]
        assert lamps[0] > 0.5 > lamps[1:].max()
    row = report.categories[-1]
    assert (row.kind, row.action, row.titles) == ("added", "learned from titles", 15)
    assert (report.shared is not None) is others


def test_titles_of_categories_of_which_none_are_given_are_not_taken_by_an_added_one(tiny, read):
    new = changed(tiny.taxonomy, {}, add=ADDED)
    rows = [{"title": f"bright bulb {n} g", "path": ["Home", "Lamps"]} for n in range(15)]
    rows += [{"title": f"Fresh Milk {n} ml", "path": ["Food", "Dairy", "Milk"]} for n in range(15)]
    catalog = prodcat.read_catalog(rows, taxonomy=new)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new), catalog)
    assert migrated.predict(["bright bulb 3 g"])[0][0].node_id == "lamps"
    others = ["Dolls 3 g", "Home Soap 4 g", "Bananas 5 g", "Cars 7 g", "Kefir 2 g", "Apples 8 g"]
    lamps = migrated.predict_proba(others)[:, column(migrated, "lamps")]
    assert lamps.max() < 0.05
    [row] = [row for row in report.categories if row.kind == "added"]
    assert row.taken == 0 and row.sure


def test_an_added_category_that_takes_titles_of_others_is_told(tiny, read):
    new = changed(tiny.taxonomy, {}, add=ADDED)
    rows = [{"title": "bright bulb", "path": ["Home", "Lamps"]} for _ in range(900)]
    rows += [{"title": "bright bulb", "path": ["Toys", "Cars"]} for _ in range(3)]
    catalog = prodcat.read_catalog(rows, taxonomy=new)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new), catalog)
    answers = [best.node_id for [best] in migrated.predict([row["title"] for row in rows[900:]])]
    [row] = report.to_check
    assert row.taken == answers.count("lamps") > 0
    assert f"takes {row.taken} of 3 given titles of other categories" in row.look_at
    assert report.to_table()[-1]["taken"] == row.taken
    assert MigrationReport.from_dict(json.loads(report.to_json())) == report


def test_what_is_in_proportion_counts_what_comes_from_splits(tiny, read):
    """Bananas have nothing of their own: what they get of a split decides their share."""
    new = changed(
        tiny.taxonomy, {}, remove=["Food > Fruit > Apples", "Food > Fruit > Bananas"],
        add=[{"id": key, "parent": "Food > Fruit", "name": key} for key in ("new", "old")],
    )  # fmt: skip
    targets = {"Food > Fruit > Bananas": ["new", "old"], "Food > Dairy > Kefir": ["old"]}
    new = changed(new, {}, remove=["Food > Dairy > Kefir"])

    def parts(apples):
        changes = read(tiny.taxonomy, new, {**targets, "Food > Fruit > Apples": [apples]})
        migrated, _ = tiny.migrate(changes)
        return migrated.predict_proba(TITLES)[:, [column(migrated, key) for key in ("new", "old")]]

    anyway, together = parts("Food > Dairy > Milk"), parts("Food > Fruit")
    of_apples = tiny.predict_proba(TITLES)[:, [column(tiny, "Food > Fruit > Apples")]]
    shares = anyway / anyway.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(together, anyway + of_apples * shares, atol=1e-6)


def test_a_target_where_no_product_ends_is_shared_out_in_proportion(tiny, read):
    new = changed(tiny.taxonomy, {}, remove=["Food > Fruit > Apples"], add=[
        {"id": "pears", "parent": "Food > Fruit", "name": "Pears"}])  # fmt: skip
    changes = read(tiny.taxonomy, new, {"Food > Fruit > Apples": ["Food > Fruit"]})
    migrated, report = tiny.migrate(changes)
    before, after = tiny.predict_proba(TITLES), migrated.predict_proba(TITLES)
    both = before[:, [column(tiny, f"Food > Fruit > {x}") for x in ("Apples", "Bananas")]].sum(1)
    np.testing.assert_allclose(
        after[:, column(migrated, "Food > Fruit > Bananas")], both, atol=1e-6
    )
    apples = next(row for row in report.categories if row.old_id == "Food > Fruit > Apples")
    assert apples.action == "in proportion" and "no product ends" in apples.look_at


def test_a_leaf_that_got_children_and_a_level_between(tiny, read):
    new = changed(
        tiny.taxonomy, {"Toys > Dolls": {"parent": "play"}, "Toys > Cars": {"parent": "play"},
         "Home > Soap": {"terminal": False}},
        add=[{"id": "bar", "parent": "Home > Soap", "name": "Bar soap"},
             {"id": "liquid", "parent": "Home > Soap", "name": "Liquid soap"},
             {"id": "play", "parent": "Toys", "name": "Play"}],
    )  # fmt: skip
    rows = [
        {"title": f"pump bottle {n}", "path": ["Home", "Soap", "Liquid soap"]} for n in range(12)
    ]
    rows += [{"title": f"solid block {n}", "path": ["Home", "Soap", "Bar soap"]} for n in range(12)]
    catalog = prodcat.read_catalog(rows, taxonomy=new)
    migrated, report = tiny.migrate(read(tiny.taxonomy, new), catalog)
    asked = ["Home Soap pump", "Home Soap block"]
    parts = migrated.predict_proba(asked)[:, [column(migrated, "liquid"), column(migrated, "bar")]]
    before = tiny.predict_proba(asked)[:, column(tiny, "Home > Soap")]
    np.testing.assert_allclose(parts.sum(1), before, atol=1e-6)
    assert parts[0, 0] > parts[0, 1] and parts[1, 1] > parts[1, 0]
    actions = {(row.old_id or row.new_ids[0]): row.action for row in report.categories}
    assert actions == {
        "Home > Soap": "learned from titles", "bar": "learned from titles",
        "liquid": "learned from titles", "play": "the sum of those below",
        "Toys > Dolls": "kept", "Toys > Cars": "kept",
    }  # fmt: skip


def test_one_migration_after_another(tiny, read, tmp_path):
    first = changed(tiny.taxonomy, MOVED)
    once, _ = tiny.migrate(read(tiny.taxonomy, first))
    second = split_tree(changed(first, RENAMED))
    twice, _ = once.migrate(read(first, second, SPLIT), of_parts(second))
    third = changed(second, {"Home > Soap": {"name": "Seife"}})
    thrice, last = twice.migrate(read(second, third))
    assert len(twice.migrations) == 2 == len(thrice.reader.migrations.steps)
    assert thrice.migrations == (*twice.migrations, last)
    moved = changed(third, {"Home > Soap": {"parent": "Toys"}})
    last_but_one = thrice.migrate(read(third, moved))[0].migrations[2]
    assert last_but_one == last
    before = tiny.predict_proba(TITLES)
    for after in (twice, thrice, saved(thrice, tmp_path)):
        probabilities = after.predict_proba(TITLES)
        for key in ("Toys > Cars", "Food > Dairy > Kefir", "Home > Soap"):
            assert np.array_equal(
                probabilities[:, column(after, key)], before[:, column(tiny, key)]
            )
    nodes = thrice.reader.migrations.learned_nodes
    assert nodes[third.node("Toys > Cars")] == tiny.taxonomy.node("Toys > Cars")
    assert nodes[third.node("k")] == -1 and thrice.learned_tree.hash == tiny.taxonomy.hash


def test_a_calibration_after_a_migration(tiny, merged, tmp_path):
    migrated, _ = merged
    tree = migrated.taxonomy
    rows = [{"title": f"{title} {n}", "path": list(answer.path)}
            for title, [answer] in zip(TITLES, migrated.predict(TITLES), strict=True)
            for n in range(4)]  # fmt: skip
    catalog = prodcat.read_catalog(rows, taxonomy=tree)
    for method in ("temperature", "adaptive", "steps"):
        fitted = migrated.calibrate(catalog, method)
        assert fitted.evaluate(catalog).log_loss < migrated.evaluate(catalog).log_loss
        loaded = saved(fitted, tmp_path)
        assert np.array_equal(loaded.predict_proba(TITLES), fitted.predict_proba(TITLES))
        assert fitted.guarantee is None
    assert all(step.weights is None for step in fitted.uncalibrated().reader.migrations.steps)
    assert fitted.uncalibrated().predict_proba(TITLES).shape == (len(TITLES), len(tree.outcomes))
    assert fitted.node_probabilities(TITLES).shape == (len(TITLES), len(tree))


def test_the_wrong_tree_table_or_catalog_is_told(tiny, read):
    tree = tiny.taxonomy
    new = split_tree(tree)
    with pytest.raises(ConfigError, match=r"changes is .*; expected prodcat\.TreeChanges"):
        tiny.migrate([])
    with pytest.raises(TaxonomyError, match="begin with Taxonomy.*as the old tree"):
        tiny.migrate(read(new, tree))
    with pytest.raises(CatalogError, match="has no categories"):
        tiny.migrate(read(tree, new, SPLIT), prodcat.read_catalog([{"title": "a"}], taxonomy=new))
    with pytest.raises(CatalogError, match="categories that are not in"):
        other = prodcat.read_catalog([{"title": "a", "path": ["Garden"]}])
        tiny.migrate(read(tree, new, SPLIT), other)


def test_the_report_is_shown_and_read_back(tiny, read):
    new = split_tree(changed(tiny.taxonomy, MOVED, remove=["Home > Soap"], add=ADDED))
    rows = [{"title": title, "path": ["Toys", "Dolls"]} for title in TITLES]
    catalog = prodcat.read_catalog(rows, taxonomy=new)
    _, report = tiny.migrate(read(tiny.taxonomy, new, SPLIT), catalog)
    assert report.shared.rows == len(TITLES) and 0 <= report.shared.before <= 1
    assert str(report.shared.rows) in str(report) and "moved, kept" in str(report)
    assert "to be looked at by a person: 3" in str(report)
    frame = report.to_frame()
    assert list(frame["kind"]) == [row["kind"] for row in report.to_table()]
    assert "<b>MigrationReport</b>" in report._repr_html_()
    again = MigrationReport.from_dict(json.loads(report.to_json()))
    assert again == report and repr(again) == repr(report)


def test_the_trees_of_the_changes(tiny, read):
    new = split_tree(tiny.taxonomy)
    changes = read(tiny.taxonomy, new, SPLIT)
    assert changes.old is tiny.taxonomy and changes.new is new
    assert tiny.taxonomy.diff(new).old is tiny.taxonomy
    frame = changes.to_frame()
    assert len(frame) == len(changes.to_table()) and "MigrationReport" not in repr(changes)
    assert "<b>TreeChanges</b>" in changes._repr_html_()


def test_learned_titles_are_told_when_a_guarantee_is_measured(tiny, read, caplog):
    new = split_tree(tiny.taxonomy)
    migrated, _ = tiny.migrate(read(tiny.taxonomy, new, SPLIT), of_parts(new))
    caplog.clear()
    migrated.with_guarantee(of_parts(new))
    assert "24 of 24 calibration titles were used before" in caplog.text


# -- with an encoder ---------------------------------------------------------------


@pytest.fixture(scope="module")
def moved_encoder(classifier, tmp_path_factory):
    """The classifier with an encoder, whose tree got other names, places and orders."""
    tree = classifier.taxonomy
    leaves = [node for node in tree.outcomes.tolist() if len(tree.siblings(node)) > 1]
    tops = [node for node in tree.children(-1) if tree.children(node)]
    edit = {tree.ids[leaves[0]]: {"name": "Zzz"}}
    for node in leaves[1:4]:
        top = next(top for top in tops if top not in tree.ancestors(node))
        edit[tree.ids[node]] = {"parent": tree.ids[top], "name": f"Moved {node}"}
    new = changed(tree, edit)
    file = tmp_path_factory.mktemp("changes") / "changes.json"
    file.write_text(json.dumps(table(tree, new)))
    return classifier.migrate(TreeChanges.read(file, tree, new))[0]


@pytest.mark.parametrize("precision", ["float32", "int8", "bfloat16"])
def test_every_precision_has_the_same_bits(classifier, moved_encoder, parts, precision):
    titles = parts.test.titles[:60]
    if precision not in classifier.reader.accuracies:
        pytest.skip(f"{precision} is not available here")
    assert_same(classifier, moved_encoder, titles, precision=precision)
    for cascade in ("auto", "off", 0.5):
        options = {"precision": precision, "cascade": cascade}
        before, after = (each.predict(titles, **options) for each in (classifier, moved_encoder))
        for [one], [other] in zip(before, after, strict=True):
            assert (one.node_id, one.confidence) == (other.node_id, other.confidence)


def test_a_server_and_a_scorer_have_the_same_bits(classifier, moved_encoder, parts, tmp_path):
    from prodcat.classifier.sifting import can_sift, sift, window_of

    titles = parts.test.titles[:40]
    inference = moved_encoder.inference("float32", cascade="auto")
    expected = np.exp(inference.log_probs(inference.prepare(titles)).numpy())
    if can_sift(inference):
        sifted = sift(inference, titles)
        rest = [title for title, sure in zip(titles, sifted.sure, strict=True) if not sure]
        left = inference.log_probs(window_of(inference, rest, sifted.margins)) if rest else None
        assert np.array_equal(np.exp(sifted.log_probs.numpy()), expected[sifted.sure])
        if left is not None:
            np.testing.assert_allclose(np.exp(left.numpy()), expected[~sifted.sure], atol=1e-5)
    source, answers = tmp_path / "titles.jsonl", tmp_path / "answers.jsonl"
    source.write_text("".join(json.dumps({"title": title}) + "\n" for title in titles))
    prodcat.score(moved_encoder, str(source), str(answers))
    scored = [json.loads(line)["predicted_id"] for line in answers.read_text().splitlines()]
    assert scored == [best.node_id for [best] in moved_encoder.predict(titles, precision="auto")]


def test_the_graph_has_the_same_answers(moved_encoder, parts, tmp_path):
    from prodcat.classifier.onnx_export import export_onnx

    assert export_onnx(moved_encoder, str(tmp_path)) < 1e-4
    outcomes = json.loads((tmp_path / "outcomes.json").read_text())
    assert [tuple(row["path"]) for row in outcomes] == moved_encoder.outcomes


def test_a_graph_cannot_share_out_by_titles(classifier, read):
    from prodcat.classifier.onnx_export import export_onnx

    tree = classifier.taxonomy
    leaf = int(tree.outcomes[0])
    key, parent = tree.ids[leaf], tree.ids[int(tree.parent[leaf])]
    parts = [{"id": name, "parent": parent, "name": name} for name in ("one", "two")]
    new = changed(tree, {}, remove=[key], add=parts)
    migrated, _ = classifier.migrate(read(tree, new, {key: ["one", "two"]}))
    with pytest.raises(ConfigError, match="told by the words of titles"):
        export_onnx(migrated, "nowhere")


def test_a_warm_start_from_a_migrated_classifier_has_its_heads(moved_encoder, parts):
    from prodcat.training.warm_start import learned_nodes

    new = moved_encoder.taxonomy
    nodes = learned_nodes(moved_encoder, new)
    assert (nodes >= 0).all() and len(set(nodes.tolist())) == len(new)
    rows = [
        {"title": title, "path": list(new.path(new.node(parts.train.tree.ids[target])))}
        for title, target in zip(parts.train.titles, parts.train.targets.tolist(), strict=True)
    ]
    catalog = prodcat.read_catalog(rows, taxonomy=new)
    fitted = prodcat.fit(
        catalog,
        warm_start=moved_encoder,
        training=prodcat.TrainingConfig(epochs=0, precision="float32"),
        device="cpu",
        progress=False,
    )
    assert fitted.migrations == () and fitted.taxonomy.hash == new.hash
    assert fitted.validation.path_accuracy > 0.5


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    tiny = tiny_classifier(PATHS)
    new = split_tree(changed(tiny.taxonomy, MOVED))
    folder = tmp_path_factory.mktemp("good")
    (folder / "changes.json").write_text(json.dumps(table(tiny.taxonomy, new, SPLIT)))
    changes = TreeChanges.read(folder / "changes.json", tiny.taxonomy, new)
    tiny.migrate(changes, of_parts(new))[0].save(str(folder / "model"))
    return folder / "model"


def _document(edit):
    def harm(folder):
        file = folder / "migrations.json"
        steps = json.loads(file.read_text())
        edit(steps)
        file.write_text(json.dumps(steps))

    return harm


def _tensor(name, edit):
    def harm(folder):
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors[name] = edit(tensors[name])
        save_file(tensors, folder / "model.safetensors")

    return harm


HARM = {
    "no steps": _document(lambda steps: steps.clear()),
    "no nodes": _document(lambda steps: steps[0].pop("nodes")),
    "another tree": _document(lambda steps: steps[0]["nodes"].pop()),
    "nodes are no list": _document(lambda steps: steps[0].update(nodes=7)),
    "no report": _document(lambda steps: steps[0].pop("report")),
    "a report of numbers": _document(lambda steps: steps[0].update(report=[1])),
    "other n-grams": _document(lambda steps: steps[0]["ngrams"].update(characters=[0, 99])),
    "two steps": _document(lambda steps: steps.append(steps[0])),
    "a step that is no object": _document(lambda steps: steps.insert(0, 3)),
    "nodes out of range": _tensor("migrations.0.nodes", lambda t: t + 99),
    "outcomes out of range": _tensor("migrations.0.map.first", lambda t: t + 99),
    "fewer weights": _tensor("migrations.0.scores.values", lambda t: t[:-1]),
    "fewer n-grams": _tensor("migrations.0.scores.hashes", lambda t: t[:-1]),
}


@pytest.mark.parametrize("name", HARM)
def test_altered_changes_are_refused(good, tmp_path, name):
    copy = shutil.copytree(good, tmp_path / "model")
    prodcat.load(str(copy), device="cpu")
    HARM[name](copy)
    hostile.vouch(copy)
    with pytest.raises(prodcat.ProdcatError):
        prodcat.load(str(copy), device="cpu")


def test_earlier_versions_refuse_it(good, tiny, tmp_path):
    """They would name its answers by the wrong tree."""
    tiny.save(str(tmp_path / "tiny"))
    versions = [
        json.loads((folder / "manifest.json").read_text())["format_version"]
        for folder in (good, tmp_path / "tiny")
    ]
    assert versions == [5, 4]
    assert "Changes of the tree since the training" in (good / "README.md").read_text()
