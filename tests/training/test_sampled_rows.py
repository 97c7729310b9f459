"""Hard rows are learned in every epoch, easy ones in some, with a weight that makes up for it."""

from dataclasses import replace

import numpy as np
import pytest
from training_runs import a_task

import prodcat
from prodcat.training.epoch_batches import EpochBatches
from prodcat.training.loop import TrainingLoop
from prodcat.training.sampled_rows import draw_rows, row_shares
from prodcat.training.task import TrainOptions
from prodcat.training.title_reader import TitleReader
from prodcat.training.validation import Validator

EPOCHS = 400


@pytest.fixture(scope="module")
def shares():
    return np.random.default_rng(0).uniform(0.15, 1, 300).astype(np.float32)


def test_each_row_is_drawn_as_often_as_its_share_says(shares):
    draws = [draw_rows(shares, np.random.default_rng([0, epoch])) for epoch in range(EPOCHS)]
    assert all(len(np.unique(rows)) == len(rows) for rows in draws)
    counts = np.bincount(np.concatenate(draws), minlength=len(shares)) / EPOCHS
    spread = np.sqrt(shares * (1 - shares) / EPOCHS)
    assert np.all(np.abs(counts - shares) < 4.5 * spread + 1e-6)
    assert {len(rows) for rows in draws} <= {int(shares.sum()), int(shares.sum()) + 1}


def test_rows_with_a_share_of_1_are_in_every_draw():
    shares = np.array([1, 0.15, 1, 0.15], np.float32)
    for seed in range(20):
        assert {0, 2} <= set(draw_rows(shares, np.random.default_rng(seed)).tolist())


def test_the_weights_of_an_epoch_are_those_of_all_rows_in_the_mean(parts, encoder_folder):
    task = a_task(parts.train, encoder_folder, 0, 512, "cpu")
    shares = np.random.default_rng(1).uniform(0.15, 1, len(parts.train)).astype(np.float32)
    sampled, every = EpochBatches(task, 0, shares), EpochBatches(task, 0)
    assert sampled.size < every.size and sampled.token_budget < every.token_budget
    assert abs(sampled.steps[0] - every.steps[0]) <= 1  # smaller batches, as many steps
    assert sampled.total_weight == every.total_weight
    epochs = range(1, task.config.epochs + 1)
    weights = [sum(float(b.weights.sum()) for b in sampled.prepared(n, 0)) for n in epochs]
    assert weights == pytest.approx([len(parts.train)] * len(weights), rel=0.15)
    for number, steps in zip(epochs, sampled.steps, strict=True):
        prepared = [float(batch.weights.sum()) for batch in sampled.prepared(number, 0)]
        assert len(prepared) == steps and min(prepared) > 0


def test_what_the_network_is_sure_of_is_learned_less(parts, encoder_folder):
    fitted = prodcat.fit(
        parts.train,
        validation=parts.validation,
        model=prodcat.ModelConfig(encoder=str(encoder_folder), lexical=False),
        training=prodcat.TrainingConfig(epochs=0, baseline=False),
        device="cpu",
        progress=False,
    )
    task = a_task(parts.train, encoder_folder, 0, 512, "cpu")
    fitted.network.train(False)
    pooled = TitleReader(task).read_all(task.training.tokens)
    right, targets = fitted.network, task.training.targets
    shares = row_shares(right, pooled, targets, 0.15)
    assert shares.min() >= np.float32(0.15) and shares.max() <= 1
    wrong = row_shares(right, pooled, np.roll(targets, len(targets) // 2), 0.15)
    assert wrong.mean() > shares.mean()


@pytest.mark.parametrize(("easy", "share"), [(1, 1.0), (0.05, 0.99)])
def test_a_training_learns_easy_titles_in_some_epochs(parts, encoder_folder, easy, share):
    task = a_task(parts.train, encoder_folder, 0.5, 128, "cpu")
    task = replace(task, config=replace(task.config, easy_share=easy, epochs=2))
    loop = TrainingLoop(task, Validator(task.network, task.validation), TrainOptions())
    trained = loop.run()
    assert loop.batches.size <= share * len(parts.train)
    assert (loop.batches.size == len(parts.train)) == (easy == 1)
    assert [result.epoch for result in trained.history] == [0, 1, 2]
    assert loop.state.progress.steps == sum(loop.batches.steps)


@pytest.mark.parametrize("wrong", [0, -0.1, 1.1, "few", None])
def test_a_share_that_is_none_is_refused(wrong):
    with pytest.raises(prodcat.ConfigError, match="easy_share"):
        prodcat.TrainingConfig(easy_share=wrong)
