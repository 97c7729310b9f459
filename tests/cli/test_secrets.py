"""Keys of a store that come from AWS Secrets Manager."""

import os
import stat
from pathlib import Path

import pytest
from botocore.session import get_session

from prodcat import ConfigError
from prodcat.cli.environment import key_paths, named_keys


@pytest.fixture
def manager(moto_server, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": moto_server.options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "SECRETTEST",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    return get_session().create_client("secretsmanager", region_name="eu-west-1")


def test_a_secret_is_a_key_beside_those_in_files(manager, monkeypatch, tmp_path):
    text = manager.create_secret(Name="text", SecretString="a secret of thirty-two characters")
    binary = manager.create_secret(Name="binary", SecretBinary=bytes(range(200, 232)))
    (tmp_path / "key").write_text("another secret of many characters")
    monkeypatch.setenv("PRODCAT_KEYS", str(tmp_path / "key"))
    monkeypatch.setenv("PRODCAT_KEYS_SECRET", f"{text['ARN']}, {binary['ARN']}")
    first, *fetched = map(Path, key_paths())
    assert first == tmp_path / "key"
    assert [path.read_bytes() for path in fetched] == [
        b"a secret of thirty-two characters",
        bytes(range(200, 232)),
    ]
    for path in fetched:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.stat().st_uid == os.getuid()
    assert len(named_keys()) == 3
    manager.delete_secret(SecretId=text["ARN"], ForceDeleteWithoutRecovery=True)
    assert list(map(Path, key_paths())) == [first, *fetched]  # it is fetched once


def test_a_secret_that_cannot_be_fetched_is_named(manager, monkeypatch):
    monkeypatch.setenv("PRODCAT_KEYS_SECRET", "missing")
    with pytest.raises(ConfigError, match=r"names 'missing', which cannot be fetched: .*Check"):
        key_paths()
