"""The training loop: epochs, validation, early stopping and checkpoints."""

import logging
import math
import threading
import time
from dataclasses import replace
from itertools import islice
from typing import Any, Unpack

import torch

from prodcat.classifier.records import EpochResult
from prodcat.errors import check_keywords, takes_keywords
from prodcat.model.config import TrainingConfig
from prodcat.model.encoder import pad_id_of
from prodcat.model.network import Network
from prodcat.storage.interruption import told_to_stop
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.beginning import begin_heads
from prodcat.training.checkpoint import Checkpoint
from prodcat.training.divergence import refuse_start, tell_divergence
from prodcat.training.dropout import encoder_dropout
from prodcat.training.epoch_batches import EpochBatches
from prodcat.training.optimizer import LinearSchedule, make_optimizer
from prodcat.training.precision import pick_precision
from prodcat.training.progress import progress_bar
from prodcat.training.ranks import Ranks
from prodcat.training.rows import Rows
from prodcat.training.run_state import RunState, learned_weights
from prodcat.training.saving import CheckpointSaver
from prodcat.training.step import TrainingStep
from prodcat.training.step_size import StepSize
from prodcat.training.task import Task, Trained, TrainKeywords, TrainOptions
from prodcat.training.title_reader import TitleReader, frozen_layers
from prodcat.training.used_vocabulary import UsedVocabulary
from prodcat.training.validation import Validator, best_of, is_better

logger = logging.getLogger("prodcat")


