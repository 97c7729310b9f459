"""Classifiers on the frozen sets, and the test rows over a tree of their own."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_sets import chain, read
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier, Evaluation
    from prodcat.decisions.answers import Answers

SETS = ("food-terms", "shop-titles-en")
SEEDS = (0, 1, 2)
EPOCHS = 3


def fit_model(dataset: str, seed: int, options: Options) -> Row:
    """Train with prodcat's defaults, and save the model in the work folder."""
    import prodcat

    train, validation, _ = read(options.data, dataset, "all")
    began = time.perf_counter()
    classifier = prodcat.fit(
        train,
        validation=validation,
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(epochs=EPOCHS, seed=seed),
        progress=False,
    )
    seconds = time.perf_counter() - began
    classifier.save(str(options.work / f"model_{dataset}_{seed}"))
    return {"training_seconds": seconds}


class JudgedTest:
    """Test rows over the tree of training and test labels, so that none is left out.

    Args:
        classifier: Whose answers are judged.
        test: The test catalog.

    Attributes:
        place: int64 [node + 1]: where the classifier's nodes are in the test catalog's tree;
            the last one stands for the root.
        chains: int64 [node + 1, level]: ancestors in the test catalog's tree.
        paths: The classifier's tree as tensors.
    """

    def __init__(self, classifier: "Classifier", test: "Catalog") -> None:
        from prodcat.model.path_model import PathModel

        self.catalog, self.tree = test, test.tree
        tree = classifier.taxonomy
        node_of = {chain(self.tree, node): node for node in range(len(self.tree))}
        known = [node_of[chain(tree, node)] for node in range(len(tree))]
        self.place = np.array([*known, -1])
        self.chains = np.concatenate([self.tree.chains, np.full((1, self.tree.depth), -1)])
        self.paths = PathModel(tree)

    def nodes(self, answers: "Answers") -> NDArray[np.int64]:
        """The best answer of each row as a node of the test catalog's tree."""
        nodes: NDArray[np.int64] = self.place[answers.nodes[:, 0].numpy()]
        return nodes

    def evaluate(
        self, answers: "Answers", nodes: NDArray[np.int64] | None = None, **extra: Any
    ) -> "Evaluation":
        """Judge answers.

        Args:
            answers: Of all test rows.
            nodes: Where the answers end, if not as :meth:`nodes` says.
            extra: Further arguments of ``evaluate_nodes``.
        """
        from prodcat.evaluation.metrics import evaluate_nodes

        levels = np.zeros((len(self.catalog), self.tree.depth))
        confidence = answers.level_confidence[:, 0].numpy()
        levels[:, : confidence.shape[1]] = confidence
        return evaluate_nodes(
            self.tree,
            self.catalog.targets,
            self.nodes(answers) if nodes is None else nodes,
            answers.confidence[:, 0].numpy(),
            level_confidence=levels,
            exact=answers.exact,
            **extra,
        )
