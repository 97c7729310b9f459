"""The release gate: a candidate goes to production if it is better, and a report says why."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.reading import read_catalog
from prodcat.classifier.classifier import Classifier


@dataclass(frozen=True)
class GateReport:
    """Whether a candidate may go to production.

    Attributes:
        country: The name of the country.
        candidate: The version of the candidate.
        production: The version in production, or None.
        rows: Number of frozen titles on which all were compared.
        accuracy: Path accuracies by ``"candidate"``, ``"production"`` and ``"baseline"``.
        margin: How much higher than production's the candidate's path accuracy had to be.
        difference: Path accuracy of the candidate minus production's, with its 95 % interval;
            None without production, or if their trees differ.
        passed: Whether the candidate may go to production.
        reasons: Why it may, or why not, in sentences.
        notes: Further remarks, in sentences.
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
        """The report as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """The report as Markdown."""
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


def compare_candidate(
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
        country: The name of the country.
        candidate: The new classifier.
        production: The classifier in production, or None.
        baseline: A classifier of n-grams alone, trained on the same titles.
        catalog: Frozen labelled titles, with the candidate's tree.
        margin: How much higher than production's the candidate's path accuracy must be.
        versions: The versions of candidate and production.

    Returns:
        Whether the candidate may go to production, and why.
    """
    evaluation = candidate.evaluate(catalog)
    accuracy = {"candidate": evaluation.path_accuracy}
    difference = None
    if production is not None and production.taxonomy.hash == catalog.tree.hash:
        other = production.evaluate(catalog)
        accuracy["production"] = other.path_accuracy
        difference = asdict(evaluation.compare(other).differences["path_accuracy"])
    elif production is not None:
        accuracy["production"] = _accuracy_by_path(production, catalog)
    accuracy["baseline"] = baseline.evaluate(catalog).path_accuracy
    passed, reasons = _verdict(accuracy, margin)
    return GateReport(
        country=country,
        candidate=versions[0],
        production=versions[1],
        rows=evaluation.rows,
        accuracy=accuracy,
        margin=margin,
        difference=difference,
        passed=passed,
        reasons=tuple(reasons),
        notes=() if production is None else (_note(difference),),
    )


def _verdict(accuracy: Mapping[str, float], margin: float) -> tuple[bool, list[str]]:
    """Whether the candidate may go to production, and why or why not."""
    candidate, baseline = accuracy["candidate"], accuracy["baseline"]
    passed, reasons = True, ["There is no version in production yet."]
    if "production" in accuracy:
        gain = candidate - accuracy["production"]
        passed = gain >= margin
        verdict = "beats" if passed else "does not beat"
        reasons = [f"It {verdict} production by the margin: {gain:+.4f}, expected {margin:+.4f}."]
    if candidate < baseline:
        passed = False
        reasons.append(f"It loses to n-grams alone: {candidate:.4f} against {baseline:.4f}.")
    return passed, reasons


def _note(difference: Mapping[str, float] | None) -> str:
    """How certain the difference to production is."""
    if difference is None:
        return "The trees differ: production is wrong wherever it lacks the category."
    low, high = difference["low"], difference["high"]
    return f"The 95 % interval of the difference is {low:+.4f} to {high:+.4f}."


def _accuracy_by_path(production: Classifier, catalog: Catalog) -> float:
    """Production's path accuracy on the same rows; paths of the two trees are compared by name."""
    labelled = catalog.take(catalog.labelled)
    truths = [catalog.tree.paths[node] for node in labelled.targets.tolist()]
    table = {"title": list(labelled.titles), **{n: list(t) for n, t in labelled.texts.items()}}
    plain = read_catalog(table, path=None, text=list(labelled.texts))
    answers = production.predict(plain)
    right = sum(best.path == truth for [best], truth in zip(answers, truths, strict=True))
    return right / len(truths)
