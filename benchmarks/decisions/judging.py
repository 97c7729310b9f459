"""Calibration, objectives and promises on the test titles."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.decisions.models import JudgedTest
from benchmarks.decisions.promises import ALPHAS, draw_calibration_titles
from benchmarks.frozen_sets import read
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from torch import Tensor

    from prodcat import Catalog, Classifier, Guarantee
    from prodcat.decisions.answers import Answers

STAGES = ("uncalibrated", "temperature", "levels", "adaptive")
OBJECTIVES = ("path", "hierarchical_f1", "tree_distance")


def judge_classifier(dataset: str, seed: int, options: Options) -> Row:
    """Judge a classifier on the test titles in every stage and for every objective."""
    import prodcat

    _, validation, test = read(options.data, dataset, "all")
    classifier = prodcat.load(str(options.work / f"model_{dataset}_{seed}"), device="cpu")
    judged = JudgedTest(classifier, test)
    counts = np.zeros(len(test.tree), np.int64)
    counts[judged.place[:-1]] = classifier.counts
    rows: list[Row] = []
    correct: dict[str, Any] = {}
    best: Answers | None = None
    for stage, log_probs in stages(judged, classifier, validation).items():
        for objective in OBJECTIVES if stage == "adaptive" else OBJECTIVES[:1]:
            answers = decode(judged, objective, log_probs)
            result = judged.evaluate(answers, counts=counts)
            values = result.to_dict()
            for name in ("confusions", "confusion_groups", "risk_coverage"):
                del values[name]
            rows.append(
                {"kind": "evaluation", "data": dataset, "seed": seed, "stage": stage,
                 "objective": objective, **values}
            )  # fmt: skip
            correct[f"{stage}_{objective}"] = result.correct
            if objective == "path" and stage == "adaptive":
                best = answers
                if seed == 0:
                    picture = Path(__file__).with_name(f"{dataset}.png")
                    result.plot().savefig(picture, dpi=70)
    assert best is not None
    promised = promises_on_test(judged, classifier, validation, best)
    guarantee = measure_promise(classifier, validation, by_department=True)
    drawn = draw_calibration_titles(judged, best, guarantee.reference, seed)
    rows += [
        {"kind": row.pop("kind"), "data": dataset, "seed": seed, **row} for row in promised + drawn
    ]
    np.savez(options.work / f"judge_{dataset}_{seed}.npz", **correct)
    return {"rows": rows}


def stages(
    judged: JudgedTest, classifier: "Classifier", validation: "Catalog"
) -> "dict[str, Tensor]":
    """The log-probabilities of the test titles, float [title, outcome], by calibration."""
    import torch

    from prodcat.catalog.targets import targets_in
    from prodcat.decisions.calibration import fit_weights
    from prodcat.decisions.weights import Weights

    paths = judged.paths
    targets = torch.tensor(targets_in(validation, classifier.taxonomy))
    inference = classifier.inference()
    with torch.no_grad():
        test_scores = inference.evidence(inference.prepare(list(judged.catalog.titles)))
        scores = inference.evidence(inference.prepare(list(validation.titles)))
    weights: dict[str, Weights] = {
        "uncalibrated": Weights.neutral(classifier.taxonomy.depth),
        "temperature": fit_weights(paths, targets, *scores, "temperature"),
        "levels": fit_weights(paths, targets, *scores, "levels"),
        "adaptive": classifier.weights,
    }
    return {stage: weights[stage](paths, *test_scores) for stage in STAGES}


def decode(judged: JudgedTest, objective: str, log_probs: "Tensor") -> "Answers":
    """The best answers for an objective."""
    from prodcat.decisions.decoding import decoder
    from prodcat.decisions.objectives import pick_objective

    return decoder(judged.paths, pick_objective(objective))(log_probs)


def promises_on_test(
    judged: JudgedTest, classifier: "Classifier", validation: "Catalog", answers: "Answers"
) -> list[Row]:
    """Promises that were measured on the validation titles, used on the test titles."""
    from prodcat.decisions.conformal import stop

    nodes = judged.nodes(answers)
    chains = judged.chains[nodes]
    departments = [judged.tree.ids[top] for top in chains[:, 0]]
    width = answers.level_confidence.shape[2]
    rows: list[Row] = []
    for by_department in (False, True):
        guarantee = measure_promise(classifier, validation, by_department)
        for alpha in ALPHAS:
            limits = guarantee.lookup(
                departments if by_department else [""] * len(nodes),
                guarantee.node_thresholds(1 - alpha),
            )
            stopped = stop(answers, chains[:, :width], limits, whole=False)
            result = judged.evaluate(stopped, stopped.nodes[:, 0].numpy())
            ends = [level.answers_end for level in result.levels]
            rows.append(
                {"kind": "validation to test", "alpha": alpha, "by_department": by_department,
                 "titles": len(guarantee), "coverage": result.coverage,
                 "answers_end": [result.answers_end_at_root, *ends]}
            )  # fmt: skip
    return rows


def measure_promise(
    classifier: "Classifier", validation: "Catalog", by_department: bool
) -> "Guarantee":
    """A guarantee that was measured on the validation titles."""
    guarantee = classifier.with_guarantee(
        validation, by_department=by_department, pool_below=19 if by_department else 0
    ).guarantee
    assert guarantee is not None
    return guarantee
