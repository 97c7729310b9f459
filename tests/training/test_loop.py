"""The training loop and its options."""

import re

import numpy as np
import pytest
from training_runs import fit, small_model

import prodcat
from prodcat.training.validation import best_of


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
    assert shown.count("reading titles: 0/") == 1
    for name in ("reading titles", "training"):
        assert re.search(rf"{name}: (\d+)/\1 ", shown)


def test_a_good_start_does_not_end_a_training(some, parts, encoder_folder):
    """The first epochs may be worse than the closed-form start while the rates are high."""
    rates = {"learning_rate": 0.5, "head_learning_rate": 2.0}  # which unlearn everything
    fitted = fit(some, encoder_folder, validation=parts.validation, epochs=4, patience=2, **rates)
    start, *epochs = fitted.history
    assert all(start.path_accuracy > 2 * epoch.path_accuracy for epoch in epochs)
    best = best_of(epochs, len(parts.validation))
    assert len(epochs) == min(best.epoch + 2, 4) and len(epochs) > 2
