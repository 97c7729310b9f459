"""The last step to an answer: from log-probabilities to what the options ask for."""

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

# From log-probabilities and the groups of the rows, if any, to answers.
Decide = Callable[[Tensor, Sequence[str] | None], Answers]


@dataclass(frozen=True, eq=False)
class Decider:
    """Decides on answers; the options are checked when it is made, before any title is read.

    Attributes:
        taxonomy: The tree.
        paths: The same tree as tensors, on the device of the log-probabilities.
        guarantee: What was measured on calibration titles, or None.
        options: What is asked for.

    Raises:
        ConfigError: The options do not go together, or the guarantee cannot be given.
    """

    taxonomy: Taxonomy
    paths: PathModel
    guarantee: Guarantee | None = None
    options: AnswerOptions = field(default_factory=AnswerOptions)
    _decide: Decide = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_decide", self._made())

    def __call__(self, log_probs: Tensor, groups: Sequence[str] | None) -> Answers:
        """Answer rows.

        Args:
            log_probs: float [batch, outcome].
            groups: The group of each row, where a guarantee is by a column.
        """
        return self._decide(log_probs, groups)

    def with_options(self, options: AnswerOptions) -> "Decider":
        """The same tree and guarantee, asked for something else.

        Raises:
            ConfigError: The options do not go together, or the guarantee cannot be given.
        """
        return replace(self, options=options)

    def group_column(self, promised: bool) -> str | None:
        """The column that tells a title's group where something is promised by it, or None."""
        guarantee = self.guarantee if promised else None
        by_column = guarantee is not None and guarantee.group_by != DEPARTMENT
        return guarantee.group_by if guarantee is not None and by_column else None

    def chains(self, nodes: Tensor) -> NDArray[np.int64]:
        """Ancestors of nodes, int64 [rows, level]; none for the root, -1."""
        chains: NDArray[np.int64] = self.paths.chains[nodes].cpu().numpy()
        return chains

    def departments(self, nodes: NDArray[np.int64]) -> list[str]:
        """The id of the top-level node above each node; empty for the root, -1."""
        top = self.taxonomy.chains[nodes, 0]
        return [self.taxonomy.ids[d] if n >= 0 else "" for d, n in zip(top, nodes, strict=True)]

    def __getstate__(self) -> dict[str, Any]:
        """All but the function, which is made anew: functions cannot be pickled."""
        return {own.name: getattr(self, own.name) for own in fields(self) if own.init}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the fields, and make the function."""
        self.__dict__.update(state)
        self.__post_init__()

    def _made(self) -> Decide:
        paths, options = self.paths, self.options
        if options.promises:
            return self._promising()
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

    def _promising(self) -> Decide:
        """Decide such that a promise holds, which the guarantee was measured for."""
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
        """Answers that end where the promise asks for it."""
        nodes, chains = answers.nodes[:, 0].cpu().numpy(), self.chains(answers.nodes[:, 0])
        names = groups
        if names is None:
            by_department = guarantee.group_by == DEPARTMENT
            names = self.departments(nodes) if by_department else [""] * len(nodes)
        known = nodes >= 0  # the root stays what it is, and belongs to no department
        limits = np.zeros(len(nodes))
        limits[known] = guarantee.lookup(
            [name for name, answered in zip(names, known, strict=True) if answered], thresholds
        )
        return stop(answers, chains, limits, whole=self.options.guarantee is None)
