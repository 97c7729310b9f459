"""What exists is replaced only with --overwrite, in every command that writes."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import LEVELS

from prodcat.cli.arrangement import MODEL_FOLDER, OUTPUT, OVERWRITE
from prodcat.cli.command import _parser, main
from prodcat.cli.destinations import check_model_folder, check_new

REPORTS = {
    "audit": ["{home}/test.csv", "--path", *LEVELS],
    "assortment": ["{home}/test.csv", "{home}/test.csv", "--labelled", "{home}/test.csv"],
    "drift": ["{home}/test.csv", "{home}/test.csv"],
    "tree diff": ["{home}/old.json", "{home}/new.json"],
    "pipeline render": ["--config", "{home}/countries.toml"],
    "predict": ["{home}/test.csv"],
}
NEEDS_MODEL = ("assortment", "drift", "predict")


def every_parser(parser, words=()):
    yield " ".join(words), parser
    for verb, below in parser.verbs.items():
        yield from every_parser(below, (*words, verb))


def test_every_command_that_writes_has_the_option():
    writing = set()
    for words, parser in every_parser(_parser()):
        names = {action.metavar for action in parser.actions}
        if names & {OUTPUT, MODEL_FOLDER} or "--queue" in parser.options:
            writing.add(words)
            assert OVERWRITE in parser.options, words
        written = {
            "--output",
            "--report",
            "--plot",
            "--json",
            "--history",
            "--mistakes",
            "--export",
        }
        for name in written & parser.options.keys():
            action = parser.options[name]
            if action.nargs != 0 and "FILE" not in str(action.metavar):
                assert action.metavar in (OUTPUT, MODEL_FOLDER), (words, name)
    assert {"train", "predict", "evaluate", "calibrate", "guarantee", "trim", "try"} <= writing
    assert {"tree diff", "models export", "pipeline render", "review", "demo"} <= writing


@pytest.mark.parametrize("command", list(REPORTS))
def test_a_file_that_exists_is_refused_before_any_work(command, tmp_path, capsys):
    """Neither the model nor most inputs exist, and nobody gets to know."""
    ending = ".json" if command == "pipeline render" else ".csv"
    output = tmp_path / f"out{ending}"
    output.write_text("mine")
    words = [word.format(home=tmp_path) for word in REPORTS[command]]
    if command == "predict":
        (tmp_path / "test.csv").write_text("title\nmilk\n")
    words += ["--model", str(tmp_path / "none")] if command in NEEDS_MODEL else []
    assert main([*command.split(), *words, "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert f"--output is {str(output)!r}, which exists. Add --overwrite to replace it" in said
    assert output.read_text() == "mine"


@pytest.mark.parametrize(("option", "name"), [
    ("--json", "a.json"), ("--plot", "a.png"), ("--report", "a.html"),
])  # fmt: skip
def test_evaluate_refuses_each_of_its_files(option, name, tmp_path, capsys):
    (tmp_path / name).write_text("mine")
    words = ["evaluate", "none.csv", "--model", "none", option, str(tmp_path / name)]
    assert main(words) == 2
    assert f"{option} is {str(tmp_path / name)!r}, which exists" in capsys.readouterr().err


def test_the_mistakes_of_a_first_look_are_refused(tmp_path, capsys):
    (tmp_path / "a.xlsx").write_text("mine")
    assert main(["try", "none.csv", "--mistakes", str(tmp_path / "a.xlsx")]) == 2
    assert "--mistakes is" in capsys.readouterr().err


def test_an_input_is_no_output_even_with_overwrite(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("catalog.csv").write_text("title,path\nmilk,A\n")
    words = ["audit", "catalog.csv", "--output", "./catalog.csv", "--overwrite"]
    assert main(words) == 2
    assert "is an input file too and would be replaced" in capsys.readouterr().err
    assert Path("catalog.csv").read_text() == "title,path\nmilk,A\n"


def checked(check, uri, overwrite=False, **more):
    parser = argparse.ArgumentParser()
    options = argparse.Namespace(overwrite=overwrite, parser=argparse.Namespace(actions=[]))
    assert parser
    check(options, "--output", str(uri), **more)


def test_links_pipes_and_the_standard_output_are_no_files_that_exist(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for uri in ("-", "/dev/null", tmp_path / "pipe", tmp_path, tmp_path / "new.csv"):
        checked(check_new, uri)
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "link.csv").symlink_to("a.csv")
    with pytest.raises(Exception, match="which exists"):
        checked(check_new, tmp_path / "link.csv")
    with pytest.raises(Exception, match="which exists"):
        checked(check_new, f"file://{tmp_path}/a.csv")
    checked(check_new, tmp_path / "link.csv", overwrite=True)


def test_files_elsewhere_are_looked_for_too():
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/overwriting/a.csv", b"mine")
    with pytest.raises(Exception, match="'memory://overwriting/a.csv', which exists"):
        checked(check_new, "memory://overwriting/a.csv")
    memory.pipe("/overwriting/model/manifest.json", b"{}")
    with pytest.raises(Exception, match="where a classifier is saved already"):
        checked(check_model_folder, "memory://overwriting/model")
    checked(check_model_folder, "memory://overwriting/new")


def test_a_folder_with_a_classifier_or_other_files_is_refused(tmp_path):
    model, shop = tmp_path / "model", tmp_path / "shop"
    for folder, name in ((model, "manifest.json"), (shop, "README.md")):
        folder.mkdir()
        (folder / name).write_text("mine")
    with pytest.raises(Exception, match="a classifier is saved already. Add --overwrite"):
        checked(check_model_folder, model)
    with pytest.raises(Exception, match=r"that has files already \(README.md\); expected a new"):
        checked(check_model_folder, shop)
    checked(check_model_folder, model, overwrite=True)
    checked(check_model_folder, model, updated=f"{model}/")
    (tmp_path / "model.tar.gz").write_text("mine")
    with pytest.raises(Exception, match="which exists"):
        checked(check_model_folder, tmp_path / "model.tar.gz")
    (tmp_path / "empty" / "checkpoints").mkdir(parents=True)
    checked(check_model_folder, tmp_path / "empty")
    checked(check_model_folder, tmp_path / "new" / "model")


SAVING = {
    "train": ["none.csv"],
    "calibrate": ["none.csv", "--model", "none"],
    "guarantee": ["none.csv", "--model", "none"],
    "trim": ["none", "--titles", "none.csv"],
    "try": ["none.csv"],
    "models export": ["tr@latest", "--store", "none"],
}


@pytest.mark.parametrize("command", list(SAVING))
def test_a_classifier_is_not_saved_over_another_or_a_file(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("none.csv").write_text("title,path\nmilk,A\n")
    Path("model").mkdir()
    Path("model/manifest.json").write_text("mine")
    Path("file").write_text("mine")
    words = [*command.split(), *SAVING[command]]
    output = [] if command == "models export" else ["--output"]
    assert main([*words, *output, "model"]) == 2
    assert "is 'model', where a classifier is saved already" in capsys.readouterr().err
    for more in ([], ["--overwrite"]):
        assert main([*words, *output, "file", *more]) == 2
        assert "as it is a file; expected a folder" in capsys.readouterr().err
    assert main([*words, *output, "nosuch://a/b"]) == 2
    assert "cannot write there" in capsys.readouterr().err
    assert Path("file").read_text() == Path("model/manifest.json").read_text() == "mine"


def test_the_second_training_into_a_folder_is_told(home, tmp_path, capsys):
    train = ["train", str(home / "test.csv"), "--path", *LEVELS, "--encoder", "none", "--quiet"]
    train += ["--lexical-cost", "0.5", "--output", str(tmp_path / "model")]
    assert main([*train, "--characters", "2,3"]) == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}
    assert main([*train, "--characters", "2,4"]) == 2
    assert "where a classifier is saved already" in capsys.readouterr().err
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}
    assert main([*train, "--characters", "2,4", "--overwrite"]) == 0
    after = (tmp_path / "model" / "manifest.json").read_bytes()
    assert after != before["manifest.json"]
    capsys.readouterr()
    assert main([*train, "--warm-start", str(tmp_path / "model"), "--characters", "2,4"]) == 0


def test_one_file_of_answers_is_replaced_only_with_the_option(home, tmp_path, capsys):
    output = tmp_path / "answers.csv"
    words = ["predict", str(home / "test.csv"), "--model", str(home / "model")]
    words += ["--output", str(output)]
    assert main(words) == 0
    output.write_text("mine")
    assert main(words) == 2
    assert "which exists. Add --overwrite" in capsys.readouterr().err
    assert output.read_text() == "mine"
    (tmp_path / ".answers.csv.parts").mkdir()
    (tmp_path / ".answers.csv.parts" / "job.json").write_text("{}")  # it was interrupted
    assert main(words) == 0 and output.read_text() != "mine"
    output.write_text("mine")
    assert main([*words, "--overwrite"]) == 0 and output.read_text() != "mine"


def test_the_settings_of_the_same_command_are_no_obstacle(tmp_path, monkeypatch, capsys):
    """As a training that goes on after an interruption is the same command."""
    monkeypatch.chdir(tmp_path)
    Path("catalog.csv").write_text("title,path\nmilk,A\n")
    words = ["train", "catalog.csv", "--save-config", "used.toml", "--output", "model"]
    words += ["--encoder", "none"]
    assert main(words) == 2 and Path("used.toml").exists()  # one title is too few
    assert main(words) == 2
    assert "--save-config" not in capsys.readouterr().err
    assert main([*words, "--epochs", "1"]) == 2
    assert "--save-config is 'used.toml', which exists" in capsys.readouterr().err


def test_a_new_queue_does_not_replace_another(home, tmp_path, capsys):
    queue = tmp_path / "queue.jsonl"
    queue.write_text("mine\n")
    words = ["review", str(home / "test.csv"), "--model", "none", "--queue", str(queue)]
    assert main(words) == 2
    assert "--queue is" in capsys.readouterr().err
    assert main([*words[:1], *words[2:], "--export", str(queue)]) == 2
    assert "--export is" in capsys.readouterr().err and queue.read_text() == "mine\n"


def test_the_demo_does_not_replace_files(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("catalog-tr.csv", "countries.toml"):
        Path(name).write_text("mine")
    assert main(["demo", "--folder", "."]) == 2
    assert "--folder is 'catalog-tr.csv', which exists" in capsys.readouterr().err
    assert main(["pipeline", "demo", "."]) == 2
    assert "countries.toml" in capsys.readouterr().err
    assert Path("countries.toml").read_text() == "mine"


def test_files_are_refused_before_the_standard_input_is_read(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    command = [sys.executable, "-m", "prodcat", "audit", "-", "--output", "a.csv"]
    done = subprocess.run(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 2 and "which exists" in done.stderr


OFFERS = "title,price\nSüt 1 L,2.50\n"


@pytest.mark.parametrize(
    ("named", "output"),
    [
        ("*.csv", "in.csv"),
        ("folder", "folder/in.csv"),
        ("in.csv", "file://{here}/in.csv"),
        ("in.csv", "local://{here}/in.csv"),
        ("file://{here}/in.csv", "in.csv"),
    ],
)
def test_an_input_is_not_replaced_however_it_is_named(tmp_path, monkeypatch, capsys, named, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for file in (tmp_path / "in.csv", tmp_path / "folder" / "in.csv"):
        file.write_text(OFFERS, "utf-8")
    named, output = (name.format(here=tmp_path) for name in (named, output))
    assert main(["offers", named, "--output", output, "--overwrite"]) == 2
    assert "is an input file too" in capsys.readouterr().err
    assert (tmp_path / "in.csv").read_text("utf-8") == OFFERS
    assert (tmp_path / "folder" / "in.csv").read_text("utf-8") == OFFERS


@pytest.mark.parametrize(("named", "output"), [("folder", "folder/out.csv"), ("*.csv", "out.csv")])
def test_an_output_is_not_among_the_inputs(tmp_path, monkeypatch, capsys, named, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for file in (tmp_path / "in.csv", tmp_path / "folder" / "in.csv"):
        file.write_text(OFFERS, "utf-8")
    assert main(["offers", named, "--output", output]) == 2
    assert "would read it the next time" in capsys.readouterr().err
    assert not (tmp_path / output).exists()
    assert main(["offers", named, "--output", "out.jsonl"]) == 0


def test_two_outputs_must_not_be_one_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("old.csv", "new.csv", "changes.csv", "c.csv"):
        (tmp_path / name).write_text("title,path\nmilk,A\n", "utf-8")
    arguments = ["tree", "migrate", "old.csv", "new.csv", "changes.csv", "--catalog", "c.csv"]
    assert main([*arguments, "--output", "same.csv", "--undecided", "./same.csv"]) == 2
    assert "are one file" in capsys.readouterr().err
