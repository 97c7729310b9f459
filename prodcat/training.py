"""The training loop."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.activations import LayerSplit, layer_list
from prodcat.calibration import Weights, fit_weights
from prodcat.closed_form import Start, closed_form_start
from prodcat.config import Method, TrainingConfig
from prodcat.encoder import Encoder, autocast, pad_id_of
from prodcat.heads import FlatHead, StackedHeads
from prodcat.lexical import Features
from prodcat.loss import path_loss
from prodcat.network import Network
from prodcat.taxonomy import Taxonomy
from prodcat.tokenization import TokenTable, padded_share, plan_batches

logger = logging.getLogger("prodcat")
_FORWARD_TOKENS = 8_192
_LARGEST_CACHE = 8 << 30


@dataclass(frozen=True)
class Rows:
    """What the loop reads of a catalog.

    Attributes:
        tokens: The titles' tokens.
        features: The titles' n-grams, or None without a lexical branch.
        targets: int64 [rows], node positions.
    """

    tokens: TokenTable
    features: Features | None
    targets: NDArray[np.int64]


@dataclass(frozen=True)
class EpochResult:
    """One line of the training history.

    Attributes:
        epoch: 0 for the closed-form start, then from 1.
        loss: Mean training loss, in nats; None for the start.
        path_accuracy: On the validation titles, both kinds of evidence together.
        log_loss: The same, in nats.
        seconds: Since training began.
        titles_per_second: Training titles, in this epoch; 0 for the start.
        tokens_per_second: Their own tokens, padding not counted.
        padded_share: Share of the batches' tokens that was padding.
    """

    epoch: int
    loss: float | None
    path_accuracy: float
    log_loss: float
    seconds: float
    titles_per_second: float = 0.0
    tokens_per_second: float = 0.0
    padded_share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


Listener = Callable[[EpochResult], None]


@dataclass(frozen=True)
class Trained:
    """What training found besides the network's own weights.

    Attributes:
        history: One entry for each epoch, 0 being the closed-form start.
        start: The closed-form start, where there was one.
        weights: The calibration, fitted on the validation titles.
    """

    history: list[EpochResult]
    start: Start | None
    weights: Weights


def _frozen(encoder: Encoder, config: TrainingConfig) -> int:
    """How many layers stay as they are; at least one learns."""
    if not config.frozen_layers:
        return 0
    layers = len(layer_list(encoder.body)[2])
    return min(round(config.frozen_layers * layers), layers - 1)


class _Reader:
    """Titles to pooled vectors, by the shortest way: whole encoder, or kept activations."""

    def __init__(self, network: Network, config: TrainingConfig, precision: str) -> None:
        assert network.encoder is not None
        self.network = network
        self.encoder: Encoder = network.encoder
        self.precision = precision
        self.split: LayerSplit | None = None
        self.kept: dict[int, Tensor] = {}
        frozen = _frozen(self.encoder, config)
        if frozen:
            self.split = LayerSplit(self.encoder, frozen, precision)
            self.split.freeze()

    def keep(self, table: TokenTable) -> None:
        """Compute the frozen layers' output for a table, once."""
        size = len(table.ids) * self.encoder.hidden * (2 if self.precision == "bfloat16" else 4)
        if self.split is None:
            return
        if size > _LARGEST_CACHE:
            logger.warning(
                "The frozen layers' output would take %.1f GiB; it is computed anew in every "
                "epoch instead.",
                size / 2**30,
            )
            return
        self.kept[id(table)] = self.split.lower(table)

    def __call__(self, table: TokenTable, rows: NDArray[np.int64]) -> Tensor:
        with autocast(self.network.device, self.precision):
            if self.split is not None and id(table) in self.kept:
                return self.split.upper(self.kept[id(table)], table, rows)
            ids, mask = table.pad(rows, pad_id_of(self.encoder))
            pooled: Tensor = self.encoder(ids.to(self.network.device), mask.to(self.network.device))
            return pooled

    @torch.no_grad()
    def all(self, table: TokenTable) -> Tensor:
        """Every title's pooled vector, float32 [rows, hidden]."""
        self.network.eval()
        pooled = torch.empty(len(table), self.encoder.hidden, device=self.network.device)
        for rows in plan_batches(table.lengths, _FORWARD_TOKENS):
            pooled[torch.from_numpy(rows).to(pooled.device)] = self(table, rows)
        return pooled


