r"""How far each score decides the choices along the path of an answer.

At each level the answer has chosen one child of a node, or to end there.  Its *margin* is the
logarithm of how much more probable this choice is than the most probable other one at the same
node, the runner-up.  Both probabilities are the calibrated ones that people see.

The margin is a function ``f`` of the scores by the encoder and by the n-grams, and of those by
which changes of the tree share out probability.  Each score ``s``
has the *weight* ``w = \int_0^1 df/ds(b + t (s - b)) dt`` along the straight line from a baseline
``b``, the scores of a title without any word, to those of the title.  These are the integrated
gradients of Sundararajan et al. (ICML 2017), which are the Aumann-Shapley values of the scores; so
``f(s) = f(b) + sum w (s - b)`` without any remainder, although ``f`` is not linear.  The scores are
linear in the n-grams, so each n-gram has its part of the margin, too.

The temperature that a calibration gives to each title is kept as it is for the whole title: it
makes all margins of a title larger or smaller, and speaks for no category.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.decisions.tree_choices import Choice, ChoicesOfTree
from prodcat.decisions.weights import Choices, Weights
from prodcat.model.elementwise import exp
from prodcat.model.path_model import PathModel
from prodcat.model.path_steps import chained

_POINTS = (16, 64, 256)  # of an integral, until it is exact
_EXACT = 1e-8  # the remainder of a margin that is too small to be worth more points
_MOST_CELLS = 1 << 21  # scores that are in memory at the same time

Floats = NDArray[np.float64]
After = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, eq=False)
class LevelMargin:
    """The margin of an answer at one level.

    Attributes:
        choice: The choice that the answer has made.
        log_prob: The logarithm of the probability of what was chosen.
        runner_up: The most probable other choice; None if there is no other one.
        runner_up_log_prob: The logarithm of its probability; minus infinity without any.
        margin: The difference of both logarithms; 0 without a runner-up.
        start: The part of the margin that is there before any word was read.
        encoder_weights: float64 [outcome]: the weight of each score by the encoder; None without.
        lexical_weights: float64 [choice]: the weight of each score by the n-grams; None without.
        share_weights: float64 [column]: the weight of each score by which changes of the tree share
            out probability; None without.
    """

    choice: Choice
    log_prob: float
    runner_up: Choice | None
    runner_up_log_prob: float
    margin: float
    start: float
    encoder_weights: Floats | None
    lexical_weights: Floats | None
    share_weights: Floats | None = None


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of one title, or of a baseline, before the calibration.

    Attributes:
        encoder: float64 [outcome]: the log-probabilities of the heads, or None.
        lexical: float64 [outcome or choice]: the margins of the n-grams, or None.
        shares: float64 [column]: the scores by which changes of the tree share out probability, or
            None.
    """

    encoder: Tensor | None
    lexical: Tensor | None
    shares: Tensor | None = None

    def between(self, other: "Scores", places: Tensor) -> list[Tensor | None]:
        """The three kinds of scores on the line from these to others, float64 [place, column].

        Args:
            other: The scores at the end of the line.
            places: float64 [place]: how far along the line, 0 to 1.
        """
        return [
            None if first is None or last is None else first + places[:, None] * (last - first)
            for first, last in zip(self.kinds, other.kinds, strict=True)
        ]

    @property
    def kinds(self) -> tuple[Tensor | None, ...]:
        """The three kinds, in the order of the attributes."""
        return self.encoder, self.lexical, self.shares

    @property
    def given(self) -> list[Tensor]:
        """Those of the three kinds that there are."""
        return [kind for kind in self.kinds if kind is not None]


def level_margins(
    tree: ChoicesOfTree,
    paths: PathModel,
    weights: Weights,
    baseline: Scores,
    scores: Scores,
    path: Sequence[Choice],
    log_probs: Tensor,
    after: After | None = None,
) -> list[LevelMargin]:
    """Compute the margin of an answer at each level, and the weight of each score in it.

    Args:
        tree: The choices of the tree of the answers.
        paths: The path model of the tree that was learned, on the CPU.
        weights: The weights of the calibration with which the title was answered, on the CPU.
        baseline: The scores of a title without any word.
        scores: The scores of the title, of the same kinds.
        path: The choices of the answer, as of :meth:`ChoicesOfTree.along`.
        log_probs: float64 [outcome]: the calibrated log-probabilities with which the title was
            answered.  They were computed in float32; the difference is part of the start.
        after: What makes log-probabilities of the tree of the answers of those of the learned tree,
            float64 [row, outcome], with the scores by which they share out probability, float64
            [row, column]; None if they are the same tree.

    Returns:
        The margins, in the order of ``path``.
    """
    weights = Weights(*(tensor.double() for tensor in weights))
    calibrated = _Fixed(paths, weights, scores, after)
    ends = baseline.between(scores, torch.tensor([0.0, 1.0]).double())
    with torch.no_grad():
        first, last = calibrated(*ends)
    runners_up = [_runner_up(tree, choice, log_probs) for choice in path]
    pairs = [
        (chosen, other) for chosen, other in zip(path, runners_up, strict=True) if other is not None
    ]
    spans = [(chosen.span, other.span) for chosen, other in pairs]
    values = _margins(torch.stack([first, last, log_probs]), spans).numpy()
    integrals = _integrals(calibrated, baseline, scores, pairs, values[1] - values[0])
    computed = iter(zip(values.T.tolist(), integrals, strict=True))
    margins: list[LevelMargin] = []
    for chosen, other in zip(path, runners_up, strict=True):
        log_prob = float(log_probs[slice(*chosen.span)].logsumexp(0))
        if other is None:
            margins.append(LevelMargin(chosen, log_prob, None, -np.inf, 0.0, 0.0, None, None))
            continue
        (before, exact, margin), (rest, by_kind) = next(computed)
        start, runner_up = before + rest + (margin - exact), log_prob - margin
        margins.append(LevelMargin(chosen, log_prob, other, runner_up, margin, start, *by_kind))
    return margins


