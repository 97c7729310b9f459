"""The size of a training's batches, by device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import prodcat
from prodcat.model.batches import TokenTable
from prodcat.training.epoch_batches import EpochBatches
from prodcat.training.identity import decisive
from prodcat.training.optimizer import parameter_groups
from prodcat.training.step_size import StepSize
from tests.support.training_runs import a_task

CPU, GPU = torch.device("cpu"), torch.device("cuda")
DEFAULTS = prodcat.TrainingConfig()


def titles(count, tokens=10):
    return TokenTable(np.zeros(count * tokens, np.int32), np.arange(count + 1) * tokens)


def test_a_cpu_takes_1024_tokens_however_many_titles_there_are():
    assert StepSize.of(DEFAULTS, titles(500_000), CPU, 1) == StepSize(1_024, 1.0)


def test_a_gpu_takes_8192_tokens_and_rates_that_go_with_them():
    size = StepSize.of(DEFAULTS, titles(500_000), GPU, 1)
    assert size.tokens == 8_192
    assert size.rate_factor == pytest.approx(8**0.5)


@pytest.mark.parametrize(
    ("settings", "processes", "tokens"),
    [({}, 1, 4_000), ({}, 2, 2_000), ({"accumulate": 2}, 1, 2_000), ({}, 8, 1_024)],
)
def test_a_gpu_leaves_100_steps_in_an_epoch(settings, processes, tokens):
    size = StepSize.of(replace(DEFAULTS, **settings), titles(40_000), GPU, processes)
    assert size.tokens == tokens
    assert size.rate_factor == pytest.approx((tokens / 1_024) ** 0.5)


@pytest.mark.parametrize("device", [CPU, GPU])
def test_a_size_that_is_set_is_kept_with_its_rates(device):
    config = prodcat.TrainingConfig(token_budget=1_500)
    assert StepSize.of(config, titles(500_000), device, 1) == StepSize(1_500, 1.0)


def test_batches_and_rates_follow_the_size(some, encoder_folder):
    task = a_task(some, encoder_folder, 0.5, 128, "cpu")
    larger = replace(task, step_size=StepSize(512, 2.0))
    assert EpochBatches(larger, 0).steps < EpochBatches(task, 0).steps
    groups = parameter_groups(task.network, task.config, 2.0)
    rates = {task.config.learning_rate, task.config.head_learning_rate}
    assert {group["peak"] for group in groups} == {2 * rate for rate in rates}


def test_the_size_of_earlier_versions_is_no_change_of_settings():
    assert decisive(prodcat.TrainingConfig(token_budget=1_024)) == decisive(DEFAULTS)
    assert decisive(prodcat.TrainingConfig(token_budget=2_048)) != decisive(DEFAULTS)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "many", True])
def test_a_size_that_is_no_number_of_tokens_is_refused(wrong):
    with pytest.raises(prodcat.ConfigError, match="token_budget"):
        prodcat.TrainingConfig(token_budget=wrong)
