"""The release gate, which decides whether a new version goes to production, and reports why."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.reading import read_catalog
from prodcat.catalog.relabelling import Relabelling
from prodcat.classifier.across_trees import SharedTitles, difference
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.measuring import with_baseline
from prodcat.errors import CatalogError
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.training.baseline import baseline_answers, baseline_texts

_SVM = "TF-IDF and a linear support vector machine of scikit-learn"


@dataclass(frozen=True)
class GateReport:
    """The decision whether a candidate may go to production.

    Attributes:
        country: The name of the country.
        candidate: The candidate's version, such as ``"tr@3"``.
        production: The version in production, or None if there is none.
        rows: The number of frozen titles on which the classifiers were compared; if the tree has
            changed, of those whose category both trees have.
        accuracy: The path accuracies of ``"candidate"``, ``"production"`` (if there is one),
            ``"baseline"`` (n-grams alone) and ``"svm"`` (TF-IDF and a linear support vector
            machine with scikit-learn's defaults, unless its weights take more than 4 GiB).
        margin: The smallest allowed value of ``difference``.
        difference: The path accuracy of the candidate minus that of production, with its 95 %
            interval: ``value``, ``low`` and ``high``.  None without production, or if the trees
            differ and it is not known what became of the categories.
        passed: Whether the candidate may go to production.
        reasons: Sentences that say why.
        notes: Sentences with further remarks.
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
        """The report as a JSON document."""
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
    catalogs: tuple[Catalog, Catalog],
    margin: float,
    versions: tuple[str, str | None],
    changes: TreeChanges | None = None,
) -> GateReport:
    """Decide whether a candidate may go to production, by path accuracies on the same rows.

    If the tree has changed, answers are compared where both trees can tell them from each other:
    those of production are carried over to the new tree, and the parts of a category that was split
    count as one.

    Args:
        country: The name of the country.
        candidate: The new classifier.
        production: The classifier in production, or None if there is none.
        baseline: A classifier that has only n-grams and was trained on the same titles.
        catalogs: The titles that the candidate learned, and frozen labelled titles, both with the
            candidate's tree.
        margin: The smallest allowed difference; see :attr:`GateReport.difference`.
        versions: The versions of candidate and production.
        changes: What has become of each category of production's tree, if it is another one.

    Returns:
        The decision and its reasons.
    """
    if production is not None and changes is not None:
        classifiers = {"candidate": candidate, "production": production, "baseline": baseline}
        return _across_trees(country, classifiers, catalogs, margin, versions, changes)
    catalog = catalogs[1]
    evaluation = candidate.evaluate(catalog)
    accuracy = {"candidate": evaluation.path_accuracy}
    gain = None
    if production is not None and production.taxonomy.hash == catalog.tree.hash:
        other = production.evaluate(catalog)
        accuracy["production"] = other.path_accuracy
        gain = asdict(evaluation.compare(other).differences["path_accuracy"])
    elif production is not None:
        accuracy["production"] = _accuracy_by_path(production, catalog)
    accuracy["baseline"] = baseline.evaluate(catalog).path_accuracy
    notes = [] if production is None else [_note(gain)]
    answers = _svm_answers(*catalogs)
    if answers is not None:
        compared = with_baseline(evaluation, catalog.tree, np.arange(len(answers)), answers)
        assert compared.baseline is not None
        accuracy["svm"] = compared.baseline.path_accuracy
        notes.append(f"The candidate is {compared.baseline.difference} against {_SVM}.")
    passed, reasons = _verdict(accuracy, margin)
    return GateReport(
        country, versions[0], versions[1], evaluation.rows, accuracy, margin, gain, passed,
        tuple(reasons), tuple(notes),
    )  # fmt: skip


def _across_trees(
    country: str,
    classifiers: Mapping[str, Classifier],
    catalogs: tuple[Catalog, Catalog],
    margin: float,
    versions: tuple[str, str | None],
    changes: TreeChanges,
) -> GateReport:
    """The decision for a candidate of another tree; see :func:`compare_candidate`."""
    shared = SharedTitles.of(catalogs[1], Relabelling(changes))
    if not len(shared):
        raise CatalogError(
            f"country {country!r}: no frozen title is in a category that both trees have, so that "
            "the new version cannot be compared with production. Add such titles to validation."
        )
    right = {name: shared.are_right(each) for name, each in classifiers.items()}
    gain = difference(right["candidate"], right["production"])
    notes = [
        f"The tree has changed: {len(shared):,} frozen titles are in categories that both trees "
        f"have, and {shared.left_out:,} in new ones, which are not compared.",
        _note(asdict(gain)),
    ]
    answers = _svm_answers(catalogs[0], shared.catalog)
    if answers is not None:
        right["svm"] = shared.are_same(answers)
        against = difference(right["candidate"], right["svm"])
        notes.append(f"The candidate is {against} against {_SVM}.")
    accuracy = {name: float(each.mean()) for name, each in right.items()}
    passed, reasons = _verdict(accuracy, margin)
    return GateReport(
        country, versions[0], versions[1], len(shared), accuracy, margin, asdict(gain), passed,
        tuple(reasons), tuple(notes),
    )  # fmt: skip


def _plain(catalog: Catalog) -> Catalog:
    """The titles and further texts of a catalog, without their categories."""
    table = {"title": list(catalog.titles), **{n: list(t) for n, t in catalog.texts.items()}}
    return read_catalog(table, path=None, text=list(catalog.texts))


def _svm_answers(learned: Catalog, frozen: Catalog) -> NDArray[np.int64] | None:
    """The answers of :func:`prodcat.training.baseline.baseline_answers` to the frozen titles."""
    learned, frozen = learned.take(learned.labelled), frozen.take(frozen.labelled)
    return baseline_answers(baseline_texts(learned), learned.targets, baseline_texts(frozen))


def _verdict(accuracy: Mapping[str, float], margin: float) -> tuple[bool, list[str]]:
    """Whether the candidate may go to production, and the reasons as sentences.

    Args:
        accuracy: The path accuracies by classifier; see :class:`GateReport`.
        margin: The smallest allowed difference; see :attr:`GateReport.difference`.
    """
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
    """A sentence about the certainty of the difference between candidate and production."""
    if difference is None:
        return "The trees differ: production is wrong wherever it lacks the category."
    low, high = difference["low"], difference["high"]
    return f"The 95 % interval of the difference is {low:+.4f} to {high:+.4f}."


def _accuracy_by_path(production: Classifier, catalog: Catalog) -> float:
    """The path accuracy of production, with another tree, if paths of equal names are equal."""
    labelled = catalog.take(catalog.labelled)
    truths = [catalog.tree.paths[node] for node in labelled.targets.tolist()]
    answers = production.predict(_plain(labelled))
    right = sum(best.path == truth for [best], truth in zip(answers, truths, strict=True))
    return right / len(truths)
