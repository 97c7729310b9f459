"""Steps on the meta device, where tensors have shapes and no values.

Whatever would make the host wait for a GPU needs a value (``.item()``, ``.tolist()``, ``.cpu()``,
a boolean index) and raises there; so a step that runs there waits for nothing.
"""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn
from training_runs import a_task

from prodcat.decisions.weights import Weights
from prodcat.model.batches import plan_batches
from prodcat.model.encoder import pad_id_of
from prodcat.training import title_reader
from prodcat.training.dropout import encoder_dropout
from prodcat.training.epoch_batches import PreparedBatch
from prodcat.training.optimizer import LinearSchedule, parameter_groups
from prodcat.training.step import TrainingStep
from prodcat.training.title_reader import TitleReader

META = torch.device("meta")


@pytest.fixture(autouse=True)
def _no_autocast(monkeypatch):
    """Autocast is off in float32, but refuses even so to be entered for a meta device."""
    monkeypatch.setattr(title_reader, "autocast", lambda device, precision: nullcontext())


def prepared_batches(task, pad_id):
    """Batches with and without padding, as they lie on the device."""
    tokens, targets = task.training.tokens, torch.from_numpy(task.training.targets)
    plan = plan_batches(tokens.lengths, task.step_size.tokens)
    batches = [tokens.batch(rows, pad_id) for rows in plan]
    padded = next(n for n, batch in enumerate(batches) if batch.mask is not None)
    even = next(n for n, batch in enumerate(batches) if batch.mask is None)
    for number in (padded, even):
        rows = torch.from_numpy(plan[number])
        yield PreparedBatch(
            batches[number].to(META),
            targets[rows].to(META),
            torch.ones(len(rows), device=META),
        )


@pytest.fixture
def task(some, encoder_folder, request):
    frozen, settings = request.param
    task = a_task(some, encoder_folder, frozen, 300, "cpu")
    task.network.to(META)
    return replace(task, config=replace(task.config, accumulate=2, **settings))


def a_step(task):
    """The step that the loop takes, with the fused kernels left out, which know no meta device."""
    reader = TitleReader(task)
    if reader.split is not None:  # computed once, before the first step
        size = (len(task.training.tokens.ids), reader.encoder.hidden)
        reader.activations[id(task.training.tokens)] = torch.zeros(size, device=META)
    optimizer = torch.optim.AdamW(parameter_groups(task.network, task.config), betas=(0.9, 0.98))
    step = TrainingStep(task, reader, optimizer)
    step.weight_per_step = 100.0
    return step


@pytest.mark.parametrize(
    "task",
    [(0.0, {}), (0.5, {}), (0.0, {"encoder_dropout": 0.1}), (0.0, {"level_weight": 0.1})],
    ids=["whole", "upper half", "dropout", "levels"],
    indirect=True,
)
def test_a_training_step_needs_no_value_of_the_device(task):
    step = a_step(task)
    schedule = LinearSchedule(step.optimizer, 10, 0.1)
    task.network.train()
    pad_id = pad_id_of(task.network.encoder)
    with encoder_dropout(task.network.encoder, task.config.encoder_dropout):
        for done in (1, 2):
            step(prepared_batches(task, pad_id))
            schedule.set_after(done)
    assert step.loss_sum.is_meta and step.loss_sum.shape == ()
    learned = [p for group in step.optimizer.param_groups for p in group["params"]]
    moved = [p for p in learned if "exp_avg" in step.optimizer.state[p]]
    assert len(moved) == len(learned)


@pytest.mark.parametrize("task", [(0.0, {})], indirect=True)
@torch.inference_mode()
def test_reading_a_title_needs_no_value_of_the_device(task):
    network, levels = task.network.eval(), len(task.network.paths.level_bounds)
    weights = Weights.neutral(levels).to(META)
    for batch in prepared_batches(task, pad_id_of(network.encoder)):
        scores = network.paths.log_probs(network.heads(network.encoder(
            batch.tokens.ids, batch.tokens.mask)))  # fmt: skip
        log_probs = weights.applied(network.paths, scores, None, levels=True, sharpness=True)
        confidence, outcome = log_probs.exp().max(dim=1)
        assert confidence.is_meta and outcome.shape == (len(batch.targets),)
        assert network.paths.node_probs(log_probs.exp()).shape[1] == len(task.taxonomy)


class Peeking(nn.Module):
    """Anything that looks at a value in the midst of the heads."""

    def __init__(self, heads, look):
        super().__init__()
        self.heads, self.look = heads, look

    def forward(self, pooled):
        logits = self.heads(pooled)
        self.look(logits)
        return logits


@pytest.mark.parametrize("task", [(0.0, {})], indirect=True)
@pytest.mark.parametrize(
    "look",
    [
        lambda logits: logits.sum().item(),
        lambda logits: logits.sum(dim=0).tolist(),
        lambda logits: bool((logits > 0).any()),
        lambda logits: logits[logits > 0],
        lambda logits: logits.detach().cpu(),
    ],
    ids=["item", "tolist", "bool", "boolean index", "cpu"],
)
def test_a_step_that_looks_at_a_value_is_found(task, look):
    """What the tests above rely on: on the meta device such a step raises."""
    step = a_step(task)
    task.network.heads = Peeking(task.network.heads, look)
    with pytest.raises((RuntimeError, NotImplementedError)):
        step(prepared_batches(task, pad_id_of(task.network.encoder)))
