"""The training loop and its options."""

import numpy as np
import pytest
from training_runs import fit


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
