"""Options of a command that are made from ModelConfig and TrainingConfig."""

import argparse

import pytest

from prodcat.cli.settings import given_settings, setting_options
from prodcat.errors import ConfigError
from prodcat.model.config import ModelConfig, TrainingConfig


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--validation")
    setting_options(parser)
    return parser


def test_what_is_not_given_has_its_default(parser):
    options = parser.parse_args(["--validation", "file.csv"])
    assert given_settings(options, ModelConfig) == ModelConfig()
    assert given_settings(options, TrainingConfig) == TrainingConfig()


def test_values_are_read_as_the_type_of_their_default(parser):
    arguments = ["--encoder", "none", "--lexical", "yes", "--characters", "2,5"]
    arguments += ["--max-tokens", "32", "--validation-share", "0.25", "--epochs", "2"]
    options = parser.parse_args(arguments)
    assert given_settings(options, ModelConfig) == ModelConfig(
        encoder=None, lexical=True, characters=(2, 5), max_tokens=32
    )
    assert given_settings(options, TrainingConfig) == TrainingConfig(validation=0.25, epochs=2)
    for text, value in (("none", None), ("512", 512)):
        options = parser.parse_args(["--token-budget", text])
        assert given_settings(options, TrainingConfig) == TrainingConfig(token_budget=value)


def test_what_is_not_given_is_as_in_an_earlier_model(parser):
    earlier = ModelConfig(encoder=None, max_features=100)
    options = parser.parse_args(["--characters", "3,3"])
    assert given_settings(options, ModelConfig, earlier) == ModelConfig(
        encoder=None, max_features=100, characters=(3, 3)
    )
    with pytest.raises(ConfigError, match="leave the model without input"):
        given_settings(parser.parse_args(["--lexical", "no"]), ModelConfig, earlier)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lexical", "perhaps"], "'perhaps' is not allowed; expected yes or no"),
        (["--characters", "a,b"], "'a,b'"),
        (["--max-tokens", "few"], "invalid int value: 'few'"),
        (["--token-budget", "few"], "'few' is not allowed; expected a whole number or none"),
    ],
)
def test_what_is_no_value_is_refused(parser, capsys, arguments, message):
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)
    assert message in capsys.readouterr().err


def test_the_help_of_each_option_is_the_text_of_its_field_and_the_default(parser):
    shown = " ".join(parser.format_help().split())
    assert "--characters FROM,TO lengths of the shortest and the longest character" in shown
    assert "each from 2 to 8 (default 2,4)" in shown
    assert "whether the n-grams of a title contribute to the scores (default yes)" in shown
    for action in parser._actions[2:]:
        assert len(action.help.partition(" (default")[0].split()) > 3, action.dest
        assert not {":class:", "``", "see :", "None", "True", "False"} & set(action.help.split())
