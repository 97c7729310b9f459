"""Exponentials and logarithms without MKL's threads."""

import math

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from prodcat.model.elementwise import exp, log

MKL = {"exp", "exp_", "log", "log_", "log2", "log10", "tanh", "sqrt", "sin", "cos", "erf"}


class Recorded(TorchFunctionMode):
    """Keeps the names of the functions of torch that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.add(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exp_is_accurate(dtype):
    values = torch.linspace(-80, 80, 10_001, dtype=dtype)
    exact = np.exp(values.double().numpy())
    errors = np.abs(exp(values).double().numpy() / exact - 1)
    assert errors.max() < (3e-7 if dtype == torch.float32 else 1e-15)
    assert exp(values).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_is_accurate(dtype):
    values = torch.logspace(-30, 30, 10_001, dtype=dtype)
    exact = np.log(values.double().numpy())
    assert np.allclose(log(values).double().numpy(), exact, rtol=1e-6, atol=1e-7)
    assert log(values).dtype == dtype


def test_limits():
    assert exp(torch.tensor([-torch.inf, 0.0])).tolist() == [0.0, 1.0]
    assert log(torch.tensor([0.0, 1.0, torch.inf])).tolist() == [-math.inf, 0.0, math.inf]


def test_a_row_has_the_same_bits_in_every_batch():
    values = torch.randn(64, 491) * 10
    for function in (exp, lambda rows: log(rows.abs())):
        alone = torch.cat([function(row[None]) for row in values])
        assert torch.equal(function(values), alone)


def test_gradients_are_exact():
    values = torch.tensor([-1.5, 0.5, 3.0], requires_grad=True)
    [gradient] = torch.autograd.grad(exp(values).sum(), values)
    assert torch.equal(gradient, values.detach().exp())
    [gradient] = torch.autograd.grad(log(values.abs()).sum(), values)
    assert torch.allclose(gradient, 1 / values.detach())


@pytest.mark.parametrize("top_k", [1, 3])
def test_no_title_waits_for_threads_of_mkl(small, top_k):
    titles = ["oat milk 1 l"]
    small.predict(titles)
    with Recorded() as recorded:
        small.predict(titles, top_k=top_k)
        small.predict_proba(titles)
    assert recorded.names
    assert not recorded.names & MKL
