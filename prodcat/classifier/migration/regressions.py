"""Logistic regressions on n-grams, with logits that mean for new titles what they say.

A regression is surer of the titles that it learned than of new ones.  So it is solved three times
more, each time without a third of the titles, and its logits are scaled such that they fit the
titles that were left out (Platt, Advances in Large Margin Classifiers 1999).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.classifier.migration.title_scores import TitleScores
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import NGrams
from prodcat.taxonomy.arrays import Flags, Ints

_Floats = NDArray[np.float64]
_COST = 30.0  # the inverse strength of the regularisation
_NEGLIGIBLE = 1e-3  # weights with a smaller absolute value are dropped
_MOST_ROUNDS, _TOLERANCE = 1_000, 0.01
_SEED = 0
_FOLDS = 3
_FEWEST = 6  # titles of added categories, or of all parts, from which a scale is fitted
_SCALES = np.exp(np.linspace(np.log(0.25), np.log(8), 41))


@dataclass(frozen=True)
class Problem:
    """The rows of one regression.

    Attributes:
        matrix: A sparse matrix of scipy, float64 [rows, n-gram].
        classes: int64 [rows]: the class of each row, counted from 0; every class has a row.
        weight: float64 [rows]: the weight of each row.
        is_name: bool [rows]: whether the row is the name of a class, which is always learned.
        against_others: Whether each class but the first is told from all others, so that its logit
            is beside a logit of 0; otherwise the logits of all classes are compared.
    """

    matrix: Any
    classes: Ints
    weight: _Floats
    is_name: Flags
    against_others: bool = False

    def take(self, rows: Flags) -> "Problem":
        """Some of the rows."""
        return Problem(
            self.matrix[rows],
            self.classes[rows],
            self.weight[rows],
            self.is_name[rows],
            self.against_others,
        )


@dataclass(frozen=True)
class Solution:
    """A solved regression.

    Attributes:
        weights: float64 [class, n-gram].
        intercepts: float64 [class].
    """

    weights: _Floats
    intercepts: _Floats

    def logits(self, matrix: Any) -> _Floats:
        """The logits of rows, float64 [rows, class]."""
        return np.asarray(matrix @ self.weights.T + self.intercepts)

    def scaled(self, scale: float, offset: float = 0.0) -> "Solution":
        """The same with other logits: ``scale * logit + offset``."""
        return Solution(scale * self.weights, scale * self.intercepts + offset)


def solve(problem: Problem) -> Solution:
    """Solve a regression of each class against all others, with liblinear (Fan et al., 2008)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    matrix, classes = problem.matrix, int(problem.classes.max()) + 1
    weights, intercepts = np.zeros((classes, matrix.shape[1])), np.zeros(classes)
    for number in range(int(problem.against_others or classes == 2), classes):
        model = LogisticRegression(
            C=_COST, solver="liblinear", dual=True, tol=_TOLERANCE, max_iter=_MOST_ROUNDS,
            random_state=_SEED,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(matrix, problem.classes == number, problem.weight)
        weights[number], intercepts[number] = model.coef_[0], model.intercept_[0]
    return Solution(weights, intercepts)


def left_out(problem: Problem) -> tuple[_Floats, Flags]:
    """The logits of rows by regressions that did not learn them.

    Returns:
        float64 [rows left out, class]; and which rows were left out, bool [rows].
    """
    asked = ~problem.is_name
    fold = np.random.default_rng(_SEED).permutation(len(asked)) % _FOLDS
    logits = np.zeros((len(asked), int(problem.classes.max()) + 1))
    for number in range(_FOLDS):
        rows = asked & (fold == number)
        if rows.any():
            logits[rows] = solve(problem.take(~rows)).logits(problem.matrix[rows])
    return logits[asked], asked


def scale_of_parts(problems: Sequence[Problem]) -> float:
    """The scale of the logits of parts with which left out titles are most likely; 1 for few."""
    measured = [(left_out(problem)[0], problem) for problem in problems if ~problem.is_name.all()]
    if sum(len(logits) for logits, _ in measured) < _FEWEST:
        return 1.0
    losses = np.zeros(len(_SCALES))
    for logits, problem in measured:
        classes = problem.classes[~problem.is_name]
        scores = _SCALES[:, None, None] * logits
        scores -= scores.max(axis=2, keepdims=True)
        of_class = scores[:, np.arange(len(classes)), classes]
        losses += (np.log(np.exp(scores).sum(axis=2)) - of_class).sum(axis=1)
    return float(_SCALES[np.argmin(losses)])


def scale_of_added(problem: Problem) -> tuple[float, float]:
    """Scale and offset of the logits of added classes that fit left out titles; (1, 0) for few."""
    from sklearn.linear_model import LogisticRegression

    titles = problem.classes[~problem.is_name]
    if (titles > 0).sum() < _FEWEST or not (titles == 0).any():
        return 1.0, 0.0
    logits, asked = left_out(problem)
    numbers = np.arange(1, logits.shape[1])
    is_class = (problem.classes[asked][:, None] == numbers).ravel()
    weight = np.repeat(problem.weight[asked], len(numbers))
    model = LogisticRegression(C=1e4).fit(logits[:, 1:].reshape(-1, 1), is_class, weight)
    scale = float(model.coef_[0, 0])
    return (scale, float(model.intercept_[0])) if scale > 0 else (1.0, 0.0)


@dataclass
class Collected:
    """Solved regressions, column by column.

    Attributes:
        features: The n-gram of each weight.
        columns: The column of each weight.
        values: The weights.
        bias: The intercept of each column.
    """

    features: list[NDArray[np.int64]] = field(default_factory=list)
    columns: list[NDArray[np.int64]] = field(default_factory=list)
    values: list[NDArray[np.float16]] = field(default_factory=list)
    bias: list[float] = field(default_factory=list)

    def add(self, solution: Solution) -> tuple[int, ...]:
        """Add the columns of a regression, and return their numbers."""
        start = len(self.bias)
        for row, intercept in zip(solution.weights, solution.intercepts.tolist(), strict=True):
            used = np.flatnonzero(np.abs(row) > _NEGLIGIBLE)
            self.features.append(used)
            self.columns.append(np.full(len(used), len(self.bias)))
            self.values.append(row[used].astype(np.float16))
            self.bias.append(intercept)
        return tuple(range(start, len(self.bias)))

    def scores(self, ngrams: NGrams) -> TitleScores:
        """All columns as scores of titles."""
        lexical = LexicalBranch.from_entries(
            np.concatenate(self.features),
            np.concatenate(self.columns),
            np.concatenate(self.values),
            np.array(self.bias, np.float32),
            len(ngrams.hashes),
        )
        return TitleScores(ngrams, lexical)
