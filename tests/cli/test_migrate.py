"""prodcat tree migrate, on real files."""

import csv
import gzip
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat import Store, Taxonomy
from prodcat.cli.command import main
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.testing import tiny_classifier

OLD = [
    "Food > Fruit > Apples", "Food > Fruit > Pears", "Food > Bread", "Home > Knives & Forks",
    "Home > Candles", "Home > Pans",
]  # fmt: skip
NEW = [
    "Food > Fresh Fruit > Apples", "Food > Fresh Fruit > Pears", "Food > Bread", "Home > Knives",
    "Home > Forks", "Gifts > Candles",
]  # fmt: skip
TABLE = """kind,old_path,new_path
same,Food,Food
renamed,Food > Fruit,Food > Fresh Fruit
same,Food > Fruit > Apples,Food > Fresh Fruit > Apples
same,Food > Fruit > Pears,Food > Fresh Fruit > Pears
same,Food > Bread,Food > Bread
same,Home,Home
split,Home > Knives & Forks,Home > Knives
split,Home > Knives & Forks,Home > Forks
moved,Home > Candles,Gifts > Candles
dropped,Home > Pans,
"""
TREES = ["tree", "migrate", "old.csv", "new.csv", "checked.csv"]
UNDECIDED = ["--undecided", "undecided.csv"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, paths in (("old", OLD), ("new", NEW)):
        Path(f"{name}.csv").write_text("path\n" + "\n".join(paths) + "\n")
    Path("checked.csv").write_text(TABLE)
    return tmp_path


def migrate(*options, code=0):
    assert main([*TREES, *options]) == code


def rows_of(path):
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


CATALOG = (
    "sku,title,path,price\n"
    '001,"Milk, 1 l",Food>Fruit>Apples,"1,20"\n'
    "002,pears,Food > Fruit > Pears,=1\n"
    "003,knives,Home > Knives & Forks,\n"
    "004,nothing,,4\n"
    "005,pan,Home > Pans,5\n"
)


def test_every_row_and_every_other_column_of_a_table_stays(capsys):
    Path("catalog.csv").write_text(CATALOG)
    migrate("--catalog", "catalog.csv", "--output", "migrated.csv", *UNDECIDED)
    before, after = rows_of("catalog.csv"), rows_of("migrated.csv")
    assert [own["path"] for own in after] == [
        "Food>Fresh Fruit>Apples", "Food > Fresh Fruit > Pears", "Home", "", "",
    ]  # fmt: skip
    others = [{k: v for k, v in own.items() if k != "path"} for own in after]
    assert others == [{k: v for k, v in own.items() if k != "path"} for own in before]
    listed = rows_of("undecided.csv")
    assert [(own["row_number"], own["kind"]) for own in listed] == [
        ("3", "split"),
        ("5", "dropped"),
    ]
    assert listed[0]["choices"] == "Home > Knives | Home > Forks"
    assert "to be chosen by a person: 2" in capsys.readouterr().out


def test_what_a_person_chose_is_written(capsys):
    Path("catalog.csv").write_text(CATALOG)
    migrate("--catalog", "catalog.csv", "--output", "migrated.csv", *UNDECIDED)
    rows = rows_of("undecided.csv")
    rows[0]["new_path"], rows[1]["new_id"] = "Home > Forks", "Food > Bread"
    with Path("chosen.csv").open("w", newline="") as file:
        csv.writer(file).writerows([list(rows[0]), *(own.values() for own in rows)])
    migrate("--catalog", "catalog.csv", "--output", "decided.csv", "--decided", "chosen.csv")
    assert [own["path"] for own in rows_of("decided.csv")][2:] == [
        "Home > Forks",
        "",
        "Food > Bread",
    ]
    assert "chosen by a person: 2" in capsys.readouterr().out


def test_without_a_file_for_what_is_undecided_nothing_is_written(capsys):
    Path("catalog.csv").write_text(CATALOG)
    migrate("--catalog", "catalog.csv", "--output", "migrated.csv", code=2)
    assert "choose the categories of 2 titles. Nothing was written" in capsys.readouterr().err
    assert not Path("migrated.csv").exists()


def test_levels_lists_and_ids_keep_their_forms():
    """One column for each level, a list of names, ids as numbers: each stays what it was."""
    trees = {}
    for name, paths in (("old", OLD), ("new", NEW)):
        rows = Taxonomy.from_paths(paths).to_table()
        number = {row["id"]: 10 * (n + 1) + (name == "new") for n, row in enumerate(rows)}
        rows = [{**row, "id": number[row["id"]], "parent": number.get(row["parent"], "")}
                for row in rows]  # fmt: skip
        pd.DataFrame(rows).to_csv(f"{name}.csv", index=False)
        trees[name] = prodcat.read_taxonomy(f"{name}.csv")
    ids = {name: {p: int(tree.ids[n]) for n, p in enumerate(tree.paths)}
           for name, tree in trees.items()}  # fmt: skip
    paths = [("Food", "Fruit", "Apples"), ("Food", "Bread"), ("Home", "Candles")]
    frame = pa.table(
        {
            "title": ["a", "b", "c"],
            "one": [own[0] for own in paths], "two": [own[1] for own in paths],
            "three": ["Apples", None, None],
            "names": [list(own) for own in paths],
            "code": pa.array([ids["old"][own] for own in paths], pa.int32()),
            "day": [date(2026, 1, 2)] * 3,
        }
    )  # fmt: skip
    pq.write_table(frame, "catalog.parquet")
    migrate("--catalog", "catalog.parquet", "--path", "one", "two", "three", "--id", "code",
            "--output", "levels.parquet")  # fmt: skip
    made = pq.read_table("levels.parquet")
    assert made.schema == frame.schema
    assert made["two"].to_pylist() == ["Fresh Fruit", "Bread", "Candles"]
    assert made["one"].to_pylist() == ["Food", "Food", "Gifts"]
    assert made["three"].to_pylist() == ["Apples", None, None]
    new = [("Food", "Fresh Fruit", "Apples"), ("Food", "Bread"), ("Gifts", "Candles")]
    assert made["code"].to_pylist() == [ids["new"][own] for own in new]
    assert made["names"].to_pylist() == frame["names"].to_pylist(), "no column with labels"
    migrate("--catalog", "catalog.parquet", "--path", "names", "--output", "names.jsonl")
    lines = [json.loads(line) for line in Path("names.jsonl").read_text().splitlines()]
    assert [tuple(own["names"]) for own in lines] == new
    assert lines[0]["code"] == ids["old"][paths[0]] and lines[0]["day"] == "2026-01-02"


def test_a_deeper_tree_gets_further_columns():
    Path("old.csv").write_text("path\nFood > Fruit\nFood > Bread\n")
    Path("new.csv").write_text("path\nFood > Fresh > Fruit\nFood > Bread\n")
    Path("checked.csv").write_text(
        "kind,old_path,new_path\nsame,Food,Food\nmoved,Food > Fruit,Food > Fresh > Fruit\n"
        "same,Food > Bread,Food > Bread\n"
    )
    Path("catalog.csv").write_text("level_1,level_2,title,x\nFood,Fruit,a,1\nFood,Bread,b,2\n")
    migrate("--catalog", "catalog.csv", "--path", "level_1", "level_2", "--output", "out.csv")
    assert Path("out.csv").read_text() == (
        'level_1,level_2,level_3,title,x\nFood,Fresh,Fruit,a,1\nFood,Bread,"",b,2\n'
    )


def test_excel_and_compressed_files():
    Path("catalog.xlsx").write_bytes(sheet_bytes(pa.table({
        "title": ["a", "b"], "path": ["Food > Fruit > Pears", "Home > Candles"], "n": [1, 2],
    })))  # fmt: skip
    migrate("--catalog", "catalog.xlsx", "--output", "out.xlsx")
    made = pd.read_excel("out.xlsx", engine="calamine")
    assert made.to_dict("list") == {
        "title": ["a", "b"], "path": ["Food > Fresh Fruit > Pears", "Gifts > Candles"], "n": [1, 2],
    }  # fmt: skip
    migrate("--catalog", "catalog.xlsx", "--output", "out.csv.gz")
    assert gzip.decompress(Path("out.csv.gz").read_bytes()).decode() == (
        "title,path,n\na,Food > Fresh Fruit > Pears,1\nb,Gifts > Candles,2\n"
    )


def test_the_table_goes_to_the_standard_output(capsys):
    Path("catalog.csv").write_text("title,path\na,Food > Fruit > Pears\n")
    migrate("--catalog", "catalog.csv", "--output", "-")
    said = capsys.readouterr()
    assert said.out == "title,path\na,Food > Fresh Fruit > Pears\n"
    assert "1 labels" in said.err


def test_rows_with_a_strange_label_are_told_before_anything_is_written(capsys):
    Path("catalog.csv").write_text(
        "title,path\na,Food > Fruit > Pears\nb,Food > Fuit > Pears\nc,Shoes\n"
    )
    migrate("--catalog", "catalog.csv", "--output", "out.csv", *UNDECIDED, code=2)
    said = capsys.readouterr().err
    assert "2 rows of 'catalog.csv' have a label that is not in the old tree" in said
    assert "row 2: 'Food > Fuit > Pears' is not in the old tree" in said
    assert "add --on-error accept" in said and not Path("out.csv").exists()
    migrate("--catalog", "catalog.csv", "--output", "out.csv", *UNDECIDED, "--on-error", "accept")
    assert [own["path"] for own in rows_of("out.csv")] == ["Food > Fresh Fruit > Pears", "", ""]
    listed = rows_of("undecided.csv")
    assert [own["kind"] for own in listed] == ["unknown category"] * 2
    assert [own["old_path"] for own in listed] == ["Food > Fuit > Pears", "Shoes"]


def test_a_table_that_was_migrated_already_is_told(capsys):
    Path("catalog.csv").write_text("title,path\na,Food > Fresh Fruit > Pears\nb,Gifts > Candles\n")
    migrate("--catalog", "catalog.csv", "--output", "out.csv", *UNDECIDED, code=2)
    assert "is the table migrated already?" in capsys.readouterr().err


def test_an_id_and_a_path_that_disagree_are_told(capsys):
    Path("catalog.csv").write_text("title,path,code\na,Home > Pans,Food > Bread\nb,,Food > Bread\n")
    options = ["--path", "path", "--id", "code", "--output", "out.csv", *UNDECIDED]
    migrate("--catalog", "catalog.csv", *options, code=2)
    assert "the id 'Food > Bread' is 'Food > Bread', but the path 'Home > Pans'" in (
        capsys.readouterr().err
    )


def test_spellings_can_be_merged():
    Path("catalog.csv").write_text("title,path\na,food > FRUIT > pears\nb,food > bread\n")
    migrate("--catalog", "catalog.csv", "--merge", "spelling", "--output", "out.csv")
    assert [own["path"] for own in rows_of("out.csv")] == [
        "Food > Fresh Fruit > Pears", "food > bread",
    ]  # fmt: skip


def test_rows_that_cannot_be_read_are_not_lost(capsys):
    Path("catalog.csv").write_text("title,path\na,Food > Bread\nb,Food > Bread,more,fields\n")
    migrate("--catalog", "catalog.csv", "--output", "out.csv", code=2)
    assert "1 rows cannot be read, so that they cannot be written again" in capsys.readouterr().err


def test_changes_that_nobody_has_checked_are_refused(capsys):
    Path("catalog.csv").write_text("title,path\na,Home > Candles\n")
    text = TABLE.replace("\n", ",yes\n").replace("new_path,yes", "new_path,sure")
    Path("checked.csv").write_text(text.replace("Gifts > Candles,yes", "Gifts > Candles,no"))
    migrate("--catalog", "catalog.csv", "--output", "out.csv", code=2)
    said = capsys.readouterr().err
    assert "marks 1 changes as not sure, such as that of 'Home > Candles' (moved)" in said
    migrate("--catalog", "catalog.csv", "--output", "out.csv", "--accept-unsure")
    assert rows_of("out.csv")[0]["path"] == "Gifts > Candles"


def test_a_table_of_other_trees_is_refused(capsys):
    Path("catalog.csv").write_text("title,path\na,Home > Candles\n")
    Path("new.csv").write_text("path\nShoes > Boots\n")
    migrate("--catalog", "catalog.csv", "--output", "out.csv", code=2)
    assert "is not in the new tree" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "There is nothing to migrate"),
        (["--model", "model"], "There is nothing to migrate"),
        (["--catalog", "catalog.csv"], "Found --catalog without --output"),
        (["--catalog", "catalog.csv", "--audit", "catalog.csv", "--output", "a.csv"],
         "Found --catalog and --audit; expected one of them"),
        (["--catalog", "catalog.csv", "--output", "a.html"], "'a.html' ends with '.html'"),
        (["--catalog", "catalog.csv", "--output", "folder/"], "no name of a table"),
        (["--catalog", "catalog.csv", "--output", "folder"], "no name of a table"),
        (["--catalog", "catalog.csv", "--output", "old.csv"], "which exists"),
        (["--catalog", "catalog.csv", "--output", "a.csv", "--undecided", "a.pdf"],
         "--undecided is 'a.pdf'; expected a name ending with one of .csv"),
        (["--catalog", "catalog.csv", "--output", "a.csv", "--undecided", "catalog.csv/a.csv"],
         "is a file; expected a folder"),
        (["--catalog", "catalog.csv", "--output", "a.csv", "--report", "r.csv"],
         "Found --report without --output-model"),
        (["--output-model", "new"], "Found --output-model without --model"),
        (["--catalog", "catalog.csv", "--output", "a.csv", "--path", "category"],
         "has no column 'category'"),
        (["--queue", "queue.jsonl", "--output", "a.csv"], "expected a name ending with .jsonl"),
        (["--queue", "queue.jsonl", "--output", "a.jsonl", "--decisions", "none.jsonl"],
         "there is no such file"),
        (["--model", "model", "--output-model", "store/tr@20260101T000000.000000Z-0123456789ab"],
         "a version, which never changes; expected tr@latest"),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_any_work(options, message, capsys):
    Path("catalog.csv").write_text("title,path\na,Home > Candles\n")
    Path("folder").mkdir()
    migrate(*options, code=2)
    assert message in capsys.readouterr().err
    assert not Path("a.csv").exists()


