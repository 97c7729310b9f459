"""Score into a folder: one file for each part, each written once.

While the device classifies one part, the previous part is written.  The folder itself records which
parts are finished (see :mod:`prodcat.scoring.finished_parts`).  So a repeated call resumes the job
after any interruption, and processes that share the work need not communicate.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from prodcat._version import __version__
from prodcat.classifier.classifier import Classifier
from prodcat.errors import InputChangedError, Interrupted, ScoringError
from prodcat.scoring.answering import AnsweredPart, PartScorer, enough_memory
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.finished_parts import FinishedPart, FinishedParts, remove_output
from prodcat.scoring.inputs import Inputs
from prodcat.scoring.parts import part_name
from prodcat.scoring.progress import Progress
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import Shard, in_shard
from prodcat.storage.folder_columns import folder_columns
from prodcat.storage.interruption import told_to_stop
from prodcat.storage.leased_folder import LeasedFolder
from prodcat.storage.table_files import Files

_LAYOUT = 2  # of the output: parts that an earlier version wrote have other columns or types
_ROUNDS = 3  # attempts to write parts that another program alters


class _Share:
    """The parts of one process, and which of them are still to be scored.

    Args:
        shard: The share of this process, as its index and the number of processes.
        finished: The finished parts of the output folder.
        inputs: The files of the input.
        overwrite: Whether to score a finished part again if its input file has changed since; if
            false, that is an error.
    """

    def __init__(
        self, shard: Shard, finished: FinishedParts, inputs: Inputs, overwrite: bool
    ) -> None:
        self.shard, self.finished = shard, finished
        self.inputs, self.overwrite = inputs, overwrite
        self.skipped: set[str] = set()
        self.plan: dict[int, int] = {}  # the number of parts of each file that was read

    def contains(self, file: int, number: int) -> bool:
        """Whether a part belongs to this process."""
        return in_shard(self.shard, file, number)

    def is_due(self, file: int, number: int) -> bool:
        """Whether a part belongs to this process and is not finished.

        Must be called for every part of the input: it also counts the parts in ``plan``.
        """
        self.plan[file] = max(self.plan.get(file, 0), number + 1)
        name = part_name(file, number)
        if not self.contains(file, number):
            return False
        done = self.finished.done.get(name)
        identity = self.inputs.identity(file)
        if done is None or (self.overwrite and done.input != identity):
            self.skipped.discard(name)
            return True
        self.finished.check_input(name, identity, self.inputs.files[file])
        self.skipped.add(name)
        return False

    @property
    def parts(self) -> list[str]:
        """The names of the parts of this process; complete once all files were read."""
        return [
            part_name(file, number)
            for file, count in sorted(self.plan.items())
            for number in range(count)
            if self.contains(file, number)
        ]


@dataclass
class _Counts:
    """What this process has answered so far."""

    rows: int = 0
    errors: int = 0
    parts: int = 0
    files: set[int] = field(default_factory=set)

    def add(self, answered: AnsweredPart) -> None:
        self.files.add(answered.part.file)
        self.rows += len(answered.rows)
        self.errors += len(answered.rows.errors)
        self.parts += 1


@dataclass(frozen=True)
class FolderScoring:
    """A job that scores one input with one model into a folder.

    Attributes:
        scorer: Classifies the parts of the input.
        inputs: The files of the input.
        job: Everything that the bytes of the output depend on, as JSON values by name.
        joined: Whether the parts will be joined to one file, so that only the first has a header.
    """

    scorer: PartScorer
    inputs: Inputs
    job: dict[str, Any]
    joined: bool

    @classmethod
    def of(
        cls,
        model: Classifier,
        input: str | Files,
        scoring: ScoringConfig,
        *,
        joined: bool = False,
        is_sheet: bool = False,
    ) -> "FolderScoring":
        """Make a job, and check everything that can be checked before titles are read.

        Args:
            model: The classifier, on its device.
            input: The URI of the input: a file, a folder or a glob.
            scoring: The columns to read, the options of the answers and the output format.
            joined: Whether the parts will be joined to one file.
            is_sheet: Whether that file is a workbook of Excel.

        Raises:
            CatalogError: There is no such input, or a file has an unknown format.
            StoreError: The store of the input cannot be reached.
            ConfigError: The settings cannot be combined, the classifier does not support them, or
                the rows do not fit into a sheet.
        """
        scorer = PartScorer.of(model, input, scoring, is_sheet=is_sheet)
        inputs = Inputs(input, scorer.files)
        folders = folder_columns(input, scorer.files)
        job = {
            "format": "prodcat-scoring",
            "prodcat": __version__,
            "model": model.content_hash,
            "named": scorer.scorer.columns.model,
            "layout of columns": _LAYOUT,
            "precision": scorer.scorer.precision,
            "tree": model.taxonomy.hash,
            "joined": joined,
            **{f"setting {name}": value for name, value in scoring.settings().items()},
            "input": [
                {"name": file.rsplit("/", 1)[-1], "bytes": size}
                for file, size in zip(scorer.files, inputs.sizes, strict=True)
            ],
            **({"columns of folders": folders} if any(folders) else {}),
            **({"sheet": True} if is_sheet else {}),
        }
        return cls(scorer, inputs, job, joined)

    def run(
        self, folder: LeasedFolder, shard: Shard, *, overwrite: bool, progress: bool
    ) -> tuple[ScoringReport, list[FinishedPart]]:
        """Score the parts of a share that are not finished.

        Args:
            folder: The output folder with the lease on the share.
            shard: The share of this process, as its index and the number of processes.
            overwrite: Whether to begin again if the folder is the output of another job.
            progress: Whether to show a progress bar.

        Returns:
            The report, and the finished parts of the share in the order of the input.

        Raises:
            CatalogError: The input cannot be read, or its columns are not those that are needed.
            ScoringError: The folder has another output or altered files, or memory is too small.
            InputChangedError: An input file was changed, added or removed during the call.
            OutputInUseError: Another process has taken the output over.
            StoreError: The output cannot be written.
            Interrupted: SIGTERM stopped the process; the same call resumes the job.
        """
        if overwrite:
            self._check_columns()  # before anything is removed
            remove_output(folder, self.job)
        with told_to_stop() as stop:
            finished = self._finished_parts(folder)
            share = _Share(shard, finished, self.inputs, overwrite)
            finished.clear_parts(share.contains)
            began = time.monotonic()
            shown = Progress(progress, began, self.inputs.sizes, shard[1])
            counts = _Counts()
            for _ in range(_ROUNDS):
                self._write_share(share, counts, shown, stop)
                if stop.is_set():
                    raise Interrupted(
                        f"Stopped by SIGTERM after {counts.rows:,} titles; {counts.parts} parts "
                        f"are in {folder.objects.uri!r}. Run the same command again to continue."
                    )
                finished.read()
                parts = share.parts
                if not finished.damaged(parts, share.plan):
                    break
            else:
                raise ScoringError(
                    f"Parts in {folder.objects.uri!r} differ from what was written, after "
                    f"{_ROUNDS} attempts: another program changes them. Stop that program, or name "
                    "another output."
                )
            self.inputs.check_content(counts.files)  # and all files, if this is the last process
            report = ScoringReport(
                output=folder.objects.uri,
                rows=counts.rows,
                errors=counts.errors,
                parts=counts.parts,
                skipped=len(share.skipped),
                seconds=time.monotonic() - began,
                summary=finished.conclude(self.inputs, share.plan, set(parts)),
            )
            return report, [finished.done[part] for part in parts]

    def _finished_parts(self, folder: LeasedFolder) -> FinishedParts:
        """The finished parts of the folder; a column that is missing is told before all else."""
        try:
            return FinishedParts(folder, self.job, self.scorer.scoring.format, self.joined)
        except ScoringError:
            self._check_columns()
            raise

    def _check_columns(self) -> None:
        """Read the columns of all files.

        Raises:
            CatalogError: The input cannot be read, or its columns are not those that are needed.
        """
        with enough_memory():
            _ = self.scorer.input_columns

    def _write_share(
        self, share: _Share, counts: _Counts, shown: Progress, stop: threading.Event
    ) -> None:
        """Classify the parts of a share, and write each part while the next one is classified."""
        with ThreadPoolExecutor(1) as writer:
            writing: Future[None] | None = None
            for answered in self._answered(share, stop):
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._write, share.finished, answered)
                counts.add(answered)
                shown.show(counts.rows, answered.part)
            if writing is not None:
                writing.result()
        shown.close()

    def _answered(self, share: _Share, stop: threading.Event) -> Iterator[AnsweredPart]:
        """Classify the parts of a share, and check after each that its file was not changed."""
        try:
            for answered in self.scorer.answered(share.is_due, stop):
                self.inputs.check(answered.part.file)
                yield answered
        except InputChangedError:
            raise
        except Exception:
            self.inputs.check_all()  # a file that is changed while it is read can cause any error
            raise

    def _write(self, finished: FinishedParts, answered: AnsweredPart) -> None:
        part = answered.part
        header = part.is_first or not self.joined
        content = self.scorer.content(answered, self.scorer.scoring.format, header=header)
        rows, errors = len(answered.rows), len(answered.rows.errors)
        identity = self.inputs.identity(part.file)
        finished.write(part.name, content, rows, errors, identity, part.last)
