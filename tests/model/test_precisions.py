"""The precisions that an encoder can be read in."""

import torch

from prodcat.model.precisions import encoder_form, precisions
from prodcat.model.pretrained import build_encoder

_SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "pad_token_id": 1, "max_position_embeddings": 40,
}  # fmt: skip


def test_other_encoders_run_as_they_are():
    encoder = build_encoder({"model_type": "mpnet", **_SIZES}).eval()
    ids = torch.randint(2, 99, (3, 6))
    with torch.inference_mode():
        assert torch.equal(encoder_form(encoder, "float32")(ids, None), encoder(ids, None))
    assert precisions(encoder) == ("float32", "bfloat16") and precisions(None) == ("float32",)
