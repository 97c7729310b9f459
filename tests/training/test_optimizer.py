"""The optimiser and its learning rates."""

import prodcat
from prodcat.model.network import Network
from prodcat.model.pretrained import load_encoder
from prodcat.training.optimizer import make_optimizer


def test_encoder_and_heads_have_rates_of_their_own_and_only_matrices_decay(encoder_folder, some):
    encoder, _ = load_encoder(str(encoder_folder))
    network = Network(some.tree, encoder, "stacked", 8)
    config = prodcat.TrainingConfig(learning_rate=1.0, head_learning_rate=7.0, weight_decay=0.25)
    groups = make_optimizer(network, config).param_groups
    of = {id(parameter): group for group in groups for parameter in group["params"]}
    layer = encoder.body.encoder.layer[0].output
    assert of[id(layer.dense.weight)]["peak"] == 1.0
    assert of[id(layer.dense.weight)]["weight_decay"] == 0.25
    assert of[id(layer.dense.bias)]["weight_decay"] == 0.0
    assert of[id(encoder.word_embeddings.weight)]["weight_decay"] == 0.0
    assert all(of[id(parameter)]["peak"] == 7.0 for parameter in network.heads.parameters())
    assert len(of) == sum(1 for _ in encoder.parameters()) + sum(
        1 for _ in network.heads.parameters()
    )
