"""``prodcat explain``: titles, tables and categories on the command line."""

import csv
import json

import pytest
from command_line import LEVELS

from prodcat.cli.command import main


def explain(home, *arguments):
    return main(["explain", *map(str, arguments), "--model", str(home / "model")])


def test_titles_get_a_line_for_each_level(home, capsys):
    assert explain(home, "Vollmilch 1 L", "frische Eier") == 0
    out = capsys.readouterr().out
    first, second = out.split("\n\n")
    assert first.startswith("Vollmilch 1 L: ") and second.startswith("frische Eier: ")
    assert "  1  " in first and "+" in first
    assert "the answer" in first


def test_a_table_becomes_a_page_and_a_table(home, tmp_path, capsys):
    page, words = tmp_path / "reasons.html", tmp_path / "words.csv"
    files = ["--output", page, "--output", words]
    assert explain(home, "--input", home / "test.csv", "--most", 3, *files) == 0
    told = capsys.readouterr()
    assert "The first 3 of 80 titles are explained; see --most." in told.err
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>") and html.count("<table>") == 3
    with open(words, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["row_number"] for row in rows} == {"1", "2", "3"}
    assert {"level", "answer", "runner_up", "word", "weight"} <= rows[0].keys()


def test_similar_titles_come_from_the_catalog(home, capsys):
    catalog = ["--catalog", home / "train.csv", "--path", *LEVELS]
    assert explain(home, "Vollmilch 1 L", *catalog) == 0
    assert capsys.readouterr().out.count("  Similar: ") == 3


def test_a_category_is_explained_by_its_words(home, capsys):
    from prodcat import load

    path = load(str(home / "model")).taxonomy.paths[0]
    catalog = ["--catalog", home / "train.csv", "--path", *LEVELS]
    assert explain(home, "--node", " > ".join(path), *catalog) == 0
    out = capsys.readouterr().out
    assert out.startswith(path[0]) and "for:" in out and "titles are doubtful" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Found nothing to explain; expected titles, or --input with a table of titles"),
        (["a", "--node", "b"], "Found several requests at once"),
        (["{home}/test.csv"], "is a file, not a title. Explain the titles in it with --input"),
        (["-"], "standard input, not a title. Explain the titles in it with --input -"),
        (["--node", "Nonesuch"], "The tree has no node 'Nonesuch'"),
        (["a", "--most", "0"], "--most is 0; expected 1 to 1,000"),
        (["--node", "a", "--output", "x.html"], "--output is for titles"),
        (["a", "--output", "x.pdf"], "expected a name ending with one of .html"),
        (["a", "--max-error", "0.1"], "none. Run prodcat guarantee"),
        (["--input", "none.csv"], "Found no file"),
    ],
)
def test_mistakes_are_told_in_one_message(home, capsys, arguments, message):
    assert explain(home, *(argument.format(home=home) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error and "prodcat explain: " in error


def test_lines_come_from_another_program(home, capsys, monkeypatch):
    import io
    import sys

    class Piped(io.TextIOWrapper):
        pass

    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(b"Vollmilch 1 L\nEier\n")))
    facts = {}
    arguments = ["explain", "--input", "-", "--model", str(home / "model")]
    assert main(arguments, facts) == 0
    assert facts["titles"] == 2
    assert "Eier: " in capsys.readouterr().out
    json.dumps(facts)
