"""Fit a classifier: wiring only."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog import Catalog, targets_in
from prodcat.classifier import Classifier, pick_device
from prodcat.config import ModelConfig, TrainingConfig
from prodcat.encoder import Encoder, config_of, load_encoder, pad_id_of
from prodcat.errors import CatalogError, ConfigError
from prodcat.guarantee import reference
from prodcat.lexical import LexicalBranch, NGrams, solve
from prodcat.network import Network
from prodcat.splits import split
from prodcat.taxonomy import Taxonomy
from prodcat.text import title_hashes
from prodcat.tokenization import TokenTable, tokenize
from prodcat.training import Listener, Rows, train

logger = logging.getLogger("prodcat")


def fit(
    catalog: Catalog,
    *,
    validation: Catalog | None = None,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
    listener: Listener | None = None,
) -> Classifier:
    """Train a classifier.

    Args:
        catalog: Titles with their categories.
        validation: Titles to stop early by and to weigh the evidence with; without it a
            share of the catalog is held out (``training.validation``), near duplicates
            kept on one side.
        model: What the model is made of.
        training: How it is trained.
        device: Where; a GPU if there is one.
        progress: Whether to show a bar.
        listener: Called with each epoch's result.

    Returns:
        The classifier, on the device.

    Raises:
        CatalogError: There are too few labelled titles, or the validation set's labels are
            not in the tree.
        EncoderError: The encoder cannot be loaded.
    """
    model, training = model or ModelConfig(), training or TrainingConfig()
    device = pick_device(device)
    taxonomy = catalog.tree
    if model.structure == "per_level" and (training.level_weight or training.logit_adjustment):
        raise ConfigError(
            "structure='per_level' has a loss of its own at each level; level_weight and "
            "logit_adjustment do not apply. Set them to 0."
        )
    catalog, validation = _labelled(catalog, validation, training)

    encoder, tokenizer = None, None
    if model.encoder is not None:
        encoder, tokenizer = load_encoder(model.encoder, model.pooling)
        _check_length(encoder, model)
    names, nodes = _named_outcomes(taxonomy) if training.node_names else ([], [])
    inputs = ([*catalog.inputs, *names], validation.inputs)
    targets = (
        np.concatenate([catalog.targets, np.array(nodes, np.int64)]),
        targets_in(validation, taxonomy),
    )
    ngrams, lexical, features = None, None, (None, None)
    if model.lexical:
        ngrams, lexical, features = _fit_lexical(inputs, targets[0], taxonomy, model, training)
    tables = [
        tokenize(tokenizer, texts, model.max_tokens)
        if tokenizer is not None
        else TokenTable(np.zeros(0, np.int32), np.zeros(len(texts) + 1, np.int64))
        for texts in inputs
    ]
    if tables[0].truncated:
        logger.warning(
            "%d of %d texts (titles and category names) are longer than max_tokens=%d and were "
            "cut.",
            tables[0].truncated,
            len(inputs[0]),
            model.max_tokens,
        )
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        network = Network(
            taxonomy, encoder, model.structure, model.belief_width, lexical, training.dropout
        ).to(device)
        rows = [Rows(*row) for row in zip(tables, features, targets, strict=True)]
        trained = train(
            network, taxonomy, rows[0], rows[1], training, progress=progress, listener=listener
        )
    start = trained.start
    network.eval()
    classifier = Classifier(
        taxonomy=taxonomy,
        model=model,
        training=training,
        history=tuple(trained.history),
        validation=None,
        text_columns=tuple(catalog.texts),
        weights=trained.weights,
        counts=np.bincount(catalog.targets, minlength=len(taxonomy)),
        guarantee=None,
        _network=network,
        _tokenizer=tokenizer,
        _ngrams=ngrams,
        _reference=np.zeros(0),
        _seen=np.unique(title_hashes([*catalog.inputs, *validation.inputs])),
        _stored={
            "encoder": config_of(encoder) if encoder is not None else None,
            "closed_form": None
            if start is None
            else {
                "shrinkage": start.shrinkage,
                "temperature": start.temperature,
                "held_out_log_loss": start.loss,
            },
        },
    )
    evaluation = classifier.evaluate(validation)
    assert evaluation.judged is not None and evaluation.judged.confidence is not None
    return replace(
        classifier, validation=evaluation, _reference=reference(evaluation.judged.confidence)
    )


def _named_outcomes(taxonomy: Taxonomy) -> tuple[list[str], list[int]]:
    """Every outcome's names, once each: what the tree itself says about rare categories."""
    columns = (taxonomy.names, *taxonomy.translations.values())
    pairs = dict.fromkeys(
        (column[node], node) for node in taxonomy.outcomes.tolist() for column in columns
    )
    return [name for name, _ in pairs], [node for _, node in pairs]


def _fit_lexical(
    inputs: tuple[list[str], list[str]],
    targets: NDArray[np.int64],
    taxonomy: Taxonomy,
    model: ModelConfig,
    training: TrainingConfig,
) -> tuple[NGrams, LexicalBranch, tuple[Any, Any]]:
    """Rows with partial labels have no outcome to learn, so the branch does not see them."""
    ngrams, own = NGrams.fit(inputs[0], model.characters, model.max_features)
    place = np.full(len(taxonomy), -1, np.int64)
    place[taxonomy.outcomes] = np.arange(len(taxonomy.outcomes))
    labels = place[targets]
    complete = np.flatnonzero(labels >= 0)
    if not len(complete):
        raise CatalogError(
            f"All {len(targets)} labels stop above the outcomes, so the n-grams have nothing to "
            "learn; expected some complete paths. Give some, or set lexical=False."
        )
    if len(complete) < len(targets):
        logger.info(
            "%d of %d labels are partial; the encoder learns from them, the n-grams do not.",
            len(targets) - len(complete),
            len(targets),
        )
    branch = solve(
        own.take(complete),
        len(ngrams.hashes),
        labels[complete],
        len(taxonomy.outcomes),
        cost=training.lexical_cost,
        threads=torch.get_num_threads(),
    )
    return ngrams, branch, (own, ngrams(inputs[1]))


def _labelled(
    catalog: Catalog, validation: Catalog | None, training: TrainingConfig
) -> tuple[Catalog, Catalog]:
    unlabelled = int((~catalog.labelled).sum())
    if unlabelled:
        logger.warning(
            "%d of %d titles have no category and are left out.", unlabelled, len(catalog)
        )
        catalog = catalog.take(catalog.labelled)
    if validation is None:
        parts = split(catalog, validation=training.validation, test=0.0, seed=training.seed)
        catalog, validation = parts.train, parts.validation
    validation = validation.take(validation.labelled)
    if len(catalog) < 2 or not len(validation):
        raise CatalogError(
            f"Found {len(catalog)} labelled titles to train on and {len(validation)} to validate "
            "on; expected at least 2 and 1. Give more titles, or a validation catalog."
        )
    if tuple(validation.texts) != tuple(catalog.texts):
        raise CatalogError(
            f"The catalog has text columns {list(catalog.texts)}, the validation catalog "
            f"{list(validation.texts)}; expected the same. Read both with the same text=."
        )
    return catalog, validation


def _check_length(encoder: Encoder, model: ModelConfig) -> None:
    config: Any = encoder.body.config
    most = getattr(config, "max_position_embeddings", None)
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        most = most and most - pad_id_of(encoder) - 1  # positions count from the padding id
    if most is not None and model.max_tokens > most:
        raise ConfigError(
            f"max_tokens={model.max_tokens} is more than the {most} positions of "
            f"{model.encoder!r}. Set max_tokens to {most} or less."
        )
