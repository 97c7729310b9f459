"""The last step of a prediction: choose answers by log-probabilities and options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from torch import Tensor

from prodcat.decisions.answers import Answers
from prodcat.decisions.conformal import stop
from prodcat.decisions.decoding import decoder, most_likely_paths
from prodcat.decisions.guarantee import DEPARTMENT, Guarantee
from prodcat.decisions.objectives import MostLikelyPath, pick_objective
from prodcat.decisions.options import AnswerOptions
from prodcat.errors import ConfigError
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.tree import Taxonomy

# Its arguments are log-probabilities, float [batch, outcome], and the group of each row or None.
Decide = Callable[[Tensor, Sequence[str] | None], Answers]


@dataclass(frozen=True, eq=False)
class Decider:
    """Chooses the answers for a batch by its log-probabilities.

    The options are checked when the object is created.

    Attributes:
        taxonomy: The tree.
        paths: The path model of the tree, on the device of the log-probabilities.
        guarantee: The measurements on calibration titles, or None.
        options: What the answers should be.

    Raises:
        ConfigError: Options exclude each other, there is no guarantee although the options need
            one, or the calibration titles are not enough for it.
        ArtifactError: The guarantee was measured on another tree.
    """

    taxonomy: Taxonomy
    paths: PathModel
    guarantee: Guarantee | None = None
    options: AnswerOptions = field(default_factory=AnswerOptions)
    _decide: Decide = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_decide", self._decision())

    def __call__(self, log_probs: Tensor, groups: Sequence[str] | None) -> Answers:
        """The answers for a batch.

        Args:
            log_probs: float [batch, outcome].
            groups: The group of each row if the guarantee has groups by a column, else None.

        Raises:
            ConfigError: A group had no calibration titles.
        """
        answers = self._decide(log_probs, groups)
        return self._with_guesses(answers, log_probs) if self.options.may_abstain else answers

    def with_options(self, options: AnswerOptions) -> "Decider":
        """A decider with the same tree and guarantee, and other options.

        Raises:
            ConfigError: As for the constructor.
            ArtifactError: The guarantee was measured on another tree.
        """
        return replace(self, options=options)

    def group_column(self, promised: bool) -> str | None:
        """The name of the column with the group of each title, or None if no groups are needed.

        Args:
            promised: Whether the options include ``guarantee`` or ``max_error``.
        """
        column = None if self.guarantee is None else self.guarantee.group_by
        return column if promised and column != DEPARTMENT else None

    def chains(self, nodes: Tensor) -> Ints:
        """The nodes on the path to each node, coarsest first, padded with -1: int64 [rows, level].

        Args:
            nodes: int64 [rows]; -1 for the root, whose path is empty.
        """
        chains: Ints = self.paths.chains[nodes].cpu().numpy()
        return chains

    def departments(self, nodes: Ints) -> list[str]:
        """The id of each node's department, the top-level node of its path; empty for the root.

        Args:
            nodes: int64 [rows]; -1 for the root.
        """
        top = self.taxonomy.chains[nodes, 0]
        return [self.taxonomy.ids[d] if n >= 0 else "" for d, n in zip(top, nodes, strict=True)]

    def __getstate__(self) -> dict[str, Any]:
        """All fields except the function that decides, which cannot be pickled."""
        return {member.name: getattr(self, member.name) for member in fields(self) if member.init}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the fields, and create the function that decides."""
        self.__dict__.update(state)
        self.__post_init__()

    def _decision(self) -> Decide:
        """The function that chooses answers as the options say."""
        paths, options = self.paths, self.options
        if options.promises:
            return self._guaranteed_decision()
        objective = pick_objective("path" if options.objective is None else options.objective)
        if isinstance(objective, MostLikelyPath):
            return lambda log_probs, groups: most_likely_paths(paths, log_probs, options.top_k)
        if options.top_k > 1:
            raise ConfigError(
                f"top_k={options.top_k} needs objective='path'; expected top_k=1 with "
                f"{objective!r}. Leave one of the two out."
            )
        decode = decoder(paths, objective)
        return lambda log_probs, groups: decode(log_probs)

    def _guaranteed_decision(self) -> Decide:
        """The function that chooses answers for ``guarantee`` or ``max_error``."""
        guarantee, options = self._checked_guarantee(), self.options
        decode = decoder(self.paths, guarantee.objective)
        if options.guarantee is not None:
            thresholds = guarantee.node_thresholds(options.guarantee)
        else:
            assert options.max_error is not None
            thresholds = guarantee.confidence_thresholds(options.max_error, options.certainty)

        def decide(log_probs: Tensor, groups: Sequence[str] | None) -> Answers:
            return self._stopped(decode(log_probs), groups, guarantee, thresholds)

        return decide

    def _with_guesses(self, answers: Answers, log_probs: Tensor) -> Answers:
        """Add the most likely path of each title whose answer is the root."""
        guess, confidence = answers.nodes[:, 0].clone(), answers.confidence[:, 0].clone()
        [rows] = (guess < 0).nonzero(as_tuple=True)
        if len(rows):
            best = most_likely_paths(self.paths, log_probs[rows], 1)
            guess[rows] = best.nodes[:, 0]
            confidence[rows] = best.confidence[:, 0].to(confidence.dtype)
        return replace(answers, guess=guess, guess_confidence=confidence)

    def _checked_guarantee(self) -> Guarantee:
        """Check that the options are allowed with the guarantee, and return the guarantee."""
        guarantee, options = self.guarantee, self.options
        asked = "guarantee" if options.guarantee is not None else "max_error"
        if guarantee is None:
            raise ConfigError(
                f"{asked}= needs calibration titles, and this classifier has none. Call "
                "with_guarantee(catalog) with labelled titles that training did not see, and use "
                "the classifier that it returns; on the command line: prodcat guarantee."
            )
        guarantee.check(self.taxonomy)
        if options.guarantee is not None and options.max_error is not None:
            raise ConfigError(
                "guarantee= and max_error= exclude each other; expected only one of them."
            )
        if options.top_k > 1:
            raise ConfigError(f"top_k={options.top_k} is not allowed with {asked}=; expected 1.")
        objective = options.objective
        if objective is not None and pick_objective(objective) != guarantee.objective:
            raise ConfigError(
                f"The guarantee was measured with {guarantee.objective!r}, not with "
                f"{pick_objective(objective)!r}. Leave objective= out, or call "
                "with_guarantee(catalog, objective=...)."
            )
        return guarantee

    def _stopped(
        self,
        answers: Answers,
        groups: Sequence[str] | None,
        guarantee: Guarantee,
        thresholds: dict[str, float],
    ) -> Answers:
        """Replace answers that are less certain than their group's threshold by coarser ones."""
        nodes, chains = answers.nodes[:, 0].cpu().numpy(), self.chains(answers.nodes[:, 0])
        names = groups
        if names is None:
            by_department = guarantee.group_by == DEPARTMENT
            names = self.departments(nodes) if by_department else [""] * len(nodes)
        known = nodes >= 0  # the root, which has no department, cannot become coarser
        limits = np.zeros(len(nodes))
        limits[known] = guarantee.lookup(
            [name for name, answered in zip(names, known, strict=True) if answered], thresholds
        )
        return stop(answers, chains, limits, whole=self.options.guarantee is None)
