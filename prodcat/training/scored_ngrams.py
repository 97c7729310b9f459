"""N-grams with their scores of the titles to validate on: for all rows, and for titles alone."""

import copy
import logging
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import are_titles_alone
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.reader import Reader
from prodcat.classifier.title_branch import FEWEST_CALIBRATED, TitleBranch
from prodcat.decisions.calibration import fit_weights, rows_to_fit
from prodcat.decisions.cascade import fit_cascade
from prodcat.decisions.weights import Weights
from prodcat.model.lexical import LexicalBranch
from prodcat.model.network import Network
from prodcat.training.dataset import Dataset
from prodcat.training.lexical_fit import (
    SHARE_TO_MEASURE,
    FittedNGrams,
    count_ngrams,
    fit_lexical,
    out_of_fold_margins,
)
from prodcat.training.precision import pick_precision
from prodcat.training.settings import Setup

logger = logging.getLogger("prodcat")


@dataclass(frozen=True)
class ScoredNGrams:
    """Fitted n-grams with their scores of the titles to validate on.

    Attributes:
        dataset: The rows.
        fitted: The n-grams.  Without folds they did not learn the titles to validate on.
        margins: float32 [titles, choice]: the scores of the titles to validate on by n-grams that
            did not learn them.
    """

    dataset: Dataset
    fitted: FittedNGrams
    margins: Tensor

    @classmethod
    def fit(
        cls, dataset: Dataset, setup: Setup, warm: Classifier | None, progress: bool
    ) -> "ScoredNGrams":
        """Fit n-grams to the rows to train on, and score the titles to validate on.

        Args:
            dataset: The rows.
            setup: The settings of the fit.
            warm: A classifier whose machines are reused, or None.
            progress: Whether to show a progress bar of the machines that are solved.
        """
        taxonomy, folds, rows = dataset.taxonomy, dataset.folds, dataset.training_rows
        if folds is None:
            # They are solved again at the end, unless the validation titles are not learned.
            share = SHARE_TO_MEASURE if setup.training.learn_validation else 1.0
            fitted = fit_lexical(rows, taxonomy, setup, progress=progress, share=share)
            return cls(dataset, fitted, fitted.margins(dataset.validation_rows.texts))
        counted = count_ngrams(rows, setup, warm, progress)
        fitted = fit_lexical(rows, taxonomy, setup, warm, dataset.counts, progress, counted)
        margins = out_of_fold_margins(
            rows, folds.fold, folds.asked, taxonomy, setup, progress, counted
        )
        return cls(dataset, fitted, margins)

    def final(self, setup: Setup, warm: Classifier | None) -> FittedNGrams:
        """The n-grams that learned every title; arguments as for :meth:`fit`."""
        rows, taxonomy = self.dataset.final_rows, self.dataset.taxonomy
        return fit_lexical(rows, taxonomy, setup, warm, self.dataset.counts)


