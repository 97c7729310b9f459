"""The files in which categories are published, and tables as data frames hold them."""

import gzip
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.level_columns import level_columns
from prodcat.taxonomy.reading import read_taxonomy
from prodcat.taxonomy.tree import Taxonomy

PETS = ("Animals & Pet Supplies",)
BIRDS = (*PETS, "Live Animals", "Birds - Parrots")


def lines(form):
    paths = [PETS, BIRDS[:2], BIRDS, ("Arts",)]
    return "\n".join(form(number, " > ".join(path)) for number, path in enumerate(paths, 1)) + "\n"


def test_a_category_may_begin_with_a_number_sign(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("# a comment\nFood\nFood > Tea\n#Gifts\n#Gifts > Cards\n")
    paths = {("Food",), ("Food", "Tea"), ("#Gifts",), ("#Gifts", "Cards")}
    assert set(read_taxonomy(file).paths) == paths


def test_googles_list_without_ids(tmp_path):
    file = tmp_path / "taxonomy.en-US.txt"
    file.write_text("# Google_Product_Taxonomy_Version: 2021-09-21\n" + lines(lambda _, path: path))
    tree = read_taxonomy(file)
    assert set(tree.paths) == {PETS, BIRDS[:2], BIRDS, ("Arts",)}
    assert [tree.paths[node] for node in tree.outcomes] == [BIRDS, ("Arts",)]


@pytest.mark.parametrize(
    ("form", "key"),
    [
        (lambda number, path: f"{number} - {path}", "3"),
        (
            lambda number, path: f"gid://shopify/TaxonomyCategory/a-{number}      : {path}",
            "gid://shopify/TaxonomyCategory/a-3",
        ),
    ],
)
def test_lists_with_ids(tmp_path, form, key):
    file = tmp_path / "categories.txt.gz"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbf# 2025-01\r\n" + lines(form).encode()))
    tree = read_taxonomy(str(file))
    assert tree.path(tree.node(key)) == BIRDS
    assert len(tree) == 4


def test_a_list_of_leaves_alone(tmp_path):
    file = tmp_path / "tree.txt"
    file.write_text("Food > Fruit\nFood > Fruit > Apples\n")
    assert len(read_taxonomy(file).outcomes) == 2  # a line at an inner node is a category
    file.write_text("# nothing\n\n")
    with pytest.raises(TaxonomyError, match="has no categories; expected one a line"):
        read_taxonomy(file)


def test_shopifys_json(tmp_path):
    categories = [
        {"id": "gid://1", "name": "Pets", "full_name": "Pets", "parent_id": None},
        {"id": "gid://2", "name": "Birds", "full_name": "Pets > Birds", "parent_id": "gid://1"},
    ]
    file = tmp_path / "categories.json"
    file.write_text(json.dumps({"version": "1", "verticals": [{"categories": categories}]}))
    assert read_taxonomy(file).paths == (("Pets",), ("Pets", "Birds"))


def test_level_columns(tmp_path):
    file = tmp_path / "levels.csv"
    file.write_text("sku,Level 2,Level 1\n1,Fruit,Food\n2,,Home\n")
    assert read_taxonomy(file).paths == (("Food",), ("Home",), ("Food", "Fruit"))
    file.write_text("aisle,shelf\nFood,Fruit\n")
    assert read_taxonomy(file, path=["aisle", "shelf"]).paths == (("Food",), ("Food", "Fruit"))
    file.write_text("kategori\nFood>Fruit\n")
    assert read_taxonomy(file, path="kategori").paths == (("Food",), ("Food", "Fruit"))
    with pytest.raises(TaxonomyError, match="has no column 'shelf'; found"):
        read_taxonomy(file, path=["kategori", "shelf"])
    assert level_columns(["category_1", "category_3"]) == []


@pytest.mark.parametrize(
    ("ids", "parents"),
    [
        ([1, 2], [None, 1]),
        ([1.0, 2.0], [np.nan, 1.0]),
        (["1", "2"], ["", "1.0"]),
        ([" 1", "2 "], [None, "1 "]),
        ([Decimal("1"), Decimal("2.0")], [None, Decimal("1.00")]),
        ([np.int32(1), np.int64(2)], [np.float32("nan"), np.float32(1)]),
        (pd.array([1, 2], "Int64"), pd.array([None, 1], "Int64")),
    ],
)
def test_parents_of_any_type(ids, parents):
    frame = {"id": list(ids), "parent": list(parents), "name": ["Food", "Milk"]}
    tree = Taxonomy.from_table(pd.DataFrame(frame))
    assert tree.ids == ("1", "2")
    assert tree.paths == (("Food",), ("Food", "Milk"))


def test_an_id_that_looks_like_a_float_stays_another_id():
    rows = [
        {"id": "1", "parent": "", "name": "A"},
        {"id": "1.0", "parent": "", "name": "B"},
        {"id": "2", "parent": "1.0", "name": "C"},
    ]
    assert Taxonomy.from_table(rows).path(2) == ("B", "C")


@pytest.mark.parametrize("wrong", [None, 7, ["a.csv"], pd.DataFrame()])
def test_what_is_no_address_of_a_tree_is_named(wrong):
    with pytest.raises(TaxonomyError, match="expected the path or URI of a file"):
        read_taxonomy(wrong)


FORMS = {
    "tabs between levels": (
        "Food\tMilk\nFood\tBread\nHome\tSoap\n",
        {("Food", "Milk"), ("Food", "Bread"), ("Home", "Soap")},
    ),
    "three levels with tabs": (
        "Food\nFood\tDairy\nFood\tDairy\tMilk\n",
        {("Food", "Dairy", "Milk")},
    ),
    "a number sign and a digit": ("#1 Brands\nFood\n", {("#1 Brands",), ("Food",)}),
    "commas after ids": ("1,Food\n2,Food > Milk\n", {("Food", "Milk")}),
    "quotes of CSV": (
        '1,Food\n2,"Food > Milk, ""fresh"""\n',
        {("Food", 'Milk, "fresh"')},
    ),
    "semicolons after codes": ("a-1;Food\na-2;Home\n", {("Food",), ("Home",)}),
    "commas in names": ("Milk2, fresh\nBread\n", {("Milk2, fresh",), ("Bread",)}),
}


@pytest.mark.parametrize(("text", "paths"), FORMS.values(), ids=FORMS)
def test_other_forms_of_lines_are_read(tmp_path, text, paths):
    (tmp_path / "tree.txt").write_text(text)
    tree = read_taxonomy(tmp_path / "tree.txt")
    assert {tree.paths[node] for node in tree.outcomes if not tree.children(node)} == paths
    has_ids = text[0] in "1a"
    assert (set(tree.ids) <= {"1", "2", "a-1", "a-2"}) == has_ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Food\tMilk\nHome\tSoap\n", r"Line 1, 'Food.tMilk', .*an id and a name or two levels"),
        ("Food\tDairy\tMilk\n\t\tTea\n", "Line 2, .* an empty level or a margin.*in full"),
        ("Food\n  Milk\tx\n", "Line 2, .* an empty level or a margin"),
        (Taxonomy.from_paths([BIRDS]).to_text(), r"Line 2, '└── Ani.*drawn for people; .*to_json"),
        ("Food\n|-- Milk\n`-- Bread\n", r"Line 2, '.-- Milk', is a branch of a tree"),
    ],
)
def test_lines_that_are_not_clear_are_refused_with_advice(tmp_path, text, message):
    (tmp_path / "tree.txt").write_text(text, "utf-8")
    with pytest.raises(TaxonomyError, match=message):
        read_taxonomy(tmp_path / "tree.txt")


def test_a_doubtful_comment_is_told(tmp_path, caplog):
    (tmp_path / "tree.txt").write_text("# Version 2\n#Brands\nFood\n")
    assert read_taxonomy(tmp_path / "tree.txt").paths == (("Food",),)
    assert [record.args for record in caplog.records] == [("#Brands",)]
