"""Versions of models as text."""

from prodcat.cli.version_tables import version_facts, versions_table
from prodcat.storage.listing import Version


def version(**facts):
    usual = {
        "model": "tr",
        "version": "1",
        "created": "2026-01-02T03:04:05Z",
        "aliases": (),
        "note": "",
        "parent": None,
        "fingerprint": None,
        "tree_hash": "f00",
        "metrics": {},
        "bytes": 999,
        "files": {},
        "prodcat_version": "0.1",
        "libraries": {},
        "signed_by": None,
    }
    return Version(**{**usual, **facts})


def test_columns_are_as_wide_as_they_must_be_and_empty_ones_are_left_out():
    versions = [
        version(bytes=1_500_000, metrics={"path_accuracy": 0.91234}, aliases=("a", "b")),
        version(model="english", note="n" * 50),
    ]
    assert versions_table(versions, signed=False).split("\n") == [
        "MODEL    VERSION  ALIASES  PATH ACCURACY    SIZE  NOTE",
        "tr       1        a, b            0.9123  1.5 MB",
        "english  1                                 999 B  " + "n" * 39 + "…",
    ]


def test_who_signed_is_shown_where_keys_are_named():
    versions = [version(), version(signed_by="abc", bytes=2_000_000_000)]
    header, *lines = versions_table(versions, signed=True).split("\n")
    assert header.endswith("SIZE  SIGNED BY")
    assert lines[0].endswith(" 999 B  nobody") and lines[1].endswith("2.0 GB  abc")


def test_all_facts_of_a_version_have_their_line():
    files = {"config.json": {"bytes": 1_234, "sha256": "0123456789abcdef0123"}}
    shown = version_facts(
        version(metrics={"rows": 1_000, "ece": 0.01}, libraries={"torch": "2"}, files=files)
    ).split("\n")
    assert shown[0] == "version        tr@1" and "created        2026-01-02T03:04:05Z" in shown
    assert "aliases        none" in shown and "signed by      nobody" in shown
    assert "  torch        2" in shown and "  rows         1,000" in shown
    assert "  ece          0.0100" in shown and "validation" in shown and "files" in shown
    assert shown[-1] == "  config.json     1.2 kB  0123456789abcdef…"
    assert "validation  unknown" in version_facts(version())
