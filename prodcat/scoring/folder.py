"""Score into a folder: one file for each part, each written once.

While the device answers one part, the part before it is written.  The folder itself records which
parts are finished (see :mod:`prodcat.scoring.finished_parts`), so repeating the call continues
after any interruption, and processes need only their numbers to share the work.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.results import encode
from prodcat.errors import Interrupted
from prodcat.scoring.answering import AnsweredPart, PartScorer
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.finished_parts import FinishedParts, identity_of, remove_output
from prodcat.scoring.parts import part_name
from prodcat.scoring.progress import Progress
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import Shard, in_shard
from prodcat.storage.interruption import told_to_stop
from prodcat.storage.objects import Objects


class _Share:
    """The parts of one process, and which of them are still to be scored.

    Args:
        shard: The share of this process.
        finished: The finished parts of the output folder.
        files: The files of the input.
        overwrite: Whether a part whose input was changed is scored again rather than refused.
    """

    def __init__(
        self, shard: Shard, finished: FinishedParts, files: Sequence[str], overwrite: bool
    ) -> None:
        self.shard, self.finished = shard, finished
        self.files, self.overwrite = files, overwrite
        self.skipped: list[str] = []
        self._identities: dict[int, str] = {}

    def contains(self, file: int, number: int) -> bool:
        """Whether a part belongs to this process."""
        return in_shard(self.shard, file, number)

    def is_due(self, file: int, number: int) -> bool:
        """Whether a part belongs to this process and is not finished; called once for each part."""
        name = part_name(file, number)
        if not self.contains(file, number):
            return False
        done = self.finished.done.get(name)
        if done is None or (self.overwrite and done.input != self.identity(file)):
            return True
        self.finished.check_input(name, self.identity(file), self.files[file])
        self.skipped.append(name)
        return False

    def identity(self, file: int) -> str:
        """The identity of a file's content."""
        if file not in self._identities:
            self._identities[file] = identity_of(self.files[file])
        return self._identities[file]


@dataclass
class _Counts:
    """How much this process has answered so far."""

    rows: int = 0
    errors: int = 0
    parts: int = 0

    def add(self, answered: AnsweredPart) -> None:
        self.rows += len(answered.rows.table)
        self.errors += len(answered.rows.errors)
        self.parts += 1


@dataclass(frozen=True)
class FolderScoring:
    """One model, one input and one output folder.

    Attributes:
        scorer: Answers the parts of the input.
        objects: The output folder.
        job: Everything that the bytes of the output depend on.
        sizes: Bytes of each input file.
        joined: Whether the parts will become one file, so that only the first has a header.
    """

    scorer: PartScorer
    objects: Objects
    job: dict[str, Any]
    sizes: list[int]
    joined: bool

    @classmethod
    def of(
        cls,
        model: Classifier,
        input: str,
        output: str,
        scoring: ScoringConfig,
        *,
        joined: bool = False,
    ) -> "FolderScoring":
        """Check everything that can be checked before a title is read.

        Raises:
            CatalogError: There is no such input.
            ConfigError: The settings do not go together.
        """
        import fsspec

        scorer = PartScorer.of(model, input, scoring)
        filesystem, _ = fsspec.url_to_fs(scorer.files[0])
        sizes = [int(filesystem.info(file)["size"]) for file in scorer.files]
        job = {
            "format": "prodcat-scoring",
            "model": model.content_hash,
            "named": scorer.scorer.columns.model,
            "precision": scorer.scorer.precision,
            "tree": model.taxonomy.hash,
            "joined": joined,
            **{f"setting {name}": value for name, value in scoring.settings().items()},
            "input": [
                {"name": file.rsplit("/", 1)[-1], "bytes": size}
                for file, size in zip(scorer.files, sizes, strict=True)
            ],
        }
        return cls(scorer, Objects(output), job, sizes, joined)

    def run(self, shard: Shard, *, overwrite: bool, progress: bool) -> ScoringReport:
        """Score the parts of a share that are not finished.

        Args:
            shard: The share of this process.
            overwrite: Whether to begin again if the folder is the output of another job.
            progress: Whether to show a progress bar.

        Raises:
            ScoringError: The folder is the output of another job, or an input file was changed.
            Interrupted: The process was stopped by SIGTERM; repeating the call resumes the job.
        """
        if overwrite:
            remove_output(self.objects, self.job)
        with told_to_stop() as stop:
            finished = FinishedParts(self.objects, self.job, f".{self.scorer.scoring.format}")
            share = _Share(shard, finished, self.scorer.files, overwrite)
            finished.clear_parts(share.contains)
            began = time.monotonic()
            shown = Progress(progress, began, self.sizes, shard[1])
            counts = self._write_share(share, shown, stop)
            if stop.is_set():
                raise Interrupted(
                    f"Stopped by SIGTERM after {counts.rows:,} titles; {counts.parts} parts are in "
                    f"{self.objects.uri!r}. Run the same command again to continue."
                )
            return ScoringReport(
                output=self.objects.uri,
                rows=counts.rows,
                errors=counts.errors,
                parts=counts.parts,
                skipped=len(share.skipped),
                seconds=time.monotonic() - began,
                summary=finished.conclude(self.scorer.files),
            )

    def _write_share(self, share: _Share, shown: Progress, stop: threading.Event) -> _Counts:
        """Answer the parts of a share, and write each one while the next is answered."""
        counts = _Counts()
        with ThreadPoolExecutor(1) as writer:
            writing: Future[None] | None = None
            for answered in self.scorer.answered(share.is_due, stop):
                if writing is not None:
                    writing.result()
                identity = share.identity(answered.part.file)
                writing = writer.submit(self._write, share.finished, answered, identity)
                counts.add(answered)
                shown.show(counts.rows, answered.part)
            if writing is not None:
                writing.result()
        shown.close()
        return counts

    def _write(self, finished: FinishedParts, answered: AnsweredPart, identity: str) -> None:
        part = answered.part
        table = self.scorer.table(answered)
        header = part.is_first or not self.joined
        content = encode(table, self.scorer.scoring.format, header=header)
        errors = len(answered.rows.errors)
        finished.write(part.name, content, len(table), errors, identity, part.last)