@dataclass(frozen=True)
class Branches:
    """The n-grams of a training.

    Attributes:
        columns: Those that learned the rows with their further texts.
        titles: Those that learned titles alone, or None if no row has a further text.
        alone: bool [titles]: which of the titles to validate on have no further text.
    """

    columns: ScoredNGrams
    titles: ScoredNGrams | None
    alone: NDArray[np.bool_]

    @classmethod
    def fit(
        cls, dataset: Dataset, setup: Setup, warm: Classifier | None, progress: bool
    ) -> "Branches":
        """Fit the n-grams of both kinds; arguments as for :meth:`ScoredNGrams.fit`."""
        columns = ScoredNGrams.fit(dataset, setup, warm, progress)
        titles, stripped = None, dataset.titles_alone()
        if stripped is not None:
            titles = ScoredNGrams.fit(stripped, setup, _of_titles(warm), progress)
        return cls(columns, titles, are_titles_alone(dataset.validation_rows.texts))

    @cached_property
    def margins(self) -> Tensor:
        """The scores of the titles to validate on by those n-grams that answer such rows."""
        if self.titles is None:
            return self.columns.margins
        alone = torch.from_numpy(self.alone)[:, None]
        return torch.where(alone, self.titles.margins, self.columns.margins)

    def in_reader(self, reader: Reader, setup: Setup) -> Reader:
        """The reader with the branch of titles alone, and the calibrations of both.

        Args:
            reader: A reader of all rows, calibrated for all of them alike.
            setup: The settings of the fit.
        """
        if self.titles is None:
            return reader
        fitted = self.titles.fitted
        branch = TitleBranch(fitted.ngrams, fitted.branch, reader.weights).to(reader.device)
        reader = replace(reader, title_branch=branch)
        weights, columns = reader.weights, np.flatnonzero(~self.alone)
        if len(columns) < FEWEST_CALIBRATED and setup.ranks.writes:
            logger.warning(
                "Only %d of the titles to validate on have further texts, too few to calibrate "
                "such rows on: their confidence may be wrong. Give at least %d, as validation=.",
                len(columns),
                FEWEST_CALIBRATED,
            )
        if FEWEST_CALIBRATED <= len(columns) < len(self.alone):
            weights = _weights(reader, self.columns, columns, setup)
        every = np.arange(len(self.alone))
        branch = replace(branch, weights=_weights(reader, self.titles, every, setup))
        return replace(reader, weights=weights, title_branch=branch)

    def with_cascade(self, reader: Reader, setup: Setup) -> Reader:
        """The reader with a cascade that is chosen on the titles to validate on.

        Args:
            reader: A calibrated reader, with the n-grams that did not learn these titles.
            setup: The settings of the fit.
        """
        rows = (
            np.flatnonzero(~self.alone) if self.titles is not None else np.arange(len(self.alone))
        )
        if reader.network.encoder is None or not len(rows):
            return reader
        targets, encoder, margins = _evidence(reader, self.columns, rows, setup)
        assert encoder is not None
        paths, method = reader.network.paths, setup.training.calibration
        cascade, _ = fit_cascade(paths, targets, (encoder, margins), reader.weights, method)
        return replace(reader, cascade=setup.ranks.agree(cascade))

    def finished(self, reader: Reader, setup: Setup, warm: Classifier | None) -> Reader:
        """The reader with n-grams that learned every title; arguments as above."""
        final = self.columns.final(setup, warm)
        network = _with_lexical(reader.network, final.branch.to(reader.device))
        reader = replace(reader, network=network, ngrams=final.ngrams)
        if self.titles is None or reader.title_branch is None:
            return reader
        of_titles = self.titles.final(setup, _of_titles(warm))
        branch = TitleBranch(of_titles.ngrams, of_titles.branch, reader.title_branch.weights)
        return replace(reader, title_branch=branch.to(reader.device))


def _weights(
    reader: Reader, scored: ScoredNGrams, rows: NDArray[np.int64], setup: Setup
) -> Weights:
    """The calibration of some of the titles to validate on, as these n-grams read them."""
    targets, encoder, margins = _evidence(reader, scored, rows, setup)
    method = setup.training.calibration
    weights = fit_weights(reader.network.paths, targets, encoder, margins, method)
    return setup.ranks.agree(weights)


def _evidence(
    reader: Reader, scored: ScoredNGrams, rows: NDArray[np.int64], setup: Setup
) -> tuple[Tensor, Tensor | None, Tensor]:
    """The labels of some of the titles to validate on, and their scores by encoder and n-grams.

    Of more rows than a calibration is fitted on, a sample is scored.
    """
    rows = rows[rows_to_fit(len(rows), len(reader.network.paths.outcomes))]
    validation = scored.dataset.validation_rows.take(rows)
    encoder = None
    if reader.network.encoder is not None:
        inference = reader.inference(pick_precision(setup.training.precision, reader.device))
        with torch.no_grad():
            encoder, _ = inference.evidence(inference.prepare(validation.texts))
    targets = torch.from_numpy(validation.targets).to(reader.device)
    return targets, encoder, scored.margins[torch.from_numpy(rows)].to(reader.device)


def _of_titles(warm: Classifier | None) -> Classifier | None:
    """A classifier as if its branch of titles alone read all rows; None without such a branch."""
    titles = None if warm is None else warm.reader.title_branch
    if warm is None or titles is None:
        return None
    network = _with_lexical(warm.network, titles.lexical)
    reader = replace(warm.reader, network=network, ngrams=titles.ngrams, text_columns=())
    return replace(warm, reader=reader)


def _with_lexical(network: Network, lexical: LexicalBranch) -> Network:
    """The same network with another lexical branch."""
    network = copy.copy(network)
    network._modules = dict(network._modules)
    network.lexical = lexical
    return network
