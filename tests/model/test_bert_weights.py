"""BERT-like encoders as weights alone: the same as those of transformers, without importing it."""

import copy
import subprocess
import sys

import pytest
import torch

from prodcat.model.bert_weights import BertConfig, BertWeights
from prodcat.model.packed import PackedEncoder
from prodcat.model.pretrained import build_encoder, config_of

SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "vocab_size": 100, "max_position_embeddings": 40, "type_vocab_size": 1,
}  # fmt: skip
KINDS = ("bert", "camembert", "roberta", "xlm-roberta")
IDS = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])


def with_weights_of(whole):
    """The encoder as weights alone, with the tensors of another encoder."""
    alone = build_encoder(config_of(whole), whole.pooling, empty=True)
    assert isinstance(alone.body, BertWeights)
    alone.load_state_dict(whole.state_dict(), assign=True)
    return alone.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_names_shapes_and_answers_are_those_of_transformers(kind):
    whole = build_encoder({"model_type": kind, **SIZES}).eval()
    alone = with_weights_of(whole)
    shapes = {name: tensor.shape for name, tensor in whole.state_dict().items()}
    assert {name: tensor.shape for name, tensor in alone.state_dict().items()} == shapes
    for name, value in vars(alone.body.config).items():
        assert getattr(whole.body.config, name) == value, name
    packed = PackedEncoder(alone, torch.float32)(IDS, None)
    assert torch.equal(packed, PackedEncoder(whole, torch.float32)(IDS, None))
    assert isinstance(alone.body, BertWeights)
    assert torch.equal(alone(IDS, None), whole(IDS, None))  # made a model by the call
    assert config_of(alone) == config_of(whole)


def test_the_model_shares_the_weights_and_can_be_trained():
    alone = with_weights_of(build_encoder({"model_type": "bert", **SIZES}))
    weight = alone.word_embeddings.weight
    with torch.inference_mode():
        alone.train()(IDS, None)
    assert alone.word_embeddings.weight is weight
    assert alone.body.training
    alone(IDS, None)[:, 0].sum().backward()
    assert weight.grad is not None and weight.grad.abs().sum() > 0


def test_a_copy_of_weights_alone_is_independent():
    alone = with_weights_of(build_encoder({"model_type": "bert", **SIZES}))
    before = alone.word_embeddings.weight.detach().clone()
    other = copy.deepcopy(alone)
    with torch.no_grad():
        other.model().get_input_embeddings().weight.zero_()
    assert torch.equal(alone.word_embeddings.weight, before)


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "mpnet"},
        {"position_embedding_type": "relative_key"},
        {"hidden_act": "relu"},
        {"is_decoder": True},
        {"add_cross_attention": True},
        {"chunk_size_feed_forward": 8},
        {"a_setting_of_a_later_version": 1},
        {"hidden_size": 33},
        {"hidden_size": "32"},
        {"num_hidden_layers": 0},
        {"layer_norm_eps": 1},
        {"pad_token_id": 100},
        {"model_type": "roberta", "pad_token_id": None},
        {"model_type": "roberta", "pad_token_id": 41},
        {"vocab_size": True},
        {"model_type": ["bert"]},
    ],
)
def test_unusual_settings_are_left_to_transformers(settings):
    assert BertConfig.read({"model_type": "bert", **SIZES}) is not None
    assert BertConfig.read({"model_type": "bert", **SIZES, **settings}) is None


def test_loading_and_predicting_imports_neither_transformers_nor_compilers(classifier, tmp_path):
    classifier.save(str(tmp_path / "model"))
    code = (
        "import sys, prodcat\n"
        f"model = prodcat.load({str(tmp_path / 'model')!r})\n"
        "model.predict(['milk', 'süt 1 lt'], cascade='off')\n"
        "assert model.network.encoder is not None\n"
        "print({'transformers', 'torch._dynamo', 'sympy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "set()"
