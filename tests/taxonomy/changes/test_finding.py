"""What each category has become, found by ids, names, places and titles."""

import numpy as np
import pytest

from prodcat import ConfigError, Taxonomy, TaxonomyError

OLD = [
    "Food > Fruit > Apples", "Food > Fruit > Pears", "Food > Bread > White bread",
    "Food > Bread > Rye bread", "Food > Bread > Baguettes", "Home > Kitchen > Pans",
    "Home > Kitchen > Knives & Forks", "Home > Kitchen > Glasses", "Home > Candles", "Garden > Rakes",
]  # fmt: skip


def tree(*paths):
    return Taxonomy.from_paths(paths)


def diff_after(*changes, old=OLD, **options):
    """The changes of the rows that are not the same, after (path, new path or None)."""
    new = list(old)
    for before, *after in changes:
        place = new.index(before)
        new[place : place + 1] = [path for path in after if path]
    changes = tree(*old).diff(tree(*new), **options)
    return {
        row.old_id: (row.kind, row.new_ids) for row in changes.rows if row.kind != "same"
    }, changes


def test_equal_trees_have_no_changes():
    found, changes = diff_after()
    assert found == {} and changes.added == () and all(row.sure for row in changes.rows)


@pytest.mark.parametrize(
    "name", ["APPLES", "Apple", "Äpples", "Green apples", "Apples & more", "Aples", " apples"]
)
def test_another_spelling_is_a_new_name_of_the_same_category(name):
    found, changes = diff_after(("Food > Fruit > Apples", f"Food > Fruit > {name}"))
    assert found == {"Food > Fruit > Apples": ("renamed", (f"Food > Fruit > {name.strip()}",))}
    assert changes.added == ()


def test_a_renamed_parent_carries_what_is_below():
    moves = [(path, path.replace("Food", "Groceries")) for path in OLD if path.startswith("Food")]
    found, changes = diff_after(*moves)
    assert found == {"Food": ("renamed", ("Groceries",))}
    rows = {row.old_id: row for row in changes.rows}
    below = rows["Food > Fruit > Apples"]
    assert below.new_ids == ("Groceries > Fruit > Apples",)
    assert below.reason == "same name below 'Groceries > Fruit', which its parent became"


def test_what_is_elsewhere_is_moved():
    found, _ = diff_after(("Home > Candles", "Garden > Candles"))
    assert found == {"Home > Candles": ("moved", ("Garden > Candles",))}


def test_what_has_no_successor_joins_the_nearest_category_that_remains():
    found, changes = diff_after(
        ("Food > Bread > White bread", None), ("Food > Bread > Rye bread", None),
        ("Food > Bread > Baguettes", "Food > Bread"),
    )  # fmt: skip
    gone = ("White bread", "Rye bread", "Baguettes")
    assert found == {f"Food > Bread > {name}": ("merged", ("Food > Bread",)) for name in gone}
    reasons = {row.reason for row in changes.rows if row.kind == "merged"}
    assert all("nearest category" in reason for reason in reasons)


def test_a_category_is_split_into_its_words():
    found, _ = diff_after(
        ("Home > Kitchen > Knives & Forks", "Home > Kitchen > Knives", "Home > Kitchen > Forks")
    )
    [(kind, targets)] = found.values()
    assert kind == "split" and set(targets) == {"Home > Kitchen > Knives", "Home > Kitchen > Forks"}


def test_at_the_top_a_category_can_be_dropped():
    found, _ = diff_after(("Garden > Rakes", None))
    assert found["Garden"] == ("dropped", ()) and found["Garden > Rakes"] == ("dropped", ())


def test_what_is_new_is_added_and_what_is_there_stays():
    found, changes = diff_after(("Home > Candles", "Home > Candles", "Home > Lamps"))
    assert found == {} and [row.new_ids for row in changes.added] == [("Home > Lamps",)]
    assert changes.counts["added"] == 1


def with_ids(paths, ids):
    return Taxonomy.from_table(
        [
            {"id": key, "parent": parent, "name": name}
            for key, parent, name in zip(ids, *zip(*paths, strict=True), strict=True)
        ]
    )


def test_stable_ids_find_what_no_name_would():
    old = with_ids([("", "Food"), ("f", "Tea"), ("f", "Milk"), ("f", "Salt")], "ftms")
    new = with_ids([("", "Food"), ("f", "Infusions"), ("f", "Milk"), ("f", "Salt")], "ftms")
    row = old.diff(new).rows[1]
    assert (row.kind, row.new_ids, row.reason, row.sure) == ("renamed", ("t",), "same id", True)


