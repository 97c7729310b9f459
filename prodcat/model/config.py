"""The settings of a model and of its training, checked when they are made."""

from dataclasses import dataclass
from typing import Literal

from prodcat.errors import ConfigError, check_choice, check_range, check_whole

# Settings of earlier versions with the values that they had by default: what is trained with this
# version is what was trained with these.
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
Method = Literal["temperature", "levels", "adaptive"]


@dataclass(frozen=True)
class ModelConfig:
    """What the model is made of.

    Attributes:
        encoder: A name on the Hugging Face hub, a local folder or an fsspec URI; None for a
            model that reads n-grams only.
        pooling: ``"mean"`` over a title's tokens, or ``"cls"``, its first token.
        max_tokens: Longer titles are cut to this many tokens.
        structure: ``"stacked"`` (node logits, one softmax over paths), ``"per_level"``
            (a softmax for each level, decoded exactly) or ``"flat"`` (one softmax over
            outcomes); see :class:`prodcat.model.path_model.PathModel`.
        belief_width: Width of the node embeddings through which a head sees the level
            above; 0 leaves the heads unconnected.
        lexical: Whether the title's n-grams contribute to the scores.
        characters: Lengths of the shortest and the longest character n-gram.
        max_features: Largest number of n-grams to keep.
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
        check_choice("pooling", self.pooling, ("mean", "cls"))
        check_choice("structure", self.structure, ("stacked", "per_level", "flat"))
        for name in ("max_tokens", "belief_width", "max_features"):
            check_whole(name, getattr(self, name))
        check_range("max_tokens", self.max_tokens, 3)
        check_range("belief_width", self.belief_width, 0)
        check_range("max_features", self.max_features, 1)
        object.__setattr__(self, "characters", tuple(self.characters))
        if len(self.characters) != 2 or not 2 <= self.characters[0] <= self.characters[1] <= 8:
            raise ConfigError(
                f"characters={self.characters!r} is no range; expected (shortest, longest) with "
                "2 <= shortest <= longest <= 8."
            )
        if self.encoder is None and not self.lexical:
            raise ConfigError(
                "encoder=None and lexical=False leave nothing to read a title with; set one."
            )


@dataclass(frozen=True)
class TrainingConfig:
    """How the model is trained.

    Attributes:
        epochs: Largest number of passes over the titles; 0 keeps the closed-form start.
        patience: Epochs without a better result on the validation titles after which training
            stops; see :func:`prodcat.training.validation.is_better`.
        token_budget: Largest number of tokens in a batch, padding included.
        accumulate: Number of batches in each step of the optimiser.
        learning_rate: Peak rate of the encoder.
        head_learning_rate: Peak rate of the heads.
        weight_decay: Weight decay of all matrices except the word embeddings.
        warmup: Share of the steps before the peak; after it the rate falls linearly to 0.
        clip: Largest norm of the gradient; a longer one is scaled down to it.
        frozen_layers: Share of the encoder's layers, counted from the bottom, that are not
            trained; the word embeddings are then not trained either, and the output of these
            layers is computed once.  0 trains everything; the top layer is always trained.
        dropout: Dropout on the pooled title.
        encoder_dropout: Dropout inside the encoder's layers.  A short training from a good start
            needs none, and on a CPU the random numbers take a third of a step.
        level_weight: Weight of an auxiliary loss at each level.
        node_names: Whether each outcome's name, in every language that the tree has, is also a
            training title of that outcome.
        closed_form: Whether the heads start from the closed-form solution.
        lexical_cost: Cost parameter C of the lexical branch's support vector machines.
        validation: Share of the titles that is held out if no validation titles are given.
        calibration: The calibration that is fitted on the validation titles at the end:
            ``"temperature"``, ``"levels"`` or ``"adaptive"``; see
            :mod:`prodcat.decisions.calibration`.
        precision: ``"bfloat16"`` (autocast) or ``"float32"``; ``"auto"`` is bfloat16 on devices
            that support it, otherwise float32.
        checkpoint_steps: Steps between two checkpoints, if a folder for them is given; with 0 a
            checkpoint is written only on SIGTERM.
        replay: In a warm start that has already learned most of the titles, the number of known
            titles that are learned again for each new one, so that nothing is forgotten.
        warm_epochs: Largest number of passes over the new and the replayed titles.
        warm_rate: Factor of the learning rates in such a warm start.
        seed: Seed of all random numbers.
    """

    epochs: int = 3
    patience: int = 3
    token_budget: int = 1024
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
    lexical_cost: float = 3.0
    validation: float = 0.1
    calibration: Method = "adaptive"
    precision: Precision = "auto"
    checkpoint_steps: int = 200
    replay: float = 1.0
    warm_epochs: int = 1
    warm_rate: float = 0.125
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("epochs", "warm_epochs", "checkpoint_steps", "seed")
        for name in ("patience", "token_budget", "accumulate", *counts):
            check_whole(name, getattr(self, name))
        for name in ("level_weight", "weight_decay", "replay", *counts):
            check_range(name, getattr(self, name), 0)
        for name in ("patience", "token_budget", "accumulate"):
            check_range(name, getattr(self, name), 1)
        for name in ("learning_rate", "head_learning_rate", "clip", "lexical_cost"):
            check_range(name, getattr(self, name), 1e-12)
        check_range("warm_rate", self.warm_rate, 1e-6, 1)
        for name in ("warmup", "frozen_layers"):
            check_range(name, getattr(self, name), 0, 1)
        for name in ("dropout", "encoder_dropout", "validation"):
            check_range(name, getattr(self, name), 0, 0.95)
        check_choice("calibration", self.calibration, ("temperature", "levels", "adaptive"))
        check_choice("precision", self.precision, ("auto", "float32", "bfloat16"))
