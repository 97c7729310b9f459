"""Which parts of a scoring are finished: a folder in which every part is whole or not there.

    <output>/part-00000-00000.parquet            the first part of the first file
    <output>/_prodcat/job.json                   which model, tree, settings and input they are of
    <output>/_prodcat/part-00000-00000.json      written after the part: rows, errors, size, hash
    <output>/_prodcat/part-00000-00001.end.json  the same for the last part of a file
    <output>/_prodcat/summary.json               written once all parts of all files are there

A part that has its entry is not scored again.  Nobody speaks to anybody: processes that share
the work agree on the names of the parts, and write each with the same bytes.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from prodcat.errors import ArtifactError, ScoringError, StoreError
from prodcat.scoring.parts import part_name, part_place
from prodcat.storage.document import read_document
from prodcat.storage.folder import Entry
from prodcat.storage.objects import Objects

logger = logging.getLogger("prodcat")
FOLDER = "_prodcat"
JOB, SUMMARY = f"{FOLDER}/job.json", f"{FOLDER}/summary.json"
_END = ".end"
_AT_ONCE = 16
_LIMIT = 64 << 20


@dataclass(frozen=True)
class FinishedPart:
    """The entry of one part that is there.

    Attributes:
        part: Its name.
        rows: How many rows it has.
        errors: How many of them cannot be answered as they are.
        bytes: The size of its file.
        sha256: The hash of its file.
        input: What tells the input file's content; see :func:`identity_of`.
        job: The hash of the job.
        last: Whether it is its input file's last part.
    """

    part: str
    rows: int
    errors: int
    bytes: int
    sha256: str
    input: str
    job: str
    last: bool

    @property
    def entry_name(self) -> str:
        """The name of its entry in the output folder."""
        return f"{FOLDER}/{self.part}{_END if self.last else ''}.json"


class FinishedParts:
    """The finished parts of one output folder, by name in ``done``.

    Args:
        objects: The folder.
        job: Everything that decides the bytes of the output.
        ending: The ending of the parts' files, such as ``".parquet"``.

    Raises:
        ScoringError: The folder is of another job.
    """

    def __init__(self, objects: Objects, job: Mapping[str, Any], ending: str) -> None:
        self.objects, self.ending = objects, ending
        self.job = hashlib.sha256(_text(job)).hexdigest()
        self.objects.make()
        self._begin(job)
        self.done = {finished.part: finished for finished in self._read(self.objects.walk(""))}

    def _begin(self, job: Mapping[str, Any]) -> None:
        """Write the job into an empty folder, or compare it with the one that is there."""
        try:
            known = read_document(
                self.objects.start(JOB, _LIMIT), self.objects.at(JOB), limit=_LIMIT, values=10**6
            )
        except FileNotFoundError:
            self._check_empty()
            self.objects.write(JOB, _text(dict(job)))
            return
        if isinstance(known, dict) and known == json.loads(_text(job)):
            return
        if any(name.startswith("part-") for name in self.objects.names(FOLDER)):
            raise self._another_job(job, known if isinstance(known, dict) else {})
        # Begun, and ended before there was an answer: by a wrong setting, as it may be.
        self.objects.write(JOB, _text(dict(job)))

    def _check_empty(self) -> None:
        others = [name for name in self.objects.names("") if not name.startswith((".", "_"))]
        if others:
            raise ScoringError(
                f"{self.objects.uri!r} holds {others[0]!r} and is no output of a scoring; "
                "expected a folder that is empty, or not there. Name another one."
            ) from None

    def _another_job(self, job: Mapping[str, Any], known: Mapping[str, Any]) -> ScoringError:
        names = [name for name in job if json.loads(_text(job[name])) != known.get(name)]
        shown = "; ".join(
            f"{name}: {str(known.get(name))[:80]} there, {str(job[name])[:80]} now"
            for name in names[:3]
        )
        return ScoringError(
            f"{self.objects.uri!r} was begun with another {' and '.join(names[:3]) or 'job'} "
            f"({shown}), and answers of two are not mixed. Name another output, or score "
            "with overwrite."
        )

    def _read(self, files: Mapping[str, Entry]) -> list[FinishedPart]:
        """The entries among these files whose parts are as they say."""
        names = [name for name in files if name.startswith(f"{FOLDER}/part-")]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            entries = [entry for entry in pool.map(self._entry, names) if entry is not None]
        finished = []
        for entry in entries:
            file = files.get(f"{entry.part}{self.ending}")
            if file is not None and file.bytes == entry.bytes and entry.job == self.job:
                finished.append(entry)
            else:
                logger.warning(
                    "%s%s is not what its entry says; it is scored again.", entry.part, self.ending
                )
        return finished

    def _entry(self, name: str) -> FinishedPart | None:
        source = self.objects.at(name)
        try:
            body = read_document(self.objects.start(name, 1 << 20), source, limit=1 << 20)
            return FinishedPart(**body)
        except (ArtifactError, FileNotFoundError, TypeError) as error:
            logger.warning("%s cannot be read (%s); its part is scored again.", source, error)
            return None

    def check_input(self, part: str, identity: str, uri: str) -> None:
        """Refuse to go on with an input that was changed.

        Raises:
            ScoringError: The part was scored from another content.
        """
        if self.done[part].input != identity:
            raise ScoringError(
                f"{uri!r} has changed since {part}{self.ending} was scored from it. Name another "
                "output, or score with overwrite."
            )

    def write(
        self, part: str, content: bytes, rows: int, errors: int, identity: str, last: bool
    ) -> FinishedPart:
        """Write a part, then its entry.

        Args:
            part: Its name.
            content: The bytes of its file.
            rows: How many rows it has.
            errors: How many of them cannot be answered as they are.
            identity: What tells the input file's content; see :func:`identity_of`.
            last: Whether it is its input file's last part.

        Raises:
            StoreError: It cannot be written; nothing half-written is seen.
        """
        digest = hashlib.sha256(content).hexdigest()
        finished = FinishedPart(part, rows, errors, len(content), digest, identity, self.job, last)
        self.objects.write(f"{part}{self.ending}", content)
        self.objects.write(finished.entry_name, _text(asdict(finished)))
        self.done[part] = finished
        return finished

    def clear_parts(self, in_share: Callable[[int, int], bool]) -> None:
        """Remove what a killed process left beside the places of files, on a disk.

        Args:
            in_share: Whether a part is this process's, by its file and its number; what is of
                no part belongs to the process that has the first one.
        """

        def owned(name: str) -> bool:
            return in_share(*(part_place(name.split(".")[0]) or (0, 0)))

        for folder in ("", FOLDER):
            self.objects.clear_parts(folder, float("inf"), owned)

    def conclude(self, files: Sequence[str]) -> dict[str, Any] | None:
        """Write the summary if all is there.

        Args:
            files: All input files.

        Returns:
            The summary, or None where parts are missing.

        Raises:
            ScoringError: A file was changed between two of its parts.
        """
        parts = self._by_place()
        ends = [place for place, finished in parts.items() if finished.last]
        wanted = {(file, number) for file, end in ends for number in range(end + 1)}
        if len(ends) < len(files) or wanted != parts.keys():
            return None
        self._check_one_content(parts, files)
        summary = {
            "job": self.job,
            "files": len(files),
            "parts": len(parts),
            "rows": sum(finished.rows for finished in parts.values()),
            "errors": sum(finished.errors for finished in parts.values()),
            "bytes": sum(finished.bytes for finished in parts.values()),
        }
        self.objects.write(SUMMARY, _text(summary))
        return summary

    def _by_place(self) -> dict[tuple[int, int], FinishedPart]:
        """All parts by file and number, those that other processes wrote meanwhile too."""
        files = self.objects.walk("")
        known = {finished.entry_name for finished in self.done.values()}
        new = {name: entry for name, entry in files.items() if name not in known}
        finished_parts = [*self.done.values(), *self._read(new)]
        places = ((part_place(finished.part), finished) for finished in finished_parts)
        return {place: finished for place, finished in places if place is not None}

    def _check_one_content(
        self, parts: Mapping[tuple[int, int], FinishedPart], files: Sequence[str]
    ) -> None:
        contents: dict[int, str] = {}
        for (file, _), finished in sorted(parts.items()):
            if contents.setdefault(file, finished.input) != finished.input:
                raise ScoringError(
                    f"{files[file]!r} was changed between {part_name(file, 0)} and "
                    f"{finished.part}: {self.objects.uri!r} has answers for two contents. Name "
                    "another output, or score with overwrite."
                )


def remove_output(objects: Objects, job: Mapping[str, Any] | None = None) -> None:
    """Remove the output of an earlier scoring, and nothing else.

    Args:
        objects: Its folder.
        job: The scoring that is to come: the output of the same one stays, to be gone on with.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        known = objects.start(JOB, _LIMIT)
    except FileNotFoundError:
        return  # no scoring's
    if job is not None and known == _text(dict(job)):
        return
    objects.remove(SUMMARY)
    names = [name for name in objects.names("") if part_place(name.split(".")[0]) is not None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(objects.remove, names))
    objects.remove_below(FOLDER)


def identity_of(uri: str) -> str:
    """What tells a file's content: the tag that an object store gives it, or its SHA-256.

    Raises:
        StoreError: It cannot be read.
    """
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
        info = filesystem.info(path)
        tag = info.get("ETag") or info.get("etag") or info.get("md5Hash")
        if tag:
            return f"{info['size']}-{str(tag).strip(chr(34))}"
        digest = hashlib.sha256()
        with filesystem.open(path, "rb") as file:
            while piece := file.read(8 << 20):
                digest.update(piece)
    except OSError as error:
        raise StoreError(f"Cannot read {uri!r}: {error}. Check the address.") from error
    return digest.hexdigest()


def _text(value: Any) -> bytes:
    return (
        json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str).encode()
        + b"\n"
    )


# The names that earlier versions had for these.
Done, Ledger, overwrite = FinishedPart, FinishedParts, remove_output
