"""Settings as frozen values, checked when they are made."""

from dataclasses import dataclass
from typing import Literal

from prodcat.errors import ConfigError

Structure = Literal["stacked", "per_level", "flat"]
Pooling = Literal["mean", "cls"]
Precision = Literal["auto", "float32", "bfloat16"]
ReadingPrecision = Literal["auto", "float32", "bfloat16", "int8"]
Compile = Literal["auto", "yes", "no"]
Method = Literal["temperature", "levels", "adaptive"]


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name}={value!r} is not known; expected one of {list(allowed)}.")


def _between(name: str, value: float, low: float, high: float = float("inf")) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        limit = f"between {low} and {high}" if high != float("inf") else f"at least {low}"
        raise ConfigError(f"{name}={value!r} is out of range; expected a number {limit}.")


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name}={value!r} is out of range; expected a whole number.")


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
        _one_of("pooling", self.pooling, ("mean", "cls"))
        _one_of("structure", self.structure, ("stacked", "per_level", "flat"))
        for name in ("max_tokens", "belief_width", "max_features"):
            _whole(name, getattr(self, name))
        _between("max_tokens", self.max_tokens, 3)
        _between("belief_width", self.belief_width, 0)
        _between("max_features", self.max_features, 1)
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
            see :func:`prodcat.training.loop.is_better`.
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
        label_smoothing: Share of the target that is spread over all outcomes.
        level_weight: Weight of an auxiliary loss at each level.
        logit_adjustment: tau of the adjustment for the long tail; 0 for none.
        node_names: Whether each outcome's name, in every language that the tree has, is a
            training title of that outcome too.
        closed_form: Whether the heads start from the closed-form solution.
        layer_decay: Each layer of the encoder learns at so many times the rate of the one
            above it; 1 for one rate.
        head_epochs: Of the epochs, so many at the beginning in which the heads alone learn.
        lexical_cost: Cost of the lexical branch's support vector machine.
        validation: Share of the titles that is held out where no validation is given.
        calibration: What is fitted on the validation titles at the end, so that confidence
            is honest: ``"temperature"``, ``"levels"`` or ``"adaptive"``; see
            :mod:`prodcat.decisions.calibration`.
        precision: ``"bfloat16"`` (autocast) or ``"float32"``; ``"auto"`` takes bfloat16
            where the device has it.
        compile: Whether ``torch.compile`` compiles the encoder's layers: ``"yes"``, ``"no"`` or
            ``"auto"``, on a GPU where the training is long enough to win back the time.
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
    label_smoothing: float = 0.0
    level_weight: float = 0.0
    logit_adjustment: float = 0.0
    node_names: bool = True
    closed_form: bool = True
    layer_decay: float = 1.0
    head_epochs: int = 0
    lexical_cost: float = 3.0
    validation: float = 0.1
    calibration: Method = "adaptive"
    precision: Precision = "auto"
    compile: Compile = "auto"
    checkpoint_steps: int = 200
    replay: float = 1.0
    warm_epochs: int = 1
    warm_rate: float = 0.125
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("epochs", "warm_epochs", "head_epochs", "checkpoint_steps", "seed")
        for name in ("patience", "token_budget", "accumulate", *counts):
            _whole(name, getattr(self, name))
        for name in ("logit_adjustment", "level_weight", "weight_decay", "replay", *counts):
            _between(name, getattr(self, name), 0)
        _between("layer_decay", self.layer_decay, 1e-3, 1)
        _one_of("compile", self.compile, ("auto", "yes", "no"))
        for name in ("patience", "token_budget", "accumulate"):
            _between(name, getattr(self, name), 1)
        for name in ("learning_rate", "head_learning_rate", "clip", "lexical_cost"):
            _between(name, getattr(self, name), 1e-12)
        _between("warm_rate", self.warm_rate, 1e-6, 1)
        for name in ("warmup", "frozen_layers"):
            _between(name, getattr(self, name), 0, 1)
        for name in ("dropout", "encoder_dropout", "label_smoothing", "validation"):
            _between(name, getattr(self, name), 0, 0.95)
        _one_of("calibration", self.calibration, ("temperature", "levels", "adaptive"))
        _one_of("precision", self.precision, ("auto", "float32", "bfloat16"))


@dataclass(frozen=True)
class ScoringConfig:
    """How a catalog is scored.

    Attributes:
        title: The column with the title.
        text: Further text columns; those that the classifier was trained with if not given.
        top_k: How many paths for each title.
        objective: As for :meth:`Classifier.predict`, by its name.
        guarantee: See there.
        max_error: See there.
        certainty: See there.
        language: Of the names in the answers, where the tree has it.
        precision: ``"float32"``, ``"bfloat16"``, ``"int8"``, or ``"auto"``: what was measured
            to be as good and faster when the classifier was built, where this machine has
            it; ``"float32"`` where something is promised.
        format: Of the files in an output folder: ``"parquet"``, ``"jsonl"``, ``"csv"`` or
            ``"tsv"``.
        part_rows: About how many rows a part of the input has.
    """

    title: str = "title"
    text: tuple[str, ...] | None = None
    top_k: int = 1
    objective: str | None = None
    guarantee: float | None = None
    max_error: float | None = None
    certainty: float = 0.95
    language: str | None = None
    precision: ReadingPrecision = "auto"
    format: Literal["parquet", "jsonl", "csv", "tsv"] = "parquet"
    part_rows: int = 16_384

    def __post_init__(self) -> None:
        _one_of("precision", self.precision, ("auto", "float32", "bfloat16", "int8"))
        _one_of("format", self.format, ("parquet", "jsonl", "csv", "tsv"))
        for name, least in (("top_k", 1), ("part_rows", 1)):
            _whole(name, getattr(self, name))
            _between(name, getattr(self, name), least)
        if isinstance(self.text, str):
            raise ConfigError(f"text={self.text!r} is one text; expected a list of columns.")
        if self.text is not None:
            object.__setattr__(self, "text", tuple(self.text))

    @property
    def promises(self) -> bool:
        """Whether something is promised of the answers."""
        return self.guarantee is not None or self.max_error is not None
