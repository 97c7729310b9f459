"""The optimiser and its learning rates."""

import prodcat
from prodcat.model.network import Network
from prodcat.model.pretrained import load_encoder
from prodcat.training.optimizer import make_optimizer


def test_lower_layers_learn_slower(encoder_folder, some):
    encoder, _ = load_encoder(str(encoder_folder))
    network = Network(some.tree, encoder, "stacked", 8)
    config = prodcat.TrainingConfig(layer_decay=0.5, learning_rate=1.0, head_learning_rate=7.0)
    rates = {
        id(parameter): group["peak"]
        for group in make_optimizer(network, config).param_groups
        for parameter in group["params"]
    }
    layers = encoder.body.encoder.layer
    assert [rates[id(layer.output.dense.weight)] for layer in layers] == [0.5, 1.0]
    assert rates[id(encoder.word_embeddings.weight)] == 0.25
    assert all(rates[id(own)] == 7.0 for own in network.heads.parameters())
