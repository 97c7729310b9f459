"""Options of a command that are made from the fields of AnswerOptions."""

import argparse
from dataclasses import fields

import pytest

from prodcat.cli.answers import answer_keywords, answer_options
from prodcat.decisions.options import OBJECTIVES, PRECISIONS, AnswerOptions

NAMES = [field.name for field in fields(AnswerOptions) if field.name != "groups"]


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    answer_options(parser, NAMES)
    return parser


def test_every_option_has_the_default_and_the_help_of_its_field(parser):
    given = answer_keywords(parser.parse_args([]), NAMES)
    assert AnswerOptions(**given) == AnswerOptions()
    shown = " ".join(parser.format_help().split())
    for field in fields(AnswerOptions):
        assert field.name == "groups" or field.metadata["text"] in shown


def test_values_are_passed_on_with_their_types(parser):
    arguments = ["--top-k", "3", "--objective", "hierarchical_f1", "--guarantee", ".9"]
    arguments += ["--max-error", ".1", "--certainty", ".8", "--language", "tr"]
    arguments += ["--precision", "int8", "--cascade", "auto"]
    given = answer_keywords(parser.parse_args(arguments), NAMES)
    assert given == {
        "top_k": 3,
        "objective": "hierarchical_f1",
        "guarantee": 0.9,
        "max_error": 0.1,
        "certainty": 0.8,
        "language": "tr",
        "precision": "int8",
        "cascade": "auto",
    }
    assert answer_keywords(argparse.Namespace(top_k=2, language="column"), ["top_k"]) == {
        "top_k": 2
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--top-k", "many"], "invalid int value: 'many'"),
        (["--guarantee", "sure"], "found 'sure'; expected a share between 0 and 1, such as 0.05"),
        (["--max-error", "5%"], "found '5%'; expected a share between 0 and 1: 0.05 for 5 %"),
        (["--max-error", "5 %"], "a share between 0 and 1: 0.05 for 5 %"),
        (["--max-error", "5"], "found '5'; expected a share between 0 and 1: 0.05 for 5 %"),
        (["--max-error", "0,05"], "a share between 0 and 1: 0.05 for 5 %"),
        (["--max-error", "0.5%"], "a share between 0 and 1: 0.005 for 0.5 %"),
        (["--certainty", "99"], "a share between 0 and 1: 0.99 for 99 %"),
        (["--max-error", "500"], "a share between 0 and 1: 0.05 for 5 %"),
        (["--max-error", "-1"], "a share between 0 and 1: 0.05 for 5 %"),
        (["--objective", "x"], ", ".join(map(repr, OBJECTIVES))),
        (["--precision", "x"], ", ".join(map(repr, PRECISIONS))),
    ],
)
def test_what_no_field_takes_is_refused(parser, capsys, arguments, message):
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)
    assert message in capsys.readouterr().err


def test_a_command_may_have_another_default_and_fewer_choices(capsys):
    parser = argparse.ArgumentParser()
    answer_options(parser, ["precision"], without=["auto"], precision="bfloat16")
    assert parser.parse_args([]).precision == "bfloat16"
    with pytest.raises(SystemExit):
        parser.parse_args(["--precision", "auto"])
    assert "invalid choice: 'auto'" in capsys.readouterr().err
