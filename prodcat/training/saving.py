"""Save the state of a run, at regular steps and when the run is asked to stop."""

import threading

from prodcat.errors import TrainingInterrupted
from prodcat.training.checkpoint import Checkpoints
from prodcat.training.run_state import RunState
from prodcat.training.task import Task

_EXCHANGE_STEPS = 16  # between which processes exchange whether one was asked to stop


class CheckpointSaver:
    """Saves the state of a run at regular steps and after SIGTERM.

    Args:
        task: What is trained, on which titles, and how.
        state: The state of the run.
        checkpoints: Where the state is saved, or None to save nothing.
    """

    def __init__(self, task: Task, state: RunState, checkpoints: Checkpoints | None) -> None:
        self.task, self.state, self.checkpoints = task, state, checkpoints

    def after_step(self, stop: threading.Event) -> None:
        """Save the state if a checkpoint is due or a process was asked to stop.

        Args:
            stop: An event that is set when the process gets SIGTERM.

        Raises:
            TrainingInterrupted: A process got SIGTERM; the state is saved.
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
                f"Stopped by SIGTERM after step {steps}; the state is saved in "
                f"{self.checkpoints.uri!r}. Repeat the same call or command to resume."
            )

    def save(self) -> None:
        """Save the current state; process 0 writes it for all.

        Raises:
            CheckpointError: The checkpoint cannot be written.
        """
        if self.checkpoints is None:
            return
        checkpoint = self.state.to_checkpoint(self.task.ranks)
        if checkpoint is not None:
            self.checkpoints.save(checkpoint)

    def _asked_to_stop(self, stop: threading.Event) -> bool:
        """Whether any process was asked to stop; several exchange this every few steps."""
        ranks = self.task.ranks
        if ranks.size == 1:
            return stop.is_set()
        if self.state.progress.steps % _EXCHANGE_STEPS:
            return False
        return ranks.any(stop.is_set(), self.task.device)
