"""The training loop and its options."""

import numpy as np
import pytest
from training_runs import fit, small_model

import prodcat


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder_dropout": 0.2, "frozen_layers": 0.0},
        {"accumulate": 3, "checkpoint_steps": 0},
    ],
)
def test_options_of_the_loop_run(some, parts, encoder_folder, settings):
    fitted = fit(some, encoder_folder, validation=parts.validation, **settings)
    assert all(np.isfinite(result.loss) for result in fitted.history[1:])


def test_bars_show_that_titles_are_read_and_learned(some, encoder_folder, capfd):
    """On a CPU both take minutes."""
    training = prodcat.TrainingConfig(epochs=1, baseline=False)
    model = small_model(encoder_folder)
    prodcat.fit(some, model=model, training=training, device="cpu", progress=True)
    shown = capfd.readouterr().err
    assert shown.count("reading titles:   0%") == 1 and "reading titles: 100%" in shown
    assert "training: 100%" in shown
