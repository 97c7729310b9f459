"""Artifacts from strangers: each is refused with prodcat's own error and does nothing else."""

import json
import os
import shutil

import hostile
import numpy as np
import pytest
from hostile_servers import HostileServer, endless
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import prodcat
from prodcat import ArtifactError, EncoderError, ProdcatError
from prodcat.model.pretrained import build_encoder, config_of
from prodcat.model.untrusted import ENCODERS, check_encoder
from prodcat.storage.archive import pack
from prodcat.storage.manifest import to_bytes

TITLES = ["yarim yagli sut", "cikolatali gofret 40 g"]


@pytest.fixture(scope="module")
def good(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("good") / "model"
    classifier.save(str(folder))
    return folder


@pytest.fixture
def copy(good, tmp_path):
    return shutil.copytree(good, tmp_path / "model")


@pytest.mark.parametrize("name", hostile.HARM)
def test_what_the_manifest_vouches_for_is_refused_too(copy, name):
    hostile.HARM[name](copy)
    hostile.vouch(copy)
    with pytest.raises(ProdcatError):
        prodcat.load(str(copy), device="cpu")


@pytest.mark.parametrize(
    "name",
    ["a thousand layers", "ten million pieces", "wide beliefs", "a weight that nobody knows",
     "another text encoder", "another type of number"],
)  # fmt: skip
def test_weights_are_compared_by_their_header_before_they_are_read(copy, name, monkeypatch):
    from prodcat.storage.artifact import Artifact

    def read(self):
        raise AssertionError("the weights were read")

    hostile.HARM[name](copy)
    hostile.vouch(copy)
    monkeypatch.setattr(Artifact, "tensors", read)
    with pytest.raises(ArtifactError) as caught:
        prodcat.load(str(copy), device="cpu")
    assert "were read" not in str(caught.value)


@pytest.mark.parametrize("name", ["many empty lists", "a manifest of many lists"])
def test_json_is_bounded_before_it_is_parsed(copy, name, monkeypatch):
    harm = hostile.HARM.get(name) or hostile.MANIFEST_HARM[name]
    harm(copy)
    if name in hostile.HARM:
        hostile.vouch(copy)
    with pytest.raises(ArtifactError, match="contains about .* values; expected at most"):
        prodcat.load(str(copy), device="cpu")


_MEASURED = """
import resource, sys
import prodcat
prodcat.load(sys.argv[1], device="cpu").predict(["sut"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    prodcat.load(sys.argv[2], device="cpu")
except prodcat.ProdcatError:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def megabytes(good, bad):
    """Memory that a bad load takes beyond a good one."""
    import subprocess
    import sys

    command = [sys.executable, "-c", _MEASURED, str(good), str(bad)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return int(done.stdout)


@pytest.mark.parametrize(
    "name",
    ["many groups of layers", "many networks in a layer", "many inner groups", "positions of waves",
     "waves as a table", "squares for each layer", "a Fourier matrix",
     "letters that become more and more", "a thousand times a thousand tokens around",
     "a title 49,000 times", "letters that become a megabyte each", "many tensors and many layers",
     "a tokenizer of many lists", "a chain of 30,000 nodes", "ten million pieces",
     "a thousand layers"],
)  # fmt: skip
def test_what_is_refused_takes_no_memory(good, copy, name):
    hostile.HARM[name](copy)
    hostile.vouch(copy)
    assert megabytes(good, copy) < 100


def test_a_padding_of_ten_million_tokens_pads_nothing(good, copy, classifier):
    hostile.PADDED(copy)
    hostile.vouch(copy)
    assert megabytes(good, copy) < 100
    again = prodcat.load(str(copy), device="cpu")
    assert np.array_equal(again.predict_proba(TITLES), classifier.predict_proba(TITLES))


@pytest.mark.parametrize("name", ["zeros", "a bomb", "zeros that are listed"])
def test_archives_that_are_refused_take_no_memory(good, tmp_path, name):
    content = hostile.archives(files_of(good))[name]
    (tmp_path / "model.tar.gz").write_bytes(content)
    assert megabytes(good, tmp_path / "model.tar.gz") < 100


@pytest.mark.parametrize("name", ["manifest.json", "README.md", "model.safetensors"])
@pytest.mark.parametrize("place", ["/dev/zero", "a pipe"])
def test_devices_and_pipes_are_no_files(copy, name, place):
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"].setdefault(name, {})["bytes"] = 0
    manifest["files"].pop("manifest.json", None)
    (copy / "manifest.json").write_bytes(to_bytes(manifest))
    (copy / name).unlink()
    if place == "a pipe":
        os.mkfifo(copy / name)
    else:
        (copy / name).symlink_to(place)
    with pytest.raises(
        ArtifactError, match=f"{name}' is a pipe, a device or a socket; expected a regular file"
    ):
        prodcat.load(str(copy), device="cpu")


def test_what_shrinks_like_a_bomb_is_packed_without_shrinking():
    from prodcat.storage.archive import _FREE

    zeros = bytes(_FREE + 1)
    assert len(pack({"a": zeros})) > len(zeros)
    assert len(pack({"a": zeros[: _FREE // 2]})) < 1 << 20


def test_what_could_not_be_loaded_is_not_saved_or_trained(
    classifier, tmp_path, monkeypatch, catalog
):
    monkeypatch.setitem(prodcat.storage.manifest._LIMITS, "taxonomy.json", (64 << 20, 50))
    with pytest.raises(ArtifactError, match="taxonomy.json of this classifier would have .* 50, "):
        classifier.save(str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
    began = []
    monkeypatch.setattr(
        "prodcat.training.starting_encoder.load_encoder", lambda *_: began.append(1)
    )
    with pytest.raises(ArtifactError, match="Use a smaller tree"):
        prodcat.fit(catalog, progress=False)
    assert not began


def test_a_config_of_other_weights_is_refused_before_training(encoder_folder, tmp_path, catalog):
    folder = shutil.copytree(encoder_folder, tmp_path / "encoder")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "bos_token_id": 10**9}))
    with pytest.raises(EncoderError, match="asks for bos_token_id=1,000,000,000"):
        prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=str(folder)), progress=False)


def changed_tokenizer(folder, change):
    content = json.loads((folder / "tokenizer.json").read_text())
    change(content)
    (folder / "tokenizer.json").write_text(json.dumps(content))


def letter_by_letter(content):
    pairs = zip("ÂÎÛâîûİIĞÜŞÖÇ’", "AIUaiuiığüşöç'", strict=True)
    content["normalizer"]["normalizers"][:0] = [
        {"type": "Replace", "pattern": {"String": a}, "content": b} for a, b in pairs
    ]


def one_token_more(content):
    number = len(content["model"]["vocab"])
    content["added_tokens"].append(
        dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
        | {"id": number, "content": "<image>", "special": True}
    )


@pytest.mark.parametrize("change", [letter_by_letter, one_token_more])
def test_harmless_tokenizers_are_trained_saved_and_loaded(
    encoder_folder, tmp_path, catalog, change
):
    folder = shutil.copytree(encoder_folder, tmp_path / "encoder")
    changed_tokenizer(folder, change)
    model = prodcat.ModelConfig(encoder=str(folder))
    training = prodcat.TrainingConfig(epochs=1, precision="float32")
    own = prodcat.fit(catalog, model=model, training=training, progress=False, device="cpu")
    own.save(str(tmp_path / "model"))
    again = prodcat.load(str(tmp_path / "model"), device="cpu")
    titles = [*TITLES, "Şeker <image> IŞIK"]
    assert np.array_equal(again.predict_proba(titles), own.predict_proba(titles))


def test_a_tokenizer_that_could_not_be_loaded_is_refused_before_training(
    encoder_folder, tmp_path, catalog
):
    folder = shutil.copytree(encoder_folder, tmp_path / "encoder")
    grow = {"type": "Replace", "pattern": {"Regex": "."}, "content": "a" * 200}
    changed_tokenizer(folder, lambda own: own["normalizer"]["normalizers"].extend([grow, grow]))
    with pytest.raises(EncoderError, match="may make it 40,401 times as long"):
        prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=str(folder)), progress=False)


def test_positions_of_long_contexts_are_built_without_weights():
    config = {
        **config_of_kind("phi3"),
        "max_position_embeddings": 131_072,
        "original_max_position_embeddings": 4_096,
        "rope_scaling": {
            "type": "longrope", "long_factor": [1.1] * 4, "short_factor": [1.0] * 4
        },
    }  # fmt: skip
    whole = build_encoder(config)
    bare = build_encoder(config, empty=True, most=check_encoder(config, shapes_of(whole)))
    bare.load_state_dict(whole.state_dict(), assign=True)


def test_layers_may_share_their_weights():
    config = {**config_of_kind("albert"), "num_hidden_layers": 24}
    check_encoder(config, shapes_of(build_encoder(config)))


def test_kinds_that_nobody_tested_are_refused_before_training():
    with pytest.raises(EncoderError, match="type 'fnet', which prodcat does not know; expected"):
        prodcat.model.untrusted.check_kind("fnet")


def test_the_harm_is_in_the_change_alone(copy, classifier):
    hostile.vouch(copy)
    again = prodcat.load(str(copy), device="cpu")
    assert np.array_equal(again.predict_proba(TITLES), classifier.predict_proba(TITLES))


@pytest.mark.parametrize("name", hostile.MANIFEST_HARM)
def test_hostile_manifests_are_refused(copy, name):
    hostile.MANIFEST_HARM[name](copy)
    with pytest.raises(ArtifactError):
        prodcat.load(str(copy), device="cpu")


def test_an_encoder_that_an_artifact_only_names_is_not_fetched(small, rows, tmp_path):
    """A warm start would have fetched it, through a chain that tells the environment."""
    small.save(str(tmp_path / "model"))
    config = tmp_path / "model/config.json"
    settings = json.loads(config.read_text())
    catalog = prodcat.read_catalog(
        [{"title": row.title, "path": list(row.path)} for row in rows[:50]]
    )
    with HostileServer(endless(most=1 << 20)) as attacker:
        settings["model"]["encoder"] = f"reference://m::{attacker.url}/refs.json"
        config.write_text(json.dumps(settings))
        hostile.vouch(tmp_path / "model")
        with pytest.raises(ArtifactError, match="has the name of an encoder but no encoder"):
            prodcat.fit(catalog, warm_start=str(tmp_path / "model"), progress=False)
        assert attacker.requests == []


def test_a_link_in_the_place_of_a_file_is_read_as_what_it_is(copy, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (copy / "README.md").unlink()
    (copy / "README.md").symlink_to(tmp_path / "secret")
    with pytest.raises(ArtifactError, match="README.md .* has 6 bytes"):
        prodcat.load(str(copy), device="cpu")


def files_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_hostile_archives_are_refused_and_nothing_is_written(good, tmp_path):
    for name, content in hostile.archives(files_of(good)).items():
        (tmp_path / "model.tar.gz").write_bytes(content)
        with pytest.raises(ArtifactError) as caught:
            prodcat.load(str(tmp_path / "model.tar.gz"), device="cpu")
        assert "model.tar.gz" in str(caught.value), name
        assert [path.name for path in tmp_path.iterdir()] == ["model.tar.gz"], name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a member '../evil'", "made to do harm"),
        ("a link", "is a link or a device"),
        ("a pax header of 4 GB", "header of 4,294,967,296 bytes"),
        ("a bomb", "unpacks to more than"),
        ("a file of holes", "with holes, which can unpack to any size"),
        ("many members", "more than 1,000 members"),
        ("a member twice", "has two members"),
        ("no manifest", "it has no manifest.json"),
        ("another file's content", "was altered"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(good, tmp_path, name, message):
    (tmp_path / "model.tar.gz").write_bytes(hostile.archives(files_of(good))[name])
    with pytest.raises(ArtifactError, match=message):
        prodcat.load(str(tmp_path / "model.tar.gz"), device="cpu")


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_are_refused_or_harmless(good, tmp_path_factory, data):
    """Damage that the manifest does not know of is found; damage that it vouches for is refused
    with prodcat's own error, or the artifact still is one and answers."""
    folder = shutil.copytree(good, tmp_path_factory.mktemp("damaged") / "model")
    name = data.draw(st.sampled_from(sorted(path.name for path in folder.iterdir())))
    content = bytearray((folder / name).read_bytes())
    kind = data.draw(st.sampled_from(["flip", "cut", "swap"]))
    if kind == "flip":
        # The first bytes are headers, where harm is easiest done.
        for place in data.draw(st.lists(st.integers(0, min(len(content), 5_000) - 1), min_size=1)):
            content[place] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        other = data.draw(st.sampled_from(sorted(path.name for path in folder.iterdir())))
        content = bytearray((folder / other).read_bytes())
    if bytes(content) == (good / name).read_bytes():
        return
    (folder / name).write_bytes(content)
    if name != "manifest.json":
        with pytest.raises(ArtifactError):
            prodcat.load(str(folder), device="cpu")
        hostile.vouch(folder)
    try:
        prodcat.load(str(folder), device="cpu").predict_proba(TITLES)
    except ProdcatError:
        pass
    finally:
        shutil.rmtree(folder)


# -- archives -----------------------------------------------------------------


def test_an_archive_is_loaded_as_a_folder_is(classifier, tmp_path):
    for uri in (str(tmp_path / "a" / "model.tar.gz"), "memory://archives/model.tar.gz"):
        classifier.save(uri)
        again = prodcat.load(uri, device="cpu")
        assert np.array_equal(again.predict_proba(TITLES), classifier.predict_proba(TITLES))
    with pytest.raises(ArtifactError, match="Found no archive at"):
        prodcat.load(str(tmp_path / "none.tar.gz"))


def test_the_same_classifier_is_the_same_archive(classifier, tmp_path):
    classifier.save(str(tmp_path / "a.tar.gz"))
    classifier.save(str(tmp_path / "b.tar.gz"))
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_an_archive_packed_by_hand_with_code_beside_is_loaded(good, tmp_path, classifier):
    import subprocess

    folder = shutil.copytree(good, tmp_path / "model")
    (folder / "code").mkdir()
    (folder / "code" / "inference.py").write_text("raise SystemExit('this must not run')\n")
    subprocess.run(["tar", "czf", str(tmp_path / "m.tar.gz"), "-C", str(folder), "."], check=True)
    again = prodcat.load(str(tmp_path / "m.tar.gz"), device="cpu")
    assert again.fingerprint == classifier.fingerprint


def test_the_manifest_comes_first_and_nothing_tells_when_or_by_whom(good):
    import io
    import tarfile

    content = pack(files_of(good))
    assert content[4:8] == b"\0" * 4, "no time in the gzip header"
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = tar.getmembers()
    assert members[0].name == "manifest.json"
    assert {(own.mtime, own.uid, own.uname, own.mode) for own in members} == {(0, 0, "", 0o644)}


# -- weights without memory ---------------------------------------------------

_SIZES = {
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    **dict.fromkeys(["pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id"], 0),
    "sep_token_id": 1,
}
_OWN = {
    "electra": {"embedding_size": 16},
    "convbert": {"embedding_size": 32},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "albert": {"embedding_size": 16},
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "llama": {"num_key_value_heads": 2, "max_position_embeddings": 131_072},
    "esm": {"position_embedding_type": "rotary", "mask_token_id": 2},
    **{kind: {"num_key_value_heads": 2} for kind in ("qwen2", "qwen3", "mistral", "phi3")},
    **{
        kind: {"num_key_value_heads": 2, "head_dim": 8}
        for kind in ("gemma", "gemma2", "gemma3_text")
    },
}


def shapes_of(module):
    return {name: tuple(own.shape) for name, own in module.state_dict().items()}


def config_of_kind(kind):
    return {"model_type": kind, **_SIZES, **_OWN.get(kind, {})}


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_filled_with_weights_is_the_encoder(kind):
    import torch

    config = config_of_kind(kind)
    whole = build_encoder(config).eval()
    config = json.loads(json.dumps(config_of(whole)))
    weights = whole.state_dict()
    most = check_encoder(config, shapes_of(whole))
    bare = build_encoder(config, empty=True, most=most).eval()
    assert all(own.is_meta for own in bare.body.get_input_embeddings().parameters())
    bare.load_state_dict(weights, assign=True)
    ids = torch.randint(2, 99, (3, 7))
    mask = torch.ones(3, 7, dtype=torch.bool)
    mask[1, 4:] = False
    assert torch.equal(whole(ids, mask), bare(ids, mask))


def test_a_config_brings_no_code_kernels_or_weights(good):
    config = json.loads((good / "config.json").read_text())["encoder"]
    encoder = build_encoder(
        {
            **config,
            "_attn_implementation": "someone/kernel",
            "attn_implementation": "someone/kernel",
            "auto_map": {"AutoModel": "someone/code--model.Model"},
            "quantization_config": {"quant_method": "awq"},
        }
    )
    assert encoder.body.config._attn_implementation == "prodcat_short"
    assert not hasattr(encoder.body.config, "auto_map")
    with pytest.raises(EncoderError, match="prodcat does not know; expected one of albert"):
        check_encoder({"model_type": "timm_wrapper"}, {})
