"""A table whose labels are of another tree stops with one sentence."""

import unicodedata

import pytest

import prodcat
from prodcat import CatalogError
from prodcat.insight.assortment import compare_assortments

TREE = prodcat.Taxonomy.from_paths(["Food > Milk", "Food > Bread", "Home > Lamp"])


def read(paths, **named):
    titles = [f"title {row}" for row in range(len(paths))]
    return prodcat.read_catalog({"title": titles, "path": paths}, taxonomy=TREE, **named)


@pytest.mark.parametrize("on_error", ["raise", "aside", "accept"])
def test_labels_of_another_tree_stop_with_one_sentence(on_error):
    paths = ["Drinks > Mulk"] * 9_000 + ["zzz"] * 2_000 + ["Hom > Lamp"] * 376
    paths += ["Food > Milk"] * 436 + [None] * 100
    with pytest.raises(CatalogError) as caught:
        read(paths, on_error=on_error)
    assert str(caught.value) == (
        "11,376 of 11,812 rows with a label have one that is not in the tree of 5 categories, such "
        "as 'Drinks > Mulk' in 9,000 (the nearest is 'Food > Milk'), 'zzz' in 2,000 (none "
        "is like it), 'Hom > Lamp' in 376 (the nearest is 'Home > Lamp'); give the tree that these "
        "labels are of as taxonomy= (--taxonomy), or translate the labels, or read the titles alone with "
        "path=None."
    )


@pytest.mark.parametrize(
    ("label", "advice"),
    [
        ("Food / Milk", r"most are if '/' separates their names: set separator= "),
        ("FOOD > MILK", r"most are with another spelling: set merge='spelling'"),
        ("Food > Mîlk", r"most are with another spelling: set merge='accents'"),
    ],
)
def test_the_advice_is_what_helps(label, advice):
    with pytest.raises(CatalogError, match=advice):
        read([label] * 30, on_error="aside")


def test_ids_that_are_not_those_of_the_tree():
    table = {"title": ["x"] * 30, "path": ["Food > Milk"] * 30, "path_ids": ["1 > 2"] * 30}
    with pytest.raises(
        CatalogError, match=r"which the tree has with other ids.*leave out path_ids"
    ):
        prodcat.read_catalog(table, taxonomy=TREE, path_ids="path_ids", on_error="aside")


def test_what_is_known_in_part_or_in_most_rows_is_read():
    known_above = read(["Food > Mulk"] * 30, on_error="accept")
    assert known_above.paths == [("Food",)] * 30
    some = read(["Food > Mulk"] * 8 + ["Food > Milk"] * 22, on_error="aside")
    assert len(some) == 22 and len(some.report.problems) == 8
    assert len(read(["nothing"] * 5, on_error="aside")) == 0, "each of these is listed"


def test_a_tree_that_is_made_of_the_few_right_rows_is_no_other_tree():
    table = {"title": [""] * 28 + ["a", "b"], "path": [f"Food > {n}" for n in range(30)]}
    catalog = prodcat.read_catalog(table, on_error="aside")
    assert len(catalog) == 2 and catalog.report.counts() == {"empty title": 28}


def test_a_table_without_categories_is_read_as_unlabelled(small, caplog):
    table = {"title": ["süt", "ekmek"], "Category": ["Dairy", "Bakery"]}
    catalog = prodcat.read_catalog(table, taxonomy=TREE)
    assert not catalog.labelled.any() and catalog.taxonomy is None
    said = "the source has no column 'path', so that its titles have no categories; found \\['Categ"
    [warning] = catalog.report.warnings
    assert warning.rows == (0, 1) and "such as path='Category'" in warning.detail
    assert "no column 'path'" in caplog.text and "no column 'path'" in str(catalog.report)
    with pytest.raises(CatalogError, match=f"The catalog has no categories: {said}"):
        prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None))
    with pytest.raises(CatalogError, match=f"The catalog has no categories: {said}"):
        small.evaluate(catalog)
    levels = prodcat.read_catalog([{"title": "a", "level_1": "Food", "level_2": "Milk"}])
    assert "such as path=['level_1', 'level_2']" in levels.report.warnings[0].detail


def test_an_unlabelled_assortment_is_compared(small, rows):
    labelled = [{"title": row.title, "path": list(row.path)} for row in rows[150:400]]
    labelled = prodcat.read_catalog(labelled, taxonomy=small.taxonomy, on_error="aside")
    theirs = prodcat.read_catalog([{"name": row.title} for row in rows[400:440]], title="name")
    comparison = compare_assortments({"ours": labelled, "theirs": theirs}, small, labelled)
    assert [retailer.labelled for retailer in comparison.retailers] == [len(labelled), 0]


def test_a_column_that_was_named_and_is_missing_is_an_error():
    table = {"title": ["süt"], "pfad": ["Food"], "paths": ["Food"]}
    for named in ({"path": "path"}, {"path": ["pathes"]}, {"path_ids": "ids"}, {"text": ["brnd"]}):
        with pytest.raises(CatalogError, match="has no column"):
            prodcat.read_catalog(table, **named)
    with pytest.raises(CatalogError, match=r"no column 'path'.*did you mean 'paths'\?"):
        prodcat.read_catalog(table, path="path")


def test_a_label_in_another_form_of_unicode_is_told_with_the_remedy():
    tree = prodcat.Taxonomy.from_paths([("Gıda", "Süt"), ("Ü",)])
    for label in ("Gıda > Süt", "Ü"):
        table = {"title": ["a"], "path": [unicodedata.normalize("NFD", label)]}
        with pytest.raises(prodcat.CatalogError) as caught:
            prodcat.read_catalog(table, taxonomy=tree)
        name = unicodedata.normalize("NFD", label.split(" > ")[-1])
        assert (
            f"no {name!r} in the decomposed form of Unicode (NFD), but one in the composed form of "
            "Unicode (NFC), which looks the same" in str(caught.value)
        )
        assert "differs only in spelling: set merge='spelling' (--merge spelling)" in str(
            caught.value
        )
        merged = prodcat.read_catalog(table, taxonomy=tree, merge="spelling")
        assert merged.tree.paths[merged.targets[0]] == tuple(label.split(" > "))


def test_a_tree_in_the_decomposed_form_is_told_too():
    tree = prodcat.Taxonomy.from_paths([(unicodedata.normalize("NFD", "Süt"),)])
    with pytest.raises(prodcat.CatalogError, match=r"composed .*NFC.*, but one in the decomposed"):
        prodcat.read_catalog({"title": ["a"], "path": ["Süt"]}, taxonomy=tree)


def test_no_remedy_is_told_where_it_would_not_help():
    tree = prodcat.Taxonomy.from_paths([("Süt",)])
    with pytest.raises(prodcat.CatalogError) as caught:
        prodcat.read_catalog({"title": ["a"], "path": ["Sut"]}, taxonomy=tree)
    assert "the similar ['Süt']" in str(caught.value) and "merge=" not in str(caught.value)