def test_ids_that_are_counted_anew_say_nothing():
    old = with_ids([("", "Food"), ("1", "Tea"), ("1", "Milk"), ("1", "Salt")], "1234")
    new = with_ids([("", "Home"), ("", "Food"), ("2", "Milk"), ("2", "Tea")], "1234")
    by_id = {row.old_path[-1]: row.new_ids for row in old.diff(new).rows}
    assert by_id["Food"] == ("2",) and by_id["Tea"] == ("4",) and by_id["Milk"] == ("3",)
    assert old.diff(new, ids="stable").rows[0].new_ids == ("1",)
    with pytest.raises(ConfigError, match="ids='maybe' is not known; expected one of"):
        old.diff(new, ids="maybe")


def test_ids_can_be_ignored():
    old = with_ids([("", "Food"), ("f", "Tea"), ("f", "Milk")], "ftm")
    new = with_ids([("", "Food"), ("f", "Milk"), ("f", "Tea")], "ftm")
    assert [row.new_ids for row in old.diff(new, ids="ignore").rows[1:]] == [("m",), ("t",)]


def test_names_in_another_language_find_a_category_with_a_new_name():
    paths = ["Food > Tea", "Food > Milk", "Food > Salt"]
    changed = ["Food > Brews", "Food > Milk", "Food > Hot drinks"]
    names = {"Food > Tea": "Çay", "Food > Salt": "Tuz"}
    later = {"Food > Brews": "Tuz", "Food > Hot drinks": "Çay"}
    old, new = tree(*paths).with_names("tr", names), tree(*changed).with_names("tr", later)
    found = {row.old_id: row.new_ids for row in old.diff(new).rows}
    assert found["Food > Tea"] == ("Food > Hot drinks",)
    assert found["Food > Salt"] == ("Food > Brews",)


def test_titles_find_a_category_with_a_new_name():
    old, new = tree("F > Tea", "F > Salt", "F > Milk"), tree("F > Brews", "F > Xyz", "F > Milk")
    titles = {"F > Tea": ["earl grey 50 bags", "darjeeling"], "F > Salt": ["sea salt", "jodised"]}
    later = {"F > Xyz": ["earl grey loose", "darjeeling 100 g"], "F > Brews": ["sea salt fine"]}
    found = {row.old_id: row.new_ids for row in old.diff(new, titles=(titles, later)).rows}
    assert found["F > Tea"] == ("F > Xyz",) and found["F > Salt"] == ("F > Brews",)


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        ({}, "no pair of mappings"),
        (({}, []), "no pair of mappings"),
        (({"F": ["a"]}, {"G": ["a"]}), "1 ids that are not in the new tree, such as 'G'"),
        (({"F": "a"}, {}), "one text for 'F'; expected a list"),
    ],
)
def test_titles_of_another_form_are_refused(titles, message):
    with pytest.raises(TaxonomyError, match=message):
        tree("F").diff(tree("F"), titles=titles)


@pytest.mark.parametrize("names", [("茶", "緑茶", "塩"), ("चाय", "नमक", "दूध"), ("&", "!", "?")])
def test_names_in_every_script_are_compared(names):
    old = tree(*[f"A > {name}" for name in names])
    found = old.diff(tree(*[f"B > {name}" for name in names])).rows
    assert [row.new_ids for row in found[1:]] == [(f"B > {name}",) for name in names]


def test_every_old_node_has_one_row_and_every_new_node_is_a_target_or_added():
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in "bdfgk" for b in "aeiou"]

    def any_tree():
        return tree(*{" > ".join(rng.choice(words, rng.integers(1, 5))) for _ in range(60)})

    for _ in range(20):
        old, new = any_tree(), any_tree()
        changes = old.diff(new)
        assert [row.old_id for row in changes.rows] == list(old.ids)
        reached = {key for row in changes.rows for key in row.new_ids}
        assert reached | {row.new_ids[0] for row in changes.added} == set(new.ids)
        assert not reached & {row.new_ids[0] for row in changes.added}
        assert all(0 <= row.confidence <= 1 for row in changes.rows)
        assert all((row.kind == "dropped") == (row.new_ids == ()) for row in changes.rows)
        assert changes.counts == old.diff(new).counts


def test_a_summary_counts_the_kinds_and_lists_what_is_to_be_checked():
    _, changes = diff_after(("Home > Candles", "Garden > Something else"))
    text = str(changes)
    assert "categories, of which" in text and "to be checked by a person: " in text
    assert repr(changes) == f"TreeChanges(16 categories, {len(changes.added)} added)"