# -- models -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A classifier that knows only the categories of its titles, as most do."""
    folder = tmp_path_factory.mktemp("model")
    paths = [own for own in OLD for _ in range(8)]
    titles = [f"{own.rsplit(' > ')[-1].lower()} {n} pieces" for n, own in enumerate(paths)]
    catalog = prodcat.read_catalog({"title": titles, "path": paths})
    made = prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None), progress=False,
                       device="cpu")  # fmt: skip
    made.save(folder / "model")
    return str(folder / "model")


def test_a_model_goes_on_with_the_new_tree(model, capsys):
    migrate("--model", model, "--output-model", "new", "--report", "report.xlsx")
    made = prodcat.load("new", device="cpu")
    assert made.taxonomy == prodcat.read_taxonomy("new.csv")
    assert made.predict(["pears 9 pieces"])[0][0].path == ("Food", "Fresh Fruit", "Pears")
    assert "saved to new" in capsys.readouterr().out
    assert "old_path" in pd.read_excel("report.xlsx", engine="calamine").columns
    migrate("--model", model, "--output-model", "new", code=2)
    assert "a classifier is saved already" in capsys.readouterr().err
    migrate("--model", "new", "--output-model", "again", code=2)
    assert "whose tree is the new one already" in capsys.readouterr().err