class _VocabularyInUse:
    """The word embeddings of the rows in use alone, while training lasts.

    Rows that no title uses get no gradient, so leaving them out changes nothing but the
    size of the optimiser's work.
    """

    def __init__(self, encoder: Encoder, tables: list[TokenTable]) -> None:
        self.encoder = encoder
        self.whole = encoder.word_embeddings
        pad = pad_id_of(encoder)
        # All ids up to the padding one stay, so that it keeps its place: RoBERTa counts
        # positions from it.
        used = np.unique(np.concatenate([*(t.ids for t in tables), np.arange(pad + 1)]))
        self.used = torch.from_numpy(used.astype(np.int64)).to(self.whole.weight.device)
        self.pad = int(np.searchsorted(used, pad))
        self.tables = [
            TokenTable(
                np.searchsorted(used, table.ids).astype(np.int32), table.offsets, table.truncated
            )
            for table in tables
        ]
        self.original_pad = encoder.body.config.pad_token_id  # type: ignore[union-attr]

    def __enter__(self) -> list[TokenTable]:
        rows, width = len(self.used), self.whole.embedding_dim
        small = nn.Embedding(rows, width, _weight=self.whole.weight.detach()[self.used].clone())
        self.encoder.set_word_embeddings(small)
        self.encoder.body.config.pad_token_id = self.pad  # type: ignore[union-attr]
        return self.tables

    def __exit__(self, *error: object) -> None:
        with torch.no_grad():
            self.whole.weight[self.used] = self.encoder.word_embeddings.weight
        self.encoder.set_word_embeddings(self.whole)
        self.encoder.body.config.pad_token_id = self.original_pad  # type: ignore[union-attr]


