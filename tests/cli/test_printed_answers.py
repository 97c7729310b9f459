"""Answers on the standard output: a table for people, CSV for programs."""

import csv
import io
import sys

import pytest

from prodcat.cli.command import main
from prodcat.cli.printed_answers import PrintedAnswers
from prodcat.errors import ConfigError

HEADER = "title,predicted_path,confidence,error\n"
ROWS = 'Milk 1 l,Dairy > Milk,0.987654,\n"Red\nwine",,,unreadable\n牛乳牛乳,,0.1,\n'


@pytest.fixture
def printed(monkeypatch, capsys):
    """A function that prints two pieces, and returns what was printed."""

    def run(is_terminal, columns=None, **more):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
        answers = PrintedAnswers("title", columns, **more)
        rows = answers.add(HEADER + ROWS) + answers.add(f"{'long ' * 20},A > B,1.0,\n")
        return capsys.readouterr().out, rows

    return run


def test_people_get_a_table_of_titles_paths_and_confidences(printed):
    shown, _ = printed(True)
    lines = shown.splitlines()
    assert lines[0].split() == ["TITLE", "CONFIDENCE", "PATH"] and len(lines) == 5
    assert lines[1].split("  ")[0] == "Milk 1 l" and lines[1].endswith("     98.8%  Dairy > Milk")
    assert lines[2].startswith("Red\\nwine ") and lines[2].endswith("(unreadable)")
    assert lines[3].endswith("(no answer)") and lines[3].startswith("牛乳牛乳" + " " * 40)
    assert lines[4].startswith("long long") and "…" in lines[4][:50]
    places = {line.index(end) for line, end in zip(lines[:2], ["PATH", "Dairy"], strict=True)}
    assert len(places) == 1


def test_programs_get_csv_as_it_is(printed):
    shown, rows = printed(False)
    assert shown.startswith(HEADER + ROWS) and rows == []
    shown, rows = printed(False, reads_rows=True)
    assert shown.startswith(HEADER + ROWS) and len(rows) == 4 and rows[1][0] == "Red\nwine"


def test_named_columns_are_csv_everywhere(printed):
    for is_terminal in (True, False):
        shown, _ = printed(is_terminal, ["predicted_path", "title"])
        [header, first, *_, last] = csv.reader(io.StringIO(shown))
        assert header == ["predicted_path", "title"] and first == ["Dairy > Milk", "Milk 1 l"]
        assert last[0] == "A > B"
    with pytest.raises(ConfigError, match="no column 'confidense'; did you mean 'confidence'"):
        printed(False, ["confidense"])


def test_columns_are_for_the_standard_output(tmp_path, capsys):
    output = str(tmp_path / "a.csv")
    words = ["predict", "none.csv", "--model", "none", "--output", output, "--columns", "title"]
    (tmp_path / "none.csv").write_text("title\nmilk\n")
    words[1] = str(tmp_path / "none.csv")
    assert main(words) == 2
    assert "--columns is for the standard output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("x" * 48, "x" * 48),
        ("x" * 49, "x" * 47 + "…"),
        ("牛" * 24, "牛" * 24),
        ("牛" * 25, "牛" * 23 + "… "),
        ("x" + "牛" * 24, "x" + "牛" * 23 + "…"),
        ("x" * 47 + "牛", "x" * 47 + "…"),
        ("x" * 46 + "牛", "x" * 46 + "牛"),
        ("x" * 46 + "牛y", "x" * 46 + "… "),
        ("🥛" * 25, "🥛" * 23 + "… "),
        ("ＡＢ", "ＡＢ" + " " * 44),
        ("cafe\u0301" * 20, "cafe\u0301" * 11 + "caf…"),
        ("x" * 46 + "e\u0301yz", "x" * 46 + "e\u0301…"),
        ("x" * 47 + "e\u0301", "x" * 47 + "e\u0301"),
        ("น้ำ", "น้ำ" + " " * 46),  # two letters with marks
        ("a\u200db", "a\u200db" + " " * 46),
        ("e\u20dd", "e\u20dd" + " " * 47),
        ("\u1112\u1161\u11ab", "\u1112\u1161\u11ab" + " " * 46),  # one syllable in three letters
    ],
)
def test_the_titles_of_all_scripts_take_as_many_places(monkeypatch, capsys, title, cell):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    PrintedAnswers("title", None).add(f"{HEADER}{title},A > B,1.0,\n")
    assert capsys.readouterr().out.splitlines()[1] == f"{cell}      100.0%  A > B"
