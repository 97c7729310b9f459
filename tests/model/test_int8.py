"""An encoder in 8 bits, where few activations are great."""

import numpy as np
import pytest
import torch

from prodcat.model.batches import TokenTable
from prodcat.model.int8 import measure_ranges, sums_are_exact
from prodcat.model.precisions import make_reading
from prodcat.model.pretrained import build_encoder

pytestmark = pytest.mark.cpu

_SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "pad_token_id": 1, "max_position_embeddings": 40,
}  # fmt: skip


def test_what_is_great_in_few_places_costs_int8_little(monkeypatch):
    torch.manual_seed(2)
    encoder = build_encoder({"model_type": "bert", **_SIZES}).eval()
    for layer in encoder.body.encoder.layer:
        torch.nn.init.normal_(layer.intermediate.dense.weight, std=0.2)
        torch.nn.init.normal_(layer.output.dense.weight, std=0.2)
        layer.intermediate.dense.bias.data[5] = 60.0  # as real encoders have it
        layer.output.dense.weight.data[:, 5] *= 0.05
        layer.output.LayerNorm.weight.data[3] = 20.0
    ids = torch.randint(2, 99, (50, 7))
    table = TokenTable(ids.numpy().astype(np.int32).ravel(), np.arange(0, 351, 7), 0)
    ranges = measure_ranges(encoder, table)
    with torch.inference_mode():
        wanted = encoder(ids, None)
        near = torch.nn.functional.cosine_similarity

        def least():
            return float(near(make_reading(encoder, "int8", ranges)(ids, None), wanted).min())

        # Where the processor has no products of 8 bits, weights have 7: what is moved into them
        # is then rounded more.
        eight = sums_are_exact()
        assert least() > (0.995 if eight else 0.985)
        for name, value, most in (("_APART", 0, 0.8), *([("_MOVED", 0.0, 0.996)] * eight)):
            with monkeypatch.context() as patch:
                patch.setattr(f"prodcat.model.int8.{name}", value)
                assert least() < most, name
