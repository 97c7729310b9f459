r"""The closed-form start of the heads: a shrunken linear discriminant, temperature fitted.

The training titles are embedded once with the encoder as it is.  With ``m_k`` the mean of
the titles of class ``k``, ``S`` the covariance within classes and ``q_k`` the class shares,
the discriminant's log-posterior is ``x' S^-1 m_k - m_k' S^-1 m_k / 2 + log q_k`` (Fisher;
Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 4.3).  ``S`` is
shrunk toward a multiple of the identity, and the quadratic part is scaled by a temperature,
without which the posterior is far too sure of itself.  Both are chosen on titles that were
left out of the means and the covariance.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from prodcat.path_model import PathModel
from prodcat.taxonomy import Taxonomy

SHRINKAGES = (0.01, 0.03, 0.1, 0.3)
TEMPERATURES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
_FOLDS = 5
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Start:
    """A linear solution for the heads, and how it was chosen.

    Attributes:
        weight: float32 [node or outcome, hidden].
        bias: float32 [node or outcome].
        shrinkage: Share of the identity in the covariance, 0 to 1.
        temperature: Scale of the discriminant's quadratic part.
        loss: Mean log-loss on the titles left out, in nats.
    """

    weight: Tensor
    bias: Tensor
    shrinkage: float
    temperature: float
    loss: float


@dataclass(frozen=True)
class _Classes:
    """Means [class, hidden] (float64), rows per class [class], and whether it has any."""

    means: Tensor
    counts: Tensor


def closed_form_start(
    pooled: Tensor, targets: Tensor, taxonomy: Taxonomy, paths: PathModel, seed: int = 0
) -> Start:
    """Solve the heads.

    Args:
        pooled: float [rows, hidden]: the training titles through the frozen encoder.
        targets: int64 [rows]: node positions; rows with partial labels do not count.
        taxonomy: The tree.
        paths: Its path model, which says what the logits mean.
        seed: Of the folds.
    """
    device = pooled.device
    place = torch.full((len(taxonomy),), -1, device=device)
    place[paths.outcomes] = torch.arange(len(paths.outcomes), device=device)
    labels = place[targets]
    x, labels = pooled[labels >= 0].double(), labels[labels >= 0]
    center = x.mean(dim=0)
    x = x - center
    shrinkage, temperature, loss = _choose(x, labels, taxonomy, paths, seed)

    classes = _classes(x, labels, taxonomy, paths)
    inverse = _inverse(*_spectrum(x, labels, classes), shrinkage)
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
    return Start(weight.float(), bias.float(), shrinkage, temperature, loss)


def _classes(x: Tensor, labels: Tensor, taxonomy: Taxonomy, paths: PathModel) -> _Classes:
    """Class means; an outcome without titles takes the mean of its nearest ancestor's."""
    outcomes = len(paths.outcomes)
    sums = x.new_zeros(outcomes, x.shape[1]).index_add_(0, labels, x)
    counts = torch.bincount(labels, minlength=outcomes).to(x.dtype)
    means = sums / counts.clamp(min=1)[:, None]
    empty = torch.nonzero(counts == 0).flatten()
    if len(empty):
        node_sums = paths.node_probs(sums.T.contiguous()).T
        node_counts = paths.node_probs(counts[None])[0]
        for outcome in empty.tolist():
            chain = taxonomy.ancestors(int(taxonomy.outcomes[outcome]))
            known = next((n for n in reversed(chain) if node_counts[n] > 0), None)
            if known is not None:
                means[outcome] = node_sums[known] / node_counts[known]
    return _Classes(means, counts)


def _spectrum(x: Tensor, labels: Tensor, classes: _Classes) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of the covariance within classes."""
    residual = x - classes.means[labels]
    spare = max(len(x) - int((classes.counts > 0).sum()), 1)
    covariance = residual.T @ residual / spare
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
    x: Tensor, labels: Tensor, taxonomy: Taxonomy, paths: PathModel, seed: int
) -> tuple[float, float, float]:
    """Shrinkage and temperature with the least log-loss on held-out folds."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)[:_MOST_ROWS].to(x.device)
    x, labels = x[order], labels[order]
    fold = torch.arange(len(x), device=x.device) % min(_FOLDS, max(len(x), 1))
    losses = {(a, t): 0.0 for a in SHRINKAGES for t in TEMPERATURES}
    scored = 0
    for held in range(int(fold.max()) + 1 if len(x) else 0):
        out = fold == held
        if out.all():
            continue
        classes = _classes(x[~out], labels[~out], taxonomy, paths)
        spectrum = _spectrum(x[~out], labels[~out], classes)
        prior = _prior(classes.counts)
        truth = labels[out]
        scored += len(truth)
        for shrinkage in SHRINKAGES:
            weight, bias = _discriminant(_inverse(*spectrum, shrinkage), classes, 1.0)
            quadratic = (x[out] @ weight.T + bias - prior).float()
            for temperature in TEMPERATURES:
                scores = temperature * quadratic + prior.float()
                loss = torch.nn.functional.cross_entropy(scores, truth, reduction="sum")
                losses[shrinkage, temperature] += float(loss)
    if not scored:
        return SHRINKAGES[-1], TEMPERATURES[0], float("nan")
    (shrinkage, temperature), least = min(losses.items(), key=lambda item: item[1])
    return shrinkage, temperature, least / scored


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
    below it; every node then carries its difference to its parent.
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
        own = counts[start:end].clamp(min=0.5)
        ended = depth <= level
        early = classes.counts[ended].sum()
        shares = (own / (own.sum() + early)).log()
        quadratic = -0.5 * (weight[start:end] * means[start:end]).sum(dim=1)
        bias[start:end] = quadratic + shares
        if level and early > 0:
            mean = (classes.means[ended] * classes.counts[ended, None]).sum(dim=0) / early
            none = temperature * mean @ inverse
            bias[start:end] -= -0.5 * none @ mean + (early / (own.sum() + early)).log()
            weight[start:end] -= none
    return weight, bias
