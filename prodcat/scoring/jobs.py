"""Whole catalogs answered: streamed, in parts that are done exactly once.

While one part is on the device, the next one is read, tokenised and sorted, and the one before
it is written.  What is done is in the output itself (see :mod:`prodcat.scoring.ledger`), so the
same call goes on after any interruption, and processes share the work by their number alone.
"""

import contextlib
import gzip
import logging
import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import load
from prodcat.classifier.results import Format, encode
from prodcat.decisions.decoding import Answers
from prodcat.errors import CatalogError, ConfigError, Interrupted
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.ledger import Ledger, identity_of
from prodcat.scoring.ledger import overwrite as clear
from prodcat.scoring.parts import Part, list_files, located, part_name, read_parts
from prodcat.scoring.scorer import Ready, Scorer
from prodcat.storage.interruption import told_to_stop
from prodcat.storage.objects import Objects
from prodcat.storage.tables import FORMATS, address, compression_of, suffix_of

if TYPE_CHECKING:
    from prodcat.storage.cache import Cache
    from prodcat.storage.signature import Key

logger = logging.getLogger("prodcat")
_SAY_EVERY = 30.0  # seconds
Shard = tuple[int, int]
_Item = tuple[Part, Ready]


@dataclass(frozen=True)
class ScoringReport:
    """What a call of :func:`score` did.

    Attributes:
        output: The folder.
        rows: Rows answered by this call.
        errors: How many of them say in ``error`` what is wrong with them.
        parts: Parts written by this call.
        skipped: Parts of this process's share that were there already.
        seconds: That it took, loading not counted.
        summary: Of all rows of all processes, once all is there; see :mod:`prodcat.scoring.ledger`.
    """

    output: str
    rows: int
    errors: int
    parts: int
    skipped: int
    seconds: float
    summary: Mapping[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether every row of the input has its answer."""
        return self.summary is not None

    def __str__(self) -> str:
        """One line."""
        pace = f", {self.rows / self.seconds:,.0f} rows/s" if self.rows and self.seconds else ""
        there = f"; {self.skipped:,} parts were there already" if self.skipped else ""
        wrong = f", {self.errors:,} of them with an error" if self.errors else ""
        state = (
            f"{self.output} is complete"
            if self.complete
            else f"other shares are still missing in {self.output}"
        )
        done = f"{self.rows:,} titles answered in {self.seconds:,.1f} s{pace}{wrong}{there}"
        return f"{done}; {state}."


def score(
    model: "Classifier | str",
    input: str,
    output: str,
    *,
    scoring: ScoringConfig | None = None,
    shard: Shard = (0, 1),
    overwrite: bool = False,
    device: str | None = None,
    cache: "Cache | str | None" = None,
    keys: "Sequence[Key] | None" = None,
    progress: bool = False,
) -> ScoringReport:
    """Answer all titles of files, into files.

    Args:
        model: A classifier, or where one is: ``s3://bucket/models/tr@production``.
        input: Parquet, CSV, TSV or JSONL: a file, a folder, a glob, at any fsspec URI.
        output: A folder at any fsspec URI: one file for each part of the input, with all its
            columns and the answers beside them, see :mod:`prodcat.classifier.results`.  Or one
            file, by its ending: .parquet, .jsonl, .csv or .tsv, the last three with .gz too.
        scoring: How.
        shard: ``(index, count)``: which share of the parts is this process's.
        overwrite: Whether to begin anew where the output is of another model, input or
            settings.
        device: Where; a GPU if there is one.
        cache: See :func:`prodcat.load`.
        keys: See there.
        progress: Whether to show a bar.

    Returns:
        What was done.

    Raises:
        CatalogError: The input cannot be read, or has no column with titles.
        ScoringError: The output is of something else.
        StoreError: The output cannot be written.
        ConfigError: The settings do not go together.
        Interrupted: SIGTERM came; the same call goes on.
    """
    scoring = scoring or ScoringConfig()
    _check_shard(shard)
    if isinstance(model, str):
        model = load(model, device=device, cache=cache, keys=keys)
    elif device is not None:
        model = model.to(device)
    kind = file_kind(output)
    _check_apart(input, output)
    if overwrite and shard != (0, 1):
        raise ConfigError(
            "overwrite and shard do not go together: each process would remove what the others "
            "did. Name another output, or overwrite with one process first."
        )
    if kind is None:
        return _scored(_Job.of(model, input, output, scoring), shard, overwrite, progress)
    if shard != (0, 1):
        raise ConfigError(
            f"{output!r} is one file, which processes cannot share; expected a folder. Name a "
            "folder, or leave shard= out."
        )
    if address(output) in map(address, list_files(input)):
        raise CatalogError(
            f"{output!r} is an input file too, which it would replace. Give it another name."
        )
    folder, _, name = output.rpartition("/")
    parts = f"{folder}/.{name}.parts" if folder else f".{name}.parts"
    job = _Job.of(model, input, parts, replace(scoring, format=kind), joined=True)
    report = _scored(job, shard, overwrite, progress)
    _join(job.objects, output, kind)
    job.objects.remove_below("")
    return replace(report, output=output)


def _check_apart(input: str, output: str) -> None:
    """Refuse an output among the input, which the next call would read."""
    filesystem, path = located(input)
    own = address(output.rstrip("/"))
    if own.startswith(f"{address(input.rstrip('/'))}/") and filesystem.isdir(path):
        raise CatalogError(
            f"The output {output!r} lies in the input {input!r}, so that answers would be read as "
            "titles. Name a place beside it."
        )


def _scored(job: "_Job", shard: Shard, overwrite: bool, progress: bool) -> ScoringReport:
    if overwrite:
        clear(job.objects, job.about)
    with told_to_stop() as stop:
        return job.run(shard, stop, progress, overwrite)


def stream(
    model: Classifier, input: str, *, scoring: ScoringConfig | None = None
) -> Iterator[tuple[bytes, int]]:
    """Answer all titles of files, as CSV in pieces; nothing is kept of an interrupted run.

    Args:
        model: A classifier.
        input: As for :func:`score`.
        scoring: How.

    Yields:
        UTF-8, and how many titles it answers.

    Raises:
        CatalogError: The input cannot be read, or has no column with titles.
        ConfigError: The settings do not go together.
    """
    job = _Job.of(model, input, "memory://", scoring or ScoringConfig(), joined=True)
    found = job.answered(lambda *_: True, threading.Event())
    for number, (_, ready, answers) in enumerate(found):
        table = job.scorer.table(ready, answers)
        yield encode(table, "csv", header=number == 0), len(table)


def file_kind(output: str) -> Format | None:
    """The format of an output that is one file, by its name; None for a folder.

    Raises:
        ConfigError: It is of no known format.
    """
    if output.endswith("/"):
        return None
    suffix = suffix_of(output)
    if suffix == ".parquet" and compression_of(output):
        raise ConfigError(f"{output!r}: Parquet is compressed inside; expected no .gz.")
    if suffix in FORMATS:
        return cast(Format, suffix.removeprefix("."))
    if re.fullmatch(r"\.[a-z]{2,7}", suffix):
        raise ConfigError(
            f"{output!r} ends with {suffix!r}; expected one of {sorted(FORMATS)} (with .gz where "
            "it is text), or the name of a folder. End a folder's name with a slash."
        )
    return None


def _join(parts: Objects, output: str, kind: Format) -> None:
    """One file of all parts, in place once it is whole."""
    import fsspec

    filesystem, path = fsspec.url_to_fs(output)
    names = sorted(name for name in parts.names("") if name.startswith("part-"))
    # On this machine first: a file of an object store is there once it is closed, whole or not.
    near = Path(f"{path}.part") if parts.is_local else None
    with tempfile.TemporaryDirectory(prefix="prodcat") as folder:
        target = near or Path(folder) / "joined"
        try:
            with target.open("wb") as raw, _compressed(raw, path) as file:
                append = _appender(file, kind)
                for name in names:
                    append(parts.read(name))
                append(None)
            if near is None:
                filesystem.put_file(str(target), path)
            else:
                near.replace(path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _compressed(raw: Any, path: str) -> Any:
    """A file as its name says; the same bytes whenever it is written."""
    if compression_of(path) is None:
        return contextlib.nullcontext(raw)
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)


def _appender(file: Any, kind: Format) -> Callable[[bytes | None], None]:
    """Adds parts to a file, and ends it when there is none."""
    if kind != "parquet":
        return lambda content: file.write(content or b"")
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None

    def append(content: bytes | None) -> None:
        nonlocal writer
        if content is None:
            writer.close()
            return
        table = pq.read_table(pa.BufferReader(content))
        if writer is None:
            writer = pq.ParquetWriter(file, table.schema)
        writer.write_table(table)

    return append


def parse_shard(text: str) -> Shard:
    """A share of the work as text, such as ``"0/8"``.

    Raises:
        ConfigError: It is none.
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise ConfigError(f"--shard {text!r} is none; expected INDEX/COUNT, such as 0/8.")
    return int(index), int(count)


def _check_shard(shard: Shard) -> None:
    index, count = shard
    if not 0 <= index < count:
        raise ConfigError(
            f"shard={shard!r} is out of range; expected (index, count) with 0 <= index < count."
        )


@dataclass(frozen=True)
class _Job:
    """One model, one input, one output."""

    scorer: Scorer
    files: list[str]
    objects: Objects
    about: dict[str, Any]
    joined: bool

    @classmethod
    def of(
        cls,
        model: Classifier,
        input: str,
        output: str,
        scoring: ScoringConfig,
        joined: bool = False,
    ) -> "_Job":
        """Check all that can be checked before a title is read."""
        import fsspec

        files = list_files(input)
        scorer = Scorer(model, scoring)
        filesystem, _ = fsspec.url_to_fs(files[0])
        sizes = [int(filesystem.info(own)["size"]) for own in files]
        about = {
            "format": "prodcat-scoring",
            "model": model.content_hash,
            "named": scorer.columns.model,
            "precision": scorer.precision,
            "tree": model.taxonomy.hash,
            "joined": joined,
            **{f"setting {name}": value for name, value in asdict(scoring).items()},
            "input": [
                {"name": own.rsplit("/", 1)[-1], "bytes": size}
                for own, size in zip(files, sizes, strict=True)
            ],
        }
        return cls(scorer, files, Objects(output), about, joined)

    @property
    def scoring(self) -> ScoringConfig:
        """How."""
        return self.scorer.scoring

    def run(
        self, shard: Shard, stop: threading.Event, progress: bool, overwrite: bool
    ) -> ScoringReport:
        """Do what of a share is not done."""
        index, count = shard
        ledger = Ledger(self.objects, self.about, f".{self.scoring.format}")
        identities: dict[int, str] = {}
        skipped: list[str] = []

        def identity(file: int) -> str:
            if file not in identities:
                identities[file] = identity_of(self.files[file])
            return identities[file]

        def mine(file: int, number: int) -> bool:
            return (file + number) % count == index

        def wanted(file: int, number: int) -> bool:
            name = part_name(file, number)
            if not mine(file, number):
                return False
            if name in ledger.done and not (
                overwrite and ledger.done[name].input != identity(file)
            ):
                ledger.check_input(name, identity(file), self.files[file])
                skipped.append(name)
                return False
            return True

        ledger.clear_parts(mine)
        began = time.monotonic()
        rows = errors = parts = 0
        pace = _Pace(progress, began, [own["bytes"] for own in self.about["input"]], count)
        with ThreadPoolExecutor(1) as writer:
            writing: Future[Any] | None = None
            for part, ready, answers in self.answered(wanted, stop):
                if writing is not None:
                    writing.result()
                own = identity(part.file)
                writing = writer.submit(self._write, ledger, part, ready, answers, own)
                rows, parts = rows + len(ready.table), parts + 1
                errors += len(ready.errors)
                pace.say(rows, part)
            if writing is not None:
                writing.result()
        pace.end()
        if stop.is_set():
            raise Interrupted(
                f"Stopped by SIGTERM after {rows:,} titles; {parts} parts are in "
                f"{self.objects.uri!r}. Run the same again to go on."
            )
        return ScoringReport(
            output=self.objects.uri,
            rows=rows,
            errors=errors,
            parts=parts,
            skipped=len(skipped),
            seconds=time.monotonic() - began,
            summary=ledger.conclude(self.files),
        )

    def answered(
        self, wanted: Callable[[int, int], bool], stop: threading.Event
    ) -> Iterator[tuple[Part, Ready, Answers]]:
        """Parts with their answers, one after the other, until told to stop."""
        with _Ahead(self._ready(wanted)) as coming:
            for part, ready in coming:
                answers = self.scorer.answers(ready, stop.is_set)
                if answers is None:
                    return
                yield part, ready, answers
                if stop.is_set():
                    return

    def _ready(self, wanted: Callable[[int, int], bool]) -> Iterator[tuple[Part, Ready]]:
        """All wanted parts, ready for the device; runs ahead of it."""
        schema = None
        for part in read_parts(self.files, wanted, self.scoring.part_rows):
            if schema is None:
                schema = self.scorer.schema_of(self._first(part).table, repr(self.files[0]))
            yield part, self.scorer.ready(part.table, schema)

    def _first(self, part: Part) -> Part:
        """The first part of all, whose types are those of the output, whoever reads it."""
        if (part.file, part.number) == (0, 0):
            return part
        first: Part
        [first] = read_parts(
            self.files[:1], lambda file, number: number == 0, self.scoring.part_rows
        )
        return first

    def _write(
        self, ledger: Ledger, part: Part, ready: Ready, answers: Answers, identity: str
    ) -> None:
        first = (part.file, part.number) == (0, 0)
        table = self.scorer.table(ready, answers)
        content = encode(table, self.scoring.format, header=first or not self.joined)
        ledger.write(part.name, content, len(table), len(ready.errors), identity, part.last)


class _Ahead:
    """An iterator that is one item ahead, in a thread of its own.

    Args:
        items: To be iterated there.
    """

    def __init__(self, items: Iterator[_Item]) -> None:
        self.items = items
        self.ready: queue.Queue[tuple[_Item | None, BaseException | None]] = queue.Queue(1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="prodcat-ahead", daemon=True)

    def __enter__(self) -> Iterator[_Item]:
        """Begin."""
        self.thread.start()
        return iter(self)

    def __exit__(self, *_: object) -> None:
        """Stop, whatever is still to come."""
        self.over.set()
        while self.thread.is_alive():
            try:
                self.ready.get(timeout=0.05)
            except queue.Empty:
                continue
            self.ready.task_done()
        self.thread.join()

    def __iter__(self) -> Iterator[_Item]:
        """Each item, or the error that came instead."""
        while True:
            item, error = self.ready.get()
            self.ready.task_done()
            if error is not None:
                raise error
            if item is None:
                return
            yield item

    def _run(self) -> None:
        try:
            for item in self.items:
                self.ready.put((item, None))
                self.ready.join()  # no further ahead than that: what waits takes memory
                if self.over.is_set():
                    return
        except BaseException as error:
            self.ready.put((None, error))
        else:
            self.ready.put((None, None))


class _Pace:
    """Says how fast it goes and how long it will take, on a bar or in the log.

    Args:
        bar: Whether on a bar.
        began: When the first title was read.
        sizes: Bytes of each file.
        shares: How many processes share them.
    """

    def __init__(self, bar: bool, began: float, sizes: Sequence[int], shares: int) -> None:
        self.bar: Any = None
        if bar:
            from tqdm.auto import tqdm

            self.bar = tqdm(unit=" titles", unit_scale=True)
        self.began = self.said = began
        self.sizes, self.shares = sizes, shares
        self.answered = 0.0

    def left(self, rows: int, part: Part) -> int:
        """About how many titles come after this part, the last one of so many rows."""
        size = self.sizes[part.file]
        self.answered += (part.span[1] - part.span[0]) * size
        behind = (1 - part.span[1]) * size + sum(self.sizes[part.file + 1 :])
        return round(rows / max(self.answered, 1) * behind / self.shares)

    def say(self, rows: int, part: Part) -> None:
        """So many are answered, up to this part."""
        left = self.left(rows, part)
        if self.bar is not None:
            self.bar.total = rows + left
            self.bar.update(rows - self.bar.n)
        now = time.monotonic()
        if now - self.said >= _SAY_EVERY:
            pace = rows / (now - self.began)
            logger.info(
                "%d titles answered, %.0f a second, about %d are left: %.0f s.",
                rows, pace, left, left / max(pace, 1e-9),
            )  # fmt: skip
            self.said = now

    def end(self) -> None:
        """No more will come."""
        if self.bar is not None:
            self.bar.total = self.bar.n
            self.bar.close()
