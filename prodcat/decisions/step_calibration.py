"""Fit the weights of the choices at every branch, so that confidence is right at every level.

The loss of a title depends only on the branches along two paths: that of its label, and that of its
answer.  So only the choices at these branches are computed, a few dozen of hundreds.
"""

from dataclasses import replace

import torch
from torch import Tensor

from prodcat.decisions.minimising import minimise
from prodcat.decisions.weights import Choices, Weights
from prodcat.model.path_model import PathModel
from prodcat.model.path_steps import LARGEST_SCORE

_PRIOR_DEVIATION = 0.2  # prior standard deviation of every parameter
_MOST_ROUNDS = 40
_LARGEST_LOG_PROB = -1e-6  # so that the log-probability of the contrary is finite


def fit_steps(
    paths: PathModel,
    targets: Tensor,
    encoder_scores: Tensor | None,
    lexical_scores: Tensor | None,
    pooled: Weights,
) -> Weights:
    """Find the ``steps`` with the smallest loss.

    The loss is minus the log-probability of the truth, plus the mean over levels of the binary
    log-loss of the confidence in the answer's node, plus that of the whole answer.  A label says
    nothing about levels below its end if it is a partial one.

    The answers are first those of ``pooled``; then those of the weights that were found, with which
    the loss is minimised once more.

    Args:
        paths: The path model.
        targets: int64 [rows]: the node of each label, which may be a partial label.
        encoder_scores: float [rows, outcome]: log-probabilities of the heads, or None.
        lexical_scores: float [rows, choice]: margins of the n-grams, or None.
        pooled: The weights of the two sources, fitted before.

    Returns:
        The weights on the CPU.
    """
    pooled = pooled.to(targets.device)
    # The first row is the logarithm of a weight, the others are the weights themselves.
    levels = len(paths.level_bounds)
    values = torch.zeros(4, levels, device=targets.device, requires_grad=True)

    def weights() -> Weights:
        return replace(pooled, steps=torch.cat([values[:1].clamp(-6, 6).exp(), values[1:]]))

    with torch.no_grad():
        log_probs = pooled(paths, encoder_scores, lexical_scores)
        made = Choices.of(paths, log_probs)
    for again in (False, True):
        if again:
            with torch.no_grad():
                log_probs = weights()(paths, encoder_scores, lexical_scores)
        along = AlongPaths(paths, targets, log_probs.argmax(dim=1), made, lexical_scores)

        def loss_of_weights(along: AlongPaths = along) -> Tensor:
            penalty = values.square().sum() / (2 * _PRIOR_DEVIATION**2 * len(targets))
            return along.loss(weights()) + penalty

        minimise(loss_of_weights, [values], _MOST_ROUNDS)
    return Weights(*(tensor.detach().cpu() for tensor in weights()))