def test_translations_alone_are_migrated(tmp_path):
    old = Taxonomy.from_paths(["Home > Pans", "Home > Candles"])
    new = replace(old, translations={"de": tuple(name.upper() for name in old.names)})
    assert new.hash == old.hash and new != old
    Path("old.json").write_text(old.to_json())
    Path("new.json").write_text(new.to_json())
    old.diff(new).save("checked.csv")
    tiny_classifier(old.paths).save("model")
    command = ["tree", "migrate", "old.json", "new.json", "checked.csv", "--device", "cpu"]
    assert main([*command, "--model", "model", "--output-model", "migrated"]) == 0
    made = prodcat.load("migrated", device="cpu")
    assert made.taxonomy == new
    assert made.predict(["Home Pans"], language="de")[0][0].path == ("HOME", "PANS")


def test_titles_of_the_new_tree_teach_the_parts_of_a_split(model, capsys):
    rows = [f"spork {n},Home > Forks\nsteak knife {n},Home > Knives" for n in range(12)]
    Path("labelled.csv").write_text("title,path\n" + "\n".join(rows) + "\n")
    migrate("--model", model, "--output-model", "new", "--new-titles", "labelled.csv")
    assert "learned from titles" in capsys.readouterr().out
    made = prodcat.load("new", device="cpu")
    assert made.predict(["spork knives & forks"])[0][0].path == ("Home", "Forks")


