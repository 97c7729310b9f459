"""The trained classifier: its answers, and other classifiers made from it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat._version import __version__
from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import title_hashes
from prodcat.classifier.answer_nodes import AnswerNodes
from prodcat.classifier.calibrating import calibrate, measure_precisions, uncalibrated
from prodcat.classifier.codec import encode
from prodcat.classifier.evaluating import evaluate, groups_of
from prodcat.classifier.explanation.explaining_classifier import Explaining
from prodcat.classifier.guaranteeing import Grouping, measure_guarantee
from prodcat.classifier.migration.calibration import promising_after_merges
from prodcat.classifier.prediction import Predictions, predict_texts
from prodcat.classifier.reader import Reader
from prodcat.classifier.saving import save_files
from prodcat.classifier.titles import Titles, given_titles, title_columns
from prodcat.classifier.trimming import trimmed
from prodcat.decisions.decider import Decider
from prodcat.decisions.objectives import Objective
from prodcat.decisions.options import (
    AnswerKeywords,
    AnswerOptions,
    DecisionKeywords,
    EvaluationKeywords,
)
from prodcat.errors import (
    CATALOG_ADVICE,
    ConfigError,
    all_else_by_name,
    check_keywords,
    takes_keywords,
)
from prodcat.evaluation.evaluation import Evaluation
from prodcat.model.config import Method
from prodcat.model.elementwise import exp
from prodcat.model.vocabulary_report import VocabularyReport
from prodcat.storage.manifest import content_hash, describe


@dataclass(frozen=True, eq=False, repr=False)
class Classifier(Explaining):
    """A trained model, made by :func:`prodcat.fit` or :func:`prodcat.load`; it never changes.

    Its attributes and properties are those of :class:`ClassifierParts`.
    """

    # -- answers ------------------------------------------------------------------

    @takes_keywords(AnswerKeywords, top_k=1, certainty=0.95)
    def predict(
        self,
        titles: Titles,
        options: AnswerOptions | int | None = None,
        **named: Unpack[AnswerKeywords],
    ) -> Predictions:
        """Answer each title with the path that is best for an objective.

        Args:
            titles: Product titles in a list, generator, array or column of pandas, polars or
                Arrow; a table with a column ``title`` and the further columns of the training, as a
                frame, an Arrow table, a mapping of lists or a list of mappings; or a catalog.
            options: The options of the answers, or only their ``top_k``.
            named: Options by name, which override ``options``: ``top_k``, ``objective``,
                ``guarantee``, ``max_error``, ``certainty``, ``groups``, ``language``,
                ``precision`` and ``cascade``; see :class:`prodcat.AnswerOptions`.

        Returns:
            A list with the best paths of each title, at most ``top_k``, the best first.  A title
            that is empty, missing, or shows nothing gets the root alone, with a confidence of 0.

        Raises:
            CatalogError: There are no titles in it, one is not text, or the groups are missing.
            ConfigError: The options contradict each other, or the guarantee cannot be given.
            TaxonomyError: The tree has no names in ``language``.
        """
        check_keywords(Classifier.predict, named)
        asked = AnswerOptions.of(options, **named)
        nodes = AnswerNodes(self.taxonomy, asked.language)
        decide = self.decider.with_options(asked)
        group = self.decider.group_column(asked.promises)
        given = given_titles(titles, self.text_columns, group)
        texts = self.reader.texts_of(given)
        groups = groups_of(self.decider, given, asked.groups, asked.promises)
        inference = self.inference(asked.precision, asked.promises, asked.applied_cascade)
        answers = predict_texts(inference, decide, texts, groups, nodes)
        return Predictions(answers, title_columns(given), self.level_columns)

    def predict_proba(self, titles: Titles, *, precision: str = "float32") -> NDArray[np.float32]:
        """Compute the probability of every outcome, for which the encoder reads every title.

        Args:
            titles: Product titles, as for :meth:`predict`.
            precision: The precision of the encoder; see :class:`prodcat.AnswerOptions`.

        Returns:
            float32 [title, outcome]; column ``i`` is the path ``classifier.outcomes[i]``.

        Raises:
            CatalogError: There are no titles in it, or one is not text.
            ConfigError: The precision is not known, or not available here.
        """
        chunks = self.reader.log_probs(self.reader.texts(titles), precision)
        empty = np.zeros((0, len(self.taxonomy.outcomes)), np.float32)
        return np.concatenate([empty, *(exp(chunk).cpu().numpy() for chunk in chunks)])

    @all_else_by_name(CATALOG_ADVICE)
    @takes_keywords(EvaluationKeywords, certainty=0.95)
    def evaluate(
        self,
        catalog: Catalog,
        *,
        options: AnswerOptions | None = None,
        **named: Unpack[EvaluationKeywords],
    ) -> Evaluation:
        """Compare the answers for the labelled rows of a catalog with their categories.

        A row with an empty title, which ``read_catalog(on_error="accept")`` keeps, counts as it is
        answered by :meth:`predict`: with the root, which is no category.

        Args:
            catalog: Titles with their categories.
            options: The options of the answers; ``groups`` has one for each row of the catalog.
            named: Options by name, as for :meth:`predict`.

        Returns:
            The metrics of the answers.

        Raises:
            CatalogError: No row is labelled, or a label is not in this classifier's tree.
            ConfigError: The options contradict each other, or the guarantee cannot be given.
        """
        check_keywords(Classifier.evaluate, named)
        asked = AnswerOptions.of(options, **named)
        if asked.top_k > 1:
            raise ConfigError(
                f"top_k={asked.top_k} is not allowed in evaluate, which measures one answer for "
                "each title; expected 1. Leave top_k out."
            )
        decider = self.decider.with_options(asked)
        return evaluate(self.reader, decider, catalog, self.counts)

    @takes_keywords(DecisionKeywords, top_k=1, certainty=0.95)
    def decision(
        self, options: AnswerOptions | int | None = None, **named: Unpack[DecisionKeywords]
    ) -> Decider:
        """Check options of answers, without any titles, and get the decider that follows them.

        Args:
            options: The options of the answers, or only their ``top_k``.
            named: Options by name, as for :meth:`predict`.

        Returns:
            The decider, which turns log-probabilities into answers.

        Raises:
            ConfigError: The options contradict each other, or the guarantee cannot be given.
        """
        check_keywords(Classifier.decision, named)
        return self.decider.with_options(AnswerOptions.of(options, **named))

    # -- other classifiers made from this one -------------------------------------

    @all_else_by_name(CATALOG_ADVICE)
    def with_guarantee(
        self,
        catalog: Catalog,
        *,
        group: str | None = None,
        by_department: bool = False,
        pool_below: int = 0,
        objective: str | Objective = "path",
    ) -> "Classifier":
        """Measure, on labelled titles, what can be guaranteed of this classifier's answers.

        The guarantee holds for titles of the same distribution as these.  They must not have been
        used for training or its validation; the newest titles are best.

        Args:
            catalog: Labelled titles, of which empty ones are left out.
                ``predict(..., guarantee=1 - alpha)`` needs at least ``1/alpha - 1`` of them.
            group: A column of the catalog (``"language"`` or one of ``keep=``), such as the
                country; the guarantee then holds for each of its values.
            by_department: Whether the guarantee holds for each top-level node of the answers.
            pool_below: Groups with fewer titles than this are pooled into one.
            objective: The objective of the answers that the guarantee is for, as for
                :meth:`predict`.

        Returns:
            The same classifier with the guarantee, for ``predict(..., guarantee=)`` and
            ``predict(..., max_error=)``.

        Raises:
            CatalogError: No row is labelled, or a label or the column does not exist.
            ConfigError: ``group`` and ``by_department`` are both given, ``objective`` is a cost
                matrix, or ``pool_below`` is out of range.
        """
        grouping = Grouping(group, by_department, pool_below)
        guarantee = measure_guarantee(self, catalog, grouping, objective)
        decider = replace(self.decider, guarantee=guarantee)
        return replace(self, reader=promising_after_merges(self.reader), decider=decider)

    def calibrate(self, catalog: Catalog, method: Method = "adaptive") -> "Classifier":
        """Fit the calibration again, on labelled titles that training did not see.

        Args:
            catalog: Labelled titles, of which empty ones are left out; a sample is used if titles
                times outcomes exceed 20 million.
            method: How to calibrate; see :func:`prodcat.decisions.calibration.fit_weights`.

        Returns:
            The same classifier with the new calibration.  It has no guarantee and no validation
            metrics, because these were measured with other probabilities.  A guarantee must be
            measured on other titles than these.

        Raises:
            CatalogError: No row is labelled, or a label is not in the tree.
            ConfigError: The method is not known.
        """
        reader, reference, texts = calibrate(self.reader, self.decider, catalog, method)
        provenance = replace(
            self.provenance,
            training=replace(self.training, calibration=method),
            validation=None,
            reference=reference,
            seen=np.union1d(self.provenance.seen, title_hashes(texts)),
        )
        return Classifier(reader, replace(self.decider, guarantee=None), provenance)

    def uncalibrated(self) -> "Classifier":
        """The same classifier without calibration, to measure what the calibration changes."""
        reader = uncalibrated(self.reader)
        provenance = replace(self.provenance, validation=None)
        return Classifier(reader, replace(self.decider, guarantee=None), provenance)

    def trimmed(
        self,
        titles: Titles,
        *,
        languages: Sequence[str] | None = None,
        min_count: int = 1,
        max_pieces: int | None = None,
    ) -> "tuple[Classifier, VocabularyReport]":
        """Make a classifier whose encoder has a smaller vocabulary of word pieces.

        Args:
            titles: Titles whose pieces are kept, as for :meth:`predict`; if possible, all titles.
            languages: Languages; the pieces that their alphabets can write are kept too.
            min_count: Minimum number of occurrences of a piece in the titles for it to be kept.
            max_pieces: Maximum number of pieces of the titles, the most frequent; None: no limit.

        Returns:
            The smaller classifier, which answers titles made of kept pieces as before; and the
            sizes and token counts before and after.

        Raises:
            CatalogError: There are no titles in it, or one is not text.
            ConfigError: There is no encoder, a language is not known, or a number is out of range.
            EncoderError: The tokenizer cannot be trimmed.
        """
        reader, report = trimmed(self.reader, titles, languages, min_count, max_pieces)
        return self._with_reader(reader), report

    def with_precisions(
        self, catalog: Catalog, known: Mapping[str, float] | None = None
    ) -> "Classifier":
        """Measure the accuracy of each precision, by which ``precision="auto"`` chooses.

        A faster precision has float32's accuracy less what its other answers are expected to lose
        by float32's calibrated probabilities.

        Args:
            catalog: Labelled titles that training did not see.
            known: Path accuracies on these titles that are known already, by precision.

        Returns:
            The same classifier with the path accuracy of each precision.

        Raises:
            CatalogError: No row is labelled, or a label is not in the tree.
        """
        reader = measure_precisions(self.reader, self.decider, catalog, self.counts, known)
        return self._with_reader(reader)

    def with_origin(self, origin: str | None) -> "Classifier":
        """The same classifier with this origin: a version as ``model@version``, or None."""
        return replace(self, provenance=replace(self.provenance, origin=origin))

    def sharing_encoder(self, other: "Classifier") -> "Classifier | None":
        """The same classifier with the encoder of another, so that it is in memory only once.

        Args:
            other: A classifier on the same device.

        Returns:
            The classifier; None if the encoders differ in their settings or in any weight.
        """
        reader = self.reader.sharing_encoder(other.reader)
        return None if reader is None else self._with_reader(reader)

    def to(self, device: str | torch.device) -> "Classifier":
        """A copy of the classifier on another device; this one stays where it is."""
        return self._with_reader(self.reader.to(device))

    def _with_reader(self, reader: Reader) -> "Classifier":
        decider = replace(self.decider, paths=reader.paths)
        return Classifier(reader, decider, self.provenance)

    # -- files --------------------------------------------------------------------

    def save(self, uri: str | os.PathLike[str]) -> None:
        """Write the classifier as an artifact; see :mod:`prodcat.storage.artifact`.

        Args:
            uri: A folder at any fsspec URI, or ``…/model.tar.gz``, an archive for SageMaker.

        Raises:
            ArtifactError: The artifact cannot be written.
        """
        save_files(uri, self.files(), self.origin)

    def files(self) -> dict[str, bytes]:
        """The artifact's files by name, without the manifest; equal for equal classifiers.

        Raises:
            ArtifactError: The files are too large to be loaded again.
        """
        return encode(self)

    @cached_property
    def content_hash(self) -> str:
        """A SHA-256 hash of everything that its answers depend on; equal for equal classifiers."""
        return content_hash(describe(self.files(), __version__)["files"])
