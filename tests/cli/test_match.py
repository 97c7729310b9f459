"""``prodcat match``: what it writes, and what it refuses."""

import csv
import io

import pytest
import shelf_categories

from prodcat.cli.command import main
from prodcat.insight.decisions import Decisions
from prodcat.insight.decisions.pairs import RelationChoices, read_pair_table
from prodcat.matching import RELATIONS, match_products
from prodcat.matching.answers import ANSWER_WORDS
from prodcat.storage.tables import iter_tables

OURS = 'title,price,sku\nVelmora Cola zero 6 x 33 cl,"3,96",a1\nSüzme peynir 500 g,5,a2\n'
THEIRS = 'name,price\nCOLA ZERO VELMORA 6X330ML,"4,2"\nsuzme peynir 750gr,4.5\n'


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.csv").write_text(OURS, encoding="utf-8")
    (tmp_path / "theirs.csv").write_text(THEIRS, encoding="utf-8")
    return ["match", "ours.csv", "theirs.csv", "--their-title", "name", "--price", "price"]


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_two_tables_are_matched(tables, tmp_path, capsys):
    facts: dict[str, object] = {}
    given = [*tables, "--id", "sku", "--output", "m.csv", "--doubtful", "d.csv", "--one-to-one"]
    assert main(given, facts) == 0
    cola, cheese = rows_of(tmp_path / "m.csv")
    assert (cola["relation"], cola["our_id"], cola["their_id"]) == ("same product", "a1", "")
    assert cheese["relation"] == "same but other size"
    assert facts["relations"] == {"same product": 1, "same but other size": 1}
    said = capsys.readouterr().err
    assert "2 of our rows and 2 of theirs: 1 same product, 1 same but other size" in said
    assert "theirs.csv: no column 'sku' for --id, which is not compared" in said
    assert main([*tables, "--output", "m.csv"]) == 2
    assert "m.csv', which exists. Add --overwrite" in capsys.readouterr().err


def test_answers_are_handed_back_and_never_overwritten(tables, tmp_path, capsys):
    (tmp_path / "d.csv").write_text("our_row,their_row,answer\n1,1,same product\n0,0,\n")
    given = [*tables, "--output", "m.csv", "--overwrite"]
    assert main([*given, "--doubtful", "d.csv"]) == 2
    assert "'d.csv' has 1 answer" in capsys.readouterr().err
    assert main([*given, "--reviewed", "d.csv", "--doubtful", "e.csv"]) == 0
    by_row = {row["our_row"]: row for row in rows_of(tmp_path / "m.csv")}
    assert by_row["1"]["relation"] == "same product" and by_row["1"]["reviewed"] == "true"


def test_what_was_taken_from_answers_is_told(tables, tmp_path, capsys):
    names = "our_row,their_row,our_title,their_title,Answer\n"
    cola = "0,0,Velmora Cola zero 6 x 33 cl,COLA ZERO VELMORA 6X330ML,same product\n"
    cheese = "1,1,Süzme peynir 500 g,suzme peynir 750gr,none\n"
    (tmp_path / "d.csv").write_text(names + cola + cheese, encoding="utf-8")
    given = [*tables, "--output", "m.csv", "--overwrite"]
    assert main([*given, "--reviewed", "d.csv"]) == 0
    said = capsys.readouterr().err
    assert "--reviewed d.csv: its column 'Answer' is taken as 'answer'" in said
    assert "--reviewed d.csv: 2 answers taken: 1 same product, 1 none" in said
    assert "did not learn from the answers: 1 of the same product and 1 others, and it n" in said
    (tmp_path / "d.csv").write_text(names, encoding="utf-8")
    assert main([*given, "--reviewed", "d.csv"]) == 0
    said = capsys.readouterr().err
    assert "--reviewed d.csv: it has no rows, so that nothing is taken from it" in said
    assert "learn" not in said
    for option in ("--reviewed", "--labelled-pairs"):
        assert main([*tables, "--output", "n.csv", option, "m.csv"]) == 2
        assert "is what the matcher proposes, and no answer" in capsys.readouterr().err
    assert not (tmp_path / "n.csv").exists()


