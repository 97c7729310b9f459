"""What ``prodcat serve`` refuses before it starts."""

import os
import socket
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
        ("--patience", "nan", "--patience is nan; expected a number above 0."),
        ("--max-load", "0", "--max-load is 0.0; expected a number above 0."),
        ("--models-root", "reference://m::x", "cannot be used"),
        ("--models-root", "s3://", "names no bucket"),
        ("--allowed-host", "http://a.example", "is no name of a host"),
        ("--token-file", "/nothing/token", "The token of the server cannot be read"),
        ("--max-titles", "0", "--max-titles is 0; expected a whole number above 0."),
        ("--port", "70000", "--port is 70000; expected a whole number from 0 to 65535."),
        ("--host", "no such host", "--host is 'no such host': "),
        ("--host", "192.0.2.1", "cannot listen at '192.0.2.1', port 8080: "),
    ],
)
def test_limits_that_are_no_limits_are_refused(option, value, reason, capsys):
    assert main(["serve", "--many", option, value]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("PRODCAT_MAX_TITLES", "many", " is 'many'; expected a whole number above 0."),
        ("PRODCAT_MAX_TITLES", "1e3", " is '1e3'; expected a whole number above 0."),
        ("PRODCAT_MAX_WAITING", "-5", " is '-5'; expected a whole number above 0."),
        ("PRODCAT_MAX_WAIT", "3s", " is '3s'; expected a number above 0."),
        ("PRODCAT_PATIENCE", "nan", " is 'nan'; expected a number above 0."),
        ("PRODCAT_MAX_LOAD", "0", " is '0'; expected a number above 0."),
        ("PRODCAT_TRANSFORMS", "inf", " is 'inf'; expected a whole number above 0."),
        ("SAGEMAKER_BIND_TO_PORT", "http", " is 'http'; expected a whole number from 0 to 65535."),
        ("SAGEMAKER_BIND_TO_PORT", "80800", " is '80800'; expected a whole number from 0 to 655"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "6MB", " is '6MB'; expected a number of megabytes above"),
        ("SAGEMAKER_BATCH_STRATEGY", "MANY", " is 'MANY'; expected one of ['MULTI_RECORD', "),
        ("SAGEMAKER_MULTI_MODEL", "wahr", " is 'wahr'; expected true or false."),
        ("SAGEMAKER_BATCH", "wahr", " is 'wahr'; expected true or false."),
        ("PRODCAT_PRECISION", "int4", " is 'int4'; expected one of ['auto', "),
        ("PRODCAT_MEMORY_MB", "much", " is 'much'; expected a number of megabytes above 0."),
        ("PRODCAT_HOST", "no such host", " is 'no such host': "),
        ("PRODCAT_MODELS_ROOT", "s3://", ": The root 's3://' names no bucket or host."),
        ("PRODCAT_ALLOWED_HOSTS", "http://a.example", ": 'http://a.example' is no name of a host"),
        ("PRODCAT_TOKEN", "short", ": The token of the server has 5 characters"),
        ("PRODCAT_TOKEN_FILE", "/nothing", ": The token of the server cannot be read from '/noth"),
        ("PRODCAT_KEYS", "/nothing", ", '/nothing': Cannot read the key '/nothing'"),
    ],
)
def test_a_wrong_value_names_the_variable_that_has_it(variable, value, reason, capsys, monkeypatch):
    monkeypatch.setenv(variable, value)
    assert main(["serve", "--many"]) == 2
    error = capsys.readouterr().err
    reason = reason if variable != "PRODCAT_KEYS" else " or PRODCAT_KEYS_SECRET" + reason
    assert variable + reason in error and "--" not in error.replace("--help", "")


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


def test_a_model_where_the_environment_asks_for_many_names_the_variable(capsys, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_MULTI_MODEL", "true")
    assert main(["serve", "--model", "x"]) == 2
    assert "Both --model and SAGEMAKER_MULTI_MODEL are given" in capsys.readouterr().err


def test_a_port_in_use_is_named(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", "--many", "--port", str(port)]) == 2
    assert f"cannot listen at '127.0.0.1', port {port}: " in capsys.readouterr().err


def test_memory_in_the_environment_is_checked_too(capsys, monkeypatch):
    monkeypatch.setenv("PRODCAT_MEMORY_MB", "inf")
    assert main(["serve", "--many"]) == 2
    assert "PRODCAT_MEMORY_MB is 'inf'; expected a number" in capsys.readouterr().err


@pytest.mark.parametrize("token", ["", "short", "with a blank in the middle"])
def test_a_token_that_can_be_guessed_is_refused(token, capsys, monkeypatch):
    monkeypatch.setenv("PRODCAT_TOKEN", token)
    assert main(["serve", "--many"]) == 2
    assert "expected 16 to 1,024" in capsys.readouterr().err
