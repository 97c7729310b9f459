"""How much each kind of evidence counts, fitted on titles that training did not see.

Scaling log-probabilities before a softmax is temperature scaling (Guo et al., ICML 2017);
with two kinds of evidence it is a logarithmic opinion pool (Genest and Zidek, 1986).
"""

import torch
from torch import Tensor

from prodcat.path_model import PathModel


def fit_evidence(
    paths: PathModel,
    targets: Tensor,
    encoder_scores: Tensor | None,
    lexical_scores: Tensor | None,
) -> Tensor:
    """Find the weights with the least log-loss.

    Args:
        paths: The path model.
        targets: int64 [rows], node positions, partial labels included.
        encoder_scores: float [rows, outcome], or None where there is no encoder.
        lexical_scores: float [rows, outcome], or None where there is no lexical branch.

    Returns:
        float32 [2]: the weights of encoder and lexical scores, above 0; 1 where missing.
    """
    given = [scores for scores in (encoder_scores, lexical_scores) if scores is not None]
    if not given or not len(targets):
        return torch.ones(2)
    logs = torch.zeros(len(given), dtype=torch.float64, device=targets.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([logs], lr=0.5, max_iter=40, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        weights = logs.clamp(-6, 6).exp().float()
        pooled = sum(
            (w * s for w, s in zip(weights, given, strict=True)), targets.new_zeros(1).float()
        )
        # A mild pull toward 1 keeps the weights finite where the titles are all right.
        loss = -paths.target_log_probs(pooled, targets).mean() + 1e-3 * logs.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    found = iter(logs.detach().clamp(-6, 6).exp().float().cpu())
    return torch.stack(
        [
            next(found) if scores is not None else torch.tensor(1.0)
            for scores in (encoder_scores, lexical_scores)
        ]
    )
