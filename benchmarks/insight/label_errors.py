"""Whether the audit ranks wrong labels first, compared with cleanlab."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import frozen_sets
from benchmarks.insight.catalogs import fit_ngrams
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Catalog

KINDS = ("leaf", "sibling", "department")
RATES = (0.01, 0.03, 0.05)
FOLDS = 5


def plant_errors(catalog: "Catalog", kind: str, rate: float) -> "tuple[Catalog, NDArray[np.int64]]":
    """Swap a share of the labels.

    Args:
        catalog: Rows whose labels are right.
        kind: With what: any ``"leaf"``, a ``"sibling"``, or a leaf of another ``"department"``.
        rate: The share of rows.

    Returns:
        The catalog with the wrong labels, and which rows have them.
    """
    tree = catalog.tree
    rng = np.random.default_rng([11, KINDS.index(kind), round(1_000 * rate)])
    targets, used = catalog.targets.copy(), np.unique(catalog.targets)
    department = tree.chains[used, 0]
    rows: list[int] = []
    for row in rng.permutation(len(catalog)).tolist():
        if len(rows) == round(rate * len(catalog)):
            break
        label = int(targets[row])
        pool = {
            "leaf": used[used != label],
            "sibling": np.intersect1d(tree.siblings(label), used),
            "department": used[department != tree.chains[label, 0]],
        }[kind]
        if len(pool):
            targets[row] = rng.choice(pool)
            rows.append(row)
    return dataclasses.replace(catalog, targets=targets), np.array(rows)


def cached_probabilities(
    place: Path, noisy: "Catalog", fold: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Probabilities of models that have not seen the row, float32 [row, outcome].

    They are kept in a file, as they take minutes.
    """
    if place.exists():
        kept: NDArray[np.float32] = np.load(place)["probabilities"].astype(np.float32)
        return kept
    probabilities = np.zeros((len(noisy), len(noisy.tree.outcomes)), np.float16)
    for number in range(FOLDS):
        held_out = np.flatnonzero(fold == number)
        classifier = fit_ngrams(noisy.take(fold != number))
        probabilities[held_out] = classifier.predict_proba(noisy.take(held_out))
    np.savez_compressed(place, probabilities=probabilities)
    return probabilities.astype(np.float32)


def cleanlab_precisions(
    labels: NDArray[np.int64], probabilities: NDArray[np.float32], planted: NDArray[np.bool_]
) -> dict[str, float]:
    """Precision of cleanlab's rankings among as many rows as were planted.

    Args:
        labels: The outcome of each row's label.
        probabilities: float32 [row, outcome].
        planted: Whether the row's label was swapped.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    used = np.unique(labels)  # cleanlab wants every class among the labels
    classes = np.searchsorted(used, labels)
    seen = probabilities[:, used] / probabilities[:, used].sum(axis=1, keepdims=True)
    k = int(planted.sum())
    precision = {}
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        score = get_label_quality_scores(classes, seen, method=method)
        worst = np.argsort(score, kind="stable")[:k]
        precision[f"cleanlab, {method}"] = float(planted[worst].mean())
    issues: Any = find_label_issues(classes, seen, return_indices_ranked_by="self_confidence")
    precision["cleanlab, find_label_issues"] = float(planted[issues[:k]].sum() / k)
    return precision


def swap_labels(options: Options, name: str, kind: str) -> list[Row]:
    """Precision at as many rows as were planted, of prodcat's ranking and of cleanlab's."""
    from prodcat.insight.audit import audit_labels, folds_of, out_of_fold

    train, _, _ = frozen_sets.read(options.data, name, "all")
    tree = train.tree
    outcome_of = np.full(len(tree), -1)
    outcome_of[tree.outcomes] = np.arange(len(tree.outcomes))
    fold, keys = folds_of(train, FOLDS, 11)
    results = []
    for rate in RATES:
        noisy, rows = plant_errors(train, kind, rate)
        place = options.work / f"swaps-{name}-{kind}-{rate}.npz"
        probabilities = cached_probabilities(place, noisy, fold)
        planted = np.zeros(len(train), bool)
        planted[rows] = True
        audit = audit_labels(noisy, out_of_fold(probabilities, noisy.targets, tree), keys)
        precision = {"prodcat": float(planted[audit.rows[audit.ranked][: len(rows)]].mean())}
        precision |= cleanlab_precisions(outcome_of[noisy.targets], probabilities, planted)
        results.append(
            {
                "rate": rate,
                "planted": len(rows),
                "precision": precision,
                "contradicted": int(audit.contradicted.sum()),
            }
        )
        print(kind, results[-1], flush=True)
    return results
