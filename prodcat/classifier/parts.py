"""The three parts of a classifier, and properties that are read from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.inference import BatchInference
from prodcat.classifier.migration.renames import with_renames
from prodcat.classifier.migration.report import MigrationReport
from prodcat.classifier.provenance import Provenance
from prodcat.classifier.reader import Reader
from prodcat.classifier.records import History
from prodcat.classifier.results import level_columns
from prodcat.classifier.titles import Titles
from prodcat.classifier.vectors import title_vectors
from prodcat.decisions.decider import Decider
from prodcat.decisions.guarantee import Guarantee
from prodcat.decisions.weights import Weights
from prodcat.evaluation.displays import notebook_tables
from prodcat.evaluation.evaluation import Evaluation
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.model.elementwise import exp
from prodcat.model.network import Network
from prodcat.model.ngrams import NGrams
from prodcat.taxonomy.notebook import NotebookTable, notebook_html
from prodcat.taxonomy.paths import Path
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, eq=False)
class ClassifierParts:
    """The three parts of a classifier, with properties that are read from them.

    Attributes:
        reader: Turns titles into calibrated log-probabilities.
        decider: Turns log-probabilities into answers; it has the tree and the guarantee.
        provenance: The settings, the history and hashes of the titles used to make the classifier.
    """

    reader: Reader
    decider: Decider
    provenance: Provenance

    @property
    def taxonomy(self) -> Taxonomy:
        """The tree of which every answer is a path."""
        return self.decider.taxonomy

    @property
    def outcomes(self) -> list[Path]:
        """The paths of all outcomes, in the order of ``predict_proba``'s columns."""
        return [self.taxonomy.paths[node] for node in self.taxonomy.outcomes]

    @property
    def guarantee(self) -> Guarantee | None:
        """The guarantee that ``with_guarantee`` measured, or None."""
        return self.decider.guarantee

    @property
    def level_columns(self) -> list[str]:
        """The names of the columns of answers with the name at each level, coarsest first."""
        return level_columns(self.provenance.levels, self.taxonomy.depth)

    # -- provenance ---------------------------------------------------------------

    @property
    def model(self) -> ModelConfig:
        """The settings of the model."""
        return self.provenance.model

    @property
    def training(self) -> TrainingConfig:
        """The settings of the training."""
        return self.provenance.training

    @property
    def history(self) -> History:
        """The result of each epoch; epoch 0 is the result before the first step."""
        return History(self.provenance.history)

    @property
    def validation(self) -> Evaluation | None:
        """Metrics on the validation titles; None after a new calibration."""
        return self.provenance.validation

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64 [nodes]: number of training titles labelled with each node."""
        return self.provenance.counts

    @property
    def fingerprint(self) -> str | None:
        """A hash of the titles, tree and settings of the training; None for old artifacts."""
        return self.provenance.fingerprint

    @property
    def origin(self) -> str | None:
        """The version in a store that it is, or was made from, as ``model@version``; or None."""
        return self.provenance.origin

    @property
    def remembers(self) -> bool:
        """Whether it has hashes of its training titles; artifacts before format 3 have none."""
        return self.provenance.remembers

    def knows(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether the classifier was trained on rows.

        Args:
            hashes: uint64 [rows]: a hash of each row's title and label; see
                :func:`prodcat.catalog.fingerprint.row_hashes`.

        Returns:
            bool [rows].
        """
        return self.provenance.knows(hashes)

    def has_held(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether the classifier was validated on these titles, bool [texts]."""
        return self.provenance.has_held(texts)

    def has_seen(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether training, its validation or a calibration used these titles, bool [texts]."""
        return self.provenance.has_seen(texts)

    # -- reader -------------------------------------------------------------------

    @property
    def network(self) -> Network:
        """The network, which must not be changed."""
        return self.reader.network

    @property
    def tokenizer(self) -> "Tokenizer | None":
        """The encoder's tokenizer, or None without an encoder."""
        return self.reader.tokenizer

    @property
    def ngrams(self) -> NGrams | None:
        """The n-gram vocabulary, or None without a lexical branch."""
        return self.reader.ngrams

    @property
    def weights(self) -> Weights:
        """The weights of the calibration, which :meth:`Classifier.calibrate` fits."""
        return self.reader.weights

    @property
    def learned_tree(self) -> Taxonomy:
        """The tree that the network learned: that of the answers, unless it changed since."""
        migrations = self.reader.migrations
        return self.taxonomy if migrations is None else migrations.learned_tree

    @property
    def migrations(self) -> tuple[MigrationReport, ...]:
        """What was done at each change of the tree since the training, the earliest first."""
        migrations = self.reader.migrations
        steps = () if migrations is None else migrations.steps
        return with_renames([step.report for step in steps], self.provenance.renames)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The further text columns that are read beside each title."""
        return self.reader.text_columns

    @property
    def memory(self) -> int:
        """Size of all its weights but the encoder's, in bytes; see :attr:`encoder_memory`."""
        return self.reader.memory

    @property
    def encoder_memory(self) -> int:
        """Size of its encoder's weights, in bytes; 0 without an encoder."""
        return self.reader.encoder_memory

    def texts_of(self, catalog: Catalog) -> list[str]:
        """The text of each row that the classifier gets; see :meth:`Reader.texts`."""
        return self.reader.texts(catalog)

    def inference(
        self,
        precision: str | None = None,
        promised: bool = False,
        cascade: str | float = "off",
    ) -> BatchInference:
        """An object that answers many titles at once; see :meth:`Reader.inference`."""
        return self.reader.inference(precision, promised, cascade)

    def pick_precision(self, requested: str | None, promised: bool = False) -> str:
        """Choose the precision for a request; see :meth:`Reader.pick_precision`."""
        return self.reader.pick_precision(requested, promised)

    def group_column(self, promised: bool) -> str | None:
        """The column with the groups of titles, if the guarantee depends on one, or None."""
        return self.decider.group_column(promised)

    def node_probabilities(self, titles: Titles) -> NDArray[np.float32]:
        """Compute the probability of every node, in float32 precision.

        Args:
            titles: Product titles, as for :meth:`Classifier.predict`.

        Returns:
            float32 [title, node]; column ``i`` is the path ``classifier.taxonomy.paths[i]``.

        Raises:
            CatalogError: There are no titles in it, or one is not text.
        """
        sums = self.decider.paths.node_probs
        chunks = self.reader.log_probs(self.reader.texts(titles))
        empty = np.zeros((0, len(self.taxonomy)), np.float32)
        return np.concatenate([empty, *(sums(exp(chunk)).cpu().numpy() for chunk in chunks)])

    def title_vectors(self, titles: Titles, precision: str | None = "auto") -> NDArray[np.float32]:
        """What the encoder makes of titles, before the heads: similar titles have similar vectors.

        Args:
            titles: Product titles, as for :meth:`Classifier.predict`.
            precision: The precision of the encoder, as for :meth:`Classifier.predict`.

        Returns:
            float32 [title, hidden].

        Raises:
            CatalogError: There are no titles in it, or one is not text.
            ConfigError: The classifier has no encoder, or it cannot be run in this precision.
        """
        return title_vectors(self.reader, self.reader.texts(titles), precision)

    def __repr__(self) -> str:
        """Encoder, tree and validation accuracy in one line."""
        accuracy = ""
        if self.validation is not None:
            accuracy = f", validation path accuracy {self.validation.path_accuracy:.4f}"
        return f"Classifier({self.model.encoder}, {self.taxonomy!r}{accuracy})"

    def _repr_html_(self) -> str:
        evaluation, guarantee = self.validation, self.guarantee
        numbers = [self.model.encoder or "n-grams alone", repr(self.taxonomy)]
        facts = [
            ("titles learned", f"{int(self.counts.sum()):,}"),
            ("further text columns", ", ".join(self.text_columns) or "none"),
            ("calibration", self.training.calibration),
            ("guarantee", "none" if guarantee is None else f"on {len(guarantee):,} titles"),
            ("version", self.origin or "not from a store"),
        ]
        tables = [NotebookTable(("classifier", ""), facts)]
        if evaluation is not None:
            numbers.append(f"validation path accuracy {evaluation.path_accuracy:.1%}")
            tables += notebook_tables(evaluation)
        if self.history:
            tables.append(self.history.notebook_table())
        return notebook_html("Classifier", numbers, *tables)
