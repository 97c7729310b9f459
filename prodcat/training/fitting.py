"""Fit a classifier: wiring only."""

import copy
import logging
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog, targets_in
from prodcat.catalog.fingerprint import fingerprint, row_hashes
from prodcat.catalog.splits import split
from prodcat.catalog.text import near_duplicate_key, title_hashes
from prodcat.classifier.classifier import Classifier, pick_device
from prodcat.classifier.loading import load
from prodcat.decisions.guarantee import reference
from prodcat.errors import CatalogError, ConfigError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.model.encoder import Encoder, check_encoder, config_of, load_encoder, pad_id_of
from prodcat.model.lexical import Features, LexicalBranch, NGrams
from prodcat.model.network import Network
from prodcat.model.tokenization import TokenTable, tokenize
from prodcat.storage.artifact import check_loadable
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.checkpoint import CheckpointFolder, state_digest
from prodcat.training.lexical_fit import solve
from prodcat.training.loop import Beginning, Listener, Rows, pick_precision, train
from prodcat.training.ranks import Ranks
from prodcat.training.warm_start import carry_heads, match_nodes, rows_to_learn

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger("prodcat")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_FEWEST = 10  # new titles, of which a share can be held out
_FEW = 0.5  # of all rows; where more are to be learned, all are


