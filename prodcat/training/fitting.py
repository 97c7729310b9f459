"""Train a classifier on a catalog: the steps of :func:`prodcat.fit`."""

import logging
import os
import time
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
import torch

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import title_hashes
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.measuring import measured_by, with_evaluation
from prodcat.classifier.provenance import Provenance
from prodcat.classifier.reader import Reader
from prodcat.decisions.decider import Decider
from prodcat.errors import CATALOG_ADVICE, all_else_by_name, check_keywords, takes_keywords
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.model.network import Network
from prodcat.model.pretrained import config_of
from prodcat.storage.artifact import check_loadable
from prodcat.training.baseline import with_measured_baseline
from prodcat.training.checkpoint import CheckpointFolder, Checkpoints
from prodcat.training.dataset import Dataset
from prodcat.training.identity import Identity
from prodcat.training.loop import train
from prodcat.training.ngrams_alone import warn_of_useless_encoder
from prodcat.training.partial_labels import warn_of_partial_labels
from prodcat.training.precision import pick_precision
from prodcat.training.rows import Rows
from prodcat.training.scored_ngrams import Branches
from prodcat.training.settings import Setup
from prodcat.training.starting_encoder import StartingEncoder, starting_encoder
from prodcat.training.step_size import StepSize
from prodcat.training.task import Listener, Trained
from prodcat.training.tokens import tokenize_shared, warn_of_cut
from prodcat.training.warm_start import (
    LearningPlan,
    learned_nodes,
    plan_learning,
    transfer_heads,
)

logger = logging.getLogger("prodcat")


class RunKeywords(TypedDict, total=False):
    """The keyword arguments of :func:`fit` that say where and how the training runs."""

    checkpoints: str | os.PathLike[str] | CheckpointFolder | None
    device: str | torch.device | None
    progress: bool
    listener: Listener | None


