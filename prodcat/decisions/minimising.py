"""Minimise a function of a few parameters by L-BFGS, as scipy implements it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def minimise(loss: Callable[[], Tensor], parameters: Sequence[Tensor], rounds: int) -> None:
    """Change parameters, in place, so that a loss becomes small (Byrd et al., 1995).

    torch's own optimiser takes seconds to import when it is first used.

    Args:
        loss: A function that computes the loss, a scalar, from the parameters.
        parameters: float tensors of any shape that require gradients.
        rounds: Maximum number of iterations; the loss is computed at most
            about twice as often.
    """
    from scipy.optimize import minimize

    def write(values: NDArray[np.float64]) -> None:
        start = 0
        with torch.no_grad():
            for parameter in parameters:
                part = torch.from_numpy(values[start : start + parameter.numel()])
                parameter.copy_(part.view(parameter.shape))
                start += parameter.numel()

    def evaluated(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        write(values)
        value = loss()
        gradients = torch.autograd.grad(value, parameters)
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        return float(value.detach()), flat.double().cpu().numpy()

    first = torch.cat([parameter.detach().flatten() for parameter in parameters])
    options = {"maxiter": rounds, "maxfun": 2 * rounds, "ftol": 1e-6, "gtol": 1e-5}
    result = minimize(
        evaluated, first.double().cpu().numpy(), jac=True, method="L-BFGS-B", options=options
    )
    write(result.x)
