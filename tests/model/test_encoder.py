"""Tokens, encoders of four families and their lower layers' kept output."""

import json
import shutil

import fsspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prodcat.errors import EncoderError
from prodcat.model.encoder import build_encoder, config_of, load_encoder, pad_id_of
from prodcat.model.tokenization import (
    TokenTable,
    padded_share,
    plan_batches,
    read_tokenizer,
    tokenize,
)
from prodcat.training.activations import LayerSplit, layer_list

FAMILIES = ["bert", "distilbert", "xlm-roberta", "modernbert"]


@pytest.fixture(scope="module", params=FAMILIES)
def family_folder(request, encoder_folder, tmp_path_factory):
    """A tiny encoder of each family, saved as transformers saves it."""
    from transformers import AutoConfig, AutoModel

    vocabulary = json.loads((encoder_folder / "config.json").read_text())["vocab_size"]
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    if request.param == "distilbert":
        sizes = {"dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 64}
    else:
        sizes["intermediate_size"] = 64
    config = AutoConfig.for_model(
        request.param, vocab_size=vocabulary, pad_token_id=0, cls_token_id=2, sep_token_id=3,
        bos_token_id=2, eos_token_id=3, **sizes,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp(request.param)
    AutoModel.from_config(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(encoder_folder / name, folder)
    return folder


TITLES = ["Pınar süt 1 L", "elma", "", "portakal suyu 6x200 ml ve daha uzun bir başlık"]


def test_every_family_loads_pools_and_rebuilds_without_a_network(family_folder):
    encoder, tokenizer = load_encoder(str(family_folder))
    table = tokenize(tokenizer, TITLES, 32)
    ids, mask = table.pad(np.arange(4), pad_id_of(encoder))
    encoder.eval()
    pooled = encoder(ids, mask)
    assert pooled.shape == (4, 32) == (4, encoder.hidden)
    again = build_encoder(json.loads(json.dumps(config_of(encoder))))
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again.eval()(ids, mask), pooled)


def test_padding_does_not_change_a_title(family_folder):
    encoder, tokenizer = load_encoder(str(family_folder))
    table = tokenize(tokenizer, TITLES, 32)
    together = encoder.eval()(*table.pad(np.arange(4), 0))
    for row in range(4):
        alone = encoder(*table.pad(np.array([row]), 0))
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)


@pytest.mark.parametrize("frozen", [1, 2])
def test_kept_activations_give_what_the_whole_encoder_gives(family_folder, frozen):
    encoder, tokenizer = load_encoder(str(family_folder))
    encoder.eval()
    table = tokenize(tokenizer, TITLES * 3, 32)
    split = LayerSplit(encoder, frozen, "float32")
    hidden = split.lower(table, plan_batches(table.lengths, 64))
    rows = np.array([7, 0, 2, 3])
    expected = encoder(*table.pad(rows, pad_id_of(encoder)))
    found = split.upper(hidden, table.batch(rows, pad_id_of(encoder)))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert len(layer_list(encoder.body)[2]) == 3, "the layers are put back"


def test_only_upper_layers_learn(family_folder):
    encoder, _ = load_encoder(str(family_folder))
    split = LayerSplit(encoder, 1, "float32")
    split.freeze()
    learned = {id(p) for p in encoder.parameters() if p.requires_grad}
    upper = {id(p) for layer in list(split.layers)[1:] for p in layer.parameters()}
    assert upper <= learned
    assert not {id(p) for p in split.layers[0].parameters()} & learned
    assert id(encoder.word_embeddings.weight) not in learned


def test_first_token_pooling(encoder_folder):
    encoder, tokenizer = load_encoder(str(encoder_folder), "cls")
    ids, mask = tokenize(tokenizer, TITLES, 32).pad(np.arange(4), 0)
    encoder.eval()
    states = encoder.body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert torch.equal(encoder(ids, mask), states[:, 0])


def test_an_encoder_loads_from_any_filesystem(encoder_folder):
    memory = fsspec.filesystem("memory")
    for path in encoder_folder.iterdir():
        memory.pipe_file(f"/encoders/tiny/{path.name}", path.read_bytes())
    encoder, _ = load_encoder("memory://encoders/tiny")
    assert encoder.hidden == 32


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("memory://encoders/none", "Found no files at"),
        ("/no/such/folder", "Cannot load an encoder from '/no/such/folder'"),
    ],
)
def test_an_encoder_that_is_not_there_is_named(source, message):
    with pytest.raises(EncoderError, match=message):
        load_encoder(source)


def test_an_unknown_model_type_is_named():
    with pytest.raises(EncoderError, match="type 'nonesuch'"):
        build_encoder({"model_type": "nonesuch"})


def test_a_broken_tokenizer_is_named():
    with pytest.raises(EncoderError, match="x is not a readable tokenizer.json"):
        read_tokenizer("{}", "x")


def test_layers_that_cannot_be_found_are_named():
    class Odd(torch.nn.Module):
        config = type("Config", (), {"num_hidden_layers": 3})()

    with pytest.raises(EncoderError, match="Found no list of 3 layers in a Odd"):
        layer_list(Odd())


def test_long_titles_are_cut_and_counted(encoder_folder):
    _, tokenizer = load_encoder(str(encoder_folder))
    table = tokenize(tokenizer, ["elma " * 50, "elma"], 8)
    assert table.lengths.tolist()[0] == 8 and table.truncated == 1
    assert len(tokenize(tokenizer, [], 8)) == 0


def test_padding_puts_every_token_in_its_place():
    table = TokenTable(np.array([5, 6, 7, 8, 9], np.int32), np.array([0, 2, 2, 5]))
    ids, mask = table.pad(np.array([2, 0, 1]), 1)
    assert ids.tolist() == [[7, 8, 9], [5, 6, 1], [1, 1, 1]]
    assert mask.tolist() == [[True] * 3, [True, True, False], [False] * 3]


@given(
    st.lists(st.integers(1, 40), max_size=60), st.integers(1, 100), st.one_of(st.none(), st.just(3))
)
def test_batches_hold_every_row_once_within_the_budget(lengths, budget, seed):
    lengths = np.array(lengths, dtype=np.int64)
    rng = None if seed is None else np.random.default_rng(seed)
    batches = plan_batches(lengths, budget, rng)
    assert sorted(row for rows in batches for row in rows.tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * lengths[rows].max() <= budget
    assert 0 <= padded_share(lengths, batches) < 1 or not len(lengths)


def test_titles_of_like_length_leave_little_padding():
    lengths = np.random.default_rng(0).integers(4, 30, 5_000)
    batches = plan_batches(lengths, 512, np.random.default_rng(1))
    assert padded_share(lengths, batches) < 0.05