def test_a_version_in_a_store_has_the_old_one_as_its_parent_and_no_alias_moves(model, capsys):
    store = Store("store")
    first = store.publish(prodcat.load(model, device="cpu"), "tr", alias="production")
    migrate("--model", "store/tr@production", "--output-model", "store/tr@latest")
    assert store.aliases("tr") == {"production": first}
    newest = store.show("tr@latest")
    assert newest.parent == f"tr@{first}" and newest.version != first
    assert "migrated from store/tr@production" in newest.note
    migrate("--model", "store/tr@production", "--output-model", "store/tr@staging")
    assert store.aliases("tr") == {"production": first, "staging": newest.version}
    assert "named staging" in capsys.readouterr().out


def test_a_model_guesses_among_the_choices(model):
    Path("catalog.csv").write_text("title,path\nforks 3 pieces,Home > Knives & Forks\n")
    options = ["--catalog", "catalog.csv", "--output", "out.csv", *UNDECIDED, "--model", model]
    migrate(*options)
    [row] = rows_of("undecided.csv")
    assert row["guess_path"] == "Home > Forks" and float(row["guess_confidence"]) > 0.5


def test_a_model_of_another_tree_is_refused(model, capsys):
    Path("old.csv").write_text("path\nFood > Fruit > Apples\n")
    Path("checked.csv").write_text(
        "kind,old_path,new_path\nsame,Food,Food\nrenamed,Food > Fruit,Food > Fresh Fruit\n"
        "same,Food > Fruit > Apples,Food > Fresh Fruit > Apples\n"
    )
    migrate("--model", model, "--output-model", "new", code=2)
    said = capsys.readouterr().err
    assert "a classifier of another tree" in said and "are not in the old tree" in said
    assert not Path("new").exists()


