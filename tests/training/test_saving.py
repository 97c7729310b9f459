"""Interrupted trainings go on as if nothing had happened."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from training_runs import ENVIRONMENT, assert_equal, fit, run, weights

import prodcat
from prodcat.errors import TrainingInterrupted


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder_dropout": 0.1},
        {"frozen_layers": 0.0, "encoder_dropout": 0.1},
        {"accumulate": 2},
        {"patience": 1, "learning_rate": 0.5, "head_learning_rate": 2.0},
    ],
)
def test_sigterm_saves_and_the_same_call_goes_on(
    some, parts, encoder_folder, tmp_path, caplog, settings
):
    settings = {"validation": parts.validation, "epochs": 3, **settings}
    whole = fit(some, encoder_folder, **settings)

    def stop(result):
        if result.epoch == 0 if settings.get("patience") == 1 else result.epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    place = str(tmp_path / "kept")
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        if settings.get("patience") == 1:  # it ends after the first epoch
            settings["checkpoint_steps"] = 1
            with pytest.raises(ZeroDivisionError):
                fit(some, encoder_folder, checkpoints=place, listener=fail_after_one, **settings)
        else:
            message = f"the state is saved in '{place}'. Repeat the same call"
            with pytest.raises(TrainingInterrupted, match=message):
                fit(some, encoder_folder, checkpoints=place, listener=stop, **settings)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN, "the handler is put back"
    finally:
        signal.signal(signal.SIGTERM, handler)
    with caplog.at_level("INFO", "prodcat"):
        folder = prodcat.CheckpointFolder(place)
        resumed = fit(some, encoder_folder, checkpoints=folder, **settings)
    assert "Resuming from step" in caplog.text
    assert_equal(weights(whole), weights(resumed))
    assert [r.loss for r in whole.history] == [r.loss for r in resumed.history]
    resumed.save(str(tmp_path / "model"))
    assert list((tmp_path / "kept").rglob("*.safetensors")), "saving removes no checkpoints"
    folder.clear()
    assert not list((tmp_path / "kept").rglob("*.safetensors")), "cleared: no state is left"


def fail_after_one(result):
    if result.epoch == 1:
        raise ZeroDivisionError


def test_an_interrupted_warm_start_goes_on(last, parts, encoder_folder, tmp_path):
    more = parts.train.take(np.arange(260))
    settings = {"validation": parts.validation, "warm_start": last, "warm_epochs": 2}
    whole = fit(more, encoder_folder, **settings)
    settings |= {"checkpoints": str(tmp_path), "checkpoint_steps": 1}
    with pytest.raises(ZeroDivisionError):
        fit(more, encoder_folder, listener=fail_after_one, **settings)
    assert_equal(weights(whole), weights(fit(more, encoder_folder, **settings)))


def test_other_titles_start_anew_and_say_so(some, parts, encoder_folder, tmp_path, caplog):
    place = str(tmp_path)
    fit(some, encoder_folder, validation=parts.validation, checkpoints=place, epochs=1)
    other = parts.train.take(np.arange(1, 201))
    with caplog.at_level("INFO", "prodcat"):
        fit(other, encoder_folder, validation=parts.validation, checkpoints=place, epochs=1)
    assert "checkpoints of 1 other runs" in caplog.text and "Resuming" not in caplog.text


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_training_ends_with_the_same_weights(command, tmp_path, number):
    run(command(tmp_path / "whole"))
    kept = tmp_path / "kept"
    again = command(tmp_path / "resumed", "--checkpoints", str(kept), "--checkpoint-steps", "7")
    process = subprocess.Popen(again, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(kept.rglob("*.safetensors"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == (75 if number == signal.SIGTERM else -9)
    assert not (tmp_path / "resumed").exists()
    assert "Resuming from step" in run(again).stderr
    first, second = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "resumed")
    )
    assert first == second
