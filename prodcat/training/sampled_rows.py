"""Which rows an epoch learns: hard ones always, easy ones now and then with a higher weight.

A row whose label already has nearly all probability has nearly no gradient, but costs as much time
as any other.  Rows are therefore drawn with a probability that grows with their gradient, and their
weights are divided by it, so that the gradient is the same in the mean: importance sampling
(Katharopoulos and Fleuret, 2018, "Not all samples are created equal").
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.model.network import Network
from prodcat.training.loss import path_loss

Shares = NDArray[np.float32]
_SLOPE = 3.0  # rows whose label has at most two thirds of the probability are in every epoch
_CHUNK = 4_096


@torch.no_grad()
def row_shares(
    network: Network, pooled: Tensor, targets: NDArray[np.int64], least: float
) -> Shares:
    """The share of epochs in which each row is learned.

    The gradient of the loss by the scores has a length of about 1 minus the probability of the
    label; the share is three times that.

    Args:
        network: The network before its first step.
        pooled: The pooled titles, float32 [rows, hidden].
        targets: int64 [rows]: the node of each label.
        least: The share for rows that the network answers surely, above 0, at most 1.

    Returns:
        float32 [rows], from ``least`` to 1.
    """
    assert network.heads is not None
    losses = []
    for start in range(0, len(pooled), _CHUNK):
        rows = slice(start, start + _CHUNK)
        labels = torch.from_numpy(targets[rows]).to(pooled.device)
        losses.append(path_loss(network.paths, network.heads(pooled[rows]), labels))
    unsure = 1 - (-torch.cat(losses)).exp() if losses else torch.zeros(0)
    shares: Shares = (_SLOPE * unsure).clamp(least, 1).float().cpu().numpy()
    return shares


def draw_rows(shares: Shares, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the rows of an epoch, each with the probability that its share says.

    The sample is systematic: its size differs by at most one from draw to draw.

    Args:
        shares: float32 [rows], above 0 and at most 1.
        rng: Random numbers of this epoch.

    Returns:
        The positions of the rows, int64.

    >>> draw_rows(np.ones(3, np.float32), np.random.default_rng(0)).tolist()
    [0, 1, 2]
    """
    order = rng.permutation(len(shares))
    ends = np.floor(np.cumsum(shares[order], dtype=np.float64) + rng.random())
    picked = np.diff(ends, prepend=0.0) >= 1
    return np.sort(order[picked]).astype(np.int64)
