r"""The weights of a calibration: how scores become calibrated probabilities.

All of them act inside one softmax over outcomes, or inside a softmax at every branch of the tree.
So whatever their values, the probability of a node is the sum of those of its children and its own
as an outcome, and confidence never rises with depth:

- Each source of scores (the encoder's heads and the n-grams) has a weight.  Scaling
  log-probabilities before a softmax is temperature scaling (Guo et al., ICML 2017); with two
  sources it is a logarithmic opinion pool (Genest and Zidek, Statistical Science 1986).
- With ``steps`` the distribution is taken apart into the choices at every branch
  (:mod:`prodcat.model.path_steps`).  At each level the log-probability of a choice has a weight,
  and so has the n-grams' margin of the node that is chosen; both are scaled by
  ``exp(b m + c H)``, where ``m`` is the greatest log-probability of the title and ``H`` its
  entropy, both in nats (parameterised temperature scaling, Tomani et al., ECCV 2022).
- Artifacts of earlier versions have ``levels`` instead, one inverse temperature for each level, and
  ``sharpness``, with which the inverse temperature of a title is ``exp(a + b m + c H)``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from prodcat.model.elementwise import exp
from prodcat.model.path_model import PathModel
from prodcat.model.path_steps import chained, choice_log_probs, choices


@dataclass(frozen=True)
class Weights:
    """The weights of a calibration; call the object to compute calibrated log-probabilities.

    Attributes:
        evidence: float32 [2]: the weights of the encoder's and of the n-grams' scores.
        levels: float32 [level]: the weight of the step from parent to child at each level.
        sharpness: float32 [3]: ``a``, ``b`` and ``c`` in the inverse temperature of a title,
            which the module explains.
        steps: float32 [4, level]: for each level the weight of a choice's log-probability, the
            weight of the n-grams' margin, ``b`` and ``c``; or None.

    >>> [weights.tolist() for weights in Weights.neutral(levels=2)]
    [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0, 0.0]]
    """

    evidence: Tensor
    levels: Tensor
    sharpness: Tensor
    steps: Tensor | None = None

    @classmethod
    def neutral(cls, levels: int) -> "Weights":
        """Neutral weights, with which scores are only added and normalised.

        Args:
            levels: The number of levels of the tree.
        """
        return cls(torch.ones(2), torch.ones(levels), torch.zeros(3))

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Weights":
        """The weights of these names; artifacts of earlier versions have no ``steps``."""
        evidence, levels, sharpness = (
            tensors[name] for name in ("evidence", "levels", "sharpness")
        )
        return cls(evidence, levels, sharpness, tensors.get("steps"))

    def fits(self, levels: int) -> bool:
        """Whether types and shapes are those for a tree with this number of levels."""
        shapes = [(2,), (levels,), (3,), (4, levels)]
        tensors = list(self)
        return [(tensor.dtype, tuple(tensor.shape)) for tensor in tensors] == [
            (torch.float32, shape) for shape in shapes[: len(tensors)]
        ]

    def to(self, device: torch.device) -> "Weights":
        """The same weights on a device."""
        return Weights(*(tensor.to(device) for tensor in self))

    def __iter__(self) -> Iterator[Tensor]:
        """Iterate over ``evidence``, ``levels``, ``sharpness`` and, if there are any, ``steps``."""
        steps = () if self.steps is None else (self.steps,)
        return iter((self.evidence, self.levels, self.sharpness, *steps))

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return {name: tensor for name, tensor in vars(self).items() if tensor is not None}

    def __call__(
        self, paths: PathModel, encoder_scores: Tensor | None, lexical_scores: Tensor | None
    ) -> Tensor:
        """The calibrated log-probabilities, float [batch, outcome].

        Args:
            paths: The path model.
            encoder_scores: float [batch, outcome]: log-probabilities of the heads, or None.
            lexical_scores: float [batch, outcome]: margins of the n-grams, or None; with further
                columns for the branches without the root, float [batch, choice], if ``steps`` is
                to weigh them.  At least one of the two must be given.
        """
        return self.applied(paths, encoder_scores, lexical_scores, *self.acting())

    def acting(self) -> tuple[bool, bool]:
        """Which of the weights other than ``evidence`` have an effect.

        Returns:
            Whether ``levels`` has an effect, and whether ``sharpness`` has one.
        """
        levels = self.levels.requires_grad or bool((self.levels != 1).any())
        return levels, self.sharpness.requires_grad or bool((self.sharpness != 0).any())

    def applied(
        self,
        paths: PathModel,
        encoder_scores: Tensor | None,
        lexical_scores: Tensor | None,
        levels: bool,
        sharpness: bool,
    ) -> Tensor:
        """Compute the calibrated log-probabilities, given the result of :meth:`acting`.

        :meth:`acting` makes the CPU wait for the GPU, so for many batches it is called only once.

        Args:
            paths: The path model.
            encoder_scores: float [batch, outcome]: log-probabilities of the heads, or None.
            lexical_scores: float [batch, outcome or choice]: margins of the n-grams, or None.
            levels: Whether to use the weights of the levels.
            sharpness: Whether to use a temperature for each title.

        Returns:
            float [batch, outcome].
        """
        outcomes = len(paths.outcomes)
        evidence = [
            weight * scores[:, :outcomes]
            for weight, scores in zip(self.evidence, (encoder_scores, lexical_scores), strict=True)
            if scores is not None
        ]
        together = evidence[0] if len(evidence) == 1 else evidence[0] + evidence[1]
        log_probs: Tensor = together.log_softmax(dim=1)
        if self.steps is not None:
            made = Choices.of(paths, log_probs)
            return chained(paths, self.choice_scores(made, lexical_scores))[0]
        if levels:
            log_probs = paths.temper(log_probs, self.levels)
        if sharpness:
            most = log_probs.amax(dim=1)
            entropy = -(exp(log_probs) * log_probs).sum(dim=1)
            certainty = torch.stack([torch.ones_like(most), most, entropy], dim=1).detach()
            inverse_temperature = exp((certainty @ self.sharpness).clamp(-3, 3))
            log_probs = (log_probs * inverse_temperature[:, None]).log_softmax(dim=1)
        return log_probs

    def choice_scores(self, choices_made: "Choices", lexical_scores: Tensor | None) -> Tensor:
        """The scores of the choices at every branch by ``steps``, float [batch, choice].

        Args:
            choices_made: The distributions as choices.
            lexical_scores: float [batch, choice]: margins of the n-grams; margins of outcomes
                alone and None are left out.
        """
        margins = lexical_scores
        if margins is not None and margins.shape[1] != len(choices_made.level):
            margins = None
        scores = self.weighted(choices_made.log_probs, margins, choices_made.level)
        sharpened = self.sharpening(choices_made.most, choices_made.entropy)
        return scores * sharpened.index_select(1, choices_made.level)

    def weighted(self, log_probs: Tensor, margins: Tensor | None, level: Tensor) -> Tensor:
        """The scores of choices before they are sharpened, float of the shape of ``log_probs``.

        Args:
            log_probs: float [..., choice]: the log-probability of each choice, given its branch.
            margins: float [..., choice]: margins of the n-grams, or None.
            level: int64 [choice]: the level of each choice, counted from 0.
        """
        assert self.steps is not None
        scores = log_probs * self.steps[0][level]
        return scores if margins is None else scores + margins * self.steps[1][level]

    def sharpening(
        self, most: Tensor, entropy: Tensor, level: Tensor | slice = slice(None)
    ) -> Tensor:
        """The factor of the scores of choices, by title and level.

        Args:
            most: float [..., 1 or level]: the greatest log-probability of an outcome.
            entropy: float [..., 1 or level]: the entropy of the outcomes, in nats.
            level: int64 [level]: the levels; all by default.

        Returns:
            float [..., level].
        """
        assert self.steps is not None
        factor = self.steps[2, level] * most + self.steps[3, level] * entropy
        return exp(factor.clamp(-3, 3))


@dataclass(frozen=True)
class Choices:
    """Distributions over outcomes as choices at every branch.

    Attributes:
        level: int64 [choice]: the level of each choice, counted from 0.
        log_probs: float [batch, choice]: the log-probability of each choice, given its branch.
        most: float [batch, 1]: the greatest log-probability of an outcome.
        entropy: float [batch, 1]: the entropy of the outcomes, in nats.
    """

    level: Tensor
    log_probs: Tensor
    most: Tensor
    entropy: Tensor

    @classmethod
    def of(cls, paths: PathModel, log_probs: Tensor) -> "Choices":
        """Take distributions, float [batch, outcome] of log-probabilities, apart."""
        probs = exp(log_probs)
        return cls(
            choices(paths)[1],
            choice_log_probs(paths, log_probs, probs),
            log_probs.amax(dim=1, keepdim=True),
            -(probs * log_probs).sum(dim=1, keepdim=True),
        )
