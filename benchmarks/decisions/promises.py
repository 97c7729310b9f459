"""Whether promises hold: draws from a known population, and from the test titles."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.models import JudgedTest
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat.decisions.answers import Answers

ALPHAS = (0.05, 0.1)
DRAWS = 400
DRAWN = 1_000  # calibration titles of a draw
SIZES = (20, 50, 100, 500)
RESAMPLES = 4_000
POPULATION = 40_000


def draw_calibration_titles(
    judged: JudgedTest, answers: "Answers", reference: NDArray[Any], seed: int
) -> list[Row]:
    """Draw calibration titles from the test titles; what is true of these is known.

    Args:
        judged: The test rows.
        answers: Their answers.
        reference: The guarantee's reference confidences.
        seed: Of the draws.
    """
    from prodcat.decisions.conformal import climb_scores

    rng = np.random.default_rng(seed)
    nodes = judged.nodes(answers)
    width = answers.level_confidence.shape[2]
    truth, chains = judged.chains[judged.catalog.targets], judged.chains[nodes]
    scores = climb_scores(answers, truth[:, :width], chains[:, :width])
    department = chains[:, 0]
    levels = answers.level_confidence[:, 0].numpy()
    names = {int(top): judged.tree.paths[top][0] for top in np.unique(department)}
    rows = []
    for alpha in ALPHAS:
        rows.append(coverage_row(scores, levels, alpha, rng))
        rows += department_rows(scores, department, names, alpha, rng)
    confidence = answers.confidence[:, 0].numpy().astype(np.float64)
    right = nodes == judged.catalog.targets
    for max_error in (0.02, 0.05):
        rows.append(error_row(confidence, right, max_error, reference, rng))
    return rows


def coverage_row(
    scores: NDArray[np.float64], levels: NDArray[Any], alpha: float, rng: np.random.Generator
) -> Row:
    """Coverage over all test titles, and where the answers end."""
    from prodcat.decisions.conformal import conformal_threshold

    ordered = np.sort(scores)
    thresholds = [conformal_threshold(rng.choice(scores, DRAWN), 1 - alpha) for _ in range(DRAWS)]
    coverage = np.searchsorted(ordered, thresholds, side="right") / len(scores)
    depths = [(levels > threshold).sum(axis=1) for threshold in thresholds[:50]]
    ends = [
        float(np.mean([(reached == depth).mean() for reached in depths]))
        for depth in range(levels.shape[1] + 1)
    ]
    return {
        "kind": "draws", "alpha": alpha, "titles": DRAWN, "coverage": float(coverage.mean()),
        "error": float(3 * coverage.std() / np.sqrt(DRAWS)), "answers_end": ends,
        "mean_level": float(np.mean(depths, axis=0).mean()),
    }  # fmt: skip


def department_rows(
    scores: NDArray[np.float64],
    department: NDArray[np.int64],
    names: dict[int, str],
    alpha: float,
    rng: np.random.Generator,
) -> list[Row]:
    """Coverage by department, where a draw has titles enough for a promise."""
    from prodcat.decisions.conformal import conformal_threshold

    rows: list[Row] = []
    needed = int(np.ceil(1 / alpha - 1 - 1e-9))
    for top, name in names.items():
        group = scores[department == top]
        if len(group) < needed:
            continue
        coverage = []
        for _ in range(DRAWS):
            size = rng.binomial(DRAWN, len(group) / len(scores))
            if size >= needed:
                limit = conformal_threshold(rng.choice(group, size), 1 - alpha)
                coverage.append((group <= limit).mean())
        if len(coverage) >= DRAWS // 10:
            rows.append(
                {"kind": "draws by department", "alpha": alpha, "department": name,
                 "titles": len(group), "coverage": float(np.mean(coverage)),
                 "error": float(3 * np.std(coverage) / np.sqrt(len(coverage)))}
            )  # fmt: skip
    return rows


def error_row(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    max_error: float,
    reference: NDArray[Any],
    rng: np.random.Generator,
) -> Row:
    """How often the error among the answered is above what was promised."""
    from prodcat.decisions.conformal import selective_threshold

    risks, shares = [], []
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(confidence), DRAWN)
        limit = selective_threshold(confidence[drawn], right[drawn], max_error, 0.95, reference)
        if limit is not None:
            answered = confidence >= limit
            risks.append((answered & ~right).sum() / answered.sum())
            shares.append(answered.mean())
    return {
        "kind": "error among the answered", "max_error": max_error,
        "promised": len(risks) / DRAWS,
        "too_high": float((np.array(risks) > max_error).sum() / DRAWS),
        "share_answered": float(np.mean(shares)) if shares else 0.0,
    }  # fmt: skip


def population() -> NDArray[np.float64]:
    """The climb scores of titles whose distribution is known exactly."""
    import torch

    from prodcat.decisions.conformal import climb_scores
    from prodcat.decisions.decoding import most_likely_paths
    from prodcat.model.path_model import PathModel
    from prodcat.taxonomy.tree import Taxonomy

    paths = [(f"a{i % 6}", f"b{i % 30}", f"c{i}") for i in range(240)]
    tree = Taxonomy.from_paths(paths)
    model, generator = PathModel(tree), torch.Generator().manual_seed(0)
    log_probs = (torch.randn(POPULATION, 240, generator=generator) * 3.5).log_softmax(1).double()
    truth = tree.outcomes[torch.multinomial(log_probs.exp(), 1, generator=generator)[:, 0]]
    answers = most_likely_paths(model, log_probs)
    nodes = answers.nodes[:, 0].numpy()
    return climb_scores(answers, tree.chains[truth], tree.chains[nodes])


def measure_resamples() -> Row:
    """Mean coverage over many samples of each size."""
    from prodcat.decisions.conformal import conformal_threshold

    scores = population()
    ordered = np.sort(scores)
    rng, rows = np.random.default_rng(0), []
    for n in SIZES:
        for alpha in ALPHAS:
            drawn = [rng.choice(scores, n) for _ in range(RESAMPLES)]
            ours = [conformal_threshold(sample, 1 - alpha) for sample in drawn]
            plain = np.quantile(drawn, 1 - alpha, axis=1)
            coverage, theirs = (
                np.searchsorted(ordered, limits, side="right") / len(scores)
                for limits in (ours, plain)
            )
            rows.append(
                {"kind": "resamples", "n": n, "alpha": alpha, "resamples": RESAMPLES,
                 "coverage": float(coverage.mean()),
                 "error": float(3 * coverage.std() / np.sqrt(RESAMPLES)),
                 "plain_quantile": float(theirs.mean()), "accuracy": float((scores == 0).mean())}
            )  # fmt: skip
    return {"rows": rows}
