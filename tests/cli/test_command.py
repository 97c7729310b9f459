"""The parser, the exit codes and what is said of mistakes."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import LEVELS, predict

from prodcat.cli.command import TRY_AGAIN, main
from prodcat.cli.parser import Parser
from prodcat.errors import ConfigError, ProdcatError, StoreError, TrainingInterrupted


def unreachable():
    error = StoreError("no network")
    error.unreachable = True
    return error


def caused_by(cause):
    error = ConfigError("because of a store")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "{home}/test.csv", "--model", "memory://nothing"], "Found no artifact"),
        (["predict", "none.csv", "--model", "memory://nothing"], "Found no file"),
        (["train", "none.csv", "--output", "x"], "Found no file"),
        (["evaluate", "{home}/test.csv", "--model", "{home}/model"], "no column 'path'"),
        (["predict", "{home}/out.csv", "--model", "{home}/model"], "has a column 'predicted_path'"),
        (
            ["predict", "{home}/test.csv", "--model", "{home}/model", "--output", "x.xls"],
            "ends with",
        ),
        (["predict", "{home}/test.csv", "--model", "{home}/model", "--top-k", "0"], "at least 1"),
        (
            ["predict", "{home}/test.csv", "--model", "{home}/model", "--device", "foo"],
            "--device foo cannot be used",
        ),
        (
            ["predict", "{home}/test.csv", "--model", "{home}/model", "--guarantee", "0.9"],
            "none. Run prodcat guarantee with labelled titles",
        ),
        (
            ["guarantee", "{home}/test.csv", "--model", "{home}/model", "--output", "{home}/g"]
            + ["--path", *LEVELS, "--on-error", "aside", "--group", "land"],
            "no column 'land'",
        ),
        (["demo", "--country", "xx", "--folder", "{home}/d"], "country 'xx' is not known"),
    ],
)
def test_a_mistake_ends_with_status_2_and_one_message(home, capsys, arguments, message):
    predict(home, home / "test.csv", home / "out.csv")
    capsys.readouterr()
    assert main([argument.format(home=home) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and f"prodcat {arguments[0]}: " in error
    assert len(error.splitlines()) <= 2


def test_no_command_shows_the_help(capsys):
    assert main([]) == 0
    assert re.findall(r"^  (\w+)  ", capsys.readouterr().out, re.MULTILINE) == VERBS


VERBS = [
    "try",
    "train",
    "predict",
    "explain",
    "evaluate",
    "calibrate",
    "guarantee",
    "trim",
    "encoders",
    "models",
]
VERBS += ["pipeline", "serve", "assortment", "audit", "drift", "offers", "match", "overlap"]
VERBS += ["review", "tree"]
VERBS += ["demo", "completion"]
MODULES = {"try": "first_look"}


def test_the_help_lists_the_verbs_in_their_order(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = capsys.readouterr().out
    assert re.findall(r"^  (\w+)  ", shown, re.MULTILINE) == VERBS
    with pytest.raises(SystemExit, match="2"):
        main(["nonesuch"])
    said = capsys.readouterr().err
    assert f"there is no command 'nonesuch'; expected one of {', '.join(VERBS)}" in said


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "tree"])  # it has verbs
def test_every_verb_is_a_module_that_adds_itself(verb, capsys):
    module = importlib.import_module(f"prodcat.cli.{MODULES.get(verb, verb)}")
    commands = Parser().add_subparsers()
    getattr(module, f"add_{verb}")(commands)
    assert list(commands.choices) == [verb]
    assert commands.choices[verb].get_default("run") is module.run
    with pytest.raises(SystemExit, match="0"):
        main([verb, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: prodcat {verb} ")


def test_the_earlier_import_works_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"import it from prodcat\.cli\.command"):
        from prodcat.cli import main as earlier
    assert earlier is main


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a mistake"), 2),
        (StoreError("not there"), 2),
        (unreachable(), TRY_AGAIN),
        (caused_by(unreachable()), TRY_AGAIN),
        (TrainingInterrupted("stopped"), TRY_AGAIN),
        (BrokenPipeError(), 1),
    ],
)
def test_the_exit_code_says_what_may_be_tried_again(monkeypatch, capsys, error, code):
    def fail(*arguments):
        raise error

    monkeypatch.setattr("prodcat.demo.run.run_demo", fail)
    facts: dict[str, object] = {}
    assert main(["demo"], facts) == code
    said = capsys.readouterr().err
    assert said == ("" if code == 1 else f"prodcat demo: {error}\n")
    assert facts == ({"error": str(error)} if isinstance(error, ProdcatError) else {})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("arguments", [["predict", "{home}/test.csv"], ["models", "list"]])
def test_a_full_disk_behind_the_standard_output_is_one_line(home, tmp_path, arguments):
    model = ["--model", f"{home}/model"]
    if arguments[0] == "models":
        assert main(["models", "publish", "de", f"{home}/model", "--store", str(tmp_path)]) == 0
        model = ["--store", str(tmp_path)]
    command = [argument.format(home=home) for argument in arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "prodcat", *command, *model],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    name = arguments[0]
    assert done.stderr.splitlines()[-1].startswith(f"prodcat {name}: No space left on device. The ")
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
