"""prodcat train, on real files."""

import argparse
import json
import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import LEVELS

from prodcat.classifier.measuring import with_baseline
from prodcat.cli.command import main
from prodcat.cli.processes import tells_of_sigterm
from prodcat.cli.training_report import training_results
from prodcat.errors import Interrupted


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
    with pytest.raises(SystemExit, match="2"):
        main([*arguments, "--lexical", "perhaps"])
    assert main([*arguments, "--overwrite", "--lexical", "no"]) == 2


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
    assert "--structure flat does not go with" in capsys.readouterr().err


def trained(tmp_path, *more):
    rows = "".join(f"milk {n},A > B\nrye bread {n},A > C\nsoap {n},D\n" for n in range(20))
    (tmp_path / "t.csv").write_text("name,path\n" + rows)
    (tmp_path / "v.csv").write_text("name,path\nmilk 99,A > B\nsoap 7,D\nbread,A > C\n")
    arguments = ["train", "--title", "name", "--output", str(tmp_path / "m"), *more]
    return main([*arguments, "--encoder", "none", str(tmp_path / "t.csv")])


def test_the_end_says_what_was_measured_and_what_comes_next(tmp_path, capsys):
    assert trained(tmp_path) == 0
    said = capsys.readouterr()
    assert said.err.startswith(f"reading {tmp_path}/t.csv\n")  # before anything is loaded
    assert "training with n-grams alone" in said.err
    assert said.out.startswith("measured on 60 titles of the training, each answered by n-grams")
    assert re.search(r"THIS CLASSIFIER +95 % INTERVAL +TF-IDF AND SVM\n", said.out)
    assert re.search(r"whole path right \(path accuracy\) +\d+\.\d% +[\d.]+% to [\d.]+% ", said.out)
    assert re.search(r"\n  level 2 +\d+\.\d%", said.out)
    assert "scikit-learn's TF-IDF and linear SVM" in said.out  # its results, or why there are none
    model = tmp_path / "m"
    assert (
        f"\n  prodcat predict TITLES.csv --model {model} --output answers.csv --title name"
        in said.out
    )
    assert (
        f"\n  prodcat evaluate LABELLED.csv --model {model} --report report.html --title"
        in said.out
    )


def test_the_baseline_is_beside_the_classifier(small):
    evaluation = small.validation
    rows = np.arange(len(evaluation.judged))
    answers = evaluation.judged.targets.copy()
    answers[:5] = answers[-1]
    evaluation = with_baseline(evaluation, small.taxonomy, rows, answers)
    classifier = replace(small, provenance=replace(small.provenance, validation=evaluation))
    shown = training_results(argparse.Namespace(validation=None), classifier)
    baseline = evaluation.baseline
    assert re.search(
        rf"whole path right \(path accuracy\) +\S+% +\S+ to \S+% +{baseline.path_accuracy:.1%}\n",
        shown,
    )
    for level, share in enumerate(baseline.level_accuracy, start=1):
        assert re.search(rf"\n  level {level} +\S+% +{share:.1%}", shown)
    assert re.search(r"against scikit-learn's TF-IDF and linear SVM: [+-]\d+\.\d points", shown)
    some = with_baseline(evaluation, small.taxonomy, rows[:9], answers[:9])
    classifier = replace(small, provenance=replace(small.provenance, validation=some))
    shown = training_results(argparse.Namespace(validation=None), classifier)
    assert "on the 9 that both have: " in shown


def test_the_titles_of_a_validation_file_are_named(tmp_path, capsys):
    assert trained(tmp_path, "--validation", str(tmp_path / "v.csv"), "--baseline", "no") == 0
    said = capsys.readouterr().out
    assert said.startswith("measured on the 3 titles of --validation")
    assert "not measured" in said and "against scikit-learn" not in said


def test_titles_that_were_held_out_are_told(tmp_path, capsys, encoder_folder):
    rows = "".join(f"milk {n},A\nsoap {n},D\n" for n in range(20))
    (tmp_path / "t.csv").write_text("title,path\n" + rows)
    arguments = ["train", str(tmp_path / "t.csv"), "--output", str(tmp_path / "m"), "--quiet"]
    assert main([*arguments, "--encoder", str(encoder_folder), "--epochs", "0"]) == 0
    said = capsys.readouterr().out
    assert "titles that were held out of the training; it learned them afterwards" in said


def test_quiet_leaves_only_results_and_verbose_tells_more(tmp_path, capsys):
    assert trained(tmp_path, "--quiet") == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.startswith("measured on")
    assert trained(tmp_path, "--verbose", "--overwrite") == 0
    assert "hierarchical F1" in capsys.readouterr().out
    assert main(["train", "none.csv", "--output", "m", "--verbose"]) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said and said.endswith("Check the address and the rights.\n")


