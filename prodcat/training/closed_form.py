r"""The closed-form start of the heads: a shrunken linear discriminant with a fitted temperature.

The training titles are embedded once with the encoder as it is.  With ``m_k`` the mean of
the titles of class ``k``, ``S`` the covariance within classes and ``q_k`` the class shares,
the discriminant's log-posterior is ``x' S^-1 m_k - m_k' S^-1 m_k / 2 + log q_k`` (Fisher;
Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 4.3).  ``S`` is
shrunk toward a multiple of the identity, and the quadratic part is scaled by a temperature,
without which the posterior is far too sure of itself.  The mean of a category with few titles is
mostly chance, so it is pulled toward its parent's mean, as if the category had a number of
further titles with that mean (an empirical Bayes estimate).  Shrinkage, temperature and this
number, the pull, are chosen on titles that were left out of the means and the covariance.

A title with a partial label is shared among the outcomes below its label, in proportion to their
probabilities under a first solution (one step of expectation maximisation).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy

SHRINKAGES = (0.01, 0.03, 0.1, 0.3)
TEMPERATURES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
PULLS = (0.0, 0.5, 1.0, 2.0)
_FOLDS = 5
_CHUNK = 4_096
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Start:
    """A linear solution for the heads, and the settings that were chosen for it.

    Attributes:
        weight: float32 [node, hidden], or [outcome, hidden] for a flat structure.
        bias: float32 [node], or [outcome] for a flat structure.
        shrinkage: Share of the identity in the shrunken covariance, 0 to 1.
        temperature: Factor of the discriminant's quadratic part.
        pull: Weight of the parent's mean in the mean of a category, as a number of titles.
        loss: Mean log-loss on the held-out titles, in nats; NaN if none could be held out.
    """

    weight: Tensor
    bias: Tensor
    shrinkage: float
    temperature: float
    pull: float
    loss: float

    def to_dict(self) -> dict[str, Any]:
        """The chosen settings and the held-out log-loss, as values that JSON can represent."""
        return {
            "shrinkage": self.shrinkage,
            "temperature": self.temperature,
            "pull": self.pull,
            "held_out_log_loss": self.loss,
        }


@dataclass(frozen=True)
class _Classes:
    """Mean title of each class, float64 [class, hidden], and its titles, float64 [class]."""

    means: Tensor
    counts: Tensor


def closed_form_start(
    pooled: Tensor,
    targets: Tensor,
    taxonomy: Taxonomy,
    paths: PathModel,
    seed: int = 0,
    weights: Tensor | None = None,
) -> Start:
    """Solve the heads in closed form.

    Args:
        pooled: float [rows, hidden]: the training titles, pooled by the encoder.
        targets: int64 [rows]: the node of each label; labels may be partial, but at least one
            must be complete.
        taxonomy: The tree.
        paths: The tree's path model, which defines what the logits mean.
        seed: Seed of the random folds.
        weights: float [rows]: how many titles each row stands for, 1 by default.

    Returns:
        The solution: a row of weights for each node, or for each outcome of a flat structure.
    """
    device = pooled.device
    labels = torch.tensor(taxonomy.outcome_positions, device=device)[targets]
    whole = labels >= 0
    weights = torch.ones(len(pooled), device=device) if weights is None else weights
    center = pooled[whole].double().mean(dim=0)
    x, labels, counts = pooled[whole].double() - center, labels[whole], weights[whole].double()
    shrinkage, temperature, pull, loss = _choose(x, labels, counts, taxonomy, paths, seed)

    sums = _sums(x, labels, counts, paths)
    classes = _classes(*sums, taxonomy, paths, pull)
    inverse = _inverse(*_spectrum(x, labels, counts, classes), shrinkage)
    if not bool(whole.all()):
        first = _discriminant(inverse, classes, temperature)
        rest = pooled[~whole].double() - center
        spans = paths.target_spans[targets[~whole]]
        sums = _with_partial(sums, rest, spans, weights[~whole].double(), *first)
        classes = _classes(*sums, taxonomy, paths, pull)
    node_means, node_counts = _node_means(classes, taxonomy, paths)
    if paths.structure == "per_level":
        weight, bias = _level_solution(
            inverse, node_means, node_counts, classes, temperature, paths
        )
    else:
        weight, bias = _discriminant(inverse, classes, temperature)
        if paths.structure == "stacked":
            weight, bias = _telescope(weight, bias, classes.counts, taxonomy, paths)
    bias = bias - weight @ center
    return Start(weight.float(), bias.float(), shrinkage, temperature, pull, loss)


def _sums(x: Tensor, labels: Tensor, weights: Tensor, paths: PathModel) -> tuple[Tensor, Tensor]:
    """The sum of each outcome's titles, [outcome, hidden], and their number, [outcome]."""
    outcomes = len(paths.outcomes)
    sums = x.new_zeros(outcomes, x.shape[1]).index_add_(0, labels, x * weights[:, None])
    return sums, x.new_zeros(outcomes).index_add_(0, labels, weights)


