"""Short trainings of a small encoder, and what is compared of them."""

import os
import subprocess
import threading

import numpy as np
import torch

import prodcat
from prodcat.model.network import Network
from prodcat.model.pretrained import load_encoder
from prodcat.model.tokenization import tokenize
from prodcat.training.loop import TrainingLoop
from prodcat.training.ranks import Ranks
from prodcat.training.rows import Rows
from prodcat.training.step_size import StepSize
from prodcat.training.task import Task, TrainOptions
from prodcat.training.validation import Validator

SETTINGS = {"epochs": 2, "precision": "float32", "token_budget": 128}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def outcome_spans(outcomes):
    """The ranges of outcomes of complete labels, or of the machines of outcomes."""
    return np.array([[outcome, outcome + 1] for outcome in outcomes])


def fit(catalog, folder, *, model=None, **rest):
    names = set(vars(prodcat.TrainingConfig())) - {"validation"}
    own = {**SETTINGS, **{name: rest.pop(name) for name in list(rest) if name in names}}
    return prodcat.fit(
        catalog,
        model=model or (None if "warm_start" in rest else small_model(folder)),
        training=prodcat.TrainingConfig(**own),
        device="cpu",
        progress=False,
        **rest,
    )


def small_model(folder, **rest):
    return prodcat.ModelConfig(encoder=str(folder), belief_width=8, **{"lexical": False, **rest})


def weights(classifier):
    return {name: own.clone() for name, own in classifier.network.state_dict().items()}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, own in first.items():
        assert torch.equal(own, second[name]), name


def run(command, expected=0):
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == expected, done.stderr[-3000:]
    return done


class Bar:
    """A progress bar that shows nothing."""

    def update(self):
        pass


def a_task(catalog, encoder_folder, frozen, budget, device):
    """The training of a small network on a catalog, which it validates on too."""
    encoder, tokenizer = load_encoder(str(encoder_folder))
    config = prodcat.TrainingConfig(frozen_layers=frozen, token_budget=budget)
    network = Network(catalog.tree, encoder, "stacked", 8, None, 0.1).to(device)
    rows = Rows(tokenize(tokenizer, catalog.inputs, 32), None, catalog.targets)
    return Task(network, catalog.tree, rows, rows, config, "float32", Ranks(), StepSize(budget))


def an_epoch(catalog, encoder_folder, frozen, budget, device):
    """A loop, and a call that runs one epoch of it."""
    task = a_task(catalog, encoder_folder, frozen, budget, device)
    validator = Validator(task.network, task.validation)
    loop = TrainingLoop(task, validator, TrainOptions(progress=False))
    loop.reader.keep_activations(task.training.tokens)
    return loop, lambda: loop.train_epoch(threading.Event(), Bar())
