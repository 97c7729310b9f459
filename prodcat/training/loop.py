"""The training loop."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.classifier.records import EpochResult
from prodcat.decisions.calibration import Weights, fit_weights
from prodcat.errors import TrainingInterrupted
from prodcat.model.config import Method, TrainingConfig
from prodcat.model.encoder import Encoder, autocast, pad_id_of
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.model.lexical import Features
from prodcat.model.network import Network
from prodcat.model.tokenization import Batch, TokenTable, padded_share, plan_batches, to_device
from prodcat.storage.interruption import told_to_stop
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.activations import LayerSplit, layer_list
from prodcat.training.checkpoint import Checkpoint, Checkpoints
from prodcat.training.closed_form import Start, closed_form_start
from prodcat.training.loss import path_loss
from prodcat.training.ranks import Ranks

logger = logging.getLogger("prodcat")
_FORWARD_TOKENS = 8_192
_LARGEST_CACHE = 8 << 30
_AHEAD = 4  # batches that are prepared while the device works
_COMPILE_PAYS = 5_000  # steps on a GPU, below which compiling takes longer than it saves
_ASK = 16  # steps between two questions whether any process was told to stop

# How the heads begin: by the closed-form solution; as they are, where that is as good on the
# validation titles; or as they are.
Beginning = Literal["solve", "compare", "carry"]


@dataclass(frozen=True)
class Rows:
    """What the loop reads of a catalog.

    Attributes:
        tokens: The titles' tokens.
        features: The titles' n-grams, or None without a lexical branch.
        targets: int64 [rows], node positions.
        weights: float32 [rows]: how many equal titles each row stands for; None for 1.
    """

    tokens: TokenTable
    features: Features | None
    targets: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None


Listener = Callable[[EpochResult], None]


@dataclass(frozen=True)
class Trained:
    """What training found besides the network's own weights.

    Attributes:
        history: One entry for each epoch, 0 being the closed-form start.
        start: How the closed-form start was chosen, where there was one.
        weights: The calibration, fitted on the validation titles.
    """

    history: list[EpochResult]
    start: dict[str, float] | None
    weights: Weights


def _frozen(encoder: Encoder, config: TrainingConfig) -> int:
    """How many layers stay as they are; at least one learns."""
    if not config.frozen_layers:
        return 0
    layers = len(layer_list(encoder.body)[2])
    return min(round(config.frozen_layers * layers), layers - 1)


class _Reader:
    """Titles to pooled vectors, by the shortest way: whole encoder, or kept activations."""

    def __init__(
        self, network: Network, config: TrainingConfig, precision: str, ranks: Ranks
    ) -> None:
        assert network.encoder is not None
        self.network = network
        self.encoder: Encoder = network.encoder
        self.precision = precision
        self.ranks = ranks
        self.split: LayerSplit | None = None
        self.kept: dict[int, Tensor] = {}
        frozen = _frozen(self.encoder, config)
        if frozen:
            self.split = LayerSplit(self.encoder, frozen, precision)
            self.split.freeze()

    def _share(self, table: TokenTable) -> list[NDArray[np.int64]]:
        batches = plan_batches(table.lengths, _FORWARD_TOKENS)
        return [batches[number] for number in self.ranks.share(len(batches))]

    def keep(self, table: TokenTable) -> None:
        """Compute the frozen layers' output for a table, once; each process its share."""
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
        self.kept[id(table)] = self.ranks.add_up(self.split.lower(table, self._share(table)))

    def __call__(self, table: TokenTable, batch: Batch) -> Tensor:
        with autocast(self.network.device, self.precision):
            if self.split is not None and id(table) in self.kept:
                return self.split.upper(self.kept[id(table)], batch)
            pooled: Tensor = self.encoder(batch.ids, batch.mask)
            return pooled

    @torch.no_grad()
    def all(self, table: TokenTable) -> Tensor:
        """Every title's pooled vector, float32 [rows, hidden]; each process reads its share."""
        self.network.eval()
        device = self.network.device
        pooled = torch.zeros(len(table), self.encoder.hidden, device=device)
        for rows in self._share(table):
            batch = table.batch(rows, pad_id_of(self.encoder)).to(device)
            pooled[torch.from_numpy(rows).to(device)] = self(table, batch)
        return self.ranks.add_up(pooled)


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
    beginning: Beginning = "solve",
    checkpoints: Checkpoints | None = None,
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
        beginning: ``"solve"`` starts the heads in closed form; ``"carry"`` leaves them as they
            are; ``"compare"`` takes of these two what is better on the validation titles.
        checkpoints: Where the state is kept; a state that is there is gone on from.
        progress: Whether to show a bar.
        listener: Called with each epoch's result, by the first process.

    Returns:
        The history, the closed-form start and the calibration.

    Raises:
        TrainingInterrupted: SIGTERM came, and the state was saved.
        CheckpointError: The checkpoints cannot be written.
    """
    ranks = Ranks.current()
    torch.manual_seed(config.seed + ranks.rank)
    listener = listener if ranks.writes else None
    precision = pick_precision(config.precision, network.device)
    judge = _Judge(network, validation)
    if network.encoder is None:
        result = judge(0, None, None, 0.0)
        if listener is not None:
            listener(result)
        return Trained([result], None, judge.calibrate(None, config.calibration))

    def run(training: Rows, validation: Rows) -> Trained:
        loop = _Loop(network, taxonomy, training, validation, config, precision, ranks, judge)
        return loop(beginning, checkpoints, progress and ranks.writes, listener)

    if _frozen(network.encoder, config):
        return run(training, validation)
    with _VocabularyInUse(network.encoder, [training.tokens, validation.tokens]) as tables:
        return run(replace(training, tokens=tables[0]), replace(validation, tokens=tables[1]))


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


@dataclass
class _Progress:
    """Where a training is; what a checkpoint has to hold besides weights."""

    epoch: int = 1
    step: int = 0  # of the epoch
    steps: int = 0  # of the training
    seconds: float = 0.0  # of all, before this process began
    history: list[EpochResult] = field(default_factory=list)
    best: int = 0  # place in the history
    start: dict[str, float] | None = None


@dataclass(frozen=True)
class _Ready:
    """A batch on the device: its tokens, rows int64 [batch], targets and weights."""

    batch: Batch
    rows: Tensor
    targets: Tensor
    weights: Tensor


class _StepLoss(nn.Module):
    """A batch to its summed loss: the one thing that processes compute side by side."""

    def __init__(
        self, network: Network, read: _Reader, table: TokenTable, targets: Tensor,
        config: TrainingConfig,
    ) -> None:  # fmt: skip
        super().__init__()
        self.network = network
        self.read, self.table, self.config = read, table, config
        self.adjustment = _adjustment(network, targets, config.logit_adjustment)

    def forward(
        self, batch: Batch, targets: Tensor, weights: Tensor, pooled: Tensor | None
    ) -> Tensor:
        network, config = self.network, self.config
        assert network.heads is not None
        if pooled is None:
            pooled = self.read(self.table, batch)
        losses = path_loss(
            network.paths,
            network.heads(network.dropout(pooled)),
            targets,
            label_smoothing=config.label_smoothing,
            level_weight=config.level_weight,
            adjustment=self.adjustment,
        )
        return (losses * weights).sum()


@contextmanager
def _compiled(network: Network, config: TrainingConfig, steps: int) -> Iterator[None]:
    """The encoder's layers compiled, while it lasts, where that pays."""
    assert network.encoder is not None
    pays = network.device.type == "cuda" and steps >= _COMPILE_PAYS
    if config.compile == "no" or (config.compile == "auto" and not pays):
        yield
        return
    layers = list(layer_list(network.encoder.body)[2])
    for layer in layers:
        layer.compile(dynamic=True)
    try:
        # The first of the upper layers is given its input by a hook, so what is compiled for the
        # others, which have none, must not serve it.
        with torch._dynamo.config.patch(skip_nnmodule_hook_guards=False):
            yield
    finally:
        for layer in layers:
            layer._compiled_call_impl = None


