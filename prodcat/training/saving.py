"""Saving the state of a run, at regular steps and when the run is told to stop."""

import threading

from prodcat.errors import TrainingInterrupted
from prodcat.training.checkpoint import Checkpoints
from prodcat.training.run_state import RunState
from prodcat.training.task import Task

_EXCHANGE_STEPS = 16  # after which processes tell each other whether one was told to stop


class CheckpointSaver:
    """Saves the state of a run at regular steps and after SIGTERM.

    Args:
        task: What is trained.
        state: The state of the run.
        checkpoints: Where the state is saved, or None to save nothing.
    """

    def __init__(self, task: Task, state: RunState, checkpoints: Checkpoints | None) -> None:
        self.task, self.state, self.checkpoints = task, state, checkpoints

    def after_step(self, stop: threading.Event) -> None:
        """Save the state if it is due.

        Args:
            stop: Set by SIGTERM.

        Raises:
            TrainingInterrupted: SIGTERM came, and the state was saved.
            CheckpointError: The checkpoint cannot be written.
        """
        if self.checkpoints is None:
            return
        every, steps = self.task.config.checkpoint_steps, self.state.progress.steps
        asked = self._asked_to_stop(stop)
        if asked or (every and steps % every == 0):
            self.save()
        if asked:
            raise TrainingInterrupted(
                f"Stopped by SIGTERM after step {steps}; the state is in "
                f"{self.checkpoints.uri!r}. Run the same again to go on."
            )

    def save(self) -> None:
        """Save the current state; the first process writes for all.

        Raises:
            CheckpointError: The checkpoint cannot be written.
        """
        if self.checkpoints is None:
            return
        checkpoint = self.state.to_checkpoint(self.task.ranks)
        if checkpoint is not None:
            self.checkpoints.save(checkpoint)

    def _asked_to_stop(self, stop: threading.Event) -> bool:
        """Whether any process was told to stop; several ask each other every few steps."""
        ranks = self.task.ranks
        if ranks.size == 1:
            return stop.is_set()
        if self.state.progress.steps % _EXCHANGE_STEPS:
            return False
        return ranks.any(stop.is_set(), self.task.device)
