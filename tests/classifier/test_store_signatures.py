"""What is signed, what is not, and stores that begin to sign."""

import shutil
from pathlib import Path

import pytest
from stores import another, run

import prodcat
from prodcat import (
    ArtifactError,
    ConfigError,
    ConflictError,
    Key,
    Store,
    StoreError,
)


@pytest.fixture
def local(tmp_path):
    return Store(str(tmp_path / "models"))


@pytest.fixture(scope="session")
def ed25519():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    return (
        Key.from_pem(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        ),
        Key.from_pem(
            private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ),
    )


@pytest.fixture(params=["hmac", "ed25519"])
def pair(request):
    if request.param == "hmac":
        return (Key.from_secret(b"s" * 32),) * 2
    return request.getfixturevalue("ed25519")


def test_what_is_signed_is_loaded_with_the_key(local, small, pair):
    signs, checks = pair
    assert signs.id == checks.id
    version = Store(local.uri, keys=signs).publish(small, "tr", alias="production")
    reader = Store(local.uri, keys=[Key.from_secret(b"o" * 32), checks])
    assert reader.load("tr@production").origin == f"tr@{version}"
    assert reader.show("tr@latest").signed_by == signs.id
    assert local.load("tr@production"), "without a key nothing is asked"


def test_what_is_not_signed_or_by_another_is_refused(local, small, pair):
    checks = pair[1]
    version = local.publish(small, "tr", alias="production")
    reader = Store(local.uri, keys=checks)
    with pytest.raises(ArtifactError, match=f"{version} is not signed; expected a signature by"):
        reader.load(f"tr@{version}")
    with pytest.raises(ArtifactError, match="alias event .* is not signed"):
        reader.load("tr@production")
    other = Store(local.uri, keys=Key.from_secret(b"o" * 32))
    signed = other.publish(another(small, 1), "tr")
    with pytest.raises(ArtifactError, match=f"{signed} is signed by .*; expected {checks.id}"):
        reader.load(f"tr@{signed}")
    # The same files, signed: another version, that can be loaded.
    again = Store(local.uri, keys=pair[0]).publish(small, "tr")
    assert again != version and reader.load(f"tr@{again}")
    if not checks.can_sign:
        with pytest.raises(ConfigError, match="can only check"):
            checks.sign(b"x")
        with pytest.raises(ConfigError, match="None of the keys can sign"):
            Store(local.uri, keys=checks).publish(another(small, 2), "tr")
    with pytest.raises(ConfigError, match="keys= is empty"):
        Store(local.uri, keys=[])


def test_a_folder_that_looks_like_a_version_is_no_way_around_keys(
    local, small, tmp_path, capsys, monkeypatch
):
    (tmp_path / "secret").write_text("0123456789abcdef" * 4)
    key = Key.from_file(tmp_path / "secret")
    Store(local.uri, keys=key).publish(small, "tr", alias="production")
    uri = f"{local.uri}/tr@production"
    another(small, 1).save(uri)  # by someone who can write, and has no key
    assert prodcat.load(uri, device="cpu").origin is None, "without keys a folder is a folder"
    assert prodcat.load(uri, device="cpu", keys=key).origin == local.show("tr@latest").reference
    monkeypatch.setenv("PRODCAT_KEYS", str(tmp_path / "secret"))
    (tmp_path / "titles.csv").write_text("title\nsut\n")
    run(capsys, "predict", tmp_path / "titles.csv", "--model", uri, "--output", tmp_path / "a.csv")
    shutil.rmtree(f"{local.uri}/tr")
    answer = ["predict", tmp_path / "titles.csv", "--model", uri, "--output", tmp_path / "b.csv"]
    assert "no model 'tr'" in run(capsys, *answer, code=2)


def test_the_store_on_the_command_line_reads_the_keys_of_the_environment(
    local, small, tmp_path, capsys, monkeypatch
):
    (tmp_path / "secret").write_text("0123456789abcdef" * 4)
    key = Key.from_file(tmp_path / "secret")
    local.publish(small, "tr", alias="production")
    monkeypatch.setenv("PRODCAT_STORE", local.uri)
    monkeypatch.setenv("PRODCAT_KEYS", str(tmp_path / "secret"))
    assert "is not signed" in run(capsys, "models", "show", "tr@production", code=2)
    another(small, 1).save(str(tmp_path / "b"))
    signed = run(capsys, "models", "publish", "tr", tmp_path / "b").strip()
    table = run(capsys, "models", "list").splitlines()
    assert "SIGNED BY" in table[0]
    assert {line.split()[1]: key.id in line for line in table[1:]}[signed.split("@")[1]]
    assert sum("nobody" in line for line in table[1:]) == 1


def test_a_store_begins_to_sign_by_taking_its_aliases_over(local, small, pair, caplog):
    signs, checks = pair
    old = local.publish(small, "tr", alias="production")
    store = Store(local.uri, keys=signs)
    with pytest.raises(ArtifactError, match="alias event .* is not signed"):
        store.publish(another(small, 1), "tr", alias="production")
    assert len(local.list()) == 1, "what cannot be promoted is not uploaded"
    version = store.publish(another(small, 1), "tr")
    with pytest.raises(ArtifactError, match="alias event .* is not signed"):
        store.promote("tr", version, "production")
    event = store.promote("tr", version, "production", take_over=True)
    assert (event.number, event.action, event.previous, event.below) == (2, "take over", None, 0)
    reader = Store(local.uri, keys=checks)
    assert reader.load("tr@production").origin == f"tr@{version}"
    assert [own.number for own in reader.history("tr", "production")] == [2]
    assert "Left out of the history" in caplog.text
    with pytest.raises(StoreError, match="nothing before"):
        store.rollback("tr", "production")
    newer = store.publish(another(small, 2), "tr", alias="production")
    assert store.rollback("tr", "production").version == version
    assert old != newer and [own.number for own in local.history("tr", "production")] == [
        1,
        2,
        3,
        4,
    ]
    # Without a take-over before it, what is not right is not left out.
    path = Path(local.uri) / "tr/aliases/production/00000003.json"
    path.write_text("{}")
    with pytest.raises(ArtifactError, match="00000003.json"):
        local.history("tr", "production")