def _with_partial(
    sums: tuple[Tensor, Tensor],
    x: Tensor,
    spans: Tensor,
    weights: Tensor,
    weight: Tensor,
    bias: Tensor,
) -> tuple[Tensor, Tensor]:
    """Add titles with partial labels to the sums and numbers of :func:`_sums`.

    Args:
        sums: The sums, [outcome, hidden], and numbers, [outcome]; they are not changed.
        x: float64 [rows, hidden]: the titles.
        spans: int64 [rows, 2]: the range of outcomes below each label.
        weights: float64 [rows]: how many titles each row stands for.
        weight: float64 [outcome, hidden]: a first solution, which shares out each title.
        bias: float64 [outcome]: the biases of this solution.

    Returns:
        The sums and numbers of all titles.
    """
    total, counts = (tensor.clone() for tensor in sums)
    place = torch.arange(len(counts), device=x.device)
    for start in range(0, len(x), _CHUNK):
        rows = slice(start, start + _CHUNK)
        inside = (place >= spans[rows, :1]) & (place < spans[rows, 1:])
        scores = (x[rows] @ weight.T + bias).masked_fill(~inside, -torch.inf)
        shares = scores.softmax(dim=1) * weights[rows, None]
        total += shares.T @ x[rows]
        counts += shares.sum(dim=0)
    return total, counts


def _classes(
    sums: Tensor, counts: Tensor, taxonomy: Taxonomy, paths: PathModel, pull: float
) -> _Classes:
    """Class means, pulled toward the parent's mean; without titles, the nearest ancestor's mean."""
    means = sums / counts.clamp(min=1e-12)[:, None]
    empty = counts <= 0
    if pull or bool(empty.any()):
        node_sums = paths.node_probs(sums.T.contiguous()).T
        node_counts = paths.node_probs(counts[None])[0]
        parent = torch.as_tensor(taxonomy.parent[taxonomy.outcomes], device=sums.device)
        above = node_sums[parent] / node_counts[parent].clamp(min=1e-12)[:, None]
        above[parent < 0] = 0.0  # the mean of all titles, as they are centered
        drawn = (sums + pull * above) / (counts + pull).clamp(min=1e-12)[:, None]
        means = torch.where(empty[:, None], means, drawn)
        for outcome in torch.nonzero(empty).flatten().tolist():
            chain = taxonomy.ancestors(int(taxonomy.outcomes[outcome]))
            known = next((n for n in reversed(chain) if node_counts[n] > 0), None)
            if known is not None:
                means[outcome] = node_sums[known] / node_counts[known]
    return _Classes(means, counts)


def _spectrum(
    x: Tensor, labels: Tensor, weights: Tensor, classes: _Classes
) -> tuple[Tensor, Tensor]:
    """Eigenvalues, [hidden], and eigenvectors, [hidden, hidden], of the within-class covariance."""
    residual = x - classes.means[labels]
    spare = max(float(weights.sum()) - int((classes.counts > 0).sum()), 1.0)
    covariance = (residual * weights[:, None]).T @ residual / spare
    ridge = 1e-9 * (covariance.diagonal().mean() + 1e-12)
    values, vectors = torch.linalg.eigh(covariance + ridge * torch.eye(x.shape[1]).to(covariance))
    return values.clamp(min=float(ridge)), vectors


def _inverse(values: Tensor, vectors: Tensor, shrinkage: float) -> Tensor:
    """The inverse of the shrunken covariance, [hidden, hidden], from its spectrum."""
    shrunk = (1 - shrinkage) * values + shrinkage * values.mean()
    return (vectors / shrunk) @ vectors.T


def _prior(counts: Tensor) -> Tensor:
    """Log class shares, [class]; a class with less than half a title counts as half a title."""
    filled = counts.clamp(min=0.5)
    return (filled / filled.sum()).log()


def _discriminant(inverse: Tensor, classes: _Classes, temperature: float) -> tuple[Tensor, Tensor]:
    """Weights, [class, hidden], and biases, [class], of the linear discriminant."""
    weight = temperature * classes.means @ inverse
    bias = -0.5 * (weight * classes.means).sum(dim=1) + _prior(classes.counts)
    return weight, bias