def _runner_up(tree: ChoicesOfTree, choice: Choice, log_probs: Tensor) -> Choice | None:
    """The most probable other choice at the same node."""
    if not choice.others:
        return None
    values = log_probs.numpy()
    sums = [np.logaddexp.reduce(values[slice(*tree.spans[other])]) for other in choice.others]
    return tree.choice(choice.others[int(np.argmax(sums))])


class _Fixed:
    """A calibration with the temperature of one title, as a function of scores.

    Args:
        paths: The path model.
        weights: The weights of the calibration, float64.
        scores: The scores of the title.
        after: As for :func:`level_margins`.
    """

    def __init__(
        self, paths: PathModel, weights: Weights, scores: Scores, after: After | None
    ) -> None:
        self.paths, self.weights, self.after = paths, weights, after
        self.levels, self.sharpens = weights.acting()
        no_sharpness = torch.zeros_like(weights.sharpness)
        self._plain = Weights(weights.evidence, weights.levels, no_sharpness)
        encoder, lexical, _ = scores.between(scores, torch.ones(1).double())
        if weights.steps is not None:
            made = Choices.of(paths, self._plain.applied(paths, encoder, lexical, False, False))
            self.factor = weights.sharpening(made.most, made.entropy)[0]  # float64 [level]
        elif self.sharpens:
            log_probs = self._plain.applied(paths, encoder, lexical, self.levels, False)
            entropy = -(exp(log_probs) * log_probs).sum(dim=1)
            facts = torch.stack([torch.ones_like(entropy), log_probs.amax(dim=1), entropy], dim=1)
            self.factor = exp((facts @ weights.sharpness).clamp(-3, 3))  # float64 [1]

    @property
    def is_additive(self) -> bool:
        """Whether margins are sums of logarithms of sums, whose gradients have a short formula."""
        by_steps = self.weights.steps is not None
        return self.after is None and (by_steps or not (self.levels or self.sharpens))

    def __call__(
        self, encoder: Tensor | None, lexical: Tensor | None, shares: Tensor | None
    ) -> Tensor:
        """Log-probabilities, float64 [row, outcome].

        Args:
            encoder: float64 [row, outcome], or None.
            lexical: float64 [row, outcome or choice], or None.
            shares: float64 [row, column], or None.
        """
        log_probs = self._learned(encoder, lexical)
        return log_probs if self.after is None else self.after(log_probs, shares)

    def _learned(self, encoder: Tensor | None, lexical: Tensor | None) -> Tensor:
        paths, weights = self.paths, self.weights
        if weights.steps is not None:
            made = Choices.of(paths, self._plain.applied(paths, encoder, lexical, False, False))
            margins = lexical
            if margins is not None and margins.shape[1] != len(made.level):
                margins = None
            weighted = weights.weighted(made.log_probs, margins, made.level)
            return chained(paths, weighted * self.factor[made.level])[0]
        log_probs = self._plain.applied(paths, encoder, lexical, self.levels, False)
        return (log_probs * self.factor).log_softmax(dim=1) if self.sharpens else log_probs


_Pairs = Sequence[tuple[Choice, Choice]]
_Weights = tuple[Floats | None, ...]  # of the three kinds of scores


def _integrals(
    calibrated: _Fixed, baseline: Scores, scores: Scores, pairs: _Pairs, changes: Floats
) -> list[tuple[float, _Weights]]:
    """The mean gradients of the margins of pairs, with as many points as are needed.

    Args:
        calibrated: The calibration.
        baseline: The scores where the line begins.
        scores: The scores where it ends.
        pairs: Choices and their runners-up.
        changes: float64 [pair]: how much each margin changes along the line.

    Returns:
        For each pair what the weights leave of its change, which is next to nothing, and the
        weights of each kind of scores.
    """
    gradients = _sums_of_exponentials if calibrated.is_additive else _differentiated
    waiting = list(range(len(pairs)))
    results: dict[int, tuple[float, _Weights]] = {}
    for points in _POINTS:
        if not waiting:
            break
        chosen = [pairs[place] for place in waiting]
        weights = gradients(calibrated, baseline, scores, chosen, _line(points))
        left = []
        for place, by_kind in zip(waiting, weights, strict=True):
            rest = float(changes[place]) - _explained(by_kind, baseline, scores)
            results[place] = rest, by_kind
            if abs(rest) > _EXACT:
                left.append(place)
        waiting = left
    return [results[place] for place in range(len(pairs))]


