"""Turn titles into calibrated log-probabilities."""

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.fields import join_fields
from prodcat.catalog.text import readable
from prodcat.classifier.device import check_has_values, pick_device
from prodcat.classifier.inference import BatchInference
from prodcat.classifier.migration.migrations import Migrations
from prodcat.classifier.title_branch import TitleBranch
from prodcat.classifier.titles import Titles, given_titles
from prodcat.classifier.windows import Reading
from prodcat.decisions.cascade import Cascade
from prodcat.decisions.weights import Weights
from prodcat.errors import ConfigError, check_choice
from prodcat.model.encoder import Encoder
from prodcat.model.int8 import Ranges
from prodcat.model.lexical import LexicalBranch
from prodcat.model.network import Network
from prodcat.model.ngrams import NGrams
from prodcat.model.path_model import PathModel
from prodcat.model.piece_scores import PieceScorer
from prodcat.model.precisions import (
    PRECISIONS,
    EncoderForm,
    batch_tokens,
    encoder_form,
    fastest,
    no_encoder,
    precisions,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger("prodcat")
_CHUNK = 2_048  # titles whose log-probabilities are in memory at the same time
_MOST_LOST = 0.001 + 1e-9  # largest loss of path accuracy, 0 to 1, by a faster precision


@dataclass(frozen=True, eq=False)
class Reader:
    """Turns titles into log-probabilities: tokens and n-grams, the network, the calibration.

    Attributes:
        network: The network, in eval mode, on its device.
        tokenizer: The encoder's tokenizer, or None without an encoder.
        ngrams: The n-gram vocabulary, or None without a lexical branch.
        weights: The weights of the calibration, not those of the network.
        max_tokens: Longer titles are cut to this many tokens.
        text_columns: The further text columns that are read beside each title.
        title_branch: What answers rows without any further text in place of ``ngrams``, the
            network's lexical branch and ``weights``; None without such columns or n-grams, and in
            artifacts of earlier versions.
        cascade: When n-grams alone answer a title; None without an encoder or n-grams, and in
            artifacts of earlier versions.
        encoder_config: The config that the encoder is rebuilt from, or None without an encoder.
        ranges: The ranges of the encoder's activations, which int8 needs, or None.
        accuracies: Path accuracy on the validation titles by precision, or None if not measured;
            see :func:`prodcat.classifier.calibrating.measure_precisions`.
        migrations: The changes of the tree since the network learned, or None.
    """

    network: Network
    tokenizer: "Tokenizer | None"
    ngrams: NGrams | None
    weights: Weights
    max_tokens: int
    text_columns: tuple[str, ...] = ()
    title_branch: TitleBranch | None = None
    cascade: Cascade | None = None
    encoder_config: Mapping[str, Any] | None = None
    ranges: Ranges | None = None
    accuracies: Mapping[str, float] | None = None
    migrations: Migrations | None = None
    # Implementations of the encoder by precision and device; each is made when it is first used.
    _forms: dict[tuple[str, str], EncoderForm] = field(default_factory=dict, init=False, repr=False)
    # The scorers of n-grams, which remember the pieces of titles, by the kind of texts they read.
    _scorers: dict[str, PieceScorer] = field(default_factory=dict, init=False, repr=False)
    # The text columns of whose absence a warning was logged, as they were missing together.
    _missed: set[tuple[str, ...]] = field(default_factory=set, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """The fields without those that are made again when they are needed."""
        return {**self.__dict__, "_forms": {}, "_scorers": {}, "_missed": set()}

    @property
    def device(self) -> torch.device:
        """The device that the network is on."""
        return self.network.device

    @property
    def paths(self) -> PathModel:
        """The path model of the tree of the answers."""
        return self.network.paths if self.migrations is None else self.migrations.paths

    # -- texts --------------------------------------------------------------------

    def texts(self, titles: Titles) -> list[str]:
        """The text of each title that the model gets: the title and further text columns.

        A text column that is missing is read as empty; its absence is logged once as a warning.
        Rows without any further text are answered by the :attr:`title_branch`.

        Args:
            titles: Product titles in any container, or a catalog; see
                :func:`prodcat.classifier.titles.given_titles`.

        Raises:
            CatalogError: There are no titles in it, or a title is not text.
        """
        return self.texts_of(given_titles(titles, self.text_columns))

    def texts_of(self, given: list[str] | Catalog) -> list[str]:
        """The texts as :meth:`texts` makes them, of titles that were checked already.

        Args:
            given: What :func:`prodcat.classifier.titles.given_titles` returns.
        """
        if isinstance(given, Catalog):
            return self._catalog_texts(given)
        self._warn_of_missing(self.text_columns)
        return [join_fields([readable(text)]) for text in given]

    def _catalog_texts(self, catalog: Catalog) -> list[str]:
        self._warn_of_missing([name for name in self.text_columns if name not in catalog.texts])
        empty = ("",) * len(catalog)
        texts = {name: catalog.texts.get(name, empty) for name in self.text_columns}
        return replace(catalog, texts=texts).inputs

    def _warn_of_missing(self, columns: Sequence[str]) -> None:
        if not columns or tuple(columns) in self._missed:
            return
        self._missed.add(tuple(columns))
        effect = " and read as empty, which costs accuracy"
        if self.title_branch is not None and len(columns) == len(self.text_columns):
            effect = (
                ", so titles are answered as by a classifier that was trained without them. A "
                "guarantee that was measured on rows with columns does not hold for them"
            )
        logger.warning(
            "This classifier was trained with the text columns %s; %s missing here%s. Give tables "
            "these columns, and read a catalog with them as text=.",
            list(self.text_columns),
            f"{list(columns)} {'is' if len(columns) == 1 else 'are'}",
            effect,
        )

    # -- log-probabilities --------------------------------------------------------

    def log_probs(
        self,
        texts: Sequence[str],
        precision: str | None = None,
        promised: bool = False,
        cascade: str | float = "off",
    ) -> Iterator[Tensor]:
        """Compute calibrated log-probabilities of the outcomes, chunk by chunk.

        Args:
            texts: The texts of titles, made by :meth:`texts`.
            precision: The precision of the encoder, as for :meth:`inference`.
            promised: Whether the answers are to have a guarantee, as for :meth:`inference`.
            cascade: Which titles n-grams alone answer, as for :meth:`inference`.

        Yields:
            float32 [chunk, outcome], on the device, in the order of the texts.

        Raises:
            ConfigError: The precision is not known, or the encoder cannot be run in it.
        """
        inference = self.inference(precision, promised, cascade)
        for start in range(0, len(texts), _CHUNK):
            with torch.inference_mode():
                log_probs = inference.log_probs(inference.prepare(texts[start : start + _CHUNK]))
            yield log_probs

    def inference(
        self,
        precision: str | None = None,
        promised: bool = False,
        cascade: str | float = "off",
    ) -> BatchInference:
        """An object that answers many titles at once; see :mod:`prodcat.classifier.inference`.

        Args:
            precision: The precision of the encoder, as for :meth:`pick_precision`.
            promised: Whether the answers are to have a guarantee, on which ``"auto"`` depends.
            cascade: Which titles n-grams alone answer: ``"auto"``, ``"off"`` or a share, as in
                :class:`prodcat.AnswerOptions`.

        Raises:
            ConfigError: The precision is not known, the encoder cannot be run in it, the classifier
                has no cascade and a share is asked for, or it is on the device ``meta``.
        """
        check_has_values(self.device)
        precision = self.pick_precision(precision, promised)
        check_choice("precision", precision, PRECISIONS)
        encoder = self.network.encoder
        if precision == "int8" and encoder is not None:
            self._check_int8(encoder)
        scorer = self._scorer("columns", self.ngrams, self.network.lexical)
        reading = Reading(
            scorer, self.weights.to(self.device), encoder is not None, self.migrations, promised
        )
        titles = None
        if (branch := self.title_branch) is not None:
            scorer = self._scorer("titles", branch.ngrams, branch.lexical)
            titles = replace(reading, scorer=scorer, weights=branch.weights.to(self.device))
        return BatchInference(
            self.network,
            self.tokenizer,
            reading,
            titles,
            self._cascade(cascade),
            self.max_tokens,
            batch_tokens(self.device),
            no_encoder if encoder is None else self._form(encoder, precision),
        )

    def _scorer(
        self, name: str, ngrams: NGrams | None, lexical: LexicalBranch | None
    ) -> PieceScorer | None:
        """The scorer of n-grams, made when it is first needed; None without n-grams."""
        if ngrams is None or lexical is None:
            return None
        if name not in self._scorers:
            self._scorers[name] = PieceScorer(ngrams, lexical)
        return self._scorers[name]

    def pick_precision(self, requested: str | None, promised: bool = False) -> str:
        """Choose the precision for a request.

        Args:
            requested: ``"auto"`` for the fastest precision on this machine whose measured path
                accuracy is at most 0.1 percentage points below float32's; None for float32; any
                other value, such as ``"int8"``, is returned unchanged.
            promised: Whether the answers are to have a guarantee; then ``"auto"`` is float32, in
                which guarantees are measured.
        """
        if requested != "auto":
            return "float32" if requested is None else requested
        measured = self.accuracies or {}
        if promised or "float32" not in measured:
            return "float32"
        good = [name for name in measured if measured[name] >= measured["float32"] - _MOST_LOST]
        return next(name for name in fastest(self.device) if name in good)

    def _cascade(self, asked: str | float) -> Cascade | None:
        """The cascade to use; None if the encoder reads every title."""
        if isinstance(asked, str):
            return self.cascade if asked == "auto" else None
        if self.cascade is None and self.network.encoder is not None:
            raise ConfigError(
                f"cascade={asked!r} needs n-grams beside the encoder, and a calibration by this "
                "version of prodcat. Leave cascade out, or call calibrate(catalog) first."
            )
        return None if self.cascade is None else self.cascade.with_share(asked)

    def _check_int8(self, encoder: Encoder) -> None:
        if self.device.type != "cpu":
            raise ConfigError(
                f"precision='int8' is for CPUs, and this classifier is on {self.device.type!r}. "
                "Leave the precision out, or move the classifier with to('cpu')."
            )
        if "int8" not in precisions(encoder):
            raise ConfigError(
                "precision='int8' is not available for this encoder; expected one of "
                f"{list(precisions(encoder))}. Leave the precision out."
            )
        if self.ranges is None:
            raise ConfigError(
                "precision='int8' needs the ranges of the encoder's activations, which were not "
                "measured when this classifier was built. Measure them with "
                "with_precisions(validation titles)."
            )

    def _form(self, encoder: Encoder, precision: str) -> EncoderForm:
        key = precision, str(self.device)
        if key not in self._forms:
            self._forms[key] = encoder_form(encoder, precision, self.ranges)
        return self._forms[key]

    # -- device and memory --------------------------------------------------------

    def to(self, device: str | torch.device) -> "Reader":
        """A copy of the reader on another device; this one stays where it is.

        Raises:
            ConfigError: This machine has no such device, or the reader is on the device ``meta``.
        """
        device = pick_device(device)
        if device.type != "meta":
            check_has_values(self.device)
        memo = {id(tensor): _moved(tensor, device) for tensor in _tensors(self.network)}
        titles = None if self.title_branch is None else self.title_branch.to(device)
        changes = None if self.migrations is None else self.migrations.to(device)
        network = copy.deepcopy(self.network, memo)
        return replace(self, network=network, title_branch=titles, migrations=changes)

    def sharing_encoder(self, other: "Reader") -> "Reader | None":
        """The same reader with the encoder of another, so that it is in memory only once.

        Args:
            other: A reader on the same device.

        Returns:
            The reader; None if the encoders differ in their settings or in any weight, or if the
            readers have no encoder or are on different devices.
        """
        encoder, shared = self.network.encoder, other.network.encoder
        if encoder is None or shared is None or self.device != other.device:
            return None
        network, forms = self.network, dict(self._forms)
        if encoder is not shared:
            if self.encoder_config != other.encoder_config or not _equal(encoder, shared):
                return None
            memo: dict[int, Any] = {id(tensor): tensor for tensor in _tensors(network)}
            memo[id(encoder)] = shared
            network, forms = copy.deepcopy(network, memo), {}
        reader = replace(self, network=network)
        # int8 depends on ranges, which differ from classifier to classifier.
        shared_forms = {key: form for key, form in other._forms.items() if key[0] != "int8"}
        reader._forms.update({**forms, **shared_forms})
        return reader

    @property
    def memory(self) -> int:
        """Size of all weights but the encoder's, in bytes; see :attr:`encoder_memory`."""
        tensors = self.network.state_dict().items()
        size = sum(int(t.nbytes) for name, t in tensors if not name.startswith("encoder."))
        parts = (self.ngrams, self.title_branch, self.migrations)
        return size + sum(part.memory for part in parts if part is not None)

    @property
    def encoder_memory(self) -> int:
        """Size of the encoder's weights, in bytes; 0 without an encoder."""
        encoder = self.network.encoder
        weights = () if encoder is None else encoder.state_dict().values()
        return sum(int(tensor.nbytes) for tensor in weights)


def _tensors(network: Network) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _moved(tensor: Tensor, device: str | torch.device) -> Tensor:
    moved = tensor.detach().to(device)
    is_parameter = isinstance(tensor, nn.Parameter)
    return nn.Parameter(moved, tensor.requires_grad) if is_parameter else moved


def _equal(first: Encoder, second: Encoder) -> bool:
    """Whether two encoders have the same pooling and are equal in every weight."""
    mine, theirs = first.state_dict(), second.state_dict()
    if first.pooling != second.pooling or mine.keys() != theirs.keys():
        return False
    return all(torch.equal(mine[name], theirs[name]) for name in mine)
