"""A training that diverges keeps its last good epoch, and says what to lower."""

import doctest
import logging
import re

import numpy as np
import pytest
import torch
from safetensors import safe_open

import prodcat
import prodcat.training.divergence
from prodcat import ModelConfig, TrainingConfig, fit
from prodcat.errors import EncoderError
from prodcat.training.checkpoint import Checkpoints


def train(parts, folder, checkpoints=None, listener=None, **settings):
    settings = {"epochs": 3, "precision": "float32", "frozen_layers": 0.0, **settings}
    return fit(
        parts.train.take(np.arange(120)),
        validation=parts.validation,
        model=ModelConfig(encoder=str(folder), lexical=False),
        training=TrainingConfig(**settings),
        device="cpu",
        progress=False,
        checkpoints=checkpoints,
        listener=listener,
    )


def test_docstrings():
    assert doctest.testmod(prodcat.training.divergence).failed == 0


@pytest.mark.parametrize("frozen_layers", [0.0, 0.5])
def test_an_absurd_rate_keeps_the_start_and_says_what_to_lower(
    parts, encoder_folder, caplog, frozen_layers
):
    with caplog.at_level(logging.WARNING, logger="prodcat"):
        fitted = train(
            parts, encoder_folder, learning_rate=1e30, warmup=0.0, frozen_layers=frozen_layers
        )
    [message] = [text for text in caplog.messages if "diverged" in text]
    steps = re.search(r"at step (\d+) of (\d+), in epoch (\d)", message)
    assert 0 < int(steps[1]) <= int(steps[2]) and steps[3] == "1"
    assert "The result is that of epoch 0, before the first step" in message
    assert "TrainingConfig(learning_rate=0.0004) or --learning-rate 0.0004" in message
    assert "where it is 1e+30" in message
    start = train(parts, encoder_folder, epochs=0, frozen_layers=frozen_layers)
    assert [result.epoch for result in fitted.history] == [0]
    titles = list(parts.test.titles[:20])
    assert np.array_equal(fitted.predict_proba(titles), start.predict_proba(titles))
    assert all(torch.isfinite(weight).all() for weight in fitted.network.state_dict().values())


class StopError(Exception):
    """Ends a training in its second epoch."""


def stop_in_the_second_epoch(result):
    if result.epoch == 2:
        raise StopError


def overflow(folder):
    """Set a weight of the encoder to infinity in the only run's last checkpoint."""
    [run] = folder.iterdir()
    with safe_open(max(run.iterdir()), "pt") as file:
        checkpoints = Checkpoints(str(folder), file.metadata()["run"])
    checkpoint = checkpoints.latest()
    name = next(name for name in checkpoint.tensors if name.startswith("model.encoder."))
    checkpoint.tensors[name].fill_(float("inf"))
    checkpoints.save(checkpoint)


def test_a_later_divergence_keeps_the_epoch_before(parts, encoder_folder, tmp_path, caplog):
    rates = {"closed_form": False, "head_learning_rate": 0.02, "learning_rate": 2e-3}
    settings = {**rates, "checkpoints": str(tmp_path), "checkpoint_steps": 1}
    with pytest.raises(StopError):
        train(parts, encoder_folder, listener=stop_in_the_second_epoch, **settings)
    overflow(tmp_path)
    with caplog.at_level(logging.WARNING, logger="prodcat"):
        fitted = train(parts, encoder_folder, **settings)
    assert [result.epoch for result in fitted.history] == [0, 1]
    [message] = [text for text in caplog.messages if "diverged" in text]
    assert "in epoch 2" in message and "that of epoch 1 (path accuracy" in message
    assert "--learning-rate 0.0004 --head-learning-rate 0.003" in message
    assert fitted.evaluate(parts.validation).path_accuracy == pytest.approx(
        fitted.history[1].path_accuracy, abs=0.02
    )


def test_a_repeated_call_finds_the_result_in_the_checkpoint(
    parts, encoder_folder, tmp_path, caplog
):
    settings = {"learning_rate": 1e30, "warmup": 0.0, "checkpoint_steps": 0}
    first = train(parts, encoder_folder, str(tmp_path), **settings)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="prodcat"):
        again = train(parts, encoder_folder, str(tmp_path), **settings)
    assert any("Resuming from step" in text for text in caplog.messages)
    titles = list(parts.test.titles[:20])
    assert np.array_equal(first.predict_proba(titles), again.predict_proba(titles))


def test_an_encoder_without_finite_values_is_refused(parts, encoder_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for file in encoder_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    broken = {
        name: torch.full_like(weight, float("inf")) if "LayerNorm.weight" in name else weight
        for name, weight in weights.items()
    }
    save_file(broken, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"no finite numbers, before the first step.*undamaged"):
        train(parts, tmp_path, closed_form=False)
