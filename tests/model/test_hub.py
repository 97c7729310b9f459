"""Encoders by their names on the hub, without a hub."""

import os
import subprocess
import sys
import time

import pytest

import prodcat
from prodcat.errors import EncoderError
from prodcat.model.hub import HUB_ENCODERS, is_on_disk, only_from_disk
from prodcat.model.pretrained import load_encoder


def test_an_encoder_that_is_nowhere_is_told_at_once_and_what_to_do():
    with pytest.raises(EncoderError) as told:
        load_encoder("intfloat/nonesuch")
    said = str(told.value)
    assert "'intfloat/nonesuch': it is not on this machine, and HF_HUB_OFFLINE is set" in said
    assert (
        "model=prodcat.ModelConfig(encoder=None)" in said
        and "hf download intfloat/nonesuch --local-dir encoder" in said
    )


@pytest.mark.parametrize("name", ["./encoder", "a/b/c", "/nonesuch/encoder", "en coder"])
def test_a_folder_that_does_not_exist_is_no_name_on_the_hub(name):
    with pytest.raises(EncoderError, match="there is no such folder. Expected a hub name"):
        load_encoder(name)


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_is_not_asked_again(tmp_path):
    script = (
        "import time, prodcat; from prodcat.model.pretrained import load_encoder\n"
        "import transformers, huggingface_hub, torch\n"
        "from transformers import AutoModel, AutoTokenizer\n"
        "began = time.monotonic()\n"
        "try: load_encoder('intfloat/multilingual-e5-small')\n"
        "except prodcat.EncoderError as error: print(error)\n"
        "print(time.monotonic() - began)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path),
                   "HF_ENDPOINT": "http://127.0.0.1:9"}  # fmt: skip
    environment = {k: v for k, v in environment.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env=environment)  # fmt: skip
    said, seconds = done.stdout.splitlines()
    assert "http://127.0.0.1:9 cannot be reached" in said and "Retrying" not in done.stderr
    assert float(seconds) < 6


def test_an_encoder_in_the_cache_is_loaded_without_a_hub(tmp_path, monkeypatch, encoder_folder):
    from huggingface_hub import constants

    snapshot = tmp_path / "models--shop--small" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    for file in encoder_folder.iterdir():
        (snapshot / file.name).symlink_to(file)
    (tmp_path / "models--shop--small" / "refs").mkdir()
    (tmp_path / "models--shop--small" / "refs" / "main").write_text("0123")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    assert is_on_disk("shop/small") and not is_on_disk("shop/large")
    assert only_from_disk("shop/small", "main", "shop/small")
    began = time.monotonic()
    with pytest.raises(EncoderError, match="not on this machine"):
        only_from_disk("shop/large", "main", "shop/large@v1")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", ["none", "None", "NONE", None])
def test_none_and_its_name_mean_the_same(name):
    assert prodcat.ModelConfig(encoder=name) == prodcat.ModelConfig(encoder=None)


def test_the_listed_encoders_are_described():
    sizes = [encoder.megabytes for encoder in HUB_ENCODERS]
    assert sizes == sorted(sizes)
    assert prodcat.ModelConfig().encoder in [encoder.name for encoder in HUB_ENCODERS]
    assert all(encoder.languages and encoder.licence for encoder in HUB_ENCODERS)
