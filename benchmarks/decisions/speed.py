"""How fast answers are found, and whether the cost grows with the tree as it should."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.judging import OBJECTIVES
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Taxonomy

SHOPIFY = (500, 1_000, 2_000, 5_000, 20_000)  # nodes at most


def rows_per_second(work: Callable[[], object], rows: int, repeats: int = 15) -> float:
    """The median of several runs."""
    work()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return rows / float(np.median(seconds))


def hiclass_decoder(tree: "Taxonomy", beliefs: NDArray[Any]) -> Callable[[], object]:
    """HiClass's own way down the tree, with local classifiers that look their answer up.

    Args:
        tree: The tree.
        beliefs: The probability of every node, [row, node].
    """
    from hiclass import LocalClassifierPerParentNode
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassifierMixin

    class LookUp(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, features: Any, labels: Any, sample_weight: Any = None) -> "LookUp":
            self.classes_ = np.unique(labels)
            # HiClass names a node by its whole path; ours end in the node's number.
            self.columns_ = np.array([int(str(c).rsplit(":", 1)[-1]) for c in self.classes_])
            self.n_features_in_ = features.shape[1]
            return self

        def predict(self, features: Any) -> Any:
            return self.classes_[features[:, self.columns_].argmax(axis=1)]

    chains = tree.chains[tree.outcomes]
    labels = np.where(chains >= 0, chains.astype(str), "")
    model = LocalClassifierPerParentNode(local_classifier=LookUp(), n_jobs=1)
    model.fit(csr_matrix((len(chains), len(tree))), labels)
    return lambda: model.predict(beliefs)


def trees(options: Options) -> "list[tuple[str, Taxonomy]]":
    """An even tree, and Shopify's: whole departments, smallest first."""
    from prodcat.taxonomy.reading import read_taxonomy
    from prodcat.taxonomy.tree import Taxonomy

    even = [(f"a{i % 8}", f"b{i % 40}", f"c{i % 240}", f"d{i}") for i in range(1_200)]
    made = [("even, 1,200 leaves", Taxonomy.from_paths(even))]
    whole = read_taxonomy(str(options.data / "taxonomy-shopify" / "en.jsonl.gz"))
    departments = sorted(whole.children(), key=lambda n: int(whole.spans[n, 1] - whole.spans[n, 0]))
    for most in SHOPIFY:
        paths: list[tuple[str, ...]] = []
        for top in departments:
            department = [path for path in whole.paths if path[0] == whole.names[top]]
            if len(paths) + len(department) <= most:
                paths += department
        small = Taxonomy.from_paths(paths, inner="partial")
        made.append((f"Shopify, {len(small):,} nodes", small))
    return made


def measure_speed(options: Options) -> Row:
    """Rows a second of every objective and of HiClass on trees of several sizes, one thread."""
    import logging

    import torch

    from prodcat.decisions.decoding import decoder
    from prodcat.decisions.objectives import pick_objective
    from prodcat.model.path_model import PathModel

    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    rows: list[Row] = []

    def add(name: str, tree: "Taxonomy", system: str, speed: float) -> None:
        rows.append(
            {"kind": "speed", "tree": name, "nodes": len(tree), "outcomes": len(tree.outcomes),
             "system": system, "rows_per_second": speed, "ns_per_node": 1e9 / speed / len(tree)}
        )  # fmt: skip
        print(rows[-1], flush=True)

    for name, tree in trees(options):
        model = PathModel(tree)
        count = int(min(8_192, 6_000_000 // len(tree.outcomes)))
        log_probs = (torch.randn(count, len(tree.outcomes)) * 3).log_softmax(1)
        for objective in OBJECTIVES:
            decode = decoder(model, pick_objective(objective))
            speed = rows_per_second(partial(decode, log_probs), count)
            add(name, tree, f"prodcat, {objective}", speed)
        sample = min(count, 200)
        beliefs = model.node_probs(log_probs[:sample].exp()).numpy()
        speed = rows_per_second(hiclass_decoder(tree, beliefs), sample, repeats=3)
        add(name, tree, "HiClass, top down", speed)
    return {"rows": rows}