# -- reviews and audits -----------------------------------------------------------


def test_a_review_goes_on_with_what_was_decided(model, capsys):
    from prodcat.insight.decisions import Decisions
    from prodcat.insight.queue import read_queue, review_queue, save_queue

    classifier = prodcat.load(model, device="cpu")
    names = ["pears 77", "knives & forks 5", "pans 6", "candles 3", "bread 7"]
    save_queue(review_queue(prodcat.read_catalog(names), classifier, 5), "queue.jsonl")
    items = read_queue("queue.jsonl")
    number = {own.title: own.item for own in items}
    with Decisions(Path("queue.decisions.jsonl"), items, classifier.taxonomy) as decisions:
        events = [
            ("pears 77", "label", "Home > Pans"), ("pears 77", "label", "Food > Fruit > Pears"),
            ("knives & forks 5", "label", "Home > Knives & Forks"), ("candles 3", "skip", None),
            ("pans 6", "label", "Home > Pans"),
        ]  # fmt: skip
        for n, (title, kind, node) in enumerate(events):
            decisions.take({"id": str(n), "item": number[title], "kind": kind, "node": node})
    options = ["--queue", "queue.jsonl", "--output", "new.jsonl"]
    migrate(*options, "--model", model)
    said = capsys.readouterr().out
    assert "5 titles, 2 decided" in said and "2 decided titles are open again" in said
    new = prodcat.read_taxonomy("new.csv")
    moved = read_queue("new.jsonl")
    assert [own.title for own in moved] == [own.title for own in items]
    with Decisions(Path("new.decisions.jsonl"), moved, new, write=False) as decisions:
        standing = {moved[n].title: own.get("node") for n, own in decisions.standing.items()}
    assert standing == {"pears 77": "Food > Fresh Fruit > Pears", "candles 3": None}
    again = moved[number["knives & forks 5"]].answers
    assert {own["id"] for own in again[:2]} == {"Home > Knives", "Home > Forks"}
    assert sum(own["confidence"] for own in again[:2]) == pytest.approx(1, abs=1e-4)
    assert Path("queue.decisions.jsonl").read_text().count("\n") == 5, "the old ones stay"
    migrate("--queue", "queue.jsonl", "--output", "new.jsonl", "--overwrite", code=2)
    assert "holds decisions already" in capsys.readouterr().err


