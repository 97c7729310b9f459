r"""The closed-form start of the heads: a shrunken linear discriminant with a fitted temperature.

The training titles are embedded once with the encoder as it is.  With ``m_k`` the mean of
the titles of class ``k``, ``S`` the covariance within classes and ``q_k`` the class shares,
the discriminant's log-posterior is ``x' S^-1 m_k - m_k' S^-1 m_k / 2 + log q_k`` (Fisher;
Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 4.3).  ``S`` is
shrunk toward a multiple of the identity, and the quadratic part is scaled by a temperature,
without which the posterior is far too sure of itself.  A category with few titles has a mean
that is mostly chance: it is drawn toward its parent's as if the parent had so many titles
there (an empirical Bayes estimate).  All three are chosen on titles that were left out of
the means and the covariance.

A title with a partial label counts for the outcomes below its label, for each as much as a
first solution thinks it likely (one step of expectation maximisation).
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
    """A linear solution for the heads, and how it was chosen.

    Attributes:
        weight: float32 [node or outcome, hidden].
        bias: float32 [node or outcome].
        shrinkage: Share of the identity in the covariance, 0 to 1.
        temperature: Scale of the discriminant's quadratic part.
        pull: How many titles' weight the parent's mean has in a category's.
        loss: Mean log-loss on the titles left out, in nats.
    """

    weight: Tensor
    bias: Tensor
    shrinkage: float
    temperature: float
    pull: float
    loss: float

    def to_dict(self) -> dict[str, Any]:
        """How it was chosen, in plain values for JSON."""
        return {
            "shrinkage": self.shrinkage,
            "temperature": self.temperature,
            "pull": self.pull,
            "held_out_log_loss": self.loss,
        }


@dataclass(frozen=True)
class _Classes:
    """Mean of the titles of each class, float64 [class, hidden], and their number, [class]."""

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
    """Solve the heads.

    Args:
        pooled: float [rows, hidden]: the training titles through the frozen encoder.
        targets: int64 [rows]: node positions, partial labels included; at least one is
            complete.
        taxonomy: The tree.
        paths: Its path model, which says what the logits mean.
        seed: Seed of the folds.
        weights: float [rows]: how many titles each row stands for, 1 by default.

    Returns:
        The linear solution, one row for each node, or for each outcome of a flat structure.
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
    """Sum [outcome, hidden] and number [outcome] of the titles of each outcome."""
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
    """Add titles with partial labels, shared among the outcomes below their labels."""
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
    """Class means, drawn toward the parent's mean; without titles, the nearest ancestor's mean."""
    means = sums / counts.clamp(min=1e-12)[:, None]
    empty = counts <= 0
    if pull or bool(empty.any()):
        node_sums = paths.node_probs(sums.T.contiguous()).T
        node_counts = paths.node_probs(counts[None])[0]
        parent = torch.as_tensor(taxonomy.parent[taxonomy.outcomes], device=sums.device)
        above = node_sums[parent] / node_counts[parent].clamp(min=1e-12)[:, None]
        above[parent < 0] = 0.0  # the mean of all, which the titles are centered on
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
    """Eigenvalues and eigenvectors of the covariance within classes."""
    residual = x - classes.means[labels]
    spare = max(float(weights.sum()) - int((classes.counts > 0).sum()), 1.0)
    covariance = (residual * weights[:, None]).T @ residual / spare
    ridge = 1e-9 * (covariance.diagonal().mean() + 1e-12)
    values, vectors = torch.linalg.eigh(covariance + ridge * torch.eye(x.shape[1]).to(covariance))
    return values.clamp(min=float(ridge)), vectors


def _inverse(values: Tensor, vectors: Tensor, shrinkage: float) -> Tensor:
    shrunk = (1 - shrinkage) * values + shrinkage * values.mean()
    return (vectors / shrunk) @ vectors.T


def _prior(counts: Tensor) -> Tensor:
    """Log class shares; a class without titles counts as half a title."""
    filled = counts.clamp(min=0.5)
    return (filled / filled.sum()).log()


def _discriminant(inverse: Tensor, classes: _Classes, temperature: float) -> tuple[Tensor, Tensor]:
    weight = temperature * classes.means @ inverse
    bias = -0.5 * (weight * classes.means).sum(dim=1) + _prior(classes.counts)
    return weight, bias


def _choose(
    x: Tensor, labels: Tensor, weights: Tensor, taxonomy: Taxonomy, paths: PathModel, seed: int
) -> tuple[float, float, float, float]:
    """Shrinkage, temperature and pull with the least log-loss on held-out folds.

    First shrinkage and temperature without a pull, then the pull, and the temperature again.
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
    """Mean and number of the titles at or below each node."""
    counts = paths.node_probs(classes.counts[None])[0]
    weights = classes.counts.clamp(min=1e-6)
    shares = paths.node_probs(weights[None])[0]
    sums = paths.node_probs((classes.means * weights[:, None]).T.contiguous()).T
    return sums / shares[:, None], counts


def _telescope(
    weight: Tensor, bias: Tensor, counts: Tensor, taxonomy: Taxonomy, paths: PathModel
) -> tuple[Tensor, Tensor]:
    """Spread outcome solutions over the nodes so that path sums give them back.

    A node that is an outcome stands for itself, any other for the mean of the outcomes
    below it; every node then holds its difference to its parent.
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
    """One discriminant for each level, relative to "no node" where paths end early."""
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
