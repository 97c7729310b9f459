"""Decode the three parts of a classifier from the files of an artifact.

The shapes of the stored tensors are compared with the settings before memory is allocated, because
altered settings could ask for any amount of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from prodcat.classifier.codec import SEPARATE, most_values
from prodcat.classifier.migration.files import read_migrations, read_trees
from prodcat.classifier.migration.renames import Rename
from prodcat.classifier.parts import ClassifierParts
from prodcat.classifier.provenance import Provenance
from prodcat.classifier.reader import Reader
from prodcat.classifier.records import EpochResult
from prodcat.classifier.title_branch import TitleBranch
from prodcat.decisions.cascade import Cascade
from prodcat.decisions.decider import Decider
from prodcat.decisions.guarantee import Guarantee
from prodcat.decisions.weights import Weights
from prodcat.errors import ArtifactError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.model.config import REMOVED_TRAINING_SETTINGS, ModelConfig, TrainingConfig
from prodcat.model.encoder import Encoder
from prodcat.model.fields import Field, read_fields
from prodcat.model.int8 import Ranges
from prodcat.model.lexical import LexicalBranch
from prodcat.model.network import Network
from prodcat.model.ngrams import NGrams, checked_version, newest_version
from prodcat.model.path_model import PathModel
from prodcat.model.path_steps import choices
from prodcat.model.pretrained import build_encoder
from prodcat.model.tokenization import read_tokenizer
from prodcat.model.untrusted import check_encoder, try_tokenizer
from prodcat.model.weightless import without_weights
from prodcat.storage.artifact import Artifact
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from tokenizers import Tokenizer


_REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,63}@[A-Za-z0-9.-]{1,63}")


def decode(artifact: Artifact, device: torch.device) -> ClassifierParts:
    """Decode the files of a verified artifact.

    Args:
        artifact: The artifact.
        device: The device to put the network on.

    Returns:
        The three parts of the classifier.

    Raises:
        ArtifactError: The files are damaged, or do not belong to the same classifier.
        EncoderError: The encoder or the tokenizer is damaged or of an unknown type.
        TaxonomyError: The tree is damaged.
    """
    settings = _Settings.read(artifact)
    if (settings.encoder is None) is not (settings.model.encoder is None):
        # A warm start would load the encoder that the artifact names, from wherever that is.
        raise ArtifactError(
            f"The artifact at {artifact.uri!r} has the name of an encoder but no encoder, or an "
            "encoder but no name. Save the classifier again."
        )
    taxonomy = Taxonomy.from_json(artifact.text("taxonomy.json"))
    trees = read_trees(artifact, taxonomy)
    network = _empty_network(settings, trees[0], artifact)
    tensors = artifact.tensors()
    tokenizer = _read_tokenizer(artifact, network.encoder)
    groups = {prefix: _taken(tensors, prefix) for prefix in SEPARATE}
    ngrams, lexical = _read_lexical(artifact.uri, settings, groups, network.paths)
    guarantee = _read_guarantee(artifact, groups["guarantee"], taxonomy)
    network.load_state_dict(tensors, assign=True)  # without a copy
    if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        # The encoder computes constants in an unusual way, so it is built in full.
        assert settings.encoder is not None
        network.encoder = build_encoder(settings.encoder, settings.model.pooling)
        network.load_state_dict(tensors, assign=True)
    network.lexical = lexical
    counts, weights = groups["training"]["counts"].numpy(), Weights.of(groups["calibration"])
    if len(counts) != len(taxonomy) or not weights.fits(trees[0].depth):
        raise ArtifactError(
            f"The counts or the calibration in the artifact at {artifact.uri!r} belong to another "
            "tree. Save the classifier again."
        )
    network = (network if device.type == "cpu" else network.to(device)).eval()
    reader = Reader(
        network=network,
        tokenizer=tokenizer,
        ngrams=ngrams,
        weights=weights,
        max_tokens=settings.model.max_tokens,
        text_columns=settings.text_columns,
        title_branch=_read_titles(artifact.uri, settings, groups["titles"], trees[0], network),
        cascade=_read_cascade(artifact.uri, settings, groups["cascade"], trees[0]),
        encoder_config=settings.encoder,
        ranges=_read_ranges(artifact.uri, groups["ranges"], network.encoder),
        accuracies=settings.accuracies,
        migrations=read_migrations(artifact, groups["migrations"], trees, device),
    )
    provenance = _read_provenance(artifact, settings, groups)
    return ClassifierParts(reader, Decider(taxonomy, reader.paths, guarantee), provenance)


@dataclass(frozen=True)
class _Settings:
    """The contents of ``config.json`` and ``history.json``."""

    model: ModelConfig
    training: TrainingConfig
    stored_training: Mapping[str, Any]
    text_columns: tuple[str, ...]
    encoder: dict[str, Any] | None
    history: tuple[EpochResult, ...]
    closed_form: dict[str, Any] | None
    fingerprint: str | None
    levels: tuple[str, ...]
    renames: tuple[Rename, ...]
    accuracies: Mapping[str, float] | None
    cascade: Mapping[str, Any] | None
    ngrams: int
    fields: tuple[Field, ...]

    @classmethod
    def read(cls, artifact: Artifact) -> "_Settings":
        config = artifact.document("config.json")
        has_history = "history.json" in artifact.files
        history = artifact.document("history.json") if has_history else []
        try:
            fingerprint = config.get("fingerprint")
            columns = tuple(config["text_columns"])
            with_fields = len(columns) if "fields" in config else 0
            return cls(
                model=ModelConfig(**config["model"]),
                training=_training_settings(config["training"]),
                stored_training=config["training"],
                text_columns=columns,
                encoder=config["encoder"],
                history=tuple(EpochResult(**entry) for entry in history),
                closed_form=config.get("closed_form"),
                fingerprint=None if fingerprint is None else str(fingerprint),
                levels=tuple(map(str, config.get("levels", ()))),
                renames=tuple(map(Rename.of_stored, config.get("renames", ()))),
                accuracies=config.get("precisions"),
                cascade=config.get("cascade"),
                ngrams=checked_version(config.get("ngrams", 1), with_fields),
                fields=read_fields(config.get("fields", []), with_fields),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError(
                f"The settings of the artifact at {artifact.uri!r} are not as prodcat writes them: "
                f"{str(error).rstrip('.')}. Load it with the version of prodcat that wrote it."
            ) from error


def _training_settings(stored: Mapping[str, Any]) -> TrainingConfig:
    """The settings of the training in an artifact, without those that no longer exist."""
    removed = REMOVED_TRAINING_SETTINGS
    return TrainingConfig(**{name: stored[name] for name in stored if name not in removed})


def _empty_network(settings: _Settings, taxonomy: Taxonomy, artifact: Artifact) -> Network:
    """Build the network that the settings describe, with weights that take no memory.

    Raises:
        ArtifactError: The stored weights do not have the shapes of this network's weights.
        EncoderError: The config of the encoder does not belong to the stored weights.
    """
    shapes, model, encoder = artifact.shapes(), settings.model, None
    if settings.encoder is not None:
        sizes = {name: shape for name, (_, shape) in shapes.items()}
        most = check_encoder(settings.encoder, sizes)
        encoder = build_encoder(settings.encoder, model.pooling, empty=True, most=most)
    dropout = settings.training.dropout
    with without_weights():
        network = Network(taxonomy, encoder, model.structure, model.belief_width, None, dropout)
    _check_shapes(network, shapes, artifact.uri)
    return network


def _check_shapes(
    network: Network, stored: Mapping[str, tuple[str, tuple[int, ...]]], uri: str
) -> None:
    """Refuse weights of other names, types or shapes than the network's, before they are read."""
    state = network.state_dict(keep_vars=True)
    expected = {name: ("F32", tuple(tensor.shape)) for name, tensor in state.items()}
    for name in sorted(expected.keys() | stored.keys()):
        if name.partition(".")[0] in SEPARATE:
            continue
        if stored.get(name) != expected.get(name):
            raise ArtifactError(
                f"The weights in the artifact at {uri!r} do not fit its config: {name} is "
                f"{_shown(stored.get(name))}, expected {_shown(expected.get(name))}. Save the "
                "classifier again."
            )


