"""The last step of a prediction: from log-probabilities to the answers that the options ask for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prodcat.decisions.answers import Answers
from prodcat.decisions.conformal import stop
from prodcat.decisions.decoding import decoder, most_likely_paths
from prodcat.decisions.guarantee import DEPARTMENT, Guarantee
from prodcat.decisions.objectives import MostLikelyPath, pick_objective
from prodcat.decisions.options import AnswerOptions
from prodcat.errors import ConfigError
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy

# From log-probabilities, and the group of each row if there are groups, to answers.
Decide = Callable[[Tensor, Sequence[str] | None], Answers]


@dataclass(frozen=True, eq=False)
class Decider:
    """Turns log-probabilities into answers; the options are checked when it is made.

    Attributes:
        taxonomy: The tree.
        paths: The path model of the tree, on the device of the log-probabilities.
        guarantee: The measurements on calibration titles, or None.
        options: The options of the answers.

    Raises:
        ConfigError: The options exclude each other, or the calibration titles do not allow the
            guarantee that they ask for.
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
            groups: The group of each row, if the guarantee has groups by a column.
        """
        return self._decide(log_probs, groups)

    def with_options(self, options: AnswerOptions) -> "Decider":
        """A decider with the same tree and guarantee, and other options.

        Raises:
            ConfigError: The options exclude each other, or the calibration titles do not allow
                the guarantee that they ask for.
        """
        return replace(self, options=options)

    def group_column(self, promised: bool) -> str | None:
        """The column with the group of each title, or None if no group is needed.

        Args:
            promised: Whether the options ask for a guarantee or a largest share of errors.
        """
        guarantee = self.guarantee if promised else None
        by_column = guarantee is not None and guarantee.group_by != DEPARTMENT
        return guarantee.group_by if guarantee is not None and by_column else None

    def chains(self, nodes: Tensor) -> NDArray[np.int64]:
        """The nodes on the path to each node, int64 [rows, level], padded with -1.

        Args:
            nodes: int64 [rows]; -1 for the root, whose path is empty.
        """
        chains: NDArray[np.int64] = self.paths.chains[nodes].cpu().numpy()
        return chains

    def departments(self, nodes: NDArray[np.int64]) -> list[str]:
        """The id of the top-level node above each node; empty for the root.

        Args:
            nodes: int64 [rows]; -1 for the root.
        """
        top = self.taxonomy.chains[nodes, 0]
        return [self.taxonomy.ids[d] if n >= 0 else "" for d, n in zip(top, nodes, strict=True)]

    def __getstate__(self) -> dict[str, Any]:
        """All fields except the function, which cannot be pickled."""
        return {member.name: getattr(self, member.name) for member in fields(self) if member.init}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the fields, and make the function again."""
        self.__dict__.update(state)
        self.__post_init__()

    def _decision(self) -> Decide:
        """The function that the options ask for."""
        paths, options = self.paths, self.options
        if options.promises:
            return self._guaranteed_decision()
        objective = pick_objective("path" if options.objective is None else options.objective)
        if isinstance(objective, MostLikelyPath):
            return lambda log_probs, groups: most_likely_paths(paths, log_probs, options.top_k)
        if options.top_k > 1:
            raise ConfigError(
                f"top_k={options.top_k} goes with objective='path' alone; expected 1 with "
                f"{objective!r}. Leave one of them out."
            )
        decode = decoder(paths, objective)
        return lambda log_probs, groups: decode(log_probs)

    def _guaranteed_decision(self) -> Decide:
        """The function whose answers keep the guarantee, or the largest share of errors."""
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

    def _checked_guarantee(self) -> Guarantee:
        """The guarantee, if the options can be combined with it."""
        guarantee, options = self.guarantee, self.options
        asked = "guarantee" if options.guarantee is not None else "max_error"
        if guarantee is None:
            raise ConfigError(
                f"{asked}= needs calibration titles, and this classifier has none. Call "
                "with_guarantee(catalog) with labelled titles that training did not see, and "
                "predict with what it gives back; on the command line: prodcat guarantee."
            )
        guarantee.check(self.taxonomy)
        if options.guarantee is not None and options.max_error is not None:
            raise ConfigError(
                "guarantee= and max_error= are two different promises; expected one of them."
            )
        if options.top_k > 1:
            raise ConfigError(f"top_k={options.top_k} does not go with {asked}=; expected 1.")
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
        """The answers with coarser nodes where the thresholds ask for them."""
        nodes, chains = answers.nodes[:, 0].cpu().numpy(), self.chains(answers.nodes[:, 0])
        names = groups
        if names is None:
            by_department = guarantee.group_by == DEPARTMENT
            names = self.departments(nodes) if by_department else [""] * len(nodes)
        known = nodes >= 0  # the root cannot become coarser, and has no department
        limits = np.zeros(len(nodes))
        limits[known] = guarantee.lookup(
            [name for name, answered in zip(names, known, strict=True) if answered], thresholds
        )
        return stop(answers, chains, limits, whole=self.options.guarantee is None)
