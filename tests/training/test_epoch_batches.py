"""The batches of an epoch."""

import pytest
from training_runs import a_task

from prodcat.training.epoch_batches import EpochBatches


@pytest.mark.parametrize("budget", [64, 128, 512])
def test_every_step_of_an_epoch_has_titles(parts, encoder_folder, budget):
    """An epoch has as many steps as its batches need, and no steps without a title."""
    task = a_task(parts.train, encoder_folder, 0, budget, "cpu")
    batches = EpochBatches(task, pad_id=0)
    for epoch in (1, 2):
        weights = [float(batch.weights.sum()) for batch in batches.prepared(epoch, 0)]
        assert len(weights) == batches.steps[0] and min(weights) > 0
        assert sum(weights) == len(parts.train)
