"""Which parts of a scoring job are finished, as the output folder itself records it.

    <output>/part-00000-00000.parquet            the first part of the first file
    <output>/_prodcat/job.json                   the job: model, tree, settings and input
    <output>/_prodcat/part-00000-00000.json      written after the part: rows, errors, size, hash
    <output>/_prodcat/part-00000-00001.end.json  the same for the last part of a file
    <output>/_prodcat/summary.json               written when all parts of all files are finished

A part that has its entry is not scored again.  Processes that share the work need not communicate:
they give the parts the same names, and would write each part with the same bytes.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from prodcat.errors import ArtifactError, ScoringError, StoreError
from prodcat.scoring.parts import part_name, part_place
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.folder import Entry
from prodcat.storage.objects import Objects

logger = logging.getLogger("prodcat")
FOLDER = "_prodcat"
JOB, SUMMARY = f"{FOLDER}/job.json", f"{FOLDER}/summary.json"
_END = ".end"
_AT_ONCE = 16  # requests to the store
_LIMIT = 64 << 20  # bytes of job.json
_document = partial(json_bytes, indent=2, sort_keys=True, default=str)


@dataclass(frozen=True)
class FinishedPart:
    """The entry of one finished part.

    Attributes:
        part: The name of the part.
        rows: The number of rows.
        errors: The number of rows that cannot be answered as they are.
        bytes: The size of the part's file.
        sha256: The hash of the part's file.
        input: The identity of the input file's content; see :func:`identity_of`.
        job: The hash of the job.
        last: Whether this is the last part of its input file.
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
        """The name of the entry in the output folder."""
        return f"{FOLDER}/{self.part}{_END if self.last else ''}.json"


class FinishedParts:
    """The finished parts of one output folder; ``done`` has them by name.

    Args:
        objects: The output folder.
        job: Everything that the bytes of the output depend on.
        ending: The ending of the parts' files, such as ``".parquet"``.

    Raises:
        ScoringError: The folder is the output of another job, or no output at all.
    """

    def __init__(self, objects: Objects, job: Mapping[str, Any], ending: str) -> None:
        self.objects, self.ending = objects, ending
        self.job = hashlib.sha256(_document(job)).hexdigest()
        self.objects.make()
        self._begin(job)
        self.done = {finished.part: finished for finished in self._read(self.objects.walk(""))}

    def _begin(self, job: Mapping[str, Any]) -> None:
        """Write the job into an empty folder, or compare it with the job of the folder."""
        try:
            known = read_document(
                self.objects.start(JOB, _LIMIT), self.objects.at(JOB), limit=_LIMIT, values=10**6
            )
        except FileNotFoundError:
            self._check_empty()
            self.objects.write(JOB, _document(dict(job)))
            return
        if isinstance(known, dict) and known == json.loads(_document(job)):
            return
        if any(name.startswith("part-") for name in self.objects.names(FOLDER)):
            raise self._another_job(job, known if isinstance(known, dict) else {})
        # The other job has no part yet, perhaps because of a wrong setting.
        self.objects.write(JOB, _document(dict(job)))

    def _check_empty(self) -> None:
        others = [name for name in self.objects.names("") if not name.startswith((".", "_"))]
        if others:
            raise ScoringError(
                f"{self.objects.uri!r} holds {others[0]!r} and is no output of a scoring; "
                "expected a folder that is empty or does not exist. Name another one."
            ) from None

    def _another_job(self, job: Mapping[str, Any], known: Mapping[str, Any]) -> ScoringError:
        names = [name for name in job if json.loads(_document(job[name])) != known.get(name)]
        shown = "; ".join(
            f"{name}: {str(known.get(name))[:80]} there, {str(job[name])[:80]} now"
            for name in names[:3]
        )
        return ScoringError(
            f"{self.objects.uri!r} was begun with another {' and '.join(names[:3]) or 'job'} "
            f"({shown}), and answers of two jobs are not mixed. Name another output, or score "
            "with overwrite."
        )

    def _read(self, files: Mapping[str, Entry]) -> list[FinishedPart]:
        """The entries among these files whose parts have the size and the job that they state."""
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
                    "%s%s differs from its entry; it is scored again.", entry.part, self.ending
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
        """Refuse to continue with an input that was changed.

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
            part: The name of the part.
            content: The bytes of the part's file.
            rows: The number of rows.
            errors: The number of rows that cannot be answered as they are.
            identity: The identity of the input file's content; see :func:`identity_of`.
            last: Whether this is the last part of its input file.

        Raises:
            StoreError: The part cannot be written; readers never see an incomplete one.
        """
        digest = hashlib.sha256(content).hexdigest()
        finished = FinishedPart(part, rows, errors, len(content), digest, identity, self.job, last)
        self.objects.write(f"{part}{self.ending}", content)
        self.objects.write(finished.entry_name, _document(asdict(finished)))
        self.done[part] = finished
        return finished

    def clear_parts(self, in_share: Callable[[int, int], bool]) -> None:
        """Remove unfinished files that a killed process left on a local disk.

        Args:
            in_share: Whether a part belongs to this process, by its file and its number; files of
                no part belong to the process that has the first part.
        """

        def in_this_share(name: str) -> bool:
            return in_share(*(part_place(name.split(".")[0]) or (0, 0)))

        for folder in ("", FOLDER):
            self.objects.clear_parts(folder, float("inf"), in_this_share)

    def conclude(self, files: Sequence[str]) -> dict[str, Any] | None:
        """Write the summary if all parts of all processes are finished.

        Args:
            files: All input files.

        Returns:
            The summary, or None if parts are missing.

        Raises:
            ScoringError: A file was changed between two of its parts.
        """
        parts = self._by_place()
        ends = [place for place, finished in parts.items() if finished.last]
        expected = {(file, number) for file, end in ends for number in range(end + 1)}
        if len(ends) < len(files) or expected != parts.keys():
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
        self.objects.write(SUMMARY, _document(summary))
        return summary

    def _by_place(self) -> dict[tuple[int, int], FinishedPart]:
        """All finished parts by file and number, those that other processes wrote too."""
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
                    f"{finished.part}: {self.objects.uri!r} has answers for both contents. Name "
                    "another output, or score with overwrite."
                )


def remove_output(objects: Objects, job: Mapping[str, Any] | None = None) -> None:
    """Remove the output of an earlier scoring job, and no other files.

    Args:
        objects: The output folder.
        job: The job that will follow: its own output is kept, to be continued.

    Raises:
        StoreError: The output cannot be removed.
    """
    try:
        known = objects.start(JOB, _LIMIT)
    except FileNotFoundError:
        return
    if job is not None and known == _document(dict(job)):
        return
    objects.remove(SUMMARY)
    names = [name for name in objects.names("") if part_place(name.split(".")[0]) is not None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(objects.remove, names))
    objects.remove_below(FOLDER)


def identity_of(uri: str) -> str:
    """The identity of a file's content: the tag that an object store gives it, or its SHA-256.

    Raises:
        StoreError: The file cannot be read.
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