def fit(
    catalog: Catalog,
    *,
    validation: Catalog | None = None,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    warm_start: Classifier | str | None = None,
    checkpoints: str | CheckpointFolder | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
    listener: Listener | None = None,
) -> Classifier:
    """Train a classifier.

    Under ``torchrun``, with :mod:`torch.distributed` set up, all processes call this with the
    same arguments and get the same classifier.

    Args:
        catalog: Titles with their categories.
        validation: Titles to stop early by and to weigh the evidence with; without it a
            share of the catalog is held out (``training.validation``), near duplicates
            kept on one side.
        model: What the model is made of; by default what ``warm_start`` is made of.
        training: How it is trained.
        warm_start: A classifier, or where one is saved, to begin from: the last version of
            the same country, another country's, or one for all.  Its encoder goes on, and
            its heads for every node with the same id.  Where most titles are known to it,
            the new ones and as many known ones are learned; where nothing changed at all,
            titles, tree and settings, it is given back as it is.
        checkpoints: A folder at any fsspec URI in which the state of the training is kept,
            at SIGTERM too, so that the same call goes on after an interruption.  Give a
            :class:`prodcat.CheckpointFolder` to remove them with its ``clear()`` once the
            classifier is saved.
        device: Where; a GPU if there is one.
        progress: Whether to show a bar.
        listener: Called with each epoch's result.

    Returns:
        The classifier, on the device.

    Raises:
        CatalogError: There are too few labelled titles, or the validation set's labels are
            not in the tree.
        EncoderError: The encoder cannot be loaded.
        ArtifactError: There is no whole classifier at ``warm_start``, or the tree is too large
            to be saved.
        ConfigError: The settings do not go together, or with ``warm_start``.
        CheckpointError: The checkpoints cannot be written.
        TrainingInterrupted: SIGTERM came, and the state was saved.
    """
    ranks = Ranks.current()
    device = pick_device(device)
    warm = load(warm_start, device=device) if isinstance(warm_start, str) else warm_start
    model = model or (warm.model if warm is not None else ModelConfig())
    training = training or TrainingConfig()
    _check_settings(model, training, warm)
    taxonomy = catalog.tree
    if warm is not None and warm.text_columns != tuple(catalog.texts):
        raise CatalogError(
            f"The catalog has text columns {list(catalog.texts)}; the classifier to start from "
            f"was trained with {list(warm.text_columns)}. Read the catalog with text= the same."
        )
    catalog, validation = _labelled(catalog, validation, training, warm)
    names, nodes = _named_outcomes(taxonomy) if training.node_names else ([], [])
    whole = _Labelled.of(
        [*catalog.inputs, *names],
        np.concatenate([catalog.targets, np.array(nodes, np.int64)]),
        taxonomy,
    ).merged()
    held_out = _Labelled.of(validation.inputs, targets_in(validation, taxonomy), taxonomy)
    settings = {"model": asdict(model), "training": asdict(training), "tree": taxonomy.hash}
    own = (whole.weighed_hashes(), held_out.hashes)
    same = fingerprint(own, settings, ordered=False)
    if len(set(ranks.collect(fingerprint(own, settings, ordered=True)))) > 1:
        raise ConfigError(
            "The processes were given different titles, trees or settings; expected the same for "
            "all, which then share the work. Read the same files in every process."
        )
    if warm is not None and warm.fingerprint == same:
        logger.info("Titles, tree and settings are as they were: nothing is trained.")
        return warm

    # What could not be loaded again is said before hours are spent on it.
    check_loadable("taxonomy.json", taxonomy.to_json().encode())
    encoder, tokenizer = _encoder(model, warm)
    rows, beginning = _rows_to_learn(whole, warm, training, taxonomy.hash)
    own_training = training
    if beginning == "carry":
        own_training = replace(
            training,
            epochs=min(training.epochs, training.warm_epochs) if len(rows) else 0,
            learning_rate=training.learning_rate * training.warm_rate,
            head_learning_rate=training.head_learning_rate * training.warm_rate,
        )
    ngrams, lexical, features = None, None, None
    if model.lexical:
        counts = np.bincount(catalog.targets, minlength=len(taxonomy))
        last = warm if beginning == "carry" else None
        ngrams, lexical, features = _fit_lexical(
            whole, held_out, taxonomy, model, training, ranks, last, counts
        )
    part = whole.take(rows)
    tables = [_tokens(tokenizer, own.texts, model.max_tokens, ranks) for own in (part, held_out)]
    if tables[0].truncated:
        logger.warning(
            "%d of %d texts (titles and category names) are longer than max_tokens=%d and were "
            "cut.",
            tables[0].truncated,
            len(part.texts),
            model.max_tokens,
        )
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        network = Network(
            taxonomy, encoder, model.structure, model.belief_width, lexical, training.dropout
        ).to(device)
        if warm is not None and network.heads is not None:
            found = carry_heads(warm.network, warm.taxonomy, network, taxonomy)
            logger.info("Warm start: %s; %d titles to learn.", found, len(rows))
        kept = None
        if checkpoints is not None:
            # What decides a run: also the order of the rows, and what it starts from.
            start = {"processes": ranks.size, "start": state_digest(network.state_dict())}
            folder = CheckpointFolder(checkpoints) if isinstance(checkpoints, str) else checkpoints
            kept = folder.run(fingerprint(own, {**settings, **start}, ordered=True))
        trained = train(
            network,
            taxonomy,
            Rows(tables[0], None, part.targets, part.weights),
            Rows(tables[1], features, held_out.targets, held_out.weights),
            own_training,
            beginning=beginning,
            checkpoints=kept,
            progress=progress,
            listener=listener,
        )
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
        _held=np.unique(title_hashes(validation.inputs)),
        _rows=np.unique(whole.hashes),
        _stored={
            "encoder": config_of(encoder) if encoder is not None else None,
            "closed_form": trained.start,
            "fingerprint": same,
        },
    )
    # In the precision that the calibration was fitted in.
    precision = pick_precision(training.precision, device)
    evaluation = classifier.evaluate(validation, precision=precision)
    assert evaluation.judged is not None and evaluation.judged.confidence is not None
    classifier = replace(
        classifier.with_precisions(validation, {precision: evaluation.path_accuracy}),
        validation=evaluation,
        _reference=reference(evaluation.judged.confidence),
        origin=None if warm is None else warm.origin,
    )
    return classifier


@dataclass(frozen=True)
class _Labelled:
    """Texts with their labels.

    Attributes:
        texts: As the model reads them.
        targets: int64 [rows], node positions.
        weights: float32 [rows]: how many equal rows each stands for.
        hashes: uint64 [rows]: of text and label.
    """

    texts: list[str]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, texts: list[str], targets: NDArray[np.int64], taxonomy: Taxonomy) -> "_Labelled":
        """Every row by itself."""
        labels = [taxonomy.ids[node] for node in targets.tolist()]
        return cls(texts, targets, np.ones(len(texts), np.float32), row_hashes(texts, labels))

    def merged(self) -> "_Labelled":
        """Equal rows as one that weighs as much, each where it was first."""
        _, first, counts = np.unique(self.hashes, return_index=True, return_counts=True)
        order = np.argsort(first)
        kept = self.take(first[order].astype(np.int64))
        return replace(kept, weights=counts[order].astype(np.float32))

    def weighed_hashes(self) -> NDArray[np.uint64]:
        """The hashes, other ones for another number of equal rows."""
        return self.hashes ^ (self.weights.astype(np.uint64) - np.uint64(1)) * _MIX

    def take(self, rows: NDArray[np.int64]) -> "_Labelled":
        """The rows at these positions."""
        texts = [self.texts[row] for row in rows.tolist()]
        return _Labelled(texts, self.targets[rows], self.weights[rows], self.hashes[rows])


