"""The kept output of an encoder's lower layers."""

import numpy as np
import pytest
import torch
from encoders import FAMILIES, write_family_encoder

from prodcat.errors import EncoderError
from prodcat.model.batches import plan_batches
from prodcat.model.encoder import pad_id_of
from prodcat.model.pretrained import load_encoder
from prodcat.model.tokenization import tokenize
from prodcat.training.activations import LayerSplit, layer_list

TITLES = ["Pınar süt 1 L", "elma", "", "portakal suyu 6x200 ml ve daha uzun bir başlık"]


@pytest.fixture(scope="module", params=FAMILIES)
def family_folder(request, encoder_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return write_family_encoder(request.param, encoder_folder, folder)


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


def test_layers_that_cannot_be_found_are_named():
    class Odd(torch.nn.Module):
        config = type("Config", (), {"num_hidden_layers": 3})()

    with pytest.raises(EncoderError, match="cannot be frozen: expected a list of 3"):
        layer_list(Odd())