@contextmanager
def _dropout(encoder: Encoder, share: float) -> Iterator[None]:
    """The encoder's own dropout at another share, while it lasts."""
    names = ("p", "attention_dropout")
    own = [
        (module, name, getattr(module, name))
        for module in encoder.modules()
        for name in names[not isinstance(module, nn.Dropout) :]
        if isinstance(getattr(module, name, None), float)
    ]
    for module, name, _ in own:
        setattr(module, name, share)
    try:
        yield
    finally:
        for module, name, before in own:
            setattr(module, name, before)


class _Loop:
    """One training of encoder and heads."""

    def __init__(
        self,
        network: Network,
        taxonomy: Taxonomy,
        training: Rows,
        validation: Rows,
        config: TrainingConfig,
        precision: str,
        ranks: Ranks,
        judge: "_Judge",
    ) -> None:
        assert network.encoder is not None and network.heads is not None
        self.network, self.taxonomy, self.config, self.ranks = network, taxonomy, config, ranks
        self.training, self.validation, self.judge = training, validation, judge
        self.device = network.device
        self.read = _Reader(network, config, precision, ranks)
        self.targets = torch.from_numpy(training.targets).to(self.device)
        weights = training.weights
        self.weights = np.ones(len(training.targets), np.float32) if weights is None else weights
        self.pooled: Tensor | None = None  # the training titles', through the encoder as it began
        self.progress = _Progress()
        self.total = torch.zeros((), device=self.device)  # loss in this epoch, of this process
        # One group of batches is one step: a batch for each process, times what accumulates.
        self.group = ranks.size * config.accumulate
        self.batches = len(plan_batches(training.tokens.lengths, config.token_budget))
        self.steps_an_epoch = -(-self.batches // self.group)

    def __call__(
        self,
        beginning: Beginning,
        checkpoints: Checkpoints | None,
        progress: bool,
        listener: Listener | None,
    ) -> Trained:
        from tqdm.auto import tqdm

        began = time.perf_counter()
        config, network, ranks = self.config, self.network, self.ranks
        for rows in (self.training, self.validation):
            self.read.keep(rows.tokens)
        # Read by the first process alone: a shared disk may show files late to others.
        found = checkpoints.latest() if checkpoints is not None and ranks.writes else None
        found = ranks.agree(found)
        best = {} if found is not None else self._begin(beginning, began, listener)
        # While the heads alone learn, the encoder is as it was loaded, also after a restart.
        heads_alone = 1 if found is None else int(found.state["epoch"])
        if heads_alone > config.head_epochs:
            self.pooled = None
        elif self.pooled is None and config.epochs:
            self.pooled = self.read.all(self.training.tokens)
        steps = config.epochs * self.steps_an_epoch
        optimizer = _optimizer(network, config)
        schedule = _Schedule(optimizer, steps, config.warmup)
        if found is not None:
            best = self._restore(found, optimizer)
            schedule(self.progress.steps)
            logger.info("Going on from step %d of %d.", found.step, steps)
        own = _StepLoss(network, self.read, self.training.tokens, self.targets, config)
        step_loss: nn.Module = own
        if ranks.size > 1 and steps:
            step_loss = nn.parallel.DistributedDataParallel(
                own, broadcast_buffers=False, find_unused_parameters=True
            )
        state = self.progress
        before = state.seconds
        bar = tqdm(total=steps, initial=state.steps, disable=not progress, unit="step")
        with (
            told_to_stop(checkpoints is not None) as stop,
            _dropout(self.read.encoder, config.encoder_dropout),
            _compiled(network, config, steps),
        ):
            while state.epoch <= config.epochs and not self._is_over():
                loss, seconds = self._epoch(
                    step_loss, optimizer, schedule, best, checkpoints, stop, bar, began, before
                )
                pooled = self.read.all(self.validation.tokens)
                since = before + time.perf_counter() - began
                judged = self.judge(state.epoch, pooled, loss, since)
                lengths = self.training.tokens.lengths
                plan = plan_batches(lengths, config.token_budget)
                result = replace(
                    ranks.agree(judged),
                    titles_per_second=len(lengths) / seconds,
                    tokens_per_second=int(lengths.sum()) / seconds,
                    padded_share=padded_share(lengths, plan),
                )
                state.history.append(result)
                if listener is not None:
                    listener(result)
                bar.set_postfix_str(
                    f"epoch {state.epoch}: path accuracy {result.path_accuracy:.4f}"
                )
                kept = state.history[state.best]
                if is_better(result, kept, state.history, len(self.validation.targets)):
                    state.best, best = len(state.history) - 1, _state(network)
                state.epoch, state.step = state.epoch + 1, 0
        bar.close()
        if checkpoints is not None:  # what follows can be interrupted too
            self._save(checkpoints, optimizer, best, before + time.perf_counter() - began)
        network.load_state_dict(best, strict=False)
        weights = self.judge.calibrate(self.read.all(self.validation.tokens), config.calibration)
        weights = ranks.agree(weights)
        network.requires_grad_(True).eval()
        return Trained(state.history, state.start, weights)

    def _is_over(self) -> bool:
        state = self.progress
        waited = state.epoch - 1 - state.history[state.best].epoch
        if waited >= self.config.patience:
            logger.info(
                "Nothing better on the validation titles since epoch %d: stopped.",
                state.history[state.best].epoch,
            )
            return True
        return False

    # -- the start --------------------------------------------------------------

    def _begin(
        self, beginning: Beginning, began: float, listener: Listener | None
    ) -> dict[str, Tensor]:
        """Start the heads; what is kept of it is the best so far."""
        network, state = self.network, self.progress

        def judged() -> EpochResult:
            pooled = self.read.all(self.validation.tokens)
            return self.ranks.agree(self.judge(0, pooled, None, time.perf_counter() - began))

        carried = judged() if beginning != "solve" else None
        result, best = carried, _state(network)
        if beginning != "carry":
            start = self._solve()
            result = judged()
            if carried is not None and is_better(
                carried, result, [carried, result], len(self.validation.targets)
            ):
                logger.info(
                    "The heads are carried over: path accuracy %.4f on the validation titles, "
                    "solved anew %.4f.",
                    carried.path_accuracy,
                    result.path_accuracy,
                )
                network.load_state_dict(best, strict=False)
                result = carried
            else:
                best = _state(network)
                state.start = None if start is None else start.to_dict()
        assert result is not None
        state.history.append(result)
        if listener is not None:
            listener(result)
        return best

    def _solve(self) -> Start | None:
        network, config = self.network, self.config
        if not config.closed_form or not bool(network.paths.terminal[self.targets].any()):
            return None
        self.pooled = self.read.all(self.training.tokens)
        weights = torch.from_numpy(self.weights).to(self.device)
        start = closed_form_start(
            self.pooled, self.targets, self.taxonomy, network.paths, config.seed, weights
        )
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

    # -- one epoch --------------------------------------------------------------

    def _epoch(
        self,
        step_loss: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: "_Schedule",
        best: dict[str, Tensor],
        checkpoints: Checkpoints | None,
        stop: threading.Event,
        bar: Any,
        began: float,
        before: float,
    ) -> tuple[float, float]:
        """Mean loss and seconds of an epoch, from the step that it stands at."""
        config, state, ranks = self.config, self.progress, self.ranks
        self.network.train()
        learned = [p for group in optimizer.param_groups for p in group["params"]]
        rows_per_step = float(self.weights.sum()) / self.batches * self.group
        if state.step == 0:
            self.total = torch.zeros((), device=self.device)
        epoch_began, first = time.perf_counter(), state.step
        kept = self.pooled if state.epoch <= config.head_epochs else None
        prepared = self._prepared(state.epoch, first)
        for step in range(first + 1, self.steps_an_epoch + 1):
            for part in range(config.accumulate):
                own = next(prepared)
                pooled = None if kept is None else kept[own.rows]
                quiet = part + 1 < config.accumulate and ranks.size > 1
                with step_loss.no_sync() if quiet else nullcontext():  # type: ignore[operator]
                    loss = step_loss(own.batch, own.targets, own.weights, pooled)
                    # DistributedDataParallel takes the mean over processes; the sum is meant.
                    (loss * (ranks.size / rows_per_step)).backward()
                self.total += loss.detach()
            nn.utils.clip_grad_norm_(learned, config.clip)
            optimizer.step()
            state.step, state.steps = step, state.steps + 1
            schedule(state.steps)
            optimizer.zero_grad(set_to_none=True)
            bar.update()
            if checkpoints is not None:
                asked = stop.is_set() if ranks.size == 1 else False
                if ranks.size > 1 and state.steps % _ASK == 0:
                    asked = ranks.any(stop.is_set(), self.device)
                due = bool(config.checkpoint_steps and state.steps % config.checkpoint_steps == 0)
                if asked or due:
                    since = before + time.perf_counter() - began
                    self._save(checkpoints, optimizer, best, since)
                if asked:
                    raise TrainingInterrupted(
                        f"Stopped by SIGTERM after step {state.steps}; the state is in "
                        f"{checkpoints.uri!r}. Run the same again to go on."
                    )
        seconds = time.perf_counter() - epoch_began
        mean = float(ranks.add_up(self.total.clone())) / float(self.weights.sum())
        # An epoch that was gone on with: as if all of it had been as fast as the rest.
        share = (self.steps_an_epoch - first) / self.steps_an_epoch
        return mean, seconds / share if share else float("inf")

    def _prepared(self, epoch: int, first: int) -> Iterator["_Ready"]:
        """This process's batches of an epoch, made ahead of the device.

        The order of an epoch depends on the seed and its number alone, so that a training can
        go on in the middle of one.
        """
        config, ranks, table = self.config, self.ranks, self.training.tokens
        rng = np.random.default_rng([config.seed, epoch])
        plan = plan_batches(table.lengths, config.token_budget, rng)
        pad = pad_id_of(self.read.encoder)
        numbers = [
            step * self.group + part * ranks.size + ranks.rank
            for step in range(first, self.steps_an_epoch)
            for part in range(config.accumulate)
        ]

        def prepare(number: int) -> _Ready:
            # The last step may have fewer batches than processes: a row that weighs nothing.
            over = number >= len(plan)
            rows = plan[0][:1] if over else plan[number]
            weights = self.weights[rows] * np.float32(not over)
            places, labels, shares = (
                to_device(torch.from_numpy(array), self.device)
                for array in (rows, self.training.targets[rows], weights)
            )
            return _Ready(table.batch(rows, pad).to(self.device), places, labels, shares)

        with ThreadPoolExecutor(1) as pool:
            waiting = deque(pool.submit(prepare, number) for number in numbers[:_AHEAD])
            try:
                for place in range(len(numbers)):
                    ready = waiting.popleft().result()
                    if place + _AHEAD < len(numbers):
                        waiting.append(pool.submit(prepare, numbers[place + _AHEAD]))
                    yield ready
            finally:
                for future in waiting:
                    future.cancel()

    # -- checkpoints ------------------------------------------------------------

    def _save(
        self,
        checkpoints: Checkpoints,
        optimizer: torch.optim.Optimizer,
        best: dict[str, Tensor],
        seconds: float,
    ) -> None:
        """Every process gives its random state; the first one writes."""
        state, ranks = self.progress, self.ranks
        own = {"cpu": torch.get_rng_state(), "total": self.total.cpu()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        mine = ranks.collect(own)
        if not ranks.writes:
            return
        tensors = {f"model.{name}": tensor for name, tensor in _state(self.network).items()}
        tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
        for place, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{place}.{name}": value for name, value in slots.items()}
        for rank, parts in enumerate(mine):
            tensors |= {f"rank.{rank}.{name}": value for name, value in parts.items()}
        told = {**asdict(state), "seconds": seconds}
        checkpoints.save(Checkpoint(state.steps, tensors, told))

    def _restore(self, found: Checkpoint, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        """Put a checkpoint's state in place; gives the best weights so far."""

        def owned(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): tensor.to(self.device)
                for name, tensor in found.tensors.items()
                if name.startswith(prefix)
            }

        history = [EpochResult(**entry) for entry in found.state["history"]]
        self.progress = _Progress(**{**found.state, "history": history})
        self.network.load_state_dict(owned("model."), strict=False)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in owned("optimizer.").items():
            place, slot = name.split(".", 1)
            slots.setdefault(int(place), {})[slot] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": slots, "param_groups": groups})
        mine = owned(f"rank.{self.ranks.rank}.")
        torch.set_rng_state(mine["cpu"].cpu())
        if "cuda" in mine:
            torch.cuda.set_rng_state(mine["cuda"].cpu(), self.device)
        self.total = mine["total"].clone()
        return owned("best.")


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


class _Schedule:
    """A linear rise to the peak rates, then a linear fall to 0."""

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int, warmup: float) -> None:
        self.optimizer, self.steps = optimizer, steps
        self.warmup = max(round(warmup * steps), 1)
        self(0)

    def __call__(self, done: int) -> None:
        """Set the rates of the step after so many."""
        fall = max(self.steps - done, 0) / max(self.steps - self.warmup, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * min((done + 1) / self.warmup, fall)


def _optimizer(network: Network, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW; rates fall from layer to layer, the decay spares what is no matrix."""
    assert network.encoder is not None and network.heads is not None
    embeddings = {id(p) for p in network.encoder.word_embeddings.parameters()}
    depth_below = {id(p): 0 for p in network.encoder.parameters()}
    if config.layer_decay != 1:
        layers = layer_list(network.encoder.body)[2]
        depth_below |= {key: len(layers) for key in depth_below}
        for place, layer in enumerate(layers):
            depth_below |= {id(p): len(layers) - 1 - place for p in layer.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.encoder.parameters():
        if parameter.requires_grad:
            rate = config.learning_rate * config.layer_decay ** depth_below[id(parameter)]
            small = parameter.ndim < 2 or id(parameter) in embeddings
            key = (rate, 0.0 if small else config.weight_decay)
            groups.setdefault(key, []).append(parameter)
    groups.setdefault((config.head_learning_rate, config.weight_decay), []).extend(
        network.heads.parameters()
    )
    settings = [
        {"params": own, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), own in groups.items()
    ]
    return torch.optim.AdamW(settings, betas=(0.9, 0.98), fused=True)


def _state(network: Network) -> dict[str, Tensor]:
    """A copy of what has been learned so far."""
    learned = {name for name, p in network.named_parameters() if p.requires_grad}
    return {
        name: tensor.detach().clone()
        for name, tensor in network.state_dict().items()
        if name in learned
    }