def _shown(shape: tuple[str, tuple[int, ...]] | None) -> str:
    return "missing" if shape is None else f"{shape[0]} {list(shape[1])}"


def _read_tokenizer(artifact: Artifact, encoder: Encoder | None) -> "Tokenizer | None":
    if encoder is None:
        return None
    place = f"{artifact.uri}/tokenizer.json"
    text = artifact.text("tokenizer.json", most_values(encoder))
    tokenizer = read_tokenizer(text, place)
    try_tokenizer(tokenizer, encoder.word_embeddings.num_embeddings, place)
    return tokenizer


def _taken(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Remove the tensors with a prefix from ``tensors``, and return them without the prefix."""
    names = [name for name in tensors if name.startswith(f"{prefix}.")]
    return {name.removeprefix(f"{prefix}."): tensors.pop(name) for name in names}


def _read_lexical(
    uri: str, settings: _Settings, groups: Mapping[str, Mapping[str, Tensor]], paths: PathModel
) -> tuple[NGrams | None, LexicalBranch | None]:
    if not settings.model.lexical:
        return None, None
    tensors = {**groups["ngrams"], **groups["lexical"]}
    return _branch_of(uri, settings, tensors, paths, with_columns=True)


def _read_titles(
    uri: str, settings: _Settings, tensors: Mapping[str, Tensor], tree: Taxonomy, network: Network
) -> TitleBranch | None:
    """The branch of titles alone; artifacts without columns, and earlier ones, have none."""
    if not tensors:
        return None
    weights = Weights.of(tensors)
    if not settings.fields or not settings.model.lexical or not weights.fits(tree.depth):
        raise ArtifactError(
            f"The artifact at {uri!r} has n-grams of titles alone that belong to another tree, or "
            "no further columns. Save the classifier again."
        )
    ngrams, lexical = _branch_of(uri, settings, tensors, network.paths, with_columns=False)
    return TitleBranch(ngrams, lexical, weights).to(network.device)


def _read_cascade(
    uri: str, settings: _Settings, tensors: Mapping[str, Tensor], tree: Taxonomy
) -> Cascade | None:
    """The cascade; artifacts without an encoder or n-grams, and earlier ones, have none."""
    if not tensors and settings.cascade is None:
        return None
    try:
        if settings.encoder is None or not settings.model.lexical:
            raise ValueError("there is no encoder, or there are no n-grams")
        return Cascade.of(tensors, settings.cascade or {}, tree.depth)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(
            f"The cascade in the artifact at {uri!r} is not as prodcat writes it: {error}. Save "
            "the classifier again."
        ) from error


def _branch_of(
    uri: str,
    settings: _Settings,
    tensors: Mapping[str, Tensor],
    paths: PathModel,
    with_columns: bool,
) -> tuple[NGrams, LexicalBranch]:
    hashes, idf = tensors["hashes"].numpy().view(np.uint64), tensors["idf"].numpy()
    version, fields = settings.ngrams, settings.fields
    if not with_columns:
        version, fields = newest_version(0), ()
    ngrams = NGrams(hashes, idf, settings.model.characters, version, fields)
    lexical = LexicalBranch(*(tensors[name] for name in ("offsets", "columns", "values", "bias")))
    columns = len(paths.outcomes) if version == 1 else len(choices(paths)[0])
    fits = lexical.fits(len(hashes), columns)
    if len(ngrams.idf) != len(hashes) or not fits:
        raise ArtifactError(
            f"The n-gram tensors in the artifact at {uri!r} have shapes or values that contradict "
            "each other or the tree. Save the classifier again."
        )
    return ngrams, lexical


def _read_guarantee(
    artifact: Artifact, tensors: Mapping[str, Tensor], taxonomy: Taxonomy
) -> Guarantee | None:
    if "guarantee.json" not in artifact.files:
        return None
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    guarantee = Guarantee.from_parts(artifact.document("guarantee.json"), arrays)
    guarantee.check(taxonomy)
    return guarantee


def _read_ranges(uri: str, tensors: Mapping[str, Tensor], encoder: Encoder | None) -> Ranges | None:
    if not tensors:
        return None
    ranges = Ranges(tensors["inner"], tensors["wide"])
    if encoder is None or not ranges.fits(encoder):
        raise ArtifactError(
            f"The int8 ranges in the artifact at {uri!r} belong to another encoder. Save the "
            "classifier again."
        )
    return ranges


def _read_provenance(
    artifact: Artifact, settings: _Settings, groups: Mapping[str, Mapping[str, Tensor]]
) -> Provenance:
    training = groups["training"]
    missing = torch.zeros(0, dtype=torch.int64)  # artifacts before format 3 have none
    stored = "evaluation.json" in artifact.files
    evaluation = artifact.document("evaluation.json") if stored else None
    return Provenance(
        model=settings.model,
        training=settings.training,
        stored_training=settings.stored_training,
        counts=training["counts"].numpy(),
        history=settings.history,
        validation=None if evaluation is None else Evaluation.from_dict(evaluation),
        reference=groups["calibration"]["reference"].numpy(),
        seen=training["seen"].numpy().view(np.uint64),
        held=training.get("held", missing).numpy().view(np.uint64),
        rows=training.get("rows", missing).numpy().view(np.uint64),
        fingerprint=settings.fingerprint,
        levels=settings.levels,
        renames=settings.renames,
        closed_form=settings.closed_form,
        origin=_origin(artifact.manifest.get("parent")),
    )


def _origin(parent: object) -> str | None:
    """The version, ``model@version``, that the manifest names as origin; None if it is none."""
    return parent if isinstance(parent, str) and _REFERENCE.fullmatch(parent) else None
