"""Trees as Google, Shopify and shops publish them, in every release and language."""

import json

import pytest

from prodcat import TaxonomyError, read_taxonomy

GID = "gid://shopify/TaxonomyCategory/"
ITALIAN = [
    ("aa", ("Abbigliamento",)),
    ("aa-8", ("Abbigliamento", "Scarpe")),
    ("aa-8-1", ("Abbigliamento", "Scarpe", "Scarpe da ginnastica")),
    ("aa-8-8", ("Abbigliamento", "Scarpe", "Scarpe da ginnastica")),
    ("aa-8-8-2", ("Abbigliamento", "Scarpe", "Scarpe da ginnastica", "Alte")),
    ("aa-8-1-1", ("Abbigliamento", "Scarpe", "Scarpe da ginnastica", "Basse")),
]


def parent(key):
    return key.rpartition("-")[0] or None


def as_lines(rows):
    head = (
        "# Shopify Product Taxonomy - Categories: 2025-01\n# Format: {GID} : {Ancestor name} > …\n"
    )
    return head + "\n" + "\n".join(f"{GID}{key:<12} : {' > '.join(path)}" for key, path in rows)


def as_json(rows):
    categories = [
        {
            "id": GID + key,
            "name": path[-1],
            "full_name": " > ".join(path),
            "parent_id": GID + parent(key) if parent(key) else None,
        }
        for key, path in rows
    ]
    return json.dumps({"version": "1", "verticals": [{"name": "A", "categories": categories}]})


def as_rows(rows):
    return "\n".join(json.dumps({"id": GID + key, "path": path}) for key, path in rows)


@pytest.mark.parametrize(
    ("name", "form"),
    [("categories.txt", as_lines), ("categories.json", as_json), ("categories.jsonl", as_rows)],
)
def test_siblings_of_a_translated_tree_keep_their_ids(tmp_path, caplog, name, form):
    file = tmp_path / name
    file.write_text(form(ITALIAN), encoding="utf-8")
    tree = read_taxonomy(file)
    assert sorted(tree.ids) == sorted(GID + key for key, _ in ITALIAN)
    for key, _ in ITALIAN[1:]:
        above = tree.ids[tree.parent[tree.node(GID + key)]]
        assert above == GID + parent(key)
    assert f"Scarpe da ginnastica ({GID}aa-8-1)" in tree.names
    assert "siblings have the same name and different ids, which are added" in caplog.text
    with pytest.raises(TaxonomyError, match="same_names='id'.? adds"):
        read_taxonomy(file, same_names="refuse")


def test_numbers_tell_siblings_apart_by_the_order_of_an_outline(tmp_path):
    lines = ["1 - A", "7 - A > B", "8 - A > B > C", "3 - A > B", "4 - A > B > D"]
    (tmp_path / "taxonomy-with-ids.txt").write_text("\n".join(lines))
    tree = read_taxonomy(tmp_path / "taxonomy-with-ids.txt")
    assert tree.path(tree.node("8")) == ("A", "B (7)", "C")
    assert tree.path(tree.node("4")) == ("A", "B (3)", "D")
    (tmp_path / "taxonomy-with-ids.txt").write_text("\n".join([*lines, "5 - E", "6 - A > B > F"]))
    with pytest.raises(TaxonomyError, match="line 7: the parent of 'A > B > F' has several ids"):
        read_taxonomy(tmp_path / "taxonomy-with-ids.txt")


RELEASE = [
    (1, "Electronics"),
    (2, "Electronics > Communications"),
    (3, "Electronics > Communications > Telephony"),
    (4, "Electronics > Communications > Telephony > Mobile Phones > Contract"),
    *((n, f"Electronics > Part {n} > Piece") for n in range(100, 130)),
    *((n + 100, f"Electronics > Part {n}") for n in range(100, 130)),
]


