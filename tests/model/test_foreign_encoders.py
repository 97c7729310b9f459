"""Encoders from strangers: no code of theirs runs, nothing is fetched, nothing is unpickled."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch

# Loads encoders, and writes for each which code of its folder was run, what was unpickled, what
# was asked of the network, and what was started.
PROGRAM = """
import json, sys
log, *sources = sys.argv[1:]
seen = []
def watch(event, values):
    text = repr(values)[:300]
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec"):
        seen.append([event, text])
    if event in ("import", "compile", "exec") and "modeling_hostile" in text:
        seen.append([event, text])
    if event == "pickle.find_class":
        seen.append([event, text])
import prodcat, transformers, torch
from prodcat.model.pretrained import load_encoder
sys.addaudithook(watch)
results = []
for source in sources:
    seen.clear()
    try:
        load_encoder(source)
        said = "loaded"
    except prodcat.ProdcatError as error:
        said = f"refused: {error}"
    results.append({"said": said, "seen": list(seen)})
with open(log, "w") as file:
    json.dump(results, file)
"""
CODE = """
import pathlib
pathlib.Path({mark!r}).write_text("ran")
from transformers import BertConfig as HostileConfig, BertModel as HostileModel
"""


def load(sources, folder, **environment):
    """What happens when encoders are loaded while somebody answers yes to every question."""
    log = folder / "log.json"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log), *map(str, sources)],
        input="y\n" * 1_000,
        capture_output=True,
        text=True,
        env=os.environ | {"HF_MODULES_CACHE": str(folder / "modules")} | environment,
    )
    assert done.returncode == 0, done.stderr
    assert "[y/N]" not in done.stdout + done.stderr
    return json.loads(log.read_text())


def change(path, **values):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | values))


AUTO_MAP = {
    "AutoConfig": "modeling_hostile.HostileConfig",
    "AutoModel": "modeling_hostile.HostileModel",
    "AutoTokenizer": ["modeling_hostile.HostileTokenizer", "modeling_hostile.HostileTokenizer"],
}


def test_no_code_runs_and_nothing_is_fetched_or_unpickled(encoder_folder, tmp_path):
    folders = {}
    for name in ("known type", "unknown type", "on the hub", "pickled"):
        folders[name] = shutil.copytree(encoder_folder, tmp_path / name)
        code = CODE.format(mark=str(tmp_path / "mark"))
        (folders[name] / "modeling_hostile.py").write_text(code)
        change(folders[name] / "tokenizer_config.json", auto_map=AUTO_MAP)
        change(folders[name] / "config.json", auto_map=AUTO_MAP)
    change(folders["unknown type"] / "config.json", model_type="hostile")
    remote = {"AutoModel": "somebody/else--modeling_hostile.HostileModel"}
    change(folders["on the hub"] / "config.json", auto_map=remote, model_type="hostile")
    (folders["pickled"] / "model.safetensors").unlink()
    torch.save({"weight": torch.zeros(2)}, folders["pickled"] / "pytorch_model.bin")

    results = dict(zip(folders, load(folders.values(), tmp_path), strict=True))
    assert not (tmp_path / "mark").exists()
    assert [result["seen"] for result in results.values()] == [[]] * 4
    # A model of a type that transformers knows itself needs no code from the folder.
    assert results["known type"]["said"] == "loaded"
    for name in ("unknown type", "on the hub", "pickled"):
        assert results[name]["said"].startswith("refused: Cannot load an encoder")
    assert "model.safetensors" in results["pickled"]["said"]


def test_a_revision_of_the_hub_is_the_one_that_is_loaded(encoder_folder, tmp_path):
    commit, other = "a" * 40, "b" * 40
    home = tmp_path / "hub/models--shop--encoder"
    for revision in (commit, other):
        shutil.copytree(encoder_folder, home / "snapshots" / revision)
    change(home / "snapshots" / other / "config.json", model_type="unknown-type")
    (home / "refs").mkdir()
    (home / "refs/main").write_text(other)
    (home / "refs/v1").write_text(commit)
    named = [
        f"shop/encoder@{commit}",
        "shop/encoder@v1",
        "shop/encoder",
        "shop/encoder@" + "c" * 40,
    ]
    where = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    said = [result["said"].split(":")[0] for result in load(named, tmp_path, **where)]
    assert said == ["loaded", "loaded", "refused", "refused"]


def test_a_folder_with_such_a_name_is_a_folder(encoder_folder, tmp_path, monkeypatch):
    from prodcat.model.pretrained import load_encoder

    shutil.copytree(encoder_folder, tmp_path / "shop@v1")
    monkeypatch.chdir(tmp_path)
    assert Path("shop@v1").is_dir()
    assert load_encoder("shop@v1")[0].word_embeddings.embedding_dim == 32
