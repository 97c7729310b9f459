"""The files of checkpoints."""

import pytest
import torch

from prodcat.errors import CheckpointError
from prodcat.training.checkpoint import Checkpoint, Checkpoints


def state(step):
    return Checkpoint(step, {"x": torch.full((3,), float(step))}, {"steps": step})


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_the_newest_whole_checkpoint_is_found(place, tmp_path):
    uri = str(tmp_path / "kept") if place == "folder" else f"memory://checkpoints/{tmp_path.name}"
    kept = Checkpoints(uri, "a" * 64)
    assert kept.latest() is None
    for step in (1, 2, 3):
        kept.save(state(step))
    assert len(kept.objects.names("")) == 2, "the last two are kept"
    found = Checkpoints(uri, "a" * 64).latest()
    assert found.step == 3 and found.tensors["x"].tolist() == [3.0] * 3
    assert Checkpoints(uri, "b" * 64).latest() is None, "another run's are not taken"
    kept.clear()
    assert kept.latest() is None


def test_an_object_store_has_no_folders(tmp_path, monkeypatch):
    """Where makedirs makes nothing, and a prefix without objects cannot be listed."""
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr(MemoryFileSystem, "makedirs", lambda *rest, **more: None)
    kept = Checkpoints(f"memory://no-folders/{tmp_path.name}", "a" * 64)
    assert kept.latest() is None
    kept.save(state(1))
    assert kept.latest().step == 1


@pytest.mark.parametrize("damage", [lambda b: b[:-2], lambda b: b[:-1] + b"\7", lambda b: b""])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(damage, tmp_path, caplog):
    kept = Checkpoints(str(tmp_path), "a" * 64)
    kept.save(state(1))
    kept.save(state(2))
    newest = f"{kept.objects.uri}/step-00000002.safetensors"
    with open(newest, "rb") as file:
        content = file.read()
    with open(newest, "wb") as file:
        file.write(damage(content))
    assert kept.latest().step == 1
    assert "is damaged" in caplog.text


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="Cannot keep checkpoints at"):
        Checkpoints(str(tmp_path / "file"), "a" * 64)
    with pytest.raises(CheckpointError, match="Cannot keep checkpoints at 'nonesuch://x'"):
        Checkpoints("nonesuch://x", "a" * 64)
