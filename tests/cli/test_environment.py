"""What the environment says."""

import os

import pytest

from prodcat.cli.environment import (
    access_of,
    allowed_hosts,
    batch_strategy,
    bind_host,
    cache_folder,
    is_batch,
    key_paths,
    limits_of,
    local_rank,
    memory_setting,
    models_roots,
    named_keys,
    precision_of,
    server_setting,
    server_token,
    serves_many,
    starts_on_sagemaker,
    store_uri,
    switch_off_ray_statistics,
    world_size,
)
from prodcat.errors import ConfigError
from prodcat.serving.settings import Limits


def test_limits_of_a_container():
    assert limits_of({}) == Limits(6 << 20, 4_096)
    # SageMaker's 0 is no limit.
    batch = {"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}
    assert limits_of(batch) == Limits(1 << 30, 1_000_000)
    unset = {"PRODCAT_MAX_TITLES": "", "SAGEMAKER_MAX_PAYLOAD_IN_MB": " ", "SAGEMAKER_BATCH": ""}
    assert limits_of(unset) == limits_of({})
    for variable, value in (
        ("PRODCAT_MAX_TITLES", "x"), ("PRODCAT_MAX_TITLES", "0"), ("PRODCAT_MAX_TITLES", "1.5"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "-1"), ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "inf"),
        ("SAGEMAKER_BATCH", "maybe"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=f"^{variable} is '{value}'; expected [^;]*$"):
            limits_of({variable: value})
    with pytest.raises(ConfigError, match="PRODCAT_PRECISION is 'int4'"):
        precision_of({"PRODCAT_PRECISION": "int4"})


def test_memory_that_models_may_take():
    assert memory_setting({}) is None and memory_setting({"PRODCAT_MEMORY_MB": "2"}) == 2 << 20
    with pytest.raises(ValueError, match="expected a number of megabytes"):
        memory_setting({"PRODCAT_MEMORY_MB": "much"})


VARIABLES = ["PRODCAT_CACHE", "PRODCAT_STORE", "PRODCAT_KEYS", "WORLD_SIZE", "LOCAL_RANK"]
VARIABLES += ["SAGEMAKER_MULTI_MODEL", "PRODCAT_PATIENCE"]


def test_an_environment_that_says_nothing(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() is None and store_uri() is None
    assert key_paths() == [] and named_keys() is None
    assert world_size() == 1 and local_rank() == "0"
    assert not serves_many()
    assert server_setting("--patience", "PRODCAT_PATIENCE", "50") == ("--patience", "50")


def test_what_the_environment_says_is_read_when_it_is_needed(monkeypatch, tmp_path):
    secret = tmp_path / "secret.key"
    secret.write_bytes(b"s" * 40)
    said = ["/cache", "s3://store", f"{secret}{os.pathsep}", "4", "3", "True", "7"]
    for name, value in zip(VARIABLES, said, strict=True):
        monkeypatch.setenv(name, value)
    assert cache_folder() == "/cache" and store_uri() == "s3://store"
    assert key_paths() == [str(secret)] and len(named_keys()) == 1
    assert world_size() == 4 and local_rank() == "3"
    assert serves_many()
    assert server_setting("--patience", "PRODCAT_PATIENCE", "50") == ("PRODCAT_PATIENCE", "7")


@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_a_wrong_number_of_processes_is_named(value, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", value)
    with pytest.raises(ConfigError, match=f"^WORLD_SIZE is '{value}'; expected a whole number fro"):
        world_size()


def test_what_says_yes_and_what_says_neither():
    for text in ("true", "TRUE", "1", "yes", " on "):
        assert is_batch({"SAGEMAKER_BATCH": text})
    for text in ("", "false", "0", "no", "off"):
        assert not is_batch({"SAGEMAKER_BATCH": text})
    with pytest.raises(ConfigError, match="SAGEMAKER_BATCH is 'wahr'; expected true or false"):
        is_batch({"SAGEMAKER_BATCH": "wahr"})
    assert batch_strategy({"SAGEMAKER_BATCH_STRATEGY": ""}) == "MULTI_RECORD"
    with pytest.raises(ConfigError, match="SAGEMAKER_BATCH_STRATEGY is 'MANY'; expected one of"):
        batch_strategy({"SAGEMAKER_BATCH_STRATEGY": "MANY"})


def test_wrong_keys_name_their_variable(monkeypatch, tmp_path):
    (tmp_path / "short.key").write_bytes(b"s")
    for path in (tmp_path / "short.key", tmp_path / "nothing"):
        monkeypatch.setenv("PRODCAT_KEYS", str(path))
        with pytest.raises(ConfigError, match=f"PRODCAT_KEYS.*{path}"):
            named_keys()


def test_who_may_use_the_server_names_what_says_it(tmp_path):
    token = "a-token-in-a-variable"
    access = access_of(None, (), {"PRODCAT_TOKEN": token, "PRODCAT_ALLOWED_HOSTS": "a.example"})
    assert access.token == token and access.hosts == ("a.example",)
    assert access_of(None, ["b.example"], {"PRODCAT_ALLOWED_HOSTS": "?"}).hosts == ("b.example",)
    nothing = str(tmp_path / "nothing")
    for source, file, hosts, environment in (
        ("PRODCAT_TOKEN", None, (), {"PRODCAT_TOKEN": "short"}),
        ("PRODCAT_TOKEN_FILE", None, (), {"PRODCAT_TOKEN_FILE": nothing, "PRODCAT_TOKEN": token}),
        ("--token-file", nothing, (), {"PRODCAT_TOKEN_FILE": nothing}),
        ("PRODCAT_ALLOWED_HOSTS", None, (), {"PRODCAT_ALLOWED_HOSTS": "http://a.example"}),
        ("--allowed-host", None, ["http://a.example"], {"PRODCAT_ALLOWED_HOSTS": "a.example"}),
    ):
        with pytest.raises(ConfigError, match=f"^{source}: "):
            access_of(file, hosts, environment)


def test_ray_sends_no_statistics_unless_the_environment_says_so(monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    switch_off_ray_statistics()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1"
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    switch_off_ray_statistics()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.parametrize(
    ("environment", "model", "expected"),
    [
        ({}, None, False),
        ({}, "/models/tr", False),
        ({}, "/opt/ml/model", True),
        ({"SAGEMAKER_BASE_DIR": "/work"}, "/work/model", True),
        ({"SAGEMAKER_BIND_TO_PORT": "8080"}, None, True),
        ({"SAGEMAKER_MULTI_MODEL": "true"}, None, True),
        ({"SAGEMAKER_BATCH": "true"}, "s3://store/tr@production", True),
        # What its studios and its SDK set says nothing of who started the server.
        ({"SAGEMAKER_SPACE_NAME": "x", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}, None, False),
    ],
)
def test_where_sagemaker_starts_the_server(environment, model, expected):
    assert starts_on_sagemaker(model, environment) is expected


def test_the_network_is_for_sagemaker_alone_unless_the_environment_says_so():
    assert bind_host(False, {}) == "127.0.0.1" and bind_host(True, {}) == "0.0.0.0"
    assert bind_host(False, {"PRODCAT_HOST": "::"}) == "::"
    assert bind_host(False, {"PRODCAT_HOST": ""}) == "127.0.0.1"
    assert models_roots(False, {}) == () and models_roots(True, {}) == ("/opt/ml/models",)
    assert models_roots(True, {"SAGEMAKER_BASE_DIR": "/work"}) == ("/work/models",)
    named = {"PRODCAT_MODELS_ROOT": "s3://bucket/models, /srv/models,"}
    assert models_roots(True, named) == ("s3://bucket/models", "/srv/models")
    assert models_roots(True, {"PRODCAT_MODELS_ROOT": ""}) == ()
    assert allowed_hosts({}) == ()
    assert allowed_hosts({"PRODCAT_ALLOWED_HOSTS": "a.example,b.example"}) == (
        "a.example",
        "b.example",
    )


def test_the_token_comes_from_a_file_or_the_environment(tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-in-a-file\n")
    variables = {"PRODCAT_TOKEN": "a-token-in-a-variable", "PRODCAT_TOKEN_FILE": str(file)}
    assert server_token(None, {}) is None
    assert server_token(None, {"PRODCAT_TOKEN": ""}) == ""  # which Access refuses
    assert server_token(None, {"PRODCAT_TOKEN": "a-token-in-a-variable"}) == "a-token-in-a-variable"
    assert server_token(None, variables) == "a-token-in-a-file"
    assert server_token(str(file), {"PRODCAT_TOKEN_FILE": "/nothing"}) == "a-token-in-a-file"
    file.write_bytes(b"\xff")
    for path in (str(file), str(tmp_path / "nothing")):
        with pytest.raises(ConfigError, match="The token of the server cannot be read"):
            server_token(path, {})