@cache
def _line(points: int) -> tuple[Floats, Floats]:
    """Places from 0 to 1 and their shares of an integral (Gauss and Legendre)."""
    nodes, shares = np.polynomial.legendre.leggauss(points)
    return (nodes + 1) / 2, shares / 2


def _explained(by_kind: _Weights, baseline: Scores, scores: Scores) -> float:
    """The part of a margin's change that weights explain."""
    explained = 0.0
    for weights, first, last in zip(by_kind, baseline.kinds, scores.kinds, strict=True):
        if weights is not None and first is not None and last is not None:
            explained += float(weights @ (last - first).numpy())
    return explained


def _sums_of_exponentials(
    calibrated: _Fixed, baseline: Scores, scores: Scores, pairs: _Pairs, line: tuple[Floats, Floats]
) -> list[_Weights]:
    """The mean gradients where a margin is a difference of logarithms of sums of exponentials.

    The gradient of the logarithm of a sum of exponentials is a softmax.

    Args:
        calibrated: The calibration.
        baseline: The scores where the line begins.
        scores: The scores where it ends.
        pairs: Choices and their runners-up.
        line: float64 [point]: places along the line, 0 to 1, and their shares of the integral.
    """
    places, shares = line
    evidence = calibrated.weights.evidence.numpy()
    outcomes = len(calibrated.paths.outcomes)
    along = baseline.between(scores, torch.from_numpy(places))
    pooled = np.zeros((len(places), outcomes))
    for weight, kind in zip(evidence, along[:2], strict=True):
        if kind is not None:
            pooled += weight * kind[:, :outcomes].numpy()
    made: list[_Weights] = []
    for chosen, other in pairs:
        gradient = np.zeros(outcomes)
        for choice, sign in ((chosen, 1.0), (other, -1.0)):
            part = slice(*choice.span)
            below = np.exp(pooled[:, part] - pooled[:, part].max(axis=1, keepdims=True))
            below /= below.sum(axis=1, keepdims=True)
            gradient[part] += sign * (shares @ below)
        by_log_probs, by_margin = 1.0, 0.0
        steps = calibrated.weights.steps
        if steps is not None:
            factor = float(calibrated.factor[chosen.level])
            by_log_probs, by_margin = (float(steps[row, chosen.level]) * factor for row in (0, 1))
        encoder = by_log_probs * evidence[0] * gradient if along[0] is not None else None
        lexical = None
        if along[1] is not None:
            columns = along[1].shape[1]
            lexical = np.zeros(columns)
            lexical[:outcomes] = by_log_probs * evidence[1] * gradient
            if columns > outcomes:
                lexical[chosen.number] += by_margin
                lexical[other.number] -= by_margin
        made.append((encoder, lexical, None))
    return made


def _differentiated(
    calibrated: _Fixed, baseline: Scores, scores: Scores, pairs: _Pairs, line: tuple[Floats, Floats]
) -> list[_Weights]:
    """The mean gradients of any calibration, by automatic differentiation.

    Args:
        calibrated: The calibration.
        baseline: The scores where the line begins.
        scores: The scores where it ends.
        pairs: Choices and their runners-up.
        line: float64 [point]: places along the line, 0 to 1, and their shares of the integral.
    """
    places, shares = map(torch.from_numpy, line)
    spans = [(chosen.span, other.span) for chosen, other in pairs]
    size = max(_MOST_CELLS // max(map(len, scores.given)), 1)
    totals = [[torch.zeros_like(kind) for kind in scores.given] for _ in pairs]
    for start in range(0, len(places), size):
        part = slice(start, start + size)
        along = baseline.between(scores, places[part])
        inputs = [rows.requires_grad_() for rows in along if rows is not None]
        means = (_margins(calibrated(*along), spans) * shares[part, None]).sum(0)
        for place, total in enumerate(totals):
            gradients = torch.autograd.grad(
                means[place], inputs, retain_graph=True, materialize_grads=True
            )
            for kind, gradient in zip(total, gradients, strict=True):
                kind += gradient.sum(0)
    made: list[_Weights] = []
    for total in totals:
        of_kinds = iter([kind.numpy() for kind in total])
        made.append(tuple(None if kind is None else next(of_kinds) for kind in scores.kinds))
    return made


def _margins(log_probs: Tensor, spans: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> Tensor:
    """The difference of the log-probabilities of ranges of outcomes, float64 [row, pair]."""
    margins = [
        log_probs[:, slice(*chosen)].logsumexp(1) - log_probs[:, slice(*other)].logsumexp(1)
        for chosen, other in spans
    ]
    return torch.stack(margins, dim=1) if margins else log_probs[:, :0]
