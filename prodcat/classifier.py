"""Fit, predict, evaluate, save and load: wiring only."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat import __version__
from prodcat.artifact import read_artifact, write_artifact
from prodcat.catalog import Catalog
from prodcat.config import ModelConfig, TrainingConfig
from prodcat.decoding import Answers, most_likely_paths
from prodcat.encoder import Encoder, autocast, build_encoder, config_of, load_encoder, pad_id_of
from prodcat.errors import ArtifactError, CatalogError, ConfigError
from prodcat.lexical import LexicalBranch, NGrams, solve
from prodcat.metrics import Evaluation, evaluate_nodes
from prodcat.network import Network
from prodcat.splits import split
from prodcat.taxonomy import Path, Taxonomy, join_path
from prodcat.text import readable
from prodcat.tokenization import TokenTable, plan_batches, read_tokenizer, tokenize
from prodcat.training import EpochResult, Listener, Rows, train

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger("prodcat")
Titles = Sequence[str] | Catalog
_CHUNK = 2_048


@dataclass(frozen=True)
class Prediction:
    """One path for one title.

    Attributes:
        path: Node names, coarse to fine.
        confidence: Probability of the whole path, 0 to 1.
        level_confidences: Probability of the path's node at each of its levels.
        node_id: The stable id of the node at which the path ends.
    """

    path: Path
    confidence: float
    level_confidences: tuple[float, ...]
    node_id: str

    def __str__(self) -> str:
        """The path in one line, with its confidence."""
        return f"{join_path(self.path)} ({self.confidence:.2f})"


@dataclass(frozen=True, eq=False)
class Classifier:
    """A fitted model; it does not change.  Make one with :func:`fit` or :func:`load`.

    Attributes:
        taxonomy: The tree that every answer is a path of.
        model: What the model is made of.
        training: How it was trained.
        history: One entry for each epoch, 0 being the closed-form start.
        validation: Metrics on the validation titles.
        text_columns: The further text columns that it was trained to read.
    """

    taxonomy: Taxonomy
    model: ModelConfig
    training: TrainingConfig
    history: tuple[EpochResult, ...]
    validation: Evaluation | None
    text_columns: tuple[str, ...]
    _network: Network
    _tokenizer: "Tokenizer | None"
    _ngrams: NGrams | None
    _stored: dict[str, Any]

    # -- answers ------------------------------------------------------------------

    def predict(
        self,
        titles: Titles,
        top_k: int = 1,
        *,
        language: str | None = None,
        precision: str = "float32",
    ) -> list[list[Prediction]]:
        """Find the most likely paths.

        Args:
            titles: Product titles, or a catalog.
            top_k: How many paths for each title.
            language: The language of the names in the answer, where the tree has it.
            precision: ``"float32"``, or ``"bfloat16"`` for speed.

        Returns:
            For each title its best paths, best first, at most ``top_k``.

        Raises:
            CatalogError: The titles are not texts, or a text column is missing.
        """
        if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1:
            raise ConfigError(
                f"top_k={top_k!r} is out of range; expected a whole number, at least 1."
            )
        names: Sequence[Path] = self.taxonomy.paths
        if language is not None:
            names = [self.taxonomy.path(node, language) for node in range(len(names))]
        found: list[list[Prediction]] = []
        for answers in self._answers(self._texts(titles), top_k, precision):
            found += self._predictions(answers, names)
        return found

    def _predictions(self, answers: Answers, names: Sequence[Path]) -> list[list[Prediction]]:
        rows = zip(
            answers.nodes.tolist(),
            answers.confidence.tolist(),
            answers.level_confidence.tolist(),
            strict=True,
        )
        return [
            [
                Prediction(names[n], p, tuple(levels[: len(names[n])]), self.taxonomy.ids[n])
                for n, p, levels in zip(*row, strict=True)
            ]
            for row in rows
        ]

    def predict_proba(self, titles: Titles, *, precision: str = "float32") -> NDArray[np.float32]:
        """The probability of every outcome.

        Returns:
            float32 [title, outcome]; column ``i`` is the path ``classifier.outcomes[i]``.
        """
        parts = [p.exp().cpu().numpy() for p in self._log_probs(self._texts(titles), precision)]
        empty = np.zeros((0, len(self.taxonomy.outcomes)), np.float32)
        return np.concatenate([empty, *parts])

    def node_probabilities(self, titles: Titles) -> NDArray[np.float32]:
        """The probability of every node, float32 [title, node]; see ``taxonomy.paths``."""
        paths = self._network.paths
        parts = [
            paths.node_probs(p.exp()).cpu().numpy()
            for p in self._log_probs(self._texts(titles), "float32")
        ]
        return np.concatenate([np.zeros((0, len(self.taxonomy)), np.float32), *parts])

    @property
    def outcomes(self) -> list[Path]:
        """The paths that an answer can be, in the order of ``predict_proba``'s columns."""
        return [self.taxonomy.paths[node] for node in self.taxonomy.outcomes]

    def evaluate(self, catalog: Catalog, *, precision: str = "float32") -> Evaluation:
        """Judge the answers for the labelled rows of a catalog.

        Raises:
            CatalogError: No row is labelled, or a label is not in this classifier's tree.
        """
        labelled = catalog.take(catalog.labelled)
        if not len(labelled):
            raise CatalogError(f"{catalog!r} has no labelled row to judge by; expected some.")
        targets = _targets_in(labelled, self.taxonomy)
        paths = self._network.paths
        nodes, confidence, own = [], [], []
        done = 0
        for log_probs in self._log_probs(self._texts(labelled), precision):
            some = torch.from_numpy(targets[done : done + len(log_probs)]).to(log_probs.device)
            done += len(log_probs)
            best = most_likely_paths(paths, log_probs)
            nodes.append(best.nodes[:, 0].cpu().numpy())
            confidence.append(best.confidence[:, 0].cpu().numpy())
            own.append(paths.target_log_probs(log_probs, some).cpu().numpy())
        return evaluate_nodes(
            self.taxonomy,
            targets,
            np.concatenate(nodes),
            np.concatenate(confidence),
            np.concatenate(own),
        )

    def _texts(self, titles: Titles) -> list[str]:
        if isinstance(titles, Catalog):
            missing = [name for name in self.text_columns if name not in titles.texts]
            if missing:
                raise CatalogError(
                    f"The catalog has no text column {missing[0]!r}, which this classifier reads; "
                    f"found {sorted(titles.texts)}. Read it with text={list(self.text_columns)}."
                )
            return replace(titles, texts={n: titles.texts[n] for n in self.text_columns}).inputs
        if isinstance(titles, str):
            raise CatalogError("Found one text; expected a list of titles. Put it into a list.")
        texts = list(titles)
        for row, title in enumerate(texts):
            if not isinstance(title, str):
                raise CatalogError(
                    f"Title {row} is a {type(title).__name__}; expected text. Convert it with "
                    "str(), or drop the row."
                )
        if self.text_columns:
            logger.warning(
                "This classifier was trained to read %s too; titles alone are answered without. "
                "Give a catalog, read with text=, for all it knows.",
                list(self.text_columns),
            )
        return [readable(text) for text in texts]

    def _answers(self, texts: list[str], k: int, precision: str) -> Iterator[Answers]:
        for log_probs in self._log_probs(texts, precision):
            yield most_likely_paths(self._network.paths, log_probs, k)

    def _log_probs(self, texts: list[str], precision: str) -> Iterator[Tensor]:
        """Log-probabilities of the outcomes, chunk by chunk, in the order of the texts."""
        if precision not in ("float32", "bfloat16"):
            raise ConfigError(
                f"precision={precision!r} is not known; expected 'float32' or 'bfloat16'."
            )
        for start in range(0, len(texts), _CHUNK):
            yield self._chunk_log_probs(texts[start : start + _CHUNK], precision)

    @torch.inference_mode()
    def _chunk_log_probs(self, texts: list[str], precision: str) -> Tensor:
        network = self._network
        scores = None
        if network.encoder is not None:
            assert self._tokenizer is not None
            table = tokenize(self._tokenizer, texts, self.model.max_tokens)
            outcomes = len(self.taxonomy.outcomes)
            scores = torch.empty(len(texts), outcomes, device=network.device)
            for rows in plan_batches(table.lengths, self.training.token_budget * 4):
                ids, mask = table.pad(rows, pad_id_of(network.encoder))
                with autocast(network.device, precision):
                    logits = network.logits(ids.to(network.device), mask.to(network.device))
                place = torch.from_numpy(rows).to(network.device)
                scores[place] = network.paths.log_probs(logits)
        return network.combine(scores, self._ngrams(texts) if self._ngrams is not None else None)

    # -- keeping ------------------------------------------------------------------

    def to(self, device: str | torch.device) -> "Classifier":
        """The same classifier on another device."""
        self._network.to(device)
        return self

    def save(self, uri: str) -> None:
        """Write the artifact; see :mod:`prodcat.artifact` for its files.

        Args:
            uri: A folder at any fsspec URI.

        Raises:
            ArtifactError: It cannot be written.
        """
        from safetensors.torch import save

        tensors = {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self._network.state_dict().items()
        }
        if self._ngrams is not None:
            tensors["ngrams.hashes"] = torch.from_numpy(self._ngrams.hashes.view(np.int64))
            tensors["ngrams.idf"] = torch.from_numpy(self._ngrams.idf)
        files = {
            "config.json": _json(
                {
                    "model": asdict(self.model),
                    "training": asdict(self.training),
                    "text_columns": list(self.text_columns),
                    **self._stored,
                }
            ),
            "taxonomy.json": self.taxonomy.to_json().encode(),
            "model.safetensors": save(tensors),
            "history.json": _json([result.to_dict() for result in self.history]),
            "README.md": self._card().encode(),
        }
        if self.validation is not None:
            files["evaluation.json"] = _json(self.validation.to_dict())
        if self._tokenizer is not None:
            files["tokenizer.json"] = self._tokenizer.to_str().encode()
        write_artifact(uri, files, __version__)

    def _card(self) -> str:
        metrics = f"\n```\n{self.validation}\n```\n" if self.validation is not None else ""
        return (
            "# A prodcat classifier\n\n"
            f"{self.taxonomy!r}\n\nTree hash `{self.taxonomy.hash}`.\n\n"
            f"Encoder: {self.model.encoder}; structure: {self.model.structure}; lexical branch: "
            f"{'yes' if self.model.lexical else 'no'}.\n\n## Validation titles\n{metrics}\n"
            'Load it with `prodcat.load("<this folder>")`.\n'
        )

    def __repr__(self) -> str:
        """Encoder, tree and validation accuracy in one line."""
        accuracy = (
            f", validation path accuracy {self.validation.path_accuracy:.4f}"
            if self.validation is not None
            else ""
        )
        return f"Classifier({self.model.encoder}, {self.taxonomy!r}{accuracy})"


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
        _targets_in(validation, taxonomy),
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
        history, start = train(
            network, taxonomy, rows[0], rows[1], training, progress=progress, listener=listener
        )
    network.eval()
    classifier = Classifier(
        taxonomy=taxonomy,
        model=model,
        training=training,
        history=tuple(history),
        validation=None,
        text_columns=tuple(catalog.texts),
        _network=network,
        _tokenizer=tokenizer,
        _ngrams=ngrams,
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
    return replace(classifier, validation=classifier.evaluate(validation))


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


def _targets_in(catalog: Catalog, taxonomy: Taxonomy) -> NDArray[np.int64]:
    """The catalog's targets as nodes of this tree.

    Raises:
        CatalogError: A label is not in the tree.
    """
    theirs = catalog.tree
    if theirs is taxonomy or theirs.hash == taxonomy.hash:
        return catalog.targets
    by_chain = {_chain(taxonomy, node): node for node in range(len(taxonomy))}
    found = {int(t): by_chain.get(_chain(theirs, int(t)), -1) for t in np.unique(catalog.targets)}
    missing = [join_path(theirs.paths[node]) for node, own in found.items() if own < 0]
    if missing:
        rows = int(np.isin(catalog.targets, [n for n, own in found.items() if own < 0]).sum())
        raise CatalogError(
            f"{rows} rows carry {len(missing)} categories that are not in the classifier's tree, "
            f"e.g. {missing[:3]}. Read the catalog with taxonomy=<the training catalog's> and "
            "on_error='aside' to leave such rows out."
        )
    return np.array([found[int(target)] for target in catalog.targets], dtype=np.int64)


def _chain(taxonomy: Taxonomy, node: int) -> tuple[str, ...]:
    return tuple(taxonomy.ids[n] for n in taxonomy.ancestors(node))


def load(uri: str, *, device: str | torch.device | None = None) -> Classifier:
    """Load a classifier; needs no network but the artifact's own.

    Args:
        uri: The folder that :meth:`Classifier.save` wrote, at any fsspec URI.
        device: Where to put it; a GPU if there is one.

    Raises:
        ArtifactError: There is no artifact, or it is not whole.
    """
    files = read_artifact(uri)
    device = pick_device(device)
    try:
        return _rebuild(files, uri, device)
    except ArtifactError:
        raise
    except Exception as error:  # whatever a damaged file makes of the libraries below
        raise ArtifactError(
            f"The artifact at {uri!r} cannot be rebuilt: {type(error).__name__}: {error}. Its "
            "files are what its manifest says, so they were damaged before they were saved, or "
            "belong to different models. Save the classifier again."
        ) from error


def _rebuild(files: dict[str, bytes], uri: str, device: torch.device) -> Classifier:
    from safetensors.torch import load as load_tensors

    try:
        config = json.loads(files["config.json"])
        model = ModelConfig(**config.pop("model"))
        training = TrainingConfig(**config.pop("training"))
        text_columns = tuple(config.pop("text_columns"))
        tensors = load_tensors(files["model.safetensors"])
        history = [EpochResult(**entry) for entry in json.loads(files.get("history.json", b"[]"))]
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"The artifact at {uri!r} has settings of another form: {error}."
        ) from error
    taxonomy = Taxonomy.from_json(files["taxonomy.json"].decode())
    encoder = tokenizer = ngrams = lexical = None
    if config["encoder"] is not None:
        encoder = build_encoder(config["encoder"], model.pooling)
        tokenizer = read_tokenizer(files["tokenizer.json"].decode(), f"{uri}/tokenizer.json")
    if model.lexical:
        hashes = tensors.pop("ngrams.hashes").numpy().view(np.uint64)
        ngrams = NGrams(hashes, tensors.pop("ngrams.idf").numpy(), model.characters)
        names = ("offsets", "columns", "values", "bias")
        lexical = LexicalBranch(*(tensors[f"lexical.{name}"] for name in names))
        entries = int(lexical.offsets[-1])
        if not len(hashes) + 1 == len(lexical.offsets) or entries != len(lexical.columns):
            raise ArtifactError(f"The n-grams in the artifact at {uri!r} do not fit each other.")
    network = Network(
        taxonomy, encoder, model.structure, model.belief_width, lexical, training.dropout
    )
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ArtifactError(
            f"The weights in the artifact at {uri!r} do not fit its config: {error}"
        ) from error
    return Classifier(
        taxonomy=taxonomy,
        model=model,
        training=training,
        history=tuple(history),
        validation=_read_evaluation(files.get("evaluation.json")),
        text_columns=text_columns,
        _network=network.to(device).eval(),
        _tokenizer=tokenizer,
        _ngrams=ngrams,
        _stored=config,
    )


def pick_device(device: str | torch.device | None) -> torch.device:
    """The device that is meant; a GPU if there is one and none is named.

    Raises:
        ConfigError: There is no such device here.
    """
    try:
        found = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device={device!r} cannot be used here: {str(error).splitlines()[0]} Use 'cpu', or "
            "'cuda' on a machine with a GPU."
        ) from error
    return found


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


def _read_evaluation(text: bytes | None) -> Evaluation | None:
    return None if text is None else Evaluation.from_dict(json.loads(text))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