def pick_precision(precision: str, device: torch.device) -> str:
    """Resolve ``"auto"``: bfloat16 where the device has fast products of it."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    flags = torch.backends.cpu.get_cpu_capability()
    return "bfloat16" if device.type == "cpu" and "AVX512" in flags else "float32"


def train(
    network: Network,
    taxonomy: Taxonomy,
    training: Rows,
    validation: Rows,
    config: TrainingConfig,
    *,
    progress: bool = True,
    listener: Listener | None = None,
) -> Trained:
    """Fit the encoder and the heads, then weigh the evidence; the network is changed in place.

    Args:
        network: On the device to train on, its lexical branch solved.
        taxonomy: The tree.
        training: Rows to learn from.
        validation: Rows to stop early by and to weigh the evidence with.
        config: See there.
        progress: Whether to show a bar.
        listener: Called with each epoch's result.

    Returns:
        The history, the closed-form start and the calibration.
    """
    torch.manual_seed(config.seed)
    precision = pick_precision(config.precision, network.device)
    judge = _Judge(network, validation)
    if network.encoder is None:
        result = judge(0, None, None, 0.0)
        if listener is not None:
            listener(result)
        return Trained([result], None, judge.calibrate(None, config.calibration))
    if _frozen(network.encoder, config):
        return _train_encoder(
            network, taxonomy, training, validation, config, precision, judge, progress, listener
        )
    with _VocabularyInUse(network.encoder, [training.tokens, validation.tokens]) as tables:
        training = Rows(tables[0], training.features, training.targets)
        validation = Rows(tables[1], validation.features, validation.targets)
        return _train_encoder(
            network, taxonomy, training, validation, config, precision, judge, progress, listener
        )


def is_better(
    result: EpochResult, best: EpochResult, history: Sequence[EpochResult], rows: int
) -> bool:
    """Whether an epoch is worth keeping more than the best so far.

    Accuracies within half a standard error of the greatest are equal: a title or two decide
    nothing.  Among equals the log-loss decides, which every title has a say in.

    Args:
        result: The epoch.
        best: The best one before it.
        history: All epochs, this one too.
        rows: Validation titles.
    """
    top = max(own.path_accuracy for own in history)
    floor = top - 0.5 * math.sqrt(top * (1 - top) / rows)
    if result.path_accuracy < floor:
        return False
    return best.path_accuracy < floor or result.log_loss < best.log_loss


class _Judge:
    """Validation: weighs the evidence anew, and measures both kinds together.

    The whole calibration is fitted once, at the end: which epoch is best is asked by the two
    weights of the evidence alone.
    """

    def __init__(self, network: Network, validation: Rows) -> None:
        self.network = network
        self.targets = torch.from_numpy(validation.targets).to(network.device)
        self.lexical: Tensor | None = None
        if network.lexical is not None and validation.features is not None:
            with torch.no_grad():
                self.lexical = network.lexical(validation.features)

    def __call__(
        self, epoch: int, pooled: Tensor | None, loss: float | None, seconds: float
    ) -> EpochResult:
        paths, own = self.network.paths, self._encoder_scores(pooled)
        weights = fit_weights(paths, self.targets, own, self.lexical, "temperature")
        with torch.no_grad():
            weights = weights.to(self.targets.device)
            log_probs = weights(paths, own, self.lexical)
            right = paths.covers(self.targets, log_probs.argmax(dim=1))
            log_loss = -paths.target_log_probs(log_probs, self.targets).mean()
        return EpochResult(epoch, loss, float(right.float().mean()), float(log_loss), seconds)

    def calibrate(self, pooled: Tensor | None, method: Method) -> Weights:
        """The weights for the network as it is."""
        own = self._encoder_scores(pooled)
        return fit_weights(self.network.paths, self.targets, own, self.lexical, method)

    @torch.no_grad()
    def _encoder_scores(self, pooled: Tensor | None) -> Tensor | None:
        if pooled is None or self.network.heads is None:
            return None
        return self.network.paths.log_probs(self.network.heads(pooled))


def _train_encoder(
    network: Network,
    taxonomy: Taxonomy,
    training: Rows,
    validation: Rows,
    config: TrainingConfig,
    precision: str,
    judge: _Judge,
    progress: bool,
    listener: Listener | None,
) -> Trained:
    from tqdm.auto import tqdm

    assert network.encoder is not None and network.heads is not None
    device = network.device
    began = time.perf_counter()
    read = _Reader(network, config, precision)
    for rows in (training, validation):
        read.keep(rows.tokens)
    targets = torch.from_numpy(training.targets).to(device)
    start = _start(network, taxonomy, read, training, targets, config)

    history = [judge(0, read.all(validation.tokens), None, time.perf_counter() - began)]
    best, best_state = history[0], _state(network)
    if listener is not None:
        listener(history[0])

    rng = np.random.default_rng(config.seed)
    lengths = training.tokens.lengths
    adjustment = _adjustment(network, targets, config.logit_adjustment)
    optimizer = _optimizer(network, network.heads, config)
    plans = [plan_batches(lengths, config.token_budget, rng) for _ in range(config.epochs)]
    steps = sum(-(-len(plan) // config.accumulate) for plan in plans)
    warmup = max(round(config.warmup * steps), 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, max(steps - step, 0) / max(steps - warmup, 1)),
    )
    learned = [p for group in optimizer.param_groups for p in group["params"]]
    bar = tqdm(total=sum(map(len, plans)), disable=not progress, unit="batch", desc="training")
    bar.set_postfix_str(f"start: path accuracy {best.path_accuracy:.4f}")
    for epoch, plan in enumerate(plans, start=1):
        epoch_began = time.perf_counter()
        network.train()
        total = torch.zeros((), device=device)
        rows_per_step = len(lengths) / len(plan) * config.accumulate
        for number, batch in enumerate(plan, start=1):
            pooled = network.dropout(read(training.tokens, batch))
            losses = path_loss(
                network.paths,
                network.heads(pooled),
                targets[torch.from_numpy(batch).to(device)],
                label_smoothing=config.label_smoothing,
                level_weight=config.level_weight,
                adjustment=adjustment,
            )
            (losses.sum() / rows_per_step).backward()  # type: ignore[no-untyped-call]
            total += losses.detach().sum()
            if number % config.accumulate == 0 or number == len(plan):
                nn.utils.clip_grad_norm_(learned, config.clip)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
            bar.update()
        loss = float(total) / len(lengths)
        seconds = time.perf_counter() - epoch_began
        pooled = read.all(validation.tokens)
        judged = judge(epoch, pooled, loss, time.perf_counter() - began)
        result = EpochResult(
            **{
                **judged.to_dict(),
                "titles_per_second": len(lengths) / seconds,
                "tokens_per_second": int(lengths.sum()) / seconds,
                "padded_share": padded_share(lengths, plan),
            }
        )
        history.append(result)
        if listener is not None:
            listener(result)
        bar.set_postfix_str(f"epoch {epoch}: path accuracy {result.path_accuracy:.4f}")
        if is_better(result, best, history, len(validation.targets)):
            best, best_state = result, _state(network)
        elif epoch - best.epoch >= config.patience:
            logger.info(
                "Nothing better on the validation titles since epoch %d: stopped.", best.epoch
            )
            break
    bar.close()
    network.load_state_dict(best_state, strict=False)
    weights = judge.calibrate(read.all(validation.tokens), config.calibration)
    network.requires_grad_(True).eval()
    return Trained(history, start, weights)


def _start(
    network: Network,
    taxonomy: Taxonomy,
    read: _Reader,
    training: Rows,
    targets: Tensor,
    config: TrainingConfig,
) -> Start | None:
    if not config.closed_form or not bool(network.paths.terminal[targets].any()):
        return None
    pooled = read.all(training.tokens)
    start = closed_form_start(pooled, targets, taxonomy, network.paths, config.seed)
    heads = network.heads
    if isinstance(heads, StackedHeads):
        heads.set_linear(start.weight, start.bias)
    elif isinstance(heads, FlatHead):
        with torch.no_grad():
            heads.head.weight.copy_(start.weight)
            heads.head.bias.copy_(start.bias)
    logger.info(
        "Closed-form start: shrinkage %g, temperature %g, held-out log-loss %.3f.",
        start.shrinkage,
        start.temperature,
        start.loss,
    )
    return start


def _adjustment(network: Network, targets: Tensor, tau: float) -> Tensor | None:
    """Tau times the log share of each outcome; a row with a partial label is spread evenly."""
    if not tau:
        return None
    spans = network.paths.target_spans[targets]
    edges = torch.zeros(len(network.paths.outcomes) + 1, device=targets.device)
    share = 1 / (spans[:, 1] - spans[:, 0]).float()
    edges.index_add_(0, spans[:, 0], share).index_add_(0, spans[:, 1], -share)
    counts = edges.cumsum(0)[:-1].clamp(min=0.5)
    return tau * (counts / counts.sum()).log()


def _optimizer(network: Network, heads: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    assert network.encoder is not None
    embeddings = {id(p) for p in network.encoder.word_embeddings.parameters()}
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in network.encoder.parameters():
        if parameter.requires_grad:
            small = parameter.ndim < 2 or id(parameter) in embeddings
            (plain if small else decayed).append(parameter)
    groups = [
        {"params": decayed, "lr": config.learning_rate, "weight_decay": config.weight_decay},
        {"params": plain, "lr": config.learning_rate, "weight_decay": 0.0},
        {
            "params": list(heads.parameters()),
            "lr": config.head_learning_rate,
            "weight_decay": config.weight_decay,
        },
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def _state(network: Network) -> dict[str, Tensor]:
    """A copy of what has been learned so far."""
    learned = {name for name, p in network.named_parameters() if p.requires_grad}
    return {
        name: tensor.detach().clone()
        for name, tensor in network.state_dict().items()
        if name in learned
    }
