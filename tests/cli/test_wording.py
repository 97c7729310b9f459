"""Messages of the library in the words of the command line."""

import argparse
import re

import pytest

from prodcat.cli.command import main
from prodcat.cli.wording import in_words_of_options, option_of

NAMES = ["title", "path", "path-ids", "text", "on-error", "encoder", "lexical", "validation"]
NAMES += ["validation-share", "max-tokens", "characters", "file-encoding", "delimiter"]
NAMES += ["guarantee", "max-error", "objective", "shard", "overwrite", "top-k"]
OPTIONS = {f"--{name}": None for name in NAMES}


@pytest.mark.parametrize(
    ("message", "worded"),
    [
        (
            "Name the columns with title=, path=, path_ids=, text= and keep=.",
            "Name the columns with --title, --path, --path-ids and --text.",
        ),
        (
            "Read with on_error='aside' or on_error='accept'.",
            "Read with --on-error aside or --on-error accept.",
        ),
        ("Set model=prodcat.ModelConfig(encoder=None).", "Set --encoder none."),
        ("encoder=None and lexical=False leave it", "--encoder none and --lexical no leave it"),
        ("characters=(9, 2) is no range", "--characters 9,2 is no range"),
        ("validation=0.99 is out of range", "--validation-share 0.99 is out of range"),
        ("Give titles as validation=.", "Give titles as --validation."),
        (
            "max_tokens=99 is too much. Set max_tokens to 64.",
            "--max-tokens 99 is too much. Set --max-tokens to 64.",
        ),
        ("name it with encoding= (--file-encoding).", "name it with --file-encoding."),
        ("set --delimiter (delimiter= in Python).", "set --delimiter."),
        (
            "Leave it out: model=prodcat.ModelConfig(encoder=None) (on the command line --encoder none).",
            "Leave it out: --encoder none.",
        ),
        ("title='a b' is wrong", "--title 'a b' is wrong"),
        ("title='' is blank", "--title '' is blank"),
        (
            "shard=(4, 4) is out of range; expected (index, count) with 0 <= index < count.",
            "--shard 4/4 is out of range; expected 0/4 to 3/4.",
        ),
        (
            "shard=(0, 0) is out of range; expected (index, count) with 0 <= index < count.",
            "--shard 0/0 is out of range; expected 0/1, or a count above 1.",
        ),
        (
            "begun with another setting title and setting top_k (setting title: a then, b now; "
            "setting top_k: 1 then, 3 now). Name another output, or score with overwrite.",
            "begun with another --title and --top-k (--title: a then, b now; --top-k: 1 then, 3 "
            "now). Name another output, or add --overwrite.",
        ),
        ("than before, use overwrite.", "than before, add --overwrite."),
        ("another setting unknown (setting unknown: 1 then)",) * 2,
        ("call with_guarantee(catalog) first", "run prodcat guarantee first"),
    ],
)
def test_arguments_of_python_become_options(message, worded):
    assert in_words_of_options(message, OPTIONS) == worded


@pytest.mark.parametrize(
    "message",
    [
        "no column 'title='; found ['path=']",
        's3://shop/title="a"',
        "http://host/?title=a",
        "  empty title: 1 (row 4: title='')",
        "keep=3 and n_jobs=2",
        "the file max_tokens.csv",
        "the column 'max_tokens'",
    ],
)
def test_data_and_what_is_no_option_stay_as_they_are(message):
    assert in_words_of_options(message, OPTIONS) == message


def test_an_option_without_a_value_is_named_alone():
    parser = argparse.ArgumentParser()
    parser.add_argument("--overwrite", action="store_true")
    options = parser._option_string_actions
    assert in_words_of_options("use overwrite=True.", options) == "use --overwrite."
    assert option_of("reason", options) is None


def test_every_setting_of_a_training_is_named_as_its_option(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("title,path\na,A\nb,B\nc,A\n")
    wrong = [
        ("--epochs", "-1"), ("--max-tokens", "1"), ("--clip", "0"), ("--dropout", "2"),
        ("--validation-share", "0.99"), ("--characters", "9,2"), ("--pooling", "max"),
        ("--warm-rate", "7"), ("--calibration", "no"), ("--structure", "tree"),
    ]  # fmt: skip
    for option, value in wrong:
        arguments = ["train", str(tmp_path / "t.csv"), "--output", str(tmp_path / "m")]
        assert main([*arguments, "--encoder", "none", option, value, "--quiet"]) == 2, option
        error = capsys.readouterr().err
        assert f"{option} {value}" in error and not re.search(r"\w=", error), error
