"""What ``prodcat serve`` refuses before it starts."""

import os
import subprocess
import sys

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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nonesuch", "nonesuch.tar.gz", "damaged"])
def test_a_server_without_its_model_ends(name, tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "manifest.json").write_text("{}")
    command = [sys.executable, "-m", "prodcat", "serve", "--model", name, "--port", "0"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SAGEMAKER")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True,
                          timeout=300)  # fmt: skip
    assert done.returncode == 2
    assert "prodcat serve: " in done.stderr and "Traceback" not in done.stderr
    assert name in done.stderr


@pytest.mark.slow
def test_a_server_on_sagemaker_stays_although_its_model_is_not_there(tmp_path):
    command = [sys.executable, "-m", "prodcat", "serve", "--model", "nonesuch", "--port", "0"]
    environment = {**os.environ, "SAGEMAKER_BIND_TO_PORT": "0"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE,
                               text=True)  # fmt: skip
    try:
        lines = iter(process.stderr.readline, "")
        assert any("Found no artifact at 'nonesuch'" in line for line in lines)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stderr.close()


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