def test_of_two_who_take_over_one_wins(local, small, monkeypatch):
    versions = [local.publish(another(small, number), "tr") for number in range(2)]
    local.promote("tr", versions[0], "production")
    path = Path(local.uri) / "tr/aliases/production/00000001.json"
    path.write_text("{")
    whole = prodcat.storage.aliases.AliasLog.take_over

    def slow(self, after, version, reason):
        monkeypatch.setattr(prodcat.storage.aliases.AliasLog, "take_over", whole)
        local.promote("tr", versions[1], "production", take_over=True)
        return whole(self, after, version, reason)

    monkeypatch.setattr(prodcat.storage.aliases.AliasLog, "take_over", slow)
    with pytest.raises(ConflictError, match=f"set it to {versions[1]}"):
        local.promote("tr", versions[0], "production", take_over=True)
    assert local.aliases("tr") == {"production": versions[1]}


def test_a_store_with_old_aliases_begins_to_sign(local, small, pair):
    signs = pair[0]
    old = local.publish(small, "tr", alias="production")
    local.promote("tr", old, "candidate")
    store = Store(local.uri, keys=signs)
    new = store.publish(small, "tr")
    assert new != old and new[-12:] == old[-12:]
    store.promote("tr", new[-12:], "production", take_over=True)
    assert store.show("tr@production").aliases == ("production",)
    assert store.prune(0) == (), "what an unsigned alias names is kept, too"
    with pytest.raises(ConflictError, match="is named by tr@candidate"):
        store.delete("tr", old)
    with pytest.raises(ArtifactError, match="is not signed"):
        store.remove_alias("tr", "candidate")
    assert store.remove_alias("tr", "candidate", take_over=True).version is None
    assert store.prune(0) == (f"tr@{old}",)


def test_a_log_whose_numbers_are_used_up_is_named(local, small):
    version = local.publish(small, "tr", alias="production")
    folder = Path(local.uri) / "tr/aliases/production"
    shutil.copy(folder / "00000001.json", folder / "99999999.json")
    with pytest.raises(
        ArtifactError, match="99999999.json' has the highest possible number.* delete that"
    ):
        local.promote("tr", version, "production", take_over=True)


def test_a_damaged_alias_is_taken_over_on_the_command_line(local, small, capsys):
    first = local.publish(small, "tr", alias="production")
    (Path(local.uri) / "tr/aliases/production/00000001.json").write_text("{")
    command = ["models", "promote", "tr", first, "production", "--store", local.uri]
    assert "not JSON" in run(capsys, *command, code=2)
    assert first in run(capsys, *command, "--take-over")
    assert local.aliases("tr") == {"production": first}
    event = local.history("tr", "production")[0]
    again = local.promote("tr", first, "production", take_over=True)
    assert again == event, "what is right is not taken over"


def test_load_takes_keys(local, small, pair, tmp_path):
    signs, checks = pair
    version = Store(local.uri, keys=signs).publish(small, "tr", alias="production")
    uri = f"{local.uri}/tr@production"
    assert prodcat.load(uri, keys=checks).origin == f"tr@{version}"
    with pytest.raises(ArtifactError, match="is signed by"):
        prodcat.load(uri, keys=Key.from_secret(b"o" * 32))
    small.save(str(tmp_path / "plain"))
    with pytest.raises(ConfigError, match="is not in a store, so nothing there is signed"):
        prodcat.load(str(tmp_path / "plain"), keys=checks)


def test_an_altered_manifest_or_event_does_not_fit_its_signature(local, small, pair):
    signs, checks = pair
    store = Store(local.uri, keys=signs)
    version = store.publish(small, "tr", alias="production")
    reader = Store(local.uri, keys=checks)
    event = Path(local.uri) / "tr/aliases/production/00000001.json"
    event.write_text(event.read_text().replace('"root@', '"tom@').replace('"by": "', '"by": "x'))
    with pytest.raises(ArtifactError, match="event .* does not match its signature"):
        reader.load("tr@production")
    manifest = Path(local.uri) / "tr/versions" / version / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"note": ""', '"note": "x"'))
    with pytest.raises(ArtifactError, match="does not match its signature .* it was altered"):
        reader.load(f"tr@{version}")


def test_what_is_signed_on_the_command_line_was_checked(
    local, small, tmp_path, capsys, monkeypatch
):
    (tmp_path / "secret").write_text("0123456789abcdef" * 4)
    local.publish(small, "tr", alias="production")
    source, target = f"{local.uri}/tr@production", tmp_path / "signed"
    command = ["models", "publish", "tr", source, "--store", target, "--key", tmp_path / "secret"]
    assert "is not signed" in run(capsys, *command, code=2)
    monkeypatch.setenv("PRODCAT_KEYS", str(tmp_path / "secret"))
    (tmp_path / "titles.csv").write_text("title\nsut\n")
    answer = ["predict", tmp_path / "titles.csv", "--model", source]
    assert "is not signed" in run(capsys, *answer, code=2)
