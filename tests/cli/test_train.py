"""prodcat train, on real files."""

import json

import pytest
from command_line import LEVELS

from prodcat.cli.command import main


def test_train_saves_a_classifier_and_its_history(home):
    config = json.loads((home / "model" / "config.json").read_text())
    assert config["training"]["lexical_cost"] == 0.5
    assert config["model"]["characters"] == [2, 3]
    [line] = (home / "history.jsonl").read_text().splitlines()
    assert json.loads(line)["epoch"] == 0


def test_a_taxonomy_file_and_a_validation_file(home, tmp_path):
    (tmp_path / "t.csv").write_text("title,path\n" + "a b,A\nc d,B > C\n" * 5)
    (tmp_path / "v.csv").write_text("title,path\na b,A\n")
    (tmp_path / "tree.jsonl").write_text('{"path": "A"}\n{"path": "B > C"}\n{"path": "D"}\n')
    arguments = ["train", str(tmp_path / "t.csv"), "--output", str(tmp_path / "m")]
    arguments += ["--taxonomy", str(tmp_path / "tree.jsonl"), "--encoder", "none", "--quiet"]
    assert main([*arguments, "--validation", str(tmp_path / "v.csv")]) == 0
    assert '"D"' in (tmp_path / "m" / "taxonomy.json").read_text()
    with pytest.raises(SystemExit):
        main([*arguments, "--lexical", "perhaps"])
    assert main([*arguments, "--lexical", "no"]) == 2


@pytest.mark.slow
def test_a_warm_start_on_the_same_titles_trains_nothing(home, tmp_path, capsys):
    arguments = ["train", str(home / "train.csv"), "--path", *LEVELS, "--quiet"]
    arguments += ["--lexical-cost", "0.5", "--warm-start", str(home / "model")]
    before = (home / "model" / "manifest.json").read_bytes()
    assert main([*arguments, "--output", str(home / "model")]) == 0
    shown = capsys.readouterr().out
    assert "nothing was trained" in shown and "saved to" not in shown
    assert (home / "model" / "manifest.json").read_bytes() == before
    copied = [*arguments, "--output", str(tmp_path / "copy")]
    assert main([*copied, "--history", str(tmp_path / "history.jsonl")]) == 0
    assert "saved to" in capsys.readouterr().out
    assert (tmp_path / "history.jsonl").read_text() == (home / "history.jsonl").read_text()
    # Settings of the model are the earlier one's, unless they are given.
    assert main([*arguments, "--output", str(tmp_path / "x"), "--structure", "flat"]) == 2
    assert "structure='flat' does not go with" in capsys.readouterr().err