@takes_keywords(TrainKeywords, beginning="solve", progress=True)
def train(
    network: Network,
    taxonomy: Taxonomy,
    training: Rows,
    validation: Rows,
    config: TrainingConfig,
    **named: Unpack[TrainKeywords],
) -> Trained:
    """Train the encoder and the heads, then fit the calibration; changes the network in place.

    Args:
        network: The network, on the device to train on, its lexical branch already fitted.
        taxonomy: The tree.
        training: Rows to train on.
        validation: Rows for early stopping and for fitting the calibration.
        config: The settings of the training.
        named: ``beginning``, ``checkpoints``, ``progress`` and ``listener``; see
            :class:`prodcat.training.task.TrainOptions`.

    Returns:
        The history, the settings of the closed-form start, and the calibration.

    Raises:
        TrainingInterrupted: The process got SIGTERM; the state of the training is saved.
        CheckpointError: The checkpoints cannot be read or written.
        EncoderError: The layers to freeze cannot be found, or the encoder's output is not finite.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(train, named)
    ranks = Ranks.current()
    options = TrainOptions(**named).for_rank(ranks)
    torch.manual_seed(config.seed + ranks.rank)
    precision = pick_precision(config.precision, network.device)
    step_size = StepSize.of(config, training.tokens, network.device, ranks.size)
    task = Task(network, taxonomy, training, validation, config, precision, ranks, step_size)
    validator = Validator(network, validation)
    if network.encoder is None:
        return _without_encoder(task, validator, options)
    if frozen_layers(network.encoder, config):
        return TrainingLoop(task, validator, options).run()
    with UsedVocabulary(network.encoder, [training.tokens, validation.tokens]) as tables:
        return TrainingLoop(task.with_tokens(*tables), validator, options).run()


def _without_encoder(task: Task, validator: Validator, options: TrainOptions) -> Trained:
    """Fit only the calibration: the n-grams are fitted already, and nothing else is trained."""
    result = validator.measure(0, None, None, 0.0)
    if options.listener is not None:
        options.listener(result)
    return Trained([result], None, validator.calibrate(None, task.config.calibration))


class TrainingLoop:
    """Trains encoder and heads, epoch by epoch, until the results no longer improve.

    Args:
        task: What is trained, on which titles, and how.
        validator: Measures the network on the validation titles.
        options: How the run starts, what it shows and where it saves its state.
    """

    def __init__(self, task: Task, validator: Validator, options: TrainOptions) -> None:
        self.task, self.validator, self.options = task, validator, options
        self.network, self.config, self.ranks = task.network, task.config, task.ranks
        self.reader = TitleReader(task, options.progress)
        optimizer = make_optimizer(self.network, self.config, task.step_size.rate_factor)
        self.step = TrainingStep(task, self.reader, optimizer)
        self.state = RunState(self.network, self.step)
        self.saver = CheckpointSaver(task, self.state, options.checkpoints)
        self._plan_steps()

    def _plan_steps(self) -> None:
        """Plan the batches of all epochs and the learning rates, after the steps taken so far."""
        self.batches = EpochBatches(self.task, pad_id_of(self.reader.encoder), self.state.shares)
        self.steps = sum(self.batches.steps)
        self.step.weight_per_step = self.batches.weight_per_step
        self.schedule = LinearSchedule(self.step.optimizer, self.steps, self.config.warmup)
        self.schedule.set_after(self.state.progress.steps)

    def run(self) -> Trained:
        """Train, and leave the network with the weights of its best epoch.

        If the training diverges, these are the weights of the best epoch before, which is told in
        the log; epoch 0 is the state before the first step.

        Returns:
            The history, the settings of the closed-form start, and the calibration.

        Raises:
            TrainingInterrupted: The process got SIGTERM; the state of the training is saved.
            CheckpointError: The checkpoints cannot be read or written.
        """
        for rows in (self.task.training, self.task.validation):
            self.reader.keep_activations(rows.tokens)
        self._begin_or_resume()
        encoder, config, progress = self.reader.encoder, self.config, self.state.progress
        with (
            self._progress_bar() as bar,
            told_to_stop(self.options.checkpoints is not None) as stop,
            encoder_dropout(encoder, config.encoder_dropout),
        ):
            while progress.epoch <= config.epochs and not self._is_over():
                loss, seconds = self.train_epoch(stop, bar)
                if self._validate_epoch(loss, seconds, bar):
                    progress.end_epoch()
                else:
                    self._end_diverged()
        return self._finish()

    def train_epoch(self, stop: threading.Event, bar: Any) -> tuple[float, float]:
        """Take the remaining steps of the current epoch.

        Args:
            stop: An event that is set when the process gets SIGTERM.
            bar: A progress bar of tqdm.

        Returns:
            Mean training loss of a title, in nats, and the seconds that the epoch took.

        Raises:
            TrainingInterrupted: The process got SIGTERM; the state of the training is saved.
            CheckpointError: A checkpoint cannot be written.
        """
        progress = self.state.progress
        self.network.train()
        if progress.step == 0:
            self.step.loss_sum = torch.zeros((), device=self.task.device)
        began, first_step = time.perf_counter(), progress.step
        batches = self.batches.prepared(progress.epoch, first_step)
        steps = self.batches.steps[progress.epoch - 1]
        while progress.step < steps:
            self.step(islice(batches, self.config.accumulate), progress.steps + 1)
            progress.count_step()
            self.schedule.set_after(progress.steps)
            bar.update()
            self.saver.after_step(stop)
        seconds = time.perf_counter() - began
        loss_sum = float(self.ranks.add_up(self.step.loss_sum.clone()))
        # In a resumed epoch, earlier steps are assumed to have been as fast as the later ones.
        share = (steps - first_step) / steps
        return loss_sum / self.batches.total_weight, seconds / share if share else float("inf")

    def _progress_bar(self) -> Any:
        done = self.state.progress.steps
        return progress_bar(self.steps, "training", "step", self.options.progress, done)

    # -- before the first step ----------------------------------------------------

    def _begin_or_resume(self) -> None:
        """Resume from the last checkpoint, or set the weights that the heads start from."""
        checkpoint = self._latest_checkpoint()
        if checkpoint is None:
            self._begin()
        else:
            self.state.restore(checkpoint, self.ranks)
            self._plan_steps()
            logger.info("Resuming from step %d of %d.", checkpoint.step, self.steps)
        if self.steps:
            self.step.share_gradients()

    def _latest_checkpoint(self) -> Checkpoint | None:
        """The last checkpoint, or None.

        Process 0 reads it for all, because other machines may see a shared disk's files later.
        """
        checkpoints = self.options.checkpoints
        latest = checkpoints.latest() if checkpoints is not None and self.ranks.writes else None
        return self.ranks.agree(latest)

    def _begin(self) -> None:
        start = begin_heads(self.task, self.reader, self.options.beginning, self._measure_start)
        self.state.best, self.state.shares = start.weights, self.ranks.agree(start.shares)
        self._plan_steps()
        self.state.progress.start = start.start
        self._record(start.result)

    # -- after an epoch -----------------------------------------------------------

    def _validate_epoch(self, loss: float, seconds: float, bar: Any) -> bool:
        """Measure the network after an epoch, and copy its weights if it is the best so far.

        Returns:
            False if the training has diverged, so that there is nothing to measure.
        """
        progress = self.state.progress
        measured = self._measure(progress.epoch, loss) if math.isfinite(loss) else None
        if measured is None:
            return False
        result = replace(
            measured,
            titles_per_second=self.batches.size / seconds,
            tokens_per_second=self.batches.tokens / seconds,
            padded_share=self.batches.padded_share,
        )
        self._record(result)
        bar.set_postfix_str(f"epoch {progress.epoch}: path accuracy {result.path_accuracy:.4f}")
        rows = len(self.task.validation.targets)
        if is_better(result, progress.best_result, progress.history, rows):
            progress.best = len(progress.history) - 1
            self.state.best = learned_weights(self.network)
        return True

    def _measure_start(self) -> EpochResult:
        result = self._measure(0, None)
        if result is None:
            raise refuse_start(self.task.precision)
        return result

    def _measure(self, epoch: int, loss: float | None) -> EpochResult | None:
        """The result of the current network; None if its scores are not finite."""
        pooled = self.reader.read_all(self.task.validation.tokens)
        if not self.validator.is_finite(pooled):
            return None
        result = self.validator.measure(epoch, pooled, loss, self.state.seconds)
        return self.ranks.agree(result)

    def _end_diverged(self) -> None:
        """End a training that has diverged, with the weights of the best epoch before."""
        progress = self.state.progress
        faults = [fault for fault in self.ranks.collect(int(self.step.first_fault)) if fault > 0]
        step = min(faults, default=progress.steps)
        if self.ranks.writes:
            best = progress.best_result
            tell_divergence(step, self.steps, progress.epoch, best, self.config)
        self.network.load_state_dict(self.state.best, strict=False)
        progress.epoch, progress.step = self.config.epochs + 1, 0

    def _record(self, result: EpochResult) -> None:
        self.state.progress.history.append(result)
        if self.options.listener is not None:
            self.options.listener(result)

    def _is_over(self) -> bool:
        """Whether no epoch has been better than the best one for a while.

        The closed-form start is not one of these epochs: with the high learning rates of the first
        ones the network is often worse than at the start, and better once they have fallen.
        """
        epochs = self.state.progress.history[1:]
        best = best_of(epochs, len(self.task.validation.targets))
        if best is None or len(epochs) - best.epoch < self.config.patience:
            return False
        logger.info(
            "Training stopped early: no better result on the validation titles since epoch %d.",
            best.epoch,
        )
        return True

    # -- after the last epoch -----------------------------------------------------

    def _finish(self) -> Trained:
        """Restore the weights of the best epoch, and fit the calibration for them."""
        self.saver.save()  # the steps below can be interrupted too
        network, progress = self.network, self.state.progress
        network.load_state_dict(self.state.best, strict=False)
        pooled = self.reader.read_all(self.task.validation.tokens)
        weights = self.ranks.agree(self.validator.calibrate(pooled, self.config.calibration))
        network.requires_grad_(True).eval()
        return Trained(progress.history, progress.start, weights)