def _check_settings(model: ModelConfig, training: TrainingConfig, warm: Classifier | None) -> None:
    if model.structure == "per_level" and (training.level_weight or training.logit_adjustment):
        raise ConfigError(
            "structure='per_level' has a loss of its own at each level; level_weight and "
            "logit_adjustment do not apply. Set them to 0."
        )
    if warm is None:
        return
    for name in ("encoder", "pooling", "structure", "belief_width"):
        wanted, found = getattr(model, name), getattr(warm.model, name)
        if wanted != found:
            raise ConfigError(
                f"{name}={wanted!r} does not go with the classifier to start from, which has "
                f"{found!r}. Leave model= out to take over its settings, or train without "
                "warm_start."
            )


def _encoder(
    model: ModelConfig, warm: Classifier | None
) -> "tuple[Encoder | None, Tokenizer | None]":
    if model.encoder is None:
        return None, None
    if warm is not None and warm.network.encoder is not None:
        encoder, tokenizer = copy.deepcopy(warm.network.encoder), warm.tokenizer
    else:
        encoder, tokenizer = load_encoder(model.encoder, model.pooling)
    shapes = {name: tuple(own.shape) for name, own in encoder.state_dict().items()}
    check_encoder(config_of(encoder), shapes)
    _check_length(encoder, model)
    return encoder, tokenizer


def _rows_to_learn(
    whole: _Labelled, warm: Classifier | None, training: TrainingConfig, tree: str
) -> tuple[NDArray[np.int64], Beginning]:
    """All rows, or the new ones and some that are known where a warm start knows most."""
    every = np.arange(len(whole.texts))
    if warm is None:
        return every, "solve"
    new = ~warm.knows(whole.hashes)
    as_it_was = training == warm.training and tree == warm.taxonomy.hash
    if not new.any() and as_it_was:  # titles went, none came: there is nothing to learn
        return every[:0], "carry"
    rows = rows_to_learn(new, training.replay, training.seed)
    if not len(rows) or len(rows) > _FEW * len(every):
        return every, "compare"
    return rows, "carry"


def _tokens(
    tokenizer: "Tokenizer | None", texts: list[str], max_tokens: int, ranks: Ranks
) -> TokenTable:
    """Tokenise; every process its share, and then all have all."""
    if tokenizer is None:
        return TokenTable(np.zeros(0, np.int32), np.zeros(len(texts) + 1, np.int64))
    edges = np.linspace(0, len(texts), ranks.size + 1).astype(np.int64)
    mine = texts[edges[ranks.rank] : edges[ranks.rank + 1]]
    parts = ranks.collect(tokenize(tokenizer, mine, max_tokens))
    lengths = np.concatenate([part.lengths for part in parts])
    return TokenTable(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([[0], np.cumsum(lengths)]),
        sum(part.truncated for part in parts),
    )


def _named_outcomes(taxonomy: Taxonomy) -> tuple[list[str], list[int]]:
    """Every outcome's names, once each: what the tree itself says about rare categories."""
    columns = (taxonomy.names, *taxonomy.translations.values())
    pairs = dict.fromkeys(
        (column[node], node) for node in taxonomy.outcomes.tolist() for column in columns
    )
    return [name for name, _ in pairs], [node for _, node in pairs]


