"""An encoder in 8-bit integers some of whose activations are large."""

import numpy as np
import pytest
import torch

from prodcat.model.batches import TokenTable
from prodcat.model.int8 import measure_ranges, sums_are_exact
from prodcat.model.precisions import encoder_form
from prodcat.model.pretrained import build_encoder

pytestmark = pytest.mark.cpu

_SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "pad_token_id": 1, "max_position_embeddings": 40,
}  # fmt: skip


def test_large_activations_in_single_places_cost_int8_little_accuracy(monkeypatch):
    torch.manual_seed(2)
    encoder = build_encoder({"model_type": "bert", **_SIZES}).eval()
    for layer in encoder.body.encoder.layer:
        torch.nn.init.normal_(layer.intermediate.dense.weight, std=0.2)
        torch.nn.init.normal_(layer.output.dense.weight, std=0.2)
        layer.intermediate.dense.bias.data[5] = 60.0  # real encoders have such values
        layer.output.dense.weight.data[:, 5] *= 0.05
        layer.output.LayerNorm.weight.data[3] = 20.0
    ids = torch.randint(2, 99, (50, 7))
    table = TokenTable(ids.numpy().astype(np.int32).ravel(), np.arange(0, 351, 7), 0)
    ranges = measure_ranges(encoder, table)
    with torch.inference_mode():
        expected = encoder(ids, None)

        def least_similarity():
            pooled = encoder_form(encoder, "int8", ranges)(ids, None)
            return float(torch.nn.functional.cosine_similarity(pooled, expected).min())

        # Where sums of 8-bit products are cut, weights have 7 bits, so they are rounded more.
        exact = sums_are_exact()
        assert least_similarity() > (0.995 if exact else 0.985)
        without = [("_FLOAT_OUTPUTS", 0, 0.8), *([("_MIGRATION", 0.0, 0.996)] * exact)]
        for name, value, most in without:
            with monkeypatch.context() as patch:
                patch.setattr(f"prodcat.model.int8.{name}", value)
                assert least_similarity() < most, name
