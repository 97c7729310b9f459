"""The settings of a model and of its training, checked when they are made."""

from dataclasses import dataclass
from typing import Literal, get_args

from prodcat.errors import ConfigError, check_choice, check_range, check_whole

# Settings that only earlier versions had, with their default values.  A training of this version
# equals one of an earlier version with these values.
REMOVED_TRAINING_SETTINGS = {
    "label_smoothing": 0.0,
    "logit_adjustment": 0.0,
    "layer_decay": 1.0,
    "head_epochs": 0,
    "compile": "auto",
}
Structure = Literal["stacked", "per_level", "flat"]
Pooling = Literal["mean", "cls"]
Precision = Literal["auto", "float32", "bfloat16"]
Method = Literal["temperature", "levels", "adaptive", "steps"]


@dataclass(frozen=True)
class ModelConfig:
    """The settings of a model.

    Attributes:
        encoder: Pretrained encoder: a name on the Hugging Face hub (``NAME`` or
            ``NAME@REVISION``), a local folder or an fsspec URI; None for a model of n-grams alone.
        pooling: How the vectors of a title's tokens become one: ``"mean"``, their mean, or
            ``"cls"``, the vector of the first token.
        max_tokens: Maximum number of tokens of a title, special tokens included, at least 3;
            longer titles are cut.
        structure: How scores become probabilities: ``"stacked"``, a score for each node and one
            softmax over all paths; ``"per_level"``, a softmax for each level; or ``"flat"``, a
            score for each outcome and one softmax; see
            :class:`prodcat.model.path_model.PathModel`.
        belief_width: Width of the node embeddings through which the head of a level gets the
            probabilities of the level above, for ``"stacked"``; 0 leaves the heads unconnected.
        lexical: Whether the n-grams of a title contribute to the scores.
        characters: Lengths of the shortest and the longest character n-gram, in characters, each
            from 2 to 8.
        max_features: Maximum number of n-grams; the rarest are dropped.

    Raises:
        ConfigError: A setting has a value that is not allowed.
    """

    encoder: str | None = "intfloat/multilingual-e5-small"
    pooling: Pooling = "mean"
    max_tokens: int = 64
    structure: Structure = "stacked"
    belief_width: int = 64
    lexical: bool = True
    characters: tuple[int, int] = (2, 4)
    max_features: int = 131_072

    def __post_init__(self) -> None:
        if isinstance(self.encoder, str) and self.encoder.lower() == "none":  # as it is typed
            object.__setattr__(self, "encoder", None)
        check_choice("pooling", self.pooling, ("mean", "cls"))
        check_choice("structure", self.structure, ("stacked", "per_level", "flat"))
        for name, low in (("max_tokens", 3), ("belief_width", 0), ("max_features", 1)):
            check_whole(name, getattr(self, name), low)
        object.__setattr__(self, "characters", tuple(self.characters))
        if len(self.characters) != 2 or not 2 <= self.characters[0] <= self.characters[1] <= 8:
            raise ConfigError(
                f"characters={self.characters!r} is not a range of lengths; expected (shortest, "
                "longest) with 2 <= shortest <= longest <= 8."
            )
        if self.encoder is None and not self.lexical:
            raise ConfigError(
                "encoder=None and lexical=False leave the model without input. Set one of them."
            )


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training.

    Attributes:
        epochs: Maximum number of passes over the training titles; 0 keeps the closed-form start.
        patience: Number of epochs without a better result on the validation titles than that of
            the best epoch before, the start not counted, after which training stops; see
            :func:`prodcat.training.validation.is_better`.
        token_budget: Maximum number of tokens in a batch, padding included; None for 1,024 on a CPU
            and for up to 8,192 on a GPU, where both learning rates are then multiplied with the
            square root of a 1,024th of it.
        accumulate: Number of batches, in each process, for one step of the optimiser.
        learning_rate: Peak learning rate of the encoder.
        head_learning_rate: Peak learning rate of the heads.
        weight_decay: Weight decay of all matrices except the word embeddings.
        warmup: Share of the steps, 0 to 1, in which the learning rates rise to their peaks; then
            they fall linearly to 0.
        clip: Maximum L2 norm of the gradient of a step; longer gradients are scaled down to it.
        frozen_layers: Share of the encoder's layers, 0 to 1, counted from the bottom, that are not
            trained.  Then the word embeddings are not trained either, and the output of these
            layers is computed only once.  0 trains everything; the top layer is always trained.
        dropout: Share of the numbers in a title's pooled vector that is set to 0 in training, 0 to
            0.95.
        encoder_dropout: Share of the numbers inside the encoder's layers that is set to 0 in
            training, 0 to 0.95.  A short training from a good start needs no dropout, and on a CPU
            the random numbers take a third of a step.
        level_weight: Weight of a further loss: the mean of the cross-entropies at all levels of
            the label; not with the structure ``"per_level"``.
        node_names: Whether the names of each outcome, in every language of the tree, are training
            titles too.
        closed_form: Whether the heads start from a closed-form solution.
        easy_share: Share of the epochs, 0.01 to 1, in which the encoder learns a title whose label
            is sure from the closed-form start; its weight is divided by it.  Titles that are less
            sure are in more epochs, and unsure ones in all; 1 learns every title in every epoch.
        lexical_cost: Cost parameter C of the n-grams' support vector machines; higher values fit
            the training titles more closely.
        lexical_share: Share of the usual number of rows of other categories that each of these
            machines learns, 0.01 to 1; less is faster.
        validation: Share of the titles, 0 to 0.95, that is held out for validation if no
            validation titles are given.
        learn_validation: Whether the classifier learns its validation titles too, once they have
            been used for validation.
        validated_titles: Largest number of titles that a model without an encoder is validated
            and calibrated on, out of fold, at least 2; less is faster.
        calibration: Calibration that is fitted on the validation titles at the end:
            ``"steps"`` (weights at each level, so that confidence is right at every level),
            ``"temperature"`` (one for all titles), ``"levels"`` (also one for each level) or
            ``"adaptive"`` (also one for each title); see :mod:`prodcat.decisions.calibration`.
        baseline: Whether scikit-learn's TF-IDF and linear support vector machine are evaluated on
            the same titles, where this takes less than a tenth of the time of the training.
        group: Column of the catalog; titles with equal values in it, such as the variants of a
            product, are in the same part of every split; None for no such column.
        precision: Number format of the encoder's matrix products in training: ``"bfloat16"``
            (autocast), ``"float32"``, or ``"auto"``, which is bfloat16 on devices with fast
            instructions for it and float32 on others.
        checkpoint_steps: Number of steps between two checkpoints, if a folder for them is given; 0
            writes a checkpoint only at SIGTERM and at the end of the last epoch.
        replay: Number of known titles that are learned again for each new title, so that nothing
            is forgotten, in a warm start from a classifier that was trained on most of the titles.
        warm_epochs: Maximum number of passes over the titles in such a warm start, which learns
            only new titles and those of ``replay``.
        warm_rate: Factor of both learning rates in such a warm start, above 0, at most 1.
        seed: Seed of all random numbers.

    Raises:
        ConfigError: A setting has a value that is not allowed.
    """

    epochs: int = 3
    patience: int = 2
    token_budget: int | None = None
    accumulate: int = 1
    learning_rate: float = 4e-4
    head_learning_rate: float = 3e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    clip: float = 1.0
    frozen_layers: float = 0.5
    dropout: float = 0.1
    encoder_dropout: float = 0.0
    level_weight: float = 0.0
    node_names: bool = True
    closed_form: bool = True
    easy_share: float = 0.35
    lexical_cost: float = 1.0
    lexical_share: float = 1.0
    validation: float = 0.1
    learn_validation: bool = True
    validated_titles: int = 5_000
    calibration: Method = "steps"
    baseline: bool = True
    group: str | None = None
    precision: Precision = "auto"
    checkpoint_steps: int = 200
    replay: float = 1.0
    warm_epochs: int = 1
    warm_rate: float = 0.125
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "warm_epochs", "checkpoint_steps", "seed"):
            check_whole(name, getattr(self, name), 0)
        for name in ("patience", "accumulate"):
            check_whole(name, getattr(self, name), 1)
        if self.token_budget is not None:
            check_whole("token_budget", self.token_budget, 1)
        for name in ("level_weight", "weight_decay", "replay"):
            check_range(name, getattr(self, name), 0)
        for name in ("learning_rate", "head_learning_rate", "clip", "lexical_cost"):
            check_range(name, getattr(self, name), 1e-12)
        check_whole("validated_titles", self.validated_titles, 2)
        for name in ("easy_share", "lexical_share"):
            check_range(name, getattr(self, name), 0.01, 1)
        check_range("warm_rate", self.warm_rate, 1e-6, 1)
        for name in ("warmup", "frozen_layers"):
            check_range(name, getattr(self, name), 0, 1)
        for name in ("dropout", "encoder_dropout", "validation"):
            check_range(name, getattr(self, name), 0, 0.95)
        if not isinstance(self.group, str | None):
            raise ConfigError(f"group={self.group!r} is not a name; expected that of a column.")
        check_choice("calibration", self.calibration, get_args(Method))
        check_choice("precision", self.precision, ("auto", "float32", "bfloat16"))