def _fit_lexical(
    whole: _Labelled,
    held_out: _Labelled,
    taxonomy: Taxonomy,
    model: ModelConfig,
    training: TrainingConfig,
    ranks: Ranks,
    warm: Classifier | None,
    counts: NDArray[np.int64],
) -> tuple[NGrams, LexicalBranch, Features]:
    """The n-grams, their map, and the features of the titles to validate on.

    Rows with partial labels have no outcome to learn, so the branch does not see them.  In a
    warm start the machines of outcomes whose own titles are as they were stay.
    """
    kept, again, like = None, None, None
    if warm is not None and _same_lexical(model, training, warm):
        like = warm.ngrams
    ngrams, own = NGrams.fit(whole.texts, model.characters, model.max_features, like)
    place = np.full(len(taxonomy), -1, np.int64)
    place[taxonomy.outcomes] = np.arange(len(taxonomy.outcomes))
    labels = place[whole.targets]
    complete = np.flatnonzero(labels >= 0)
    if not len(complete):
        raise CatalogError(
            f"All {len(labels)} labels stop above the outcomes, so the n-grams have nothing to "
            "learn; expected some complete paths. Give some, or set lexical=False."
        )
    if len(complete) < len(labels):
        logger.info(
            "%d of %d labels are partial; the encoder learns from them, the n-grams do not.",
            len(labels) - len(complete),
            len(labels),
        )
    if like is not None:
        assert warm is not None and warm.network.lexical is not None
        source = match_nodes(warm.taxonomy, taxonomy)
        before = np.where(source >= 0, warm.counts[source], -1)
        new = np.bincount(whole.targets[~warm.knows(whole.hashes)], minlength=len(taxonomy))
        again = ((before != counts) | (new > 0))[taxonomy.outcomes]
        old = np.full(len(warm.taxonomy), -1, np.int64)
        old[warm.taxonomy.outcomes] = np.arange(len(warm.taxonomy.outcomes))
        places = np.where(source >= 0, old[source], -1)[taxonomy.outcomes]
        again |= places < 0
        kept = warm.network.lexical.moved(like, ngrams, places)
    branch = None
    if ranks.writes:
        branch = solve(
            own.take(complete),
            len(ngrams.hashes),
            labels[complete],
            len(taxonomy.outcomes),
            cost=training.lexical_cost,
            weights=whole.weights[complete],
            # torchrun gives each process one thread; the others wait for this one.
            threads=torch.get_num_threads() if ranks.size == 1 else os.cpu_count() or 1,
            kept=kept,
            again=again,
        )
    branch = ranks.agree(branch)
    assert branch is not None
    return ngrams, branch, ngrams(held_out.texts)


def _same_lexical(model: ModelConfig, training: TrainingConfig, warm: Classifier) -> bool:
    """Whether the warm start's n-gram machines are of the kind that would be solved."""
    own = (model.characters, model.max_features, training.lexical_cost)
    theirs = (warm.model.characters, warm.model.max_features, warm.training.lexical_cost)
    return warm.ngrams is not None and own == theirs


def _labelled(
    catalog: Catalog, validation: Catalog | None, training: TrainingConfig, warm: Classifier | None
) -> tuple[Catalog, Catalog]:
    unlabelled = int((~catalog.labelled).sum())
    if unlabelled:
        logger.warning(
            "%d of %d titles have no category and are left out.", unlabelled, len(catalog)
        )
        catalog = catalog.take(catalog.labelled)
    if validation is None:
        held_out = _to_hold_out(catalog, training, warm)
        catalog, validation = catalog.take(~held_out), catalog.take(held_out)
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
    learned = 0 if warm is None else int(warm.knows(_hashes(validation)).sum())
    if learned:
        logger.warning(
            "%d of %d validation titles were learned by the classifier to start from: their "
            "accuracy and the confidence fitted on them look better than they are. Validate on "
            "titles that it did not learn.",
            learned,
            len(validation),
        )
    return catalog, validation


def _hashes(catalog: Catalog) -> NDArray[np.uint64]:
    ids = catalog.tree.ids
    return row_hashes(catalog.inputs, [ids[node] for node in catalog.targets.tolist()])


def _to_hold_out(
    catalog: Catalog, training: TrainingConfig, warm: Classifier | None
) -> NDArray[np.bool_]:
    """Which rows to validate on; in a warm start, none that it has learned, if that can be.

    Those are what it was validated on itself, and a share of what is new and no near duplicate
    of what it has learned.
    """
    before = np.zeros(len(catalog), np.bool_)
    new = ~before
    if warm is not None and warm.remembers:
        before = warm.has_held(catalog.inputs)
        seen = warm.has_seen(catalog.inputs)
        keys = [near_duplicate_key(text) for text in catalog.inputs]
        learned = {key for key, own, held in zip(keys, seen, before, strict=True)
                   if own and not held}  # fmt: skip
        new = ~seen & np.array([key not in learned for key in keys])
    if new.sum() < _FEWEST:
        if before.any():
            return before
        new = np.ones(len(catalog), np.bool_)
    part = replace(catalog.take(new), rows=np.flatnonzero(new))
    held_out = before.copy()
    drawn = split(part, validation=training.validation, test=0.0, seed=training.seed)
    held_out[drawn.validation.rows] = True
    return held_out


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
