"""A folder of answers: one file for each part, each written once.

While one part is on the device, the one before it is written.  What is finished is told by the
folder itself (see :mod:`prodcat.scoring.finished_parts`), so the same call goes on after any
interruption, and processes share the work by their number alone.
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
from prodcat.scoring.answering import AnsweredPart, Answering
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.finished_parts import FinishedParts, identity_of, remove_output
from prodcat.scoring.parts import part_name
from prodcat.scoring.progress import Progress
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import Shard, in_shard
from prodcat.storage.interruption import told_to_stop
from prodcat.storage.objects import Objects


class _Share:
    """The parts of one process, and what is still to be done of them.

    Args:
        shard: Which parts they are.
        finished: What is finished in the output folder.
        files: The files of the input.
        overwrite: Whether a part is scored again where its input was changed, not refused.
    """

    def __init__(
        self, shard: Shard, finished: FinishedParts, files: Sequence[str], overwrite: bool
    ) -> None:
        self.shard, self.finished = shard, finished
        self.files, self.overwrite = files, overwrite
        self.skipped: list[str] = []
        self._identities: dict[int, str] = {}

    def contains(self, file: int, number: int) -> bool:
        """Whether a part is this process's."""
        return in_shard(self.shard, file, number)

    def wants(self, file: int, number: int) -> bool:
        """Whether a part is this process's and not finished; called once for each part."""
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
        """What tells the content of a file."""
        if file not in self._identities:
            self._identities[file] = identity_of(self.files[file])
        return self._identities[file]


@dataclass
class _Counts:
    """What this process has answered so far."""

    rows: int = 0
    errors: int = 0
    parts: int = 0

    def add(self, answered: AnsweredPart) -> None:
        self.rows += len(answered.rows.table)
        self.errors += len(answered.rows.errors)
        self.parts += 1


@dataclass(frozen=True)
class FolderScoring:
    """One model, one input, one output folder.

    Attributes:
        answering: The model and the input.
        objects: The output folder.
        job: Everything that decides the bytes of the output.
        sizes: Bytes of each input file.
        joined: Whether the parts will become one file, so that only the first has a header.
    """

    answering: Answering
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
        """Check all that can be checked before a title is read.

        Raises:
            CatalogError: There is no such input.
            ConfigError: The settings do not go together.
        """
        import fsspec

        answering = Answering.of(model, input, scoring)
        filesystem, _ = fsspec.url_to_fs(answering.files[0])
        sizes = [int(filesystem.info(file)["size"]) for file in answering.files]
        job = {
            "format": "prodcat-scoring",
            "model": model.content_hash,
            "named": answering.scorer.columns.model,
            "precision": answering.scorer.precision,
            "tree": model.taxonomy.hash,
            "joined": joined,
            **{f"setting {name}": value for name, value in scoring.settings().items()},
            "input": [
                {"name": file.rsplit("/", 1)[-1], "bytes": size}
                for file, size in zip(answering.files, sizes, strict=True)
            ],
        }
        return cls(answering, Objects(output), job, sizes, joined)

    def run(self, shard: Shard, *, overwrite: bool, progress: bool) -> ScoringReport:
        """Do what of a share is not finished.

        Args:
            shard: The share of this process.
            overwrite: Whether to begin anew where the folder is of something else.
            progress: Whether to show a bar.

        Raises:
            ScoringError: The folder is of something else, or an input file was changed.
            Interrupted: SIGTERM came; the same call goes on.
        """
        if overwrite:
            remove_output(self.objects, self.job)
        with told_to_stop() as stop:
            finished = FinishedParts(self.objects, self.job, f".{self.answering.scoring.format}")
            share = _Share(shard, finished, self.answering.files, overwrite)
            finished.clear_parts(share.contains)
            began = time.monotonic()
            shown = Progress(progress, began, self.sizes, shard[1])
            counts = self._write_share(share, shown, stop)
            if stop.is_set():
                raise Interrupted(
                    f"Stopped by SIGTERM after {counts.rows:,} titles; {counts.parts} parts are in "
                    f"{self.objects.uri!r}. Run the same again to go on."
                )
            return ScoringReport(
                output=self.objects.uri,
                rows=counts.rows,
                errors=counts.errors,
                parts=counts.parts,
                skipped=len(share.skipped),
                seconds=time.monotonic() - began,
                summary=finished.conclude(self.answering.files),
            )

    def _write_share(self, share: _Share, shown: Progress, stop: threading.Event) -> _Counts:
        """Answer and write the wanted parts of a share, each one while the next is answered."""
        counts = _Counts()
        with ThreadPoolExecutor(1) as writer:
            writing: Future[None] | None = None
            for answered in self.answering.answered(share.wants, stop):
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
        table = self.answering.table(answered)
        header = part.is_first or not self.joined
        content = encode(table, self.answering.scoring.format, header=header)
        errors = len(answered.rows.errors)
        finished.write(part.name, content, len(table), errors, identity, part.last)
