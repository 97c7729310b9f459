import gc
import gzip
import json
import sys
import time

import numpy as np
import pytest

from prodcat import Taxonomy, TaxonomyError, read_taxonomy


def big_tree_rows(count):
    return [
        {"id": f"n{i}", "parent": f"n{(i - 1) // 5}" if i else None, "name": f"Node {i}"}
        for i in range(count)
    ]


def test_ten_thousand_nodes_load_in_under_a_second(tmp_path):
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(big_tree_rows(10_365)))
    took = []
    gc.collect()
    gc.freeze()  # what other tests left is not looked through again
    for _attempt in range(3):
        start = time.thread_time()
        tree = read_taxonomy(str(path))
        _ = tree.spans, tree.chains
        took.append(time.thread_time() - start)
    gc.unfreeze()
    assert min(took) < (1 if sys.gettrace() is None else 2), took  # coverage follows every line
    assert len(tree) == 10_365


def test_files_of_every_form_give_the_same_tree(tmp_path):
    (tmp_path / "a.csv").write_text("id,parent,name,name:tr\na,,A,Bir\nb,a,B,\n")
    (tmp_path / "b.jsonl").write_text('{"path": ["A"], "id": "a"}\n{"path": ["A", "B"], "id": "b"}')
    with gzip.open(tmp_path / "c.jsonl.gz", "wt") as file:
        file.write('{"path": "A > B", "path_ids": ["a", "b"]}\n')
    (tmp_path / "d.csv").write_text("path\nA > B\n")
    trees = [read_taxonomy(str(tmp_path / n)) for n in ("a.csv", "b.jsonl", "c.jsonl.gz", "d.csv")]
    assert trees[0].path(1, "tr") == ("Bir", "B")
    assert trees[0].hash == trees[1].hash == trees[2].hash
    assert [tree.paths for tree in trees] == [(("A",), ("A", "B"))] * 4
    np.testing.assert_array_equal(trees[1].terminal, [False, True])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", "{", "not valid JSON"),
        ("x.json", '{"tree": 1}', "The JSON is not a tree"),
        ("x.jsonl", "{1", "line 1 is not valid JSON"),
        ("x.jsonl", "[1]", "expected a JSON object"),
        ("x.jsonl", '{"path": "A", "id": ""}', "row 1: empty id"),
        ("x.csv", "path,id\nA,1\nA,2\n", "row 2: 'A' has the ids '1' and '2'"),
        ("x.jsonl.gz", "not gzip", "Cannot read the taxonomy"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(TaxonomyError, match=message):
        read_taxonomy(str(tmp_path / name))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(TaxonomyError, match="Cannot read the taxonomy 'memory://nowhere.json'"):
        read_taxonomy("memory://nowhere.json")


def test_other_tables_and_spellings_of_files_are_read(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"id": ["a", "b"], "parent": [None, "a"], "name": ["A", "B"]})
    (tmp_path / "bom.csv").write_bytes("\ufeffid,parent,name\na,,A\nb,a,B\n".encode())
    (tmp_path / "ids.csv").write_text("path,path_ids\nA > B,a > b\n")
    (tmp_path / "blank.jsonl").write_text('{"path": ["A", "B"], "path_ids": ["a", "b"]}\n\n')
    trees = [Taxonomy.from_table(frame)]
    trees += [read_taxonomy(str(tmp_path / n)) for n in ("bom.csv", "ids.csv", "blank.jsonl")]
    assert len({tree.hash for tree in trees}) == 1


TRANSLATED = [
    ("a", ["Kleidung"]),
    ("b", ["Kleidung", "Hosen"]),
    ("c", ["Kleidung", "Hosen"]),
    ("d", ["Kleidung", "Schuhe"]),
]


@pytest.mark.parametrize("form", ["path and id", "path_ids", "parents", "json", "lines"])
def test_siblings_of_one_name_get_their_ids_where_asked(tmp_path, form):
    ids = {"a": ["a"]} | {key: ["a", key] for key, _ in TRANSLATED[1:]}
    parents = [
        {"id": key, "parent": ids[key][0] if len(path) > 1 else None, "name": path[-1]}
        for key, path in TRANSLATED
    ]
    records = {
        "path and id": [{"id": key, "path": path} for key, path in TRANSLATED],
        "path_ids": [{"path": path, "path_ids": ids[key]} for key, path in TRANSLATED],
        "parents": parents,
    }
    if form == "json":
        file = tmp_path / "tree.json"
        file.write_text(json.dumps(parents))
    elif form == "lines":
        file = tmp_path / "tree.txt"
        numbers = {key: number for number, (key, _) in enumerate(TRANSLATED, 1)}
        file.write_text("".join(f"{numbers[k]} - {' > '.join(p)}\n" for k, p in TRANSLATED))
    else:
        file = tmp_path / "tree.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records[form]))
    with pytest.raises(TaxonomyError, match="same_names='id'.? adds the"):
        read_taxonomy(file, same_names="refuse" if form in ("lines", "path_ids") else None)
    tree = read_taxonomy(file, same_names="id")
    first, second = ("2", "3") if form == "lines" else ("b", "c")
    assert tree.names == ("Kleidung", f"Hosen ({first})", f"Hosen ({second})", "Schuhe")
    assert len(tree.outcomes) == (4 if form == "path_ids" else 3)


def test_children_of_siblings_of_one_name_need_more_ids(tmp_path):
    rows = [*TRANSLATED, ("e", ["Kleidung", "Hosen", "Jeans"])]
    file = tmp_path / "tree.jsonl"
    file.write_text("".join(json.dumps({"id": key, "path": path}) + "\n" for key, path in rows))
    with pytest.raises(TaxonomyError, match=r"row 5: the parent of 'Kleidung > Hosen > Jeans' has"):
        read_taxonomy(file, same_names="id")
    with pytest.raises(TaxonomyError, match="same_names='both' is unknown; expected 'refuse' or"):
        read_taxonomy(file, same_names="both")


def test_the_columns_of_a_table_can_be_named(tmp_path):
    file = tmp_path / "tree.csv"
    file.write_text("code,above,name_fr,name_en\n01,,Aliments,Food\n011,01,Pain,Bread\n")
    named = {"id": "code", "parent": "above"}
    assert read_taxonomy(file, name="name_fr", **named).paths[1] == ("Aliments", "Pain")
    assert read_taxonomy(file, name="name_en", **named).ids == ("01", "011")
    with pytest.raises(
        TaxonomyError, match="no column 'parent'; found .*Name the columns id, parent and"
    ):
        read_taxonomy(file)
    file.write_text("code,path\nf,Food\nb,Food > Bread\n")
    assert read_taxonomy(file, id="code").ids == ("f", "b")
    with pytest.raises(TaxonomyError, match="no column 'key'; found"):
        read_taxonomy(file, id="key")