def _choose(
    x: Tensor, labels: Tensor, weights: Tensor, taxonomy: Taxonomy, paths: PathModel, seed: int
) -> tuple[float, float, float, float]:
    """Choose shrinkage, temperature and pull by their log-loss on held-out folds.

    First shrinkage and temperature are chosen without a pull, then pull and temperature.

    Returns:
        Shrinkage, temperature, pull, and their mean log-loss in nats.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)[:_MOST_ROWS].to(x.device)
    x, labels, weights = x[order], labels[order], weights[order]
    fold = torch.arange(len(x), device=x.device) % min(_FOLDS, max(len(x), 1))
    folds = [fold == held for held in range(int(fold.max()) + 1 if len(x) else 0)]
    folds = [out for out in folds if not bool(out.all())]
    if not folds:
        return SHRINKAGES[-1], TEMPERATURES[0], 0.0, float("nan")
    total = float(weights[torch.stack(folds).any(dim=0)].sum())
    spectra = []
    for out in folds:
        sums = _sums(x[~out], labels[~out], weights[~out], paths)
        plain = _classes(*sums, taxonomy, paths, 0.0)
        spectra.append((out, sums, _spectrum(x[~out], labels[~out], weights[~out], plain)))

    def loss_sums(shrinkage: float, pull: float) -> dict[tuple[float, float, float], float]:
        sums_by_choice = dict.fromkeys(((shrinkage, t, pull) for t in TEMPERATURES), 0.0)
        for out, sums, spectrum in spectra:
            classes = _classes(*sums, taxonomy, paths, pull)
            prior = _prior(classes.counts)
            weight, bias = _discriminant(_inverse(*spectrum, shrinkage), classes, 1.0)
            quadratic = (x[out] @ weight.T + bias - prior).float()
            for choice in sums_by_choice:
                scores = choice[1] * quadratic + prior.float()
                losses = cross_entropy(scores, labels[out], reduction="none")
                sums_by_choice[choice] += float((losses * weights[out]).sum())
        return sums_by_choice

    tried: dict[tuple[float, float, float], float] = {}
    for shrinkage in SHRINKAGES:
        tried |= loss_sums(shrinkage, 0.0)
    best = min(tried, key=tried.__getitem__)
    for pull in PULLS[1:]:
        tried |= loss_sums(best[0], pull)
    best = min(tried, key=tried.__getitem__)
    return (*best, tried[best] / total)


def _node_means(classes: _Classes, taxonomy: Taxonomy, paths: PathModel) -> tuple[Tensor, Tensor]:
    """Mean, [node, hidden], and number, [node], of the titles at or below each node."""
    counts = paths.node_probs(classes.counts[None])[0]
    weights = classes.counts.clamp(min=1e-6)
    shares = paths.node_probs(weights[None])[0]
    sums = paths.node_probs((classes.means * weights[:, None]).T.contiguous()).T
    return sums / shares[:, None], counts


def _telescope(
    weight: Tensor, bias: Tensor, counts: Tensor, taxonomy: Taxonomy, paths: PathModel
) -> tuple[Tensor, Tensor]:
    """Turn a solution for outcomes into one for nodes, so that its sums along paths are the same.

    A node that is an outcome takes the outcome's solution, any other node the mean over the
    outcomes below it.  Then the solution of each node's parent is subtracted.
    """
    share = counts.clamp(min=0.5)
    below = paths.node_probs(share[None])[0]
    both = torch.cat([weight, bias[:, None]], dim=1)
    total = paths.node_probs((both * share[:, None]).T.contiguous()).T / below[:, None]
    total[paths.outcomes] = both
    parent = torch.as_tensor(taxonomy.parent.copy(), device=weight.device)
    inner = parent >= 0
    nodes = total.clone()
    nodes[inner] -= total[parent[inner]]
    return nodes[:, :-1], nodes[:, -1]


def _level_solution(
    inverse: Tensor,
    means: Tensor,
    counts: Tensor,
    classes: _Classes,
    temperature: float,
    paths: PathModel,
) -> tuple[Tensor, Tensor]:
    """One discriminant for each level, minus that of "no node" where some paths end above it."""
    weight, bias = _discriminant(inverse, _Classes(means, counts), temperature)
    depth = paths.chains[paths.outcomes].ge(0).sum(dim=1)
    for level, (start, end) in enumerate(paths.level_bounds):
        in_level = counts[start:end].clamp(min=0.5)
        ended = depth <= level
        early = classes.counts[ended].sum()
        shares = (in_level / (in_level.sum() + early)).log()
        quadratic = -0.5 * (weight[start:end] * means[start:end]).sum(dim=1)
        bias[start:end] = quadratic + shares
        if level and early > 0:
            mean = (classes.means[ended] * classes.counts[ended, None]).sum(dim=0) / early
            none = temperature * mean @ inverse
            bias[start:end] -= -0.5 * none @ mean + (early / (in_level.sum() + early)).log()
            weight[start:end] -= none
    return weight, bias
