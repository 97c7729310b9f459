"""Tiny encoders of several families, saved as transformers saves them."""

import json
import shutil

FAMILIES = ["bert", "distilbert", "xlm-roberta", "modernbert"]


def write_family_encoder(family, encoder_folder, folder):
    """An encoder with random weights and the tokenizer of another one."""
    from transformers import AutoConfig, AutoModel

    vocabulary = json.loads((encoder_folder / "config.json").read_text())["vocab_size"]
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    if family == "distilbert":
        sizes = {"dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 64}
    else:
        sizes["intermediate_size"] = 64
    config = AutoConfig.for_model(
        family, vocab_size=vocabulary, pad_token_id=0, cls_token_id=2, sep_token_id=3,
        bos_token_id=2, eos_token_id=3, **sizes,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(encoder_folder / name, folder)
    return folder