def test_encoders_are_compared_on_the_users_rows(tmp_path, capsys, encoder_folder):
    rows = "".join(f"milk {n},A\nsoap {n},D\nbread {n},E\n" for n in range(20))
    (tmp_path / "t.csv").write_text("title,path\n" + rows)
    names = f"none,{encoder_folder},nonesuch/encoder"
    facts = {}
    arguments = ["train", str(tmp_path / "t.csv"), "--compare", names, "--epochs", "0"]
    assert main(arguments, facts) == 0
    said = capsys.readouterr()
    assert "nonesuch/encoder is left out: Cannot load an encoder from 'nonesuch" in said.err
    assert "--encoder none" in said.err and "encoder=None" not in said.err
    assert "compared on 12 titles, a fifth, that none of them learned" in said.out
    lines = {line.split()[0]: line for line in said.out.splitlines() if "%" in line}
    assert set(lines) == {"none", str(encoder_folder)}
    assert re.search(
        r"ENCODER +WHOLE PATH +LEVEL 1 .*SECONDS TO TRAIN +TITLES PER SECOND", said.out
    )
    for line in lines.values():
        assert re.search(r"(\d+\.\d)% +(\d+\.\d)% .*\d+ +[\d,]+$", line)
    assert facts["best"] in names.split(",")
    advice = said.out.rstrip().splitlines()[-1]
    assert facts["best"] in advice and "--encoder " in advice


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", "none"], "--compare is 'none'; expected at least two different encoders"),
        (["--compare", "none,none"], "expected at least two different encoders"),
        (["--compare", "a/b,c/d"], "None of the encoders of --compare can be used"),
        (["--compare", "a,none", "--output", "m"], "--compare saves no classifier; expected no"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, capsys, arguments, message):
    (tmp_path / "t.csv").write_text(
        "title,path\n" + "".join(f"milk {n}{n},A\nsoap {n},D\n" for n in "abcdefgh")
    )
    assert main(["train", str(tmp_path / "t.csv"), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--output", "t.csv/model"], "/t.csv/model', but '"),
        (["--output", "t.csv"], "--output is 't.csv': cannot write there, as it is a file"),
        (["--output", "t.csv/model.tar.gz"], "t.csv' is a file; expected a folder there"),
        (["--output", ""], "--output is empty; expected a folder"),
        (["--output", "S4://bucket/model"], "cannot write there: Protocol not known: S4"),
        ([], "--output is missing; expected a folder or an fsspec URI to save to."),
        (["--output", "m", "--validation-share", "3"], "--validation-share 3.0 is out of range"),
        (["--output", "m", "--history", "t.csv/h.jsonl"], "--history is 't.csv/h.jsonl', but"),
        (["--output", "m", "--history", "."], "--history is '.', which is a folder"),
        (["--output", "m", "--checkpoints", "t.csv"], "--checkpoints is 't.csv': cannot"),
        (["--output", "m", "--save-config", "t.csv/c"], "--save-config is 't.csv/c', but"),
        (["--output", "m", "--compare", "none"], "--compare saves no classifier"),
    ],
)
def test_options_and_outputs_are_checked_before_anything_is_read(
    tmp_path, monkeypatch, capsys, more, message
):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("title,path\n" + "red milk,A > B\nrye bread,A > C\n" * 5)
    assert main(["train", "t.csv", "--encoder", "none", *more]) == 2
    error = capsys.readouterr().err
    assert message in error and "reading" not in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_folder_without_rights_is_refused_before_anything_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("title,path\nred milk,A > B\n")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    assert main(["train", "t.csv", "--encoder", "none", "--output", "new/model"]) == 2
    error = capsys.readouterr().err
    assert "you may not write into the folder" in error and "reading" not in error


def test_quiet_leaves_out_what_to_do_next_and_progress_is_lines(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("title,path\n" + "red milk,A > B\nrye bread,A > C\n" * 5)
    arguments = ["train", "t.csv", "--encoder", "none", "--output", "memory://q"]
    assert main([*arguments, "--quiet"]) == 0
    shown = capfd.readouterr()
    assert "saved to memory://q" in shown.out and "next:" not in shown.out and shown.err == ""
    assert main([*arguments, "--overwrite"]) == 0
    shown = capfd.readouterr()
    assert "next:\n  prodcat predict" in shown.out
    assert "counting n-grams: 0/" in shown.err and "\r" not in shown.err


@pytest.mark.parametrize(
    ("checkpoints", "message"),
    [
        (None, "stopped by SIGTERM; nothing is saved. With --checkpoints"),
        ("folder", "The same command resumes from the last state in folder"),
    ],
)
def test_sigterm_ends_a_training_with_a_line(checkpoints, message):
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(Interrupted, match=message), tells_of_sigterm(checkpoints):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
