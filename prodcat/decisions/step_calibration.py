"""Fit the weights of the choices at every branch, so that confidence is right at every level."""

from dataclasses import replace

import torch
from torch import Tensor

from prodcat.decisions.minimising import minimise
from prodcat.decisions.weights import Choices, Weights
from prodcat.model.path_model import PathModel
from prodcat.model.path_steps import chained

_PRIOR_DEVIATION = 0.5  # prior standard deviation of every parameter
_MOST_CELLS = 2_000_000  # scores of choices that weights are fitted on
_FEWEST_ROWS = 2_000
_MOST_ROUNDS = 40


def fit_steps(
    paths: PathModel,
    targets: Tensor,
    encoder_scores: Tensor | None,
    lexical_scores: Tensor | None,
    pooled: Weights,
) -> Weights:
    """Find the ``steps`` with the smallest loss.

    The loss is minus the log-probability of the truth, plus the mean over levels of the binary
    log-loss of the confidence in the answer's node.  A label says nothing about levels below its
    end if it is a partial one.

    Args:
        paths: The path model.
        targets: int64 [rows]: the node of each label, which may be a partial label.
        encoder_scores: float [rows, outcome]: log-probabilities of the heads, or None.
        lexical_scores: float [rows, choice]: margins of the n-grams, or None.
        pooled: The weights of the two sources, fitted before.

    Returns:
        The weights on the CPU.
    """
    device = targets.device
    choices = len(paths.outcomes) + len(paths.branches.nodes) - 1
    rows = max(_MOST_CELLS // choices, _FEWEST_ROWS)
    if rows < len(targets):
        sample = torch.linspace(0, len(targets) - 1, rows, device=device).long()
        targets = targets[sample]
        encoder_scores, lexical_scores = (
            None if scores is None else scores[sample]
            for scores in (encoder_scores, lexical_scores)
        )
    pooled = pooled.to(device)
    with torch.no_grad():
        made = Choices.of(paths, pooled(paths, encoder_scores, lexical_scores))
    truth = _Truth(paths, targets)
    # The first row is the logarithm of a weight, the others are the weights themselves.
    values = torch.zeros(4, len(paths.level_bounds), device=device, requires_grad=True)

    def weights() -> Weights:
        return replace(pooled, steps=torch.cat([values[:1].clamp(-6, 6).exp(), values[1:]]))

    def loss_of_weights() -> Tensor:
        scores = weights().choice_scores(made, lexical_scores)
        loss = truth.loss(*chained(paths, scores))
        return loss + values.square().sum() / (2 * _PRIOR_DEVIATION**2 * len(targets))

    minimise(loss_of_weights, [values], _MOST_ROUNDS)
    fitted = weights()
    return Weights(*(tensor.detach().cpu() for tensor in fitted))


class _Truth:
    """The labels of rows, to compare distributions with.

    Args:
        paths: The path model.
        targets: int64 [rows]: the node of each label.
    """

    def __init__(self, paths: PathModel, targets: Tensor) -> None:
        self.paths, self.targets = paths, targets
        self.chains = paths.chains[targets]
        # Whether the label says what the node of a level is, or that there is none.
        self.known = (self.chains >= 0) | paths.terminal[targets][:, None]
        branches = paths.branches
        place = torch.full((len(paths.parent) + 1,), -1, device=targets.device)
        place[branches.nodes[1:]] = torch.arange(1, len(branches.nodes), device=targets.device)
        self.branch = place

    def loss(self, log_probs: Tensor, branch_log_probs: Tensor) -> Tensor:
        """The loss of distributions, a scalar.

        Args:
            log_probs: float [rows, outcome].
            branch_log_probs: float [rows, branch]: the same for the nodes that are branches.
        """
        loss = -self.paths.target_log_probs(log_probs, self.targets).mean()
        answer = log_probs.detach().argmax(dim=1)
        answers = self.paths.chains[self.paths.outcomes[answer]]
        place = self.branch[answers]
        # A node that is no branch is the answer itself.
        ending = log_probs.gather(1, answer[:, None])
        inner = branch_log_probs.gather(1, place.clamp(min=0))
        confidence = torch.where(place >= 0, inner, ending).clamp(max=-1e-6)
        losses = -torch.where(
            answers == self.chains, confidence, torch.log(-torch.expm1(confidence))
        )
        judged = self.known & (answers >= 0)
        counts = judged.sum(dim=0)
        by_level = (losses * judged).sum(dim=0) / counts.clamp(min=1)
        loss = loss + by_level.sum() / (counts > 0).sum()
        last = ending[:, 0].clamp(max=-1e-6)
        right = self.paths.covers(self.targets, answer)
        return loss - torch.where(right, last, torch.log(-torch.expm1(last))).mean()