@pytest.mark.parametrize("form", ["txt", "jsonl", "yml"])
def test_a_category_without_a_row_gets_its_path_as_its_id(tmp_path, caplog, form):
    file = tmp_path / f"2022-02.{form}"
    file.write_text(
        {
            "txt": "\n".join(f"gid://shopify/ProductTaxonomyNode/{n} : {p}" for n, p in RELEASE),
            "jsonl": "\n".join(json.dumps({"id": str(n), "path": p}) for n, p in RELEASE),
            "yml": "---\n" + "".join(f"- id: {n}\n  full_name: {p}\n" for n, p in RELEASE),
        }[form]
    )
    tree = read_taxonomy(file)
    phones = "Electronics > Communications > Telephony > Mobile Phones"
    assert tree.get(phones) == tree.node(phones)
    assert len(tree) == len(RELEASE) + 1
    assert len(tree.outcomes) == 31, "only leaves"
    assert f"no row of their own, and get their path as their id: {phones!r}" in caplog.text


def test_a_list_of_leaves_with_ids_is_read(tmp_path):
    (tmp_path / "tree.jsonl").write_text(
        '{"path": ["A", "B"], "id": "b"}\n{"path": "C", "id": "c"}'
    )
    tree = read_taxonomy(tmp_path / "tree.jsonl")
    assert dict(zip(tree.ids, tree.paths, strict=True)) == {
        "A": ("A",),
        "b": ("A", "B"),
        "c": ("C",),
    }


MAGENTO = {
    "id": 1,
    "parent_id": 0,
    "name": "Root Catalog",
    "children_data": [
        {"id": 2, "name": "Food", "children_data": [{"id": 3, "name": "Milk", "children_data": []}]}
    ],
}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (json.dumps(MAGENTO), ("1", "2", "3")),
        (json.dumps([MAGENTO]), ("1", "2", "3")),
        (
            '{"categories": [{"name": "Food", "children": [{"name": "Milk"}]}]}',
            ("Food", "Food > Milk"),
        ),
        ('[{"id": "f", "path": "Food"}, {"id": "m", "path": ["Food", "Milk"]}]', ("f", "m")),
        (
            '{"id": "f", "parent": "", "name": "F"}\n{"id": "m", "parent": "f", "name": "M"}',
            ("f", "m"),
        ),
    ],
)
def test_other_json_is_read(tmp_path, text, ids):
    (tmp_path / "tree.json").write_text(text)
    tree = read_taxonomy(tmp_path / "tree.json")
    assert tree.ids == ids
    assert len(tree.outcomes) == 1


def test_yaml_with_the_ids_of_children_is_read(tmp_path):
    text = "- id: aa\n  name: Apparel\n  children:\n  - aa-1\n- id: aa-1\n  name: Shoes\n  children: []\n"
    (tmp_path / "aa.yml").write_text(text)
    assert read_taxonomy(tmp_path / "aa.yml").paths == (("Apparel",), ("Apparel", "Shoes"))


def test_values_of_yaml_are_texts_as_they_are_written(tmp_path):
    ids = ["010", "1_000", "12:30:15", "0x1F", "2024-01-01", "1e3"]
    names = ["No", "On", "3.10", "yes", "=", "1_0"]
    lines = [f"- {{id: {k}, parent: ~, name: {n}}}\n" for k, n in zip(ids, names, strict=True)]
    (tmp_path / "a.yml").write_text("".join(lines) + "- {id: x, parent: null, name: 'null'}\n")
    tree = read_taxonomy(tmp_path / "a.yml")
    assert dict(zip(tree.ids, tree.names, strict=True)) == {
        **dict(zip(ids, names, strict=True)),
        "x": "null",
    }
    marked = "- {id: a, parent: , name: A, terminal: on}\n- {id: b, parent: a, name: B}\n"
    (tmp_path / "b.yml").write_text(marked)
    assert read_taxonomy(tmp_path / "b.yml").terminal.tolist() == [True, True]


def test_yaml_makes_no_objects(tmp_path):
    (tmp_path / "a.yml").write_text("- !!python/object/apply:os.getcwd []\n")
    with pytest.raises(TaxonomyError, match="not valid YAML"):
        read_taxonomy(tmp_path / "a.yml")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"nodes": [{"id": 1, "id": 2, "parent": "", "name": "A"}]}', "key 'id' twice"),
        ("a.json", '[{"name": "A", "children": [{"title": "B"}]}]', "A category of the tree is"),
        ("a.json", '{"version": 2, "tree": []}', r"with the keys \['version', 'tree'\]"),
        ("a.yml", "a: [", "is not valid YAML"),
        ("a.yml", "just text", "is not a tree; expected"),
    ],
)
def test_other_documents_are_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(TaxonomyError, match=message):
        read_taxonomy(tmp_path / name)