class AlongPaths:
    """The choices at the branches along each row's label and answer, to compute their loss.

    A visit is a row at one of these branches, and has an entry for each choice there.

    Args:
        paths: The path model.
        targets: int64 [rows]: the node of each label.
        answers: int64 [rows]: the outcome that each row is answered with.
        made: The distributions of the rows as choices.
        lexical_scores: float [rows, choice]: margins of the n-grams, or None.
    """

    def __init__(
        self,
        paths: PathModel,
        targets: Tensor,
        answers: Tensor,
        made: Choices,
        lexical_scores: Tensor | None,
    ) -> None:
        nodes = torch.stack([targets, paths.outcomes[answers]], dim=1)
        chains = paths.chains[nodes]
        self.right = chains[:, 0] == chains[:, 1]
        # Whether the label says what the node of a level is, or that there is none.
        known = (chains[:, 0] >= 0) | paths.terminal[targets][:, None]
        self.judged = known & (chains[:, 1] >= 0)
        self.covered = paths.covers(targets, answers)

        branch = paths.branches.choice_branch
        steps = _steps(paths, nodes, chains)
        self.taken = steps >= 0
        taken = steps[self.taken]
        row = torch.arange(len(targets), device=targets.device)[:, None, None]
        row = row.expand_as(steps)[self.taken]
        branches = len(paths.branches.nodes)
        visits, visit = torch.unique(row * branches + branch[taken], return_inverse=True)
        visit_row, visit_branch = visits // branches, visits % branches

        order = torch.argsort(branch, stable=True)
        sizes = torch.bincount(branch, minlength=branches)
        starts = sizes.cumsum(0) - sizes
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order), device=order.device)
        rank -= starts[branch]
        size = sizes[visit_branch]
        first = size.cumsum(0) - size
        self.visit = torch.repeat_interleave(size)
        within = torch.arange(len(self.visit), device=first.device) - first[self.visit]
        choice = order[starts[visit_branch][self.visit] + within]
        # Where the steps that are taken are among the entries.
        self.step, self.step_visit = first[visit] + rank[taken], visit

        entry_row = visit_row[self.visit]
        margins = lexical_scores
        if margins is not None and margins.shape[1] == len(branch):
            margins = margins[entry_row, choice]
        else:
            margins = None
        self.margins, self.log_probs = margins, made.log_probs[entry_row, choice]
        self.level = made.level[order[starts[visit_branch]]]
        self.most, self.entropy = made.most[visit_row, 0], made.entropy[visit_row, 0]

    def loss(self, weights: Weights) -> Tensor:
        """The loss of weights, a scalar."""
        log_probs = self._path_log_probs(weights)
        loss = -log_probs[:, 0, -1].mean()
        confidence, last = log_probs[:, 1, :-1], log_probs[:, 1, -1]
        losses = _binary_log_loss(confidence, self.right)
        counts = self.judged.sum(dim=0)
        by_level = (losses * self.judged).sum(dim=0) / counts.clamp(min=1)
        loss = loss + by_level.sum() / (counts > 0).sum()
        return loss + _binary_log_loss(last, self.covered).mean()

    def _path_log_probs(self, weights: Weights) -> Tensor:
        """The log-probabilities along label and answer, float [rows, 2, level + 1].

        The last column is that of the whole label or answer.
        """
        scores = weights.weighted(self.log_probs, self.margins, self.level[self.visit])
        factor = weights.sharpening(self.most, self.entropy, self.level)
        scores = (scores * factor[self.visit]).clamp(-LARGEST_SCORE, LARGEST_SCORE)
        sums = scores.new_zeros(len(self.level)).scatter_add(0, self.visit, scores.exp())
        steps = scores[self.step] - sums.log()[self.step_visit]
        none = scores.new_zeros(self.taken.shape)
        return none.masked_scatter(self.taken, steps).cumsum(dim=2)


def _steps(paths: PathModel, nodes: Tensor, chains: Tensor) -> Tensor:
    """The choices that lead to nodes, int64 [rows, 2, level + 1]; -1 where there is none.

    The last column is the choice of ending at an inner node, where products may end.

    Args:
        paths: The path model.
        nodes: int64 [rows, 2].
        chains: int64 [rows, 2, level]: the nodes on the paths to them, -1 below their ends.
    """
    outcomes, inner = paths.outcomes, paths.branches.nodes[1:]
    ending = nodes.new_full((len(paths.parent) + 1,), -1)  # the last entry is the root's
    ending[outcomes] = torch.arange(len(outcomes), device=nodes.device)
    entering = ending.clone()
    entering[inner] = torch.arange(len(inner), device=nodes.device) + len(outcomes)
    last = torch.where(ending[nodes] == entering[nodes], -1, ending[nodes])
    along = torch.where(chains >= 0, entering[chains], -1)
    return torch.cat([along, last[:, :, None]], dim=2)


def _binary_log_loss(log_probs: Tensor, right: Tensor) -> Tensor:
    """Minus the log-probability of what is the case, of the shape of ``log_probs``.

    Args:
        log_probs: float: the log-probability that an answer is right.
        right: bool: whether it is.
    """
    log_probs = log_probs.clamp(max=_LARGEST_LOG_PROB)
    return -torch.where(right, log_probs, torch.log(-torch.expm1(log_probs)))
