"""What is said when the encoder adds nothing to the n-grams."""

import re

import numpy as np
from training_runs import fit, small_model


def learned(parts, encoder_folder, **settings):
    settings = {"calibration": "temperature", "baseline": False, **settings}
    some = parts.train.take(np.arange(300))
    model = small_model(encoder_folder, lexical=True, max_features=2_000)
    return fit(some, encoder_folder, model=model, validation=parts.validation, **settings)


def test_an_encoder_that_adds_nothing_is_told_with_what_it_cost(parts, encoder_folder, caplog):
    """Heads that learned nothing add noise at most."""
    classifier = learned(parts, encoder_folder, epochs=0, closed_form=False)
    [message] = [line for line in caplog.messages if "The encoder does not pay" in line]
    shown = re.findall(r"path accuracy ([\d.]+) with it and ([\d.]+) by n-grams alone", message)
    [(whole, alone)] = [tuple(map(float, pair)) for pair in shown]
    assert abs(whole - classifier.validation.path_accuracy) < 1e-4 and alone >= whole
    [(with_it, without)] = re.findall(r"at (\d+) a second with it and at (\d+) without", message)
    assert int(without) > int(with_it) > 0
    assert "Leave it out with model=prodcat.ModelConfig(encoder=None) (on" in message
    assert re.search(r"It took \d+ of the \d+ seconds of this training", message)


def test_an_encoder_that_helps_is_not_told(parts, encoder_folder, caplog):
    """N-grams of one letter's worth of features know next to nothing."""
    some = parts.train.take(np.arange(300))
    model = small_model(encoder_folder, lexical=True, max_features=5)
    fit(some, encoder_folder, model=model, validation=parts.validation,
        calibration="temperature", epochs=0)  # fmt: skip
    assert "does not pay" not in caplog.text