def test_a_queue_of_another_tree_is_refused(capsys):
    item = {"item": 0, "row": 0, "title": "a", "neighbours": [], "weight": 1.0, "gain": 1.0,
            "answers": [{"id": "7", "path": ["Shoes"], "confidence": 0.5}]}  # fmt: skip
    Path("queue.jsonl").write_text(json.dumps(item) + "\n")
    migrate("--queue", "queue.jsonl", "--output", "new.jsonl", code=2)
    assert "has 1 answers that are not in the old tree, such as the id '7'" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx", "jsonl"])
def test_an_audit_keeps_its_numbers_and_gets_new_labels(ending, capsys):
    from prodcat.insight.audit import audit

    paths = [own for own in OLD for _ in range(8)]
    titles = [f"{own.rsplit(' > ')[-1].lower()} {n} pieces" for n, own in enumerate(paths)]
    labels = [*paths[:4], *paths[8:12], *paths[4:8], *paths[12:]]  # some are wrong
    table = {"title": titles, "path": labels, "sku": list(range(len(titles)))}
    catalog = prodcat.read_catalog(table, keep=["sku"])
    audit(catalog, folds=2, progress=False).save(f"audit.{ending}")
    migrate("--audit", f"audit.{ending}", "--output", f"audited.{ending}", *UNDECIDED)
    read = {
        "csv": pd.read_csv, "parquet": pd.read_parquet,
        "xlsx": lambda name: pd.read_excel(name, engine="calamine"),
        "jsonl": lambda name: pd.read_json(name, lines=True),
    }[ending]  # fmt: skip
    before, after = read(f"audit.{ending}"), read(f"audited.{ending}")
    assert list(before) == list(after) and len(before) == len(after) > 0
    for name in set(before) - {"label", "suggestion", "level"}:
        pd.testing.assert_series_equal(before[name], after[name], check_dtype=False)
    assert after["label"].str.startswith("Food > Fresh Fruit > Apples").any()
    first = [
        next((n for n, (a, b) in enumerate(zip(one.split(" > "), two.split(" > "), strict=False), 1)
              if a != b), 0)
        for one, two in zip(after["label"].fillna(""), after["suggestion"].fillna(""), strict=True)
    ]  # fmt: skip
    assert after["level"].tolist()[:5] == first[:5]


def test_a_table_that_is_no_audit_is_refused(capsys):
    Path("catalog.csv").write_text("title,path\na,Home > Candles\n")
    migrate("--audit", "catalog.csv", "--output", "out.csv", code=2)
    assert "Expected a table that prodcat audit wrote" in capsys.readouterr().err
