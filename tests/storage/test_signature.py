"""Keys from files and secrets."""

import sys

import pytest

from prodcat import ConfigError, Key


def test_a_key_does_not_tell_its_secret():
    assert "sss" not in repr(Key.from_secret(b"s" * 32))


def test_keys_that_are_none_are_named(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="secret has 3 bytes; expected at least 32"):
        Key.from_secret(b"abc")
    with pytest.raises(ConfigError, match="Cannot read the key"):
        Key.from_file(tmp_path / "none")
    (tmp_path / "bad.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END")
    with pytest.raises(ConfigError, match="PEM key cannot be read"):
        Key.from_file(tmp_path / "bad.pem")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ConfigError, match="expected an Ed25519 key"):
        Key.from_pem(pem)
    (tmp_path / "secret").write_text("0123456789abcdef" * 4 + "\n")
    assert Key.from_file(tmp_path / "secret").id == Key.from_secret(b"0123456789abcdef" * 4).id
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(ConfigError, match=r"pip install 'prodcat\[sign\]'"):
        Key.from_pem(pem)


def test_all_bytes_of_a_secret_count(tmp_path):
    secret = b"\n" + b"\xff" * 31 + b" "
    (tmp_path / "binary").write_bytes(secret)
    assert Key.from_file(tmp_path / "binary").id == Key.from_secret(secret).id
    (tmp_path / "text").write_bytes(b"s" * 32 + b"\n")
    assert Key.from_file(tmp_path / "text").id == Key.from_secret(b"s" * 32).id