def test_the_matcher_tells_that_it_learned(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    goods = [f"{kind} {size} g" for kind in ("rice", "tea", "salt", "oats") for size in (1, 2, 3)]
    for name, column in (("ours", "title"), ("theirs", "name")):
        (tmp_path / f"{name}.csv").write_text(column + "\n" + "\n".join(goods) + "\n")
    rows = [f"{row},{other},{int(row == other)}" for row in range(12) for other in (row, 11 - row)]
    (tmp_path / "p.csv").write_text("our_row,their_row,same\n" + "\n".join(rows) + "\n")
    given = ["match", "ours.csv", "theirs.csv", "--their-title", "name", "--output", "m.csv"]
    assert main([*given, "--labelled-pairs", "p.csv"]) == 0
    said = capsys.readouterr().err
    assert "--labelled-pairs p.csv: 24 answers taken: 12 same product, 12 none" in said
    assert "the matcher learned from 24 pairs" in said


def test_an_output_with_answers_or_decisions_is_not_replaced(tables, tmp_path, capsys):
    given = [*tables, "--output", "m.csv", "--overwrite"]
    answered = "our_row,their_row,ANSWER\n1,1,same product\n0,0,\n"
    (tmp_path / "m.csv").write_text(answered)
    assert main(given) == 2
    assert "--output 'm.csv' has 1 answer, which would be lost" in capsys.readouterr().err
    assert (tmp_path / "m.csv").read_text() == answered
    (tmp_path / "m.csv").write_text("our_row,their_row\n1,1\n")
    (tmp_path / "m.decisions.jsonl").write_text("{}\n")
    assert main(given) == 2
    said = capsys.readouterr().err
    assert "m.decisions.jsonl' holds decisions about the pairs in --output 'm.csv'" in said
    (tmp_path / "m.decisions.jsonl").unlink()
    assert main(given) == 0


def test_two_dates_are_compared(tables, tmp_path, capsys):
    (tmp_path / "later.csv").write_text(OURS.replace("a2", "a3").replace("Süzme", "Taze"))
    given = ["match", "--changes", "ours.csv", "later.csv", "--id", "sku", "--output", "c.csv"]
    assert main(given) == 0
    assert sorted(row["change"] for row in rows_of(tmp_path / "c.csv")) == [
        "came", "unchanged", "went",
    ]  # fmt: skip
    assert main([*given[:-1], "e.csv", "--one-to-one"]) == 2
    assert "--one-to-one is given with --changes" in capsys.readouterr().err


def test_a_column_that_is_missing_is_told(tables, capsys):
    assert main(["match", "ours.csv", "theirs.csv", "--output", "m.csv"]) == 2
    assert "Name the column with --their-title." in capsys.readouterr().err
    given = [*tables, "--text", "about", "--output", "m.jsonl"]
    assert main(given) == 0
    assert "no column 'about' for --text, which is not compared" in capsys.readouterr().err


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A saved classifier that tells drinks from cleaners."""
    folder = tmp_path_factory.mktemp("model") / "model"
    shelf_categories.fitted().save(str(folder))
    return str(folder)


def test_the_categories_of_a_model_are_compared(tables, model, tmp_path, capsys):
    drinks = "title\nVelmora lemon mint apple tea 1 l\nVelmora lemon soda 1 l\n"
    (tmp_path / "ours.csv").write_text(drinks)
    others = "name\nVelmora lemon mint apple soap 1 l\nlemon soda VELMORA 1l\n"
    (tmp_path / "theirs.csv").write_text(others)
    match = ["match", "ours.csv", "theirs.csv", "--their-title", "name"]
    assert main([*match, "--output", "without.csv"]) == 0
    assert main([*match, "--output", "with.csv", "--model", model]) == 0
    found = [
        {(row["our_row"], row["their_row"]): row["relation"] for row in rows_of(tmp_path / name)}
        for name in ("without.csv", "with.csv")
    ]
    assert found[0]["0", "0"] in ("same product", "substitute")
    assert found[1].get(("0", "0"), "none") == "none"
    assert found[0]["1", "1"] == found[1]["1", "1"] == "same product"
    capsys.readouterr()
    # A wrong name is told before the tables are read.
    (tmp_path / "ours.csv").write_text("price\n1\n")
    assert main([*match, "--output", "no.csv", "--model", "no-model"]) == 2
    said = capsys.readouterr().err
    assert "Found no artifact" in said and "no column" not in said
    assert main([*match, "--changes", "--output", "no.csv", "--model", model]) == 2
    assert "--model is given with --changes" in capsys.readouterr().err


def test_doubtful_pairs_go_round_over_the_review_page(tmp_path, monkeypatch, capsys):
    """What is decided on the page comes back as a relation, and no table is replaced unanswered."""
    monkeypatch.chdir(tmp_path)
    kinds = ("strawberry", "vanilla", "lemon", "smoked")
    ours = [f"{brand} rice {kind} 500 g" for brand in ("Velmora", "Quilvo") for kind in kinds]
    theirs = [f"{kind.upper()} rice 0.5kg" for kind in kinds]
    for name, titles in (("ours", ours), ("theirs", theirs)):
        (tmp_path / f"{name}.csv").write_text("title\n" + "".join(f"{each}\n" for each in titles))
    match = ["match", "ours.csv", "theirs.csv", "--overwrite", "--output", "m.xlsx", "--doubtful"]
    assert main([*match, "doubtful.csv"]) == 0
    table = read_pair_table("doubtful.csv", RelationChoices(RELATIONS, ANSWER_WORDS))
    chosen = [RELATIONS[item.item % len(RELATIONS)] for item in table.items]
    assert len(set(chosen)) == len(RELATIONS)
    place, choices = tmp_path / "doubtful.decisions.jsonl", RelationChoices(RELATIONS)
    with Decisions(place, table.items, choices) as decisions:
        for item, relation in zip(table.items, chosen, strict=True):
            decisions.take(
                {"id": str(item.item), "item": item.item, "kind": "label", "relation": relation}
            )
        labels = decisions.labels()
    capsys.readouterr()
    assert main([*match, "doubtful.csv"]) == 2
    assert "holds decisions about the pairs in --doubtful 'doubtful.csv'" in capsys.readouterr().err
    assert main(["review", "--pairs", "doubtful.csv", "--export", "answered.xlsx"]) == 0
    assert main([*match, "next.csv", "--reviewed", "answered.xlsx"]) == 0
    again = match_products("ours.csv", "theirs.csv", reviewed=labels).table.to_pylist()
    [piece] = iter_tables("m.xlsx")
    columns = zip(*(piece[name] for name in ("our_row", "their_row", "reviewed", "relation")),
                  strict=True)  # fmt: skip
    written = {(row, other): relation for row, other, reviewed, relation in columns if reviewed}
    assert written == {
        (int(item.columns["our_row"]), int(item.columns["their_row"])): relation
        for item, relation in zip(table.items, chosen, strict=True)
    }
    assert written == {
        (row["our_row"], row["their_row"]): row["relation"] for row in again if row["reviewed"]
    }