@all_else_by_name(CATALOG_ADVICE)
@takes_keywords(RunKeywords, progress=True)
def fit(
    catalog: Catalog,
    *,
    validation: Catalog | None = None,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    warm_start: Classifier | str | os.PathLike[str] | None = None,
    **run: Unpack[RunKeywords],
) -> Classifier:
    """Train a classifier.

    Under ``torchrun``, all processes call this with the same arguments and get the same classifier.

    Args:
        catalog: Titles with their categories.
        validation: Titles for early stopping and calibration; if None, the share
            ``training.validation`` of the catalog is held out (without an encoder, the titles are
            scored out of fold).  Near duplicates are on the same side of a split.
        model: The settings of the model; by default those of ``warm_start``.
        training: The settings of the training.
        warm_start: A classifier to start from, or the URI of a saved one: the last version of the
            same country, another country's classifier, or one for all countries.  The training
            starts from its encoder and from its heads for every node with the same id.  If it
            was trained on most of the titles, only the new ones are learned, with
            ``training.replay`` known ones for each; if titles, tree and settings are unchanged, it
            is returned as it is.
        run: Where and how the training runs:

            * ``checkpoints``: a folder at any fsspec URI in which the state of the training is
              saved, also at SIGTERM, so that the same call resumes the training.  Call ``clear()``
              of a :class:`prodcat.CheckpointFolder` once the classifier is saved.
            * ``device``: the device to train on; by default a GPU if there is one.
            * ``progress``: whether to show a progress bar; true by default.
            * ``listener``: a function that is called with the result of each epoch.

    Returns:
        The classifier, on the device that it was trained on.

    Raises:
        CatalogError: There are too few labelled titles, or a validation label is not in the tree.
        EncoderError: The encoder cannot be loaded.
        ArtifactError: There is no complete classifier at ``warm_start``, or the tree is too large.
        StoreError: ``warm_start`` names a version that its store does not have.
        ConfigError: The settings contradict each other, or those of ``warm_start``.
        CheckpointError: The checkpoints cannot be read or written.
        TrainingInterrupted: The process got SIGTERM; the state of the training is saved.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(fit, run)
    folder = _checkpoint_folder(run.get("checkpoints"))
    setup = Setup.of(model, training, warm_start, run.get("device"))
    dataset = Dataset.of(catalog, validation, setup)
    identity = Identity.of(dataset, setup)
    if setup.warm is not None and setup.warm.fingerprint == identity.fingerprint:
        logger.info("Titles, tree and settings are unchanged: nothing is trained.")
        return setup.warm
    ingredients = _prepare(dataset, setup, identity, run.get("progress", True))
    return _finished(
        _assembled(ingredients, *_train_network(ingredients, folder, run)), ingredients
    )


@dataclass(frozen=True)
class _Ingredients:
    """Everything that the network is made of and trained with.

    Attributes:
        dataset: The titles.
        setup: The settings.
        identity: The fingerprints of the training.
        encoder: The encoder to start from and its tokenizer.
        plan: The rows that the encoder and the heads are trained on, and how.
        lexical: The fitted n-grams, or None without a lexical branch.
        began: When the training began, in seconds of :func:`time.perf_counter`.
    """

    dataset: Dataset
    setup: Setup
    identity: Identity
    encoder: StartingEncoder
    plan: LearningPlan
    lexical: Branches | None
    began: float

    @property
    def reused(self) -> Classifier | None:
        """The classifier whose n-gram machines are reused, or None."""
        return self.setup.warm if self.plan.beginning == "carry" else None


def _prepare(dataset: Dataset, setup: Setup, identity: Identity, progress: bool) -> _Ingredients:
    """Load the encoder, choose the rows to learn, and fit the n-grams."""
    began = time.perf_counter()
    # A tree that could not be loaded again is refused before hours are spent on it.
    check_loadable("taxonomy.json", dataset.taxonomy.to_json().encode())
    warn_of_partial_labels(dataset, setup)
    encoder = starting_encoder(setup)
    plan = plan_learning(dataset, setup)
    ingredients = _Ingredients(dataset, setup, identity, encoder, plan, None, began)
    if not setup.model.lexical:
        return ingredients
    lexical = Branches.fit(dataset, setup, ingredients.reused, progress)
    return replace(ingredients, lexical=lexical)


def _train_network(
    ingredients: _Ingredients, folder: CheckpointFolder | None, run: RunKeywords
) -> tuple[Network, Trained]:
    """Make the network and train it; the caller's random state is left unchanged."""
    setup, plan = ingredients.setup, ingredients.plan
    training_rows, validation_rows = _rows(ingredients)
    with torch.random.fork_rng():
        torch.manual_seed(setup.training.seed)
        network = _network(ingredients)
        trained = train(
            network,
            ingredients.dataset.taxonomy,
            training_rows,
            validation_rows,
            plan.training,
            beginning=plan.beginning,
            checkpoints=_checkpoints(ingredients, network, folder, training_rows),
            progress=run.get("progress", True),
            listener=run.get("listener"),
        )
    return network.eval(), trained


def _rows(ingredients: _Ingredients) -> tuple[Rows, Rows]:
    """The rows to train on and the rows to validate on, tokenised."""
    setup = ingredients.setup
    learned = ingredients.dataset.training_rows.take(ingredients.plan.rows)
    held_out = ingredients.dataset.validation_rows
    tokens, held_out_tokens = (
        tokenize_shared(
            ingredients.encoder.tokenizer, rows.texts, setup.model.max_tokens, setup.ranks
        )
        for rows in (learned, held_out)
    )
    warn_of_cut(tokens, setup.model.max_tokens)
    margins = None if ingredients.lexical is None else ingredients.lexical.margins
    return (
        Rows(tokens, None, learned.targets, learned.weights),
        Rows(held_out_tokens, margins, held_out.targets, held_out.weights),
    )


def _network(ingredients: _Ingredients) -> Network:
    """The network before its first step, with the heads of the warm start if there is one."""
    setup, taxonomy, lexical = ingredients.setup, ingredients.dataset.taxonomy, ingredients.lexical
    model, warm = setup.model, setup.warm
    network = Network(
        taxonomy,
        ingredients.encoder.encoder,
        model.structure,
        model.belief_width,
        None if lexical is None else lexical.columns.fitted.branch,
        setup.training.dropout,
    ).to(setup.device)
    if warm is not None and network.heads is not None:
        nodes = learned_nodes(warm, taxonomy)
        transferred = transfer_heads(warm.network, warm.learned_tree, network, taxonomy, nodes)
        titles = len(ingredients.plan.rows)
        logger.info("Warm start: %s; %d titles to learn.", transferred, titles)
    return network


