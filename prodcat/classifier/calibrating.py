"""Fit the calibration of a classifier again, and measure the accuracy of each precision."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.fields import are_titles_alone, title_of
from prodcat.catalog.targets import targets_in
from prodcat.classifier.evaluating import evaluate, titled_rows
from prodcat.classifier.migration.calibration import calibrate_migrated
from prodcat.classifier.reader import Reader
from prodcat.classifier.title_branch import FEWEST_CALIBRATED
from prodcat.decisions.calibration import fit_weights, rows_to_fit
from prodcat.decisions.cascade import Cascade, fit_cascade
from prodcat.decisions.conformal import reference
from prodcat.decisions.decider import Decider
from prodcat.decisions.options import AnswerOptions
from prodcat.decisions.weights import Weights
from prodcat.errors import check_choice
from prodcat.model.config import Method
from prodcat.model.elementwise import exp
from prodcat.model.int8 import Ranges, measure_ranges
from prodcat.model.precisions import precisions
from prodcat.model.tokenization import tokenize

logger = logging.getLogger("prodcat")
_MOST_MEASURED = 10_000  # largest number of titles to measure accuracies on
_MOST_RANGED = 2_000  # largest number of titles to measure activations on


def calibrate(
    reader: Reader, decider: Decider, catalog: Catalog, method: Method
) -> tuple[Reader, NDArray[np.float64], list[str]]:
    """Fit the calibration again, on other titles.

    Args:
        reader: The reader whose calibration is fitted; it is not changed.
        decider: The decider of the same classifier.
        catalog: Labelled titles; rows whose title is empty are left out, and if titles times
            outcomes are more than 20 million, a sample of them is used.
        method: The kind of calibration; see :func:`prodcat.decisions.calibration.fit_weights`.

    Returns:
        The reader with the new calibration; quantiles of its confidences on the titles, float64,
        ascending; and the texts that were used.  If there is a branch of titles alone, its
        calibration is fitted on the titles of all rows, which are then among these texts, and the
        other one on the rows with further texts; it is kept if there are too few of them.

    Raises:
        CatalogError: No row is labelled, or a label is not in the tree.
        ConfigError: The method is not known.
    """
    labelled = titled_rows(catalog)
    check_choice("method", method, get_args(Method))
    targets = targets_in(labelled, decider.taxonomy)
    texts = reader.texts(labelled)
    used = rows_to_fit(len(texts), len(decider.taxonomy.outcomes))
    if len(used) < len(texts):
        logger.info("Calibrating on %d of %d titles.", len(used), len(texts))
        texts, targets = [texts[row] for row in used], targets[used]
    weights, titles, cascade = reader.weights, reader.title_branch, reader.cascade
    if reader.migrations is not None:
        reader, confidences = calibrate_migrated(reader, texts, targets, method)
        return reader, reference(confidences), texts
    if titles is None:
        weights, cascade, confidences = _fitted(reader, decider, texts, targets, method)
    else:
        alone = are_titles_alone(texts)
        confidences = np.full(len(texts), np.nan)
        with_texts = int((~alone).sum())
        if 0 < with_texts < FEWEST_CALIBRATED:
            logger.warning(
                "Only %d rows have further texts, too few to calibrate such rows on: they keep "
                "their calibration. Give at least %d.",
                with_texts,
                FEWEST_CALIBRATED,
            )
        if with_texts >= FEWEST_CALIBRATED:
            columns = [text for text, is_alone in zip(texts, alone, strict=True) if not is_alone]
            weights, cascade, confidences[~alone] = _fitted(
                reader, decider, columns, targets[~alone], method
            )
        every = list(map(title_of, texts))
        of_titles, _, by_titles = _fitted(reader, decider, every, targets, method, cascades=False)
        confidences[alone] = by_titles[alone]
        titles = replace(titles, weights=of_titles)
        texts = [*texts, *every]
    reader = replace(reader, weights=weights, title_branch=titles, cascade=cascade)
    return reader, reference(confidences[~np.isnan(confidences)]), texts


def uncalibrated(reader: Reader) -> Reader:
    """The same reader with neutral weights."""
    weights, titles = Weights.neutral(len(reader.weights.levels)), reader.title_branch
    titles = None if titles is None else replace(titles, weights=weights)
    changes = None if reader.migrations is None else reader.migrations.uncalibrated()
    return replace(reader, weights=weights, title_branch=titles, cascade=None, migrations=changes)


def _fitted(
    reader: Reader,
    decider: Decider,
    texts: list[str],
    targets: NDArray[np.int64],
    method: Method,
    cascades: bool = True,
) -> tuple[Weights, Cascade | None, NDArray[np.float64]]:
    """The weights for texts that are all read alike, and the confidences, float64 [texts]."""
    inference = reader.inference()
    with torch.no_grad():
        encoder, lexical = inference.evidence(inference.prepare(texts))
    labels = torch.from_numpy(targets).to(reader.device)
    weights, cascade = fit_weights(decider.paths, labels, encoder, lexical, method), None
    confidences: Tensor
    if cascades and encoder is not None and lexical is not None:
        both = encoder, lexical
        cascade, confidences = fit_cascade(decider.paths, labels, both, weights, method)
    else:
        with torch.no_grad():
            log_probs: Tensor = weights.to(labels.device)(decider.paths, encoder, lexical)
        confidences = exp(log_probs.amax(dim=1))
    return weights, cascade, confidences.cpu().numpy()


def measure_precisions(
    reader: Reader,
    decider: Decider,
    catalog: Catalog,
    counts: NDArray[np.int64],
    known: Mapping[str, float] | None = None,
) -> Reader:
    """Measure the path accuracy of each precision in which the encoder can run.

    Float32's is measured on the labels.  That of another precision is float32's less what its other
    answers are expected to lose by float32's calibrated probabilities.  Two precisions give other
    answers only to few titles, most of them with two answers that are nearly as likely; which one
    of the two is the label is chance, and on 1,000 titles it decides over .1 points for each.

    Args:
        reader: The reader of the classifier; it is not changed.
        decider: The decider of the classifier.
        catalog: Labelled titles that training did not see; if there are more than 10,000, a sample
            of them is used.
        counts: int64 [nodes]: number of training titles labelled with each node.
        known: Path accuracies on all these titles that are known already, by precision; ignored if
            only a sample of the titles is used.

    Returns:
        The reader with the path accuracy of each precision, and the ranges that int8 needs.

    Raises:
        CatalogError: No row is labelled, or a label is not in the tree.
    """
    check_catalog(catalog)
    rows = np.unique(np.linspace(0, len(catalog) - 1, _MOST_MEASURED).astype(np.int64))
    measured_on, given = catalog, known or {}
    if len(rows) < len(catalog):
        measured_on, given = catalog.take(rows), {}
    names = precisions(reader.network.encoder)
    ranges, on_cpu, texts = None, reader, reader.texts(measured_on)
    if "int8" in names:  # which runs on CPUs only
        if reader.device.type != "cpu":
            on_cpu = reader.to("cpu")
        ranges = _measured_ranges(on_cpu, texts)
    reader, on_cpu = replace(reader, ranges=ranges), replace(on_cpu, ranges=ranges)
    exact = given.get("float32")
    if exact is None:
        options = AnswerOptions(precision="float32", cascade="off")  # the encoder reads every title
        decides = replace(decider, options=options)
        exact = evaluate(reader, decides, measured_on, counts).path_accuracy
    others = [name for name in names if name != "float32" and name not in given]
    reads = {name: on_cpu if name == "int8" else reader for name in others}
    accuracies = {"float32": exact, **given}
    for name, lost in _expected_losses(reader, reads, texts).items():
        accuracies[name] = max(exact - lost, 0.0)
    return replace(reader, accuracies={name: accuracies[name] for name in names})


def _expected_losses(
    exact: Reader, others: Mapping[str, Reader], texts: Sequence[str]
) -> dict[str, float]:
    """The path accuracy, 0 to 1, that each precision is expected to lose against float32.

    Args:
        exact: The reader, whose calibrated probabilities in float32 are taken as true.
        others: The reader for each other precision.
        texts: The texts of at least one title.
    """
    if not others:
        return {}
    chunks = [exact.log_probs(texts), *(r.log_probs(texts, n) for n, r in others.items())]
    losses = np.zeros(len(others))
    for log_probs, *faster in zip(*chunks, strict=True):
        probs = exp(log_probs.cpu().float())
        best = probs.amax(dim=1, keepdim=True)
        for place, other in enumerate(faster):
            picked = probs.gather(1, other.cpu().argmax(dim=1, keepdim=True))
            losses[place] += float((best - picked).sum())
    return dict(zip(others, (losses / len(texts)).tolist(), strict=True))


def _measured_ranges(reader: Reader, texts: Sequence[str]) -> Ranges | None:
    if not texts:
        return None
    rows = np.linspace(0, len(texts) - 1, min(len(texts), _MOST_RANGED)).astype(int)
    assert reader.network.encoder is not None and reader.tokenizer is not None
    table = tokenize(reader.tokenizer, [texts[row] for row in rows], reader.max_tokens)
    return measure_ranges(reader.network.encoder, table)
