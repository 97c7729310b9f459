"""From token ids to one vector for each title."""

import numpy as np
import pytest
import torch
from encoders import FAMILIES, write_family_encoder

from prodcat.model.pretrained import load_encoder
from prodcat.model.tokenization import tokenize

TITLES = ["Pınar süt 1 L", "elma", "", "portakal suyu 6x200 ml ve daha uzun bir başlık"]


@pytest.fixture(scope="module", params=FAMILIES)
def family_folder(request, encoder_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return write_family_encoder(request.param, encoder_folder, folder)


def test_padding_does_not_change_a_title(family_folder):
    encoder, tokenizer = load_encoder(str(family_folder))
    table = tokenize(tokenizer, TITLES, 32)
    together = encoder.eval()(*table.pad(np.arange(4), 0))
    for row in range(4):
        alone = encoder(*table.pad(np.array([row]), 0))
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)


def test_first_token_pooling(encoder_folder):
    encoder, tokenizer = load_encoder(str(encoder_folder), "cls")
    ids, mask = tokenize(tokenizer, TITLES, 32).pad(np.arange(4), 0)
    encoder.eval()
    states = encoder.body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    assert torch.equal(encoder(ids, mask), states[:, 0])
