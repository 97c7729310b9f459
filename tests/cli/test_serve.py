"""What ``prodcat serve`` refuses before it starts."""

import pytest

from prodcat.cli.command import main


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--memory", "inf", "--memory is inf; expected a number of megabytes above 0."),
        ("--memory", "0", "--memory is 0.0; expected a number of megabytes above 0."),
        ("--max-body", "inf", "--max-body is inf; expected a number of megabytes above 0."),
        ("--max-body", "nan", "--max-body is nan; expected a number of megabytes above 0."),
        ("--patience", "nan", "--patience nan is out of range; expected more than 0."),
        ("--max-load", "0", "--max-load 0.0 is out of range; expected more than 0."),
        ("--models-root", "reference://m::x", "cannot be used"),
        ("--models-root", "s3://", "names no bucket"),
        ("--allowed-host", "http://a.example", "is no name of a host"),
        ("--token-file", "/nothing/token", "The token of the server cannot be read"),
        ("--max-titles", "0", "--max-titles 0 is out of range; expected more than 0."),
    ],
)
def test_limits_that_are_no_limits_are_refused(option, value, reason, capsys):
    assert main(["serve", "--many", option, value]) == 2
    assert reason in capsys.readouterr().err


def test_a_server_of_one_model_and_of_many_is_refused(capsys):
    assert main(["serve", "--many", "--model", "x"]) == 2
    assert "Both --model and --many are given" in capsys.readouterr().err


def test_memory_in_the_environment_is_checked_too(capsys, monkeypatch):
    monkeypatch.setenv("PRODCAT_MEMORY_MB", "inf")
    assert main(["serve", "--many"]) == 2
    assert "PRODCAT_MEMORY_MB is 'inf'; expected a number" in capsys.readouterr().err


@pytest.mark.parametrize("token", ["", "short", "with a blank in the middle"])
def test_a_token_that_can_be_guessed_is_refused(token, capsys, monkeypatch):
    monkeypatch.setenv("PRODCAT_TOKEN", token)
    assert main(["serve", "--many"]) == 2
    assert "expected 16 to 1,024" in capsys.readouterr().err
