"""Encoders of four families: loaded, and rebuilt from their config."""

import json

import fsspec
import numpy as np
import pytest
import torch
from encoders import FAMILIES, write_family_encoder

from prodcat.errors import EncoderError
from prodcat.model.encoder import pad_id_of
from prodcat.model.pretrained import build_encoder, config_of, load_encoder
from prodcat.model.tokenization import tokenize

TITLES = ["Pınar süt 1 L", "elma", "", "portakal suyu 6x200 ml ve daha uzun bir başlık"]


@pytest.fixture(scope="module", params=FAMILIES)
def family_folder(request, encoder_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return write_family_encoder(request.param, encoder_folder, folder)


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
