"""When a run saves its state, and when it is asked to stop."""

import threading

from prodcat.errors import TrainingInterrupted
from prodcat.training.checkpoint import Checkpoints
from prodcat.training.run_state import RunState
from prodcat.training.task import Task

_ASK = 16  # steps between two questions whether any process was told to stop


class CheckpointSaver:
    """Saves the state of a run every so many steps, and when SIGTERM came.

    Args:
        task: What is trained.
        state: The state of the run.
        checkpoints: Where it is kept, or None to keep nothing.
    """

    def __init__(self, task: Task, state: RunState, checkpoints: Checkpoints | None) -> None:
        self.task, self.state, self.checkpoints = task, state, checkpoints

    def after_step(self, stop: threading.Event) -> None:
        """Save the state where that is due.

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
        """Write the state as it is; the first process writes for all.

        Raises:
            CheckpointError: The checkpoint cannot be written.
        """
        if self.checkpoints is None:
            return
        checkpoint = self.state.to_checkpoint(self.task.ranks)
        if checkpoint is not None:
            self.checkpoints.save(checkpoint)

    def _asked_to_stop(self, stop: threading.Event) -> bool:
        """Whether any process was; several ask each other at some steps alone."""
        ranks = self.task.ranks
        if ranks.size == 1:
            return stop.is_set()
        if self.state.progress.steps % _ASK:
            return False
        return ranks.any(stop.is_set(), self.task.device)
