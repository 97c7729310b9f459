"""How an encoder's layers run while it is trained."""

import pytest
from training_runs import fit

from prodcat.demo.scratch import write_scratch_encoder


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
def test_compiled_layers_learn_the_same(some, parts, tmp_path):
    """Above kept layers too, where the first upper layer is given its input by a hook."""
    folder = write_scratch_encoder(some.inputs, tmp_path, vocabulary=600, hidden=32, layers=4)
    settings = {"validation": parts.validation, "epochs": 1, "frozen_layers": 0.5}
    plain = fit(some, folder, compile="no", **settings)
    compiled = fit(some, folder, compile="yes", **settings)
    for name in ("loss", "log_loss", "path_accuracy"):
        expected = getattr(plain.history[1], name)
        assert getattr(compiled.history[1], name) == pytest.approx(expected, rel=1e-3)
    layers = compiled.network.encoder.body.encoder.layer
    assert all(layer._compiled_call_impl is None for layer in layers)
