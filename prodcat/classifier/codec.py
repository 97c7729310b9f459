"""Encode the three parts of a classifier as the files of an artifact.

:data:`FILES` lists the files, and :data:`TENSORS` the tensors of ``model.safetensors``;
:mod:`prodcat.classifier.rebuilding` decodes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prodcat.classifier.migration.files import card_of, document_of, tensors_of
from prodcat.classifier.parts import ClassifierParts
from prodcat.evaluation.card import card_text
from prodcat.model.config import TrainingConfig
from prodcat.model.encoder import Encoder
from prodcat.model.ngrams import NGrams
from prodcat.storage.artifact import check_loadable
from prodcat.storage.document import json_bytes
from prodcat.storage.manifest import MIGRATIONS, WEIGHTS


def _settings(parts: ClassifierParts) -> bytes:
    reader, provenance = parts.reader, parts.provenance
    training, stored = asdict(provenance.training), provenance.stored_training
    if stored is not None:
        # With the settings of the version that wrote them and without those that came later, so
        # that saving a loaded classifier keeps its hash.
        usual = asdict(TrainingConfig())
        later = [name for name in training if name not in stored and training[name] == usual[name]]
        training = {**stored, **{name: training[name] for name in training if name not in later}}
    settings: dict[str, Any] = {
        "model": asdict(provenance.model),
        "training": training,
        "text_columns": list(reader.text_columns),
        "encoder": reader.encoder_config,
        "closed_form": provenance.closed_form,
    }
    if provenance.fingerprint is not None:
        settings["fingerprint"] = provenance.fingerprint
    if provenance.levels:
        settings["levels"] = list(provenance.levels)
    if provenance.renames:
        settings["renames"] = [rename.stored() for rename in provenance.renames]
    if reader.ngrams is not None and reader.ngrams.version > 1:
        settings["ngrams"] = reader.ngrams.version
    if reader.ngrams is not None and reader.ngrams.fields:
        settings["fields"] = [field.stored() for field in reader.ngrams.fields]
    if reader.accuracies is not None:
        settings["precisions"] = reader.accuracies
    if reader.cascade is not None:
        settings["cascade"] = reader.cascade.figures()
    return json_bytes(settings, indent=2)


def _card(parts: ClassifierParts) -> bytes:
    taxonomy, model = parts.decider.taxonomy, parts.provenance.model
    validation = parts.provenance.validation
    metrics = f"\n```\n{card_text(validation)}\n```\n" if validation is not None else ""
    return (
        "# A prodcat classifier\n\n"
        f"{taxonomy!r}\n\nTree hash `{taxonomy.hash}`.\n\n"
        f"Encoder: {model.encoder}; structure: {model.structure}; lexical branch: "
        f"{'yes' if model.lexical else 'no'}.\n\n{_columns(parts)}"
        f"{_cascade(parts)}{card_of(parts.migrations)}## Validation titles\n{metrics}\n"
        'Load it with `prodcat.load("<this folder>")`.\n'
    ).encode()


def _columns(parts: ClassifierParts) -> str:
    """The paragraph of the card about further text columns; empty if there are none."""
    ngrams = parts.reader.ngrams
    if ngrams is None or not ngrams.fields:  # as in the cards of earlier versions
        return ""
    kinds = [f" ({field.kind})" for field in ngrams.fields]
    names = zip_longest(parts.reader.text_columns, kinds, fillvalue="")
    columns = f"Further columns: {', '.join(f'`{name}`{kind}' for name, kind in names)}."
    if parts.reader.title_branch is not None:
        columns += "\nRows in which all of them are empty are answered by n-grams of titles alone."
    return f"{columns}\n\n"


def _cascade(parts: ClassifierParts) -> str:
    """The paragraph of the card about the cascade; empty if there is none."""
    cascade = parts.reader.cascade
    return "" if cascade is None else f"{cascade}\n\n"


def _validation(parts: ClassifierParts) -> bytes | None:
    validation = parts.provenance.validation
    return None if validation is None else json_bytes(validation.to_dict(), indent=2)


def _guarantee(parts: ClassifierParts) -> bytes | None:
    guarantee = parts.decider.guarantee
    return None if guarantee is None else json_bytes(guarantee.to_dict(), indent=2)


def _migrations(parts: ClassifierParts) -> bytes | None:
    migrations = parts.reader.migrations
    return None if migrations is None else document_of(migrations)


def _history(parts: ClassifierParts) -> bytes:
    return json_bytes([epoch.to_dict() for epoch in parts.provenance.history], indent=2)


def _tokenizer(parts: ClassifierParts) -> bytes | None:
    tokenizer = parts.reader.tokenizer
    return None if tokenizer is None else tokenizer.to_str().encode()


def _weights(parts: ClassifierParts) -> bytes:
    from safetensors.torch import save

    groups = (group.written(parts) for group in TENSORS)
    content: bytes = save({name: tensor for group in groups for name, tensor in group.items()})
    return content


# Functions that make the files of an artifact, in this order, without the manifest.  They return
# None if the classifier does not have the file.
FILES: dict[str, Callable[[ClassifierParts], bytes | None]] = {
    "config.json": _settings,
    "taxonomy.json": lambda parts: parts.decider.taxonomy.to_json().encode(),
    WEIGHTS: _weights,
    "history.json": _history,
    "README.md": _card,
    "evaluation.json": _validation,
    "guarantee.json": _guarantee,
    "tokenizer.json": _tokenizer,
    MIGRATIONS: _migrations,
}


@dataclass(frozen=True)
class TensorGroup:
    """Tensors of ``model.safetensors`` whose names have the same prefix.

    Attributes:
        prefix: The part of their names before the first dot; empty for those of the network.
        tensors: A function that returns the tensors of a classifier, by their names without the
            prefix.
    """

    prefix: str
    tensors: Callable[[ClassifierParts], Mapping[str, Tensor]]

    def written(self, parts: ClassifierParts) -> dict[str, Tensor]:
        """The tensors, by their names with the prefix."""
        start = f"{self.prefix}." if self.prefix else ""
        return {start + name: tensor for name, tensor in self.tensors(parts).items()}


def _network_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    state = parts.reader.network.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _calibration_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    confidences = torch.from_numpy(parts.provenance.reference)
    return {**parts.reader.weights.tensors(), "reference": confidences}


def _training_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    provenance = parts.provenance
    hashes = {"seen": provenance.seen, "held": provenance.held, "rows": provenance.rows}
    signed = {name: torch.from_numpy(array.view(np.int64)) for name, array in hashes.items()}
    return {"counts": torch.from_numpy(provenance.counts), **signed}


def _guarantee_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    guarantee = parts.decider.guarantee
    arrays = {} if guarantee is None else guarantee.arrays()
    return {name: torch.tensor(array) for name, array in arrays.items()}


def _range_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    ranges = parts.reader.ranges
    return {} if ranges is None else vars(ranges)


def _ngram_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    ngrams = parts.reader.ngrams
    return {} if ngrams is None else _vocabulary(ngrams)


def _vocabulary(ngrams: NGrams) -> dict[str, Tensor]:
    hashes = torch.from_numpy(ngrams.hashes.view(np.int64))
    return {"hashes": hashes, "idf": torch.from_numpy(ngrams.idf)}


def _title_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    titles = parts.reader.title_branch
    if titles is None:
        return {}
    lexical = {name: tensor.cpu() for name, tensor in titles.lexical.state_dict().items()}
    return {**_vocabulary(titles.ngrams), **lexical, **titles.weights.tensors()}


def _cascade_tensors(parts: ClassifierParts) -> Mapping[str, Tensor]:
    cascade = parts.reader.cascade
    return {} if cascade is None else cascade.tensors()


TENSORS = (
    TensorGroup("", _network_tensors),  # encoder.*, heads.*, lexical.*
    TensorGroup("calibration", _calibration_tensors),
    TensorGroup("training", _training_tensors),
    TensorGroup("guarantee", _guarantee_tensors),
    TensorGroup("ranges", _range_tensors),
    TensorGroup("ngrams", _ngram_tensors),
    TensorGroup("titles", _title_tensors),
    TensorGroup("cascade", _cascade_tensors),
    TensorGroup("migrations", lambda parts: tensors_of(parts.reader.migrations)),
)
# Prefixes of tensors that are not weights of the network that is built before they are loaded.  The
# lexical branch is added to it later, because its size depends on its tensors.
SEPARATE = (*(group.prefix for group in TENSORS if group.prefix), "lexical")


def encode(parts: ClassifierParts) -> dict[str, bytes]:
    """Encode a classifier as files; equal classifiers give equal bytes.

    Args:
        parts: The three parts of the classifier.

    Returns:
        The content of each file by name, without the manifest.

    Raises:
        ArtifactError: The files are too large to be loaded again.
    """
    contents = ((name, write(parts)) for name, write in FILES.items())
    files = {name: content for name, content in contents if content is not None}
    encoder = parts.reader.network.encoder
    for name, content in files.items():
        if name.endswith(".json"):
            of_encoder = encoder if name == "tokenizer.json" else None
            check_loadable(name, content, None if of_encoder is None else most_values(of_encoder))
    return files


def most_values(encoder: Encoder) -> int:
    """The maximum number of JSON values in the ``tokenizer.json`` of this encoder."""
    return 12 * encoder.word_embeddings.num_embeddings + 200_000
