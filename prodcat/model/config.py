"""Settings as frozen values, checked when they are made."""

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
        encoder: Name on the Hugging Face hub, local folder or fsspec URI; None for the
            lexical branch alone.
        pooling: ``"mean"`` over a title's tokens, or ``"cls"``, its first token.
        max_tokens: Longer titles are cut to this many tokens.
        structure: ``"stacked"`` (node logits, one softmax over paths), ``"per_level"``
            (a softmax for each level, decoded exactly) or ``"flat"`` (one softmax over
            outcomes); see :class:`prodcat.model.path_model.PathModel`.
        belief_width: Width of the node embeddings through which a head sees the level
            above; 0 leaves the heads unconnected.
        lexical: Whether n-grams of the title add to the scores.
        characters: Shortest and longest character n-gram.
        max_features: Most n-grams to keep.
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
        epochs: Passes over the titles, at most; 0 keeps the closed-form start.
        patience: Epochs without a better result on the validation titles before it stops;
            see :func:`prodcat.training.validation.is_better`.
        token_budget: Tokens of a batch, padding included.
        accumulate: Batches per step of the optimiser.
        learning_rate: Peak rate of the encoder.
        head_learning_rate: Peak rate of the heads.
        weight_decay: On matrices, word embeddings excepted.
        warmup: Share of the steps before the peak; after it the rate falls linearly to 0.
        clip: Largest length of the gradient.
        frozen_layers: Share of the encoder's layers, from the bottom, that stay as they
            are, the word embeddings with them; their output is computed once.  0 trains
            everything; the topmost layer learns always.
        dropout: Of the pooled title.
        encoder_dropout: Of the encoder's own layers.  A few epochs from a good start need
            none, and on a CPU the random numbers take a third of a step.
        level_weight: Weight of an auxiliary loss at each level.
        node_names: Whether each outcome's name, in every language that the tree has, is a
            training title of that outcome too.
        closed_form: Whether the heads start from the closed-form solution.
        lexical_cost: Cost of the lexical branch's support vector machine.
        validation: Share of the titles that is held out where no validation is given.
        calibration: What is fitted on the validation titles at the end, so that confidence
            is honest: ``"temperature"``, ``"levels"`` or ``"adaptive"``; see
            :mod:`prodcat.decisions.calibration`.
        precision: ``"bfloat16"`` (autocast) or ``"float32"``; ``"auto"`` takes bfloat16
            where the device has it.
        checkpoint_steps: Steps between two checkpoints, where a place for them is given; 0
            for SIGTERM alone.
        replay: In a warm start that knows most titles, how many of these are learned again
            for each new one, so that nothing is forgotten.
        warm_epochs: Passes over the new titles and those then, at most.
        warm_rate: Share of the learning rates that is used then.
        seed: Of everything random.
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
