"""The manifest: any damage to it is noticed, and those of earlier versions can still be read."""

import json

import pytest

from prodcat import ArtifactError
from prodcat.storage.artifact import write_artifact
from prodcat.storage.document import json_bytes
from prodcat.storage.manifest import content_hash, describe, parse_manifest, to_bytes
from prodcat.storage.objects import Objects

FILES = {"config.json": b"{}", "taxonomy.json": b"[]", "model.safetensors": b"\0" * 9}


def text():
    facts = {"parent": "tr@süt", "content_hash": content_hash(describe(FILES, "1")["files"])}
    return to_bytes({**describe(FILES, "1"), **facts})


def test_each_altered_bit_of_a_manifest_is_noticed():
    good = text()
    assert parse_manifest(good, "there")["parent"] == "tr@süt"
    for place in range(len(good)):
        for bit in range(8):
            altered = bytearray(good)
            altered[place] ^= 1 << bit
            with pytest.raises(ArtifactError):
                parse_manifest(bytes(altered), "there")


def test_bytes_that_are_missing_or_added_to_a_manifest_are_noticed():
    good = text()
    for place in range(len(good)):
        for other in (good[:place], good[:place] + good[place + 1 :], good[place:],
                      good[:place] + b" " + good[place:]):  # fmt: skip
            if other != good:
                with pytest.raises(ArtifactError):
                    parse_manifest(other, "there")


def test_a_manifest_that_is_written_in_another_way_is_refused():
    manifest = json.loads(text())
    for content in (json_bytes(manifest), json_bytes(manifest, indent=4), text() + b"\n"):
        with pytest.raises(ArtifactError, match="was altered"):
            parse_manifest(content, "there")
    without = {name: value for name, value in manifest.items() if name != "sha256"}
    with pytest.raises(ArtifactError, match="was altered"):
        parse_manifest(json_bytes(without, indent=2), "there")
    assert to_bytes(without) == to_bytes(manifest) == text()


@pytest.mark.parametrize("version", [2, 3])
def test_manifests_of_earlier_formats_have_no_hash(version):
    manifest = {**describe(FILES, "0.1.0"), "format_version": version}
    assert parse_manifest(json_bytes(manifest, indent=2), "there") == manifest
    with pytest.raises(ArtifactError, match="was altered"):
        parse_manifest(json_bytes({**manifest, "sha256": "0" * 64}, indent=2), "there")


def test_the_hash_of_the_content_is_that_of_the_files_alone():
    assert (
        content_hash(describe(FILES, "1")["files"])
        == content_hash(describe(dict(reversed(FILES.items())), "2")["files"])
        == json.loads(text())["content_hash"]
    )


def test_a_new_artifact_leaves_no_file_of_the_one_before(tmp_path):
    objects = Objects(str(tmp_path / "model"))
    first = {**FILES, "tokenizer.json": b"{}", "guarantee.json": b"{}"}
    write_artifact(objects, first, to_bytes(describe(first, "1")))
    (tmp_path / "model" / "mine.txt").write_text("mine")
    write_artifact(objects, FILES, to_bytes(describe(FILES, "1")))
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {*FILES, "manifest.json", "mine.txt"}
    (tmp_path / "model" / "manifest.json").write_text("damaged")
    write_artifact(objects, FILES, to_bytes(describe(FILES, "1")))
    assert parse_manifest((tmp_path / "model" / "manifest.json").read_bytes(), "there")