def _checkpoint_folder(
    place: str | os.PathLike[str] | CheckpointFolder | None,
) -> CheckpointFolder | None:
    if place is None or isinstance(place, CheckpointFolder):
        return place
    return CheckpointFolder(place)


def _checkpoints(
    ingredients: _Ingredients, network: Network, folder: CheckpointFolder | None, learned: Rows
) -> Checkpoints | None:
    """The checkpoints of this run, or None if no folder is given for them."""
    if folder is None:
        return None
    ranks = ingredients.setup.ranks
    step_size = StepSize.of(ingredients.plan.training, learned.tokens, network.device, ranks.size)
    run = ingredients.identity.run_fingerprint(ranks, network, step_size)
    return folder.run(run, writes=ranks.writes)


def _assembled(ingredients: _Ingredients, network: Network, trained: Trained) -> Classifier:
    """The classifier, without its results on the validation titles."""
    dataset, setup, lexical = ingredients.dataset, ingredients.setup, ingredients.lexical
    catalog, validation = dataset.catalog, dataset.validation
    encoder, tokenizer = ingredients.encoder.encoder, ingredients.encoder.tokenizer
    reader = Reader(
        network=network,
        tokenizer=tokenizer,
        ngrams=None if lexical is None else lexical.columns.fitted.ngrams,
        weights=trained.weights,
        max_tokens=setup.model.max_tokens,
        text_columns=tuple(catalog.texts),
        encoder_config=None if encoder is None else config_of(encoder),
    )
    if lexical is not None:
        reader = lexical.with_cascade(lexical.in_reader(reader, setup), setup)
        if reader.cascade is not None and setup.ranks.writes:
            logger.info("%s", reader.cascade)
    inputs = [*catalog.inputs, *validation.inputs]
    if reader.title_branch is not None:
        inputs += [*catalog.titles, *validation.titles]
    provenance = Provenance(
        model=setup.model,
        training=setup.training,
        counts=dataset.counts,
        history=tuple(trained.history),
        validation=None,
        reference=np.zeros(0),
        seen=np.unique(title_hashes(inputs)),
        held=np.unique(title_hashes(validation.inputs if dataset.folds is None else [])),
        rows=np.unique(dataset.training_rows.hashes),
        fingerprint=ingredients.identity.fingerprint,
        closed_form=trained.start,
        origin=None if setup.warm is None else setup.warm.origin,
        levels=catalog.levels,
    )
    return Classifier(reader, Decider(dataset.taxonomy, network.paths), provenance)


def _finished(classifier: Classifier, ingredients: _Ingredients) -> Classifier:
    """The classifier with its results, and with n-grams that learned every title."""
    dataset, setup, lexical = ingredients.dataset, ingredients.setup, ingredients.lexical
    if dataset.folds is None:
        measured = _measured(classifier, dataset.validation)
    else:
        measured = _measured_out_of_fold(classifier, ingredients)
    spent = time.perf_counter() - ingredients.began
    measured = with_measured_baseline(measured, dataset, setup, spent)
    if lexical is None:
        return measured
    if setup.model.encoder is not None and setup.ranks.writes:
        seconds = (measured.history[-1].seconds, spent)
        warn_of_useless_encoder(measured, dataset.validation, lexical.margins, seconds)
    if dataset.folds is not None or not setup.training.learn_validation:
        return measured
    reader = lexical.finished(measured.reader, setup, ingredients.reused)
    return replace(measured, reader=reader)


def _measured(classifier: Classifier, validation: Catalog) -> Classifier:
    """The classifier with its results on the validation titles added."""
    # The calibration was fitted in this precision.
    precision = pick_precision(classifier.training.precision, classifier.network.device)
    evaluation = classifier.evaluate(validation, precision=precision)
    cascade = classifier.reader.cascade
    known = {precision: evaluation.path_accuracy} if cascade is None or not cascade.acts else {}
    return with_evaluation(classifier.with_precisions(validation, known), evaluation)


def _measured_out_of_fold(classifier: Classifier, ingredients: _Ingredients) -> Classifier:
    """The classifier with the results of machines that did not learn the fold of a title."""
    lexical = ingredients.lexical
    assert lexical is not None
    targets = ingredients.dataset.validation_rows.targets
    return measured_by(classifier, lexical.margins, targets, lexical.alone)
