"""The training loop and its options."""

import numpy as np
import pytest
from training_runs import an_epoch, fit


@pytest.mark.parametrize(
    "settings",
    [
        {"layer_decay": 0.5},
        {"head_epochs": 1},
        {"head_epochs": 2, "frozen_layers": 0.0},
        {"encoder_dropout": 0.2, "frozen_layers": 0.0},
        {"accumulate": 3, "checkpoint_steps": 0},
    ],
)
def test_options_of_the_loop_run(some, parts, encoder_folder, settings):
    fitted = fit(some, encoder_folder, validation=parts.validation, **settings)
    assert all(np.isfinite(result.loss) for result in fitted.history[1:])


def test_while_the_heads_learn_alone_the_encoder_stays(some, encoder_folder):
    for head_epochs in (0, 1):
        loop, run_epoch = an_epoch(some, encoder_folder, 0.0, 64, "cpu", head_epochs)
        loop.pooled = loop.reader.read_all(loop.task.training.tokens)
        before = {name: own.clone() for name, own in loop.network.state_dict().items()}
        run_epoch()
        changed = {n for n, own in loop.network.state_dict().items() if not own.equal(before[n])}
        assert any(name.startswith("heads.") for name in changed)
        assert any(name.startswith("encoder.") for name in changed) == (head_epochs == 0)
