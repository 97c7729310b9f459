"""The release gate: a candidate goes to production where it is better, and it is said why."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from prodcat.catalog.catalog import Catalog, read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.evaluation.metrics import Comparison, Evaluation


@dataclass(frozen=True)
class GateReport:
    """Whether a candidate may go to production.

    Attributes:
        country: Whose.
        candidate: Its version.
        production: The version in production, or None.
        rows: Frozen titles that all were judged on.
        accuracy: Path accuracies by ``"candidate"``, ``"production"`` and ``"baseline"``.
        margin: What the candidate's had to be above production's.
        difference: Candidate minus production, with its 95 % interval, where their trees are
            the same.
        passed: Whether it may.
        reasons: Why, or why not.
        notes: What else should be known.
    """

    country: str
    candidate: str
    production: str | None
    rows: int
    accuracy: dict[str, float]
    margin: float
    difference: dict[str, Any] | None
    passed: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> str:
        """For programs."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """For people."""
        verdict = "promoted" if self.passed else "published, not promoted"
        lines = [
            f"# {self.candidate}: {verdict}",
            "",
            *(f"- {reason}" for reason in self.reasons),
            *(f"- {note}" for note in self.notes),
            "",
            f"| on {self.rows:,} frozen titles | path accuracy |",
            "|---|---|",
            *(f"| {name} | {value:.4f} |" for name, value in self.accuracy.items()),
        ]
        return "\n".join(lines) + "\n"


def judge(
    country: str,
    candidate: Classifier,
    production: Classifier | None,
    baseline: Classifier,
    catalog: Catalog,
    margin: float,
    versions: tuple[str, str | None],
) -> GateReport:
    """Compare a candidate with production and with the cheap baseline, on the same rows.

    Args:
        country: Whose.
        candidate: The new classifier.
        production: The one in production, if there is one.
        baseline: A classifier of n-grams alone, trained on the same titles.
        catalog: Frozen labelled titles, with the candidate's tree.
        margin: What the candidate's path accuracy must be above production's.
        versions: Of candidate and production.
    """
    judged = candidate.evaluate(catalog)
    accuracy = {"candidate": judged.path_accuracy}
    reasons: list[str] = []
    notes: list[str] = []
    difference = None
    passed = True
    if production is None:
        reasons.append("There is no version in production yet.")
    else:
        theirs, compared = _of_production(production, catalog, judged)
        accuracy["production"] = theirs
        gain = judged.path_accuracy - theirs
        passed = gain >= margin
        verdict = "beats" if passed else "does not beat"
        reasons.append(f"It {verdict} production by the margin: {gain:+.4f}, wanted {margin:+.4f}.")
        if compared is not None:
            own = compared.differences["path_accuracy"]
            difference = asdict(own)
            notes.append(
                f"The 95 % interval of the difference is {own.low:+.4f} to {own.high:+.4f}."
            )
        else:
            notes.append("The trees differ: where production lacks a category it is wrong.")
    cheap = baseline.evaluate(catalog).path_accuracy
    accuracy["baseline"] = cheap
    if judged.path_accuracy < cheap:
        passed = False
        reasons.append(
            f"It loses to n-grams alone: {judged.path_accuracy:.4f} against {cheap:.4f}."
        )
    return GateReport(
        country=country,
        candidate=versions[0],
        production=versions[1],
        rows=judged.rows,
        accuracy=accuracy,
        margin=margin,
        difference=difference,
        passed=passed,
        reasons=tuple(reasons),
        notes=tuple(notes),
    )


def _of_production(
    production: Classifier, catalog: Catalog, judged: Evaluation
) -> tuple[float, Comparison | None]:
    """Production's path accuracy on the same rows, and the paired comparison if it can be made."""
    if production.taxonomy.hash == catalog.tree.hash:
        own = production.evaluate(catalog)
        return own.path_accuracy, judged.compare(own)
    labelled = catalog.take(catalog.labelled)
    truths = [catalog.tree.paths[node] for node in labelled.targets.tolist()]
    table = {"title": list(labelled.titles), **{n: list(t) for n, t in labelled.texts.items()}}
    plain = read_catalog(table, path=None, text=list(labelled.texts))
    answers = production.predict(plain)
    right = sum(best.path == truth for [best], truth in zip(answers, truths, strict=True))
    return right / len(truths), None
