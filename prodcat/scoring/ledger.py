"""What of a scoring is done: a folder in which every part is whole or not there.

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
from prodcat.storage.objects import Entry, Objects

logger = logging.getLogger("prodcat")
FOLDER = "_prodcat"
JOB, SUMMARY = f"{FOLDER}/job.json", f"{FOLDER}/summary.json"
_END = ".end"
_AT_ONCE = 16
_LIMIT = 64 << 20


@dataclass(frozen=True)
class Done:
    """One part that is there.

    Attributes:
        part: Its name.
        rows: How many.
        errors: How many of them cannot be answered as they are.
        bytes: Of its file.
        sha256: Of its file.
        input: What tells the input file's content.
        job: The hash of the job.
        last: Whether it is its input file's last.
    """

    part: str
    rows: int
    errors: int
    bytes: int
    sha256: str
    input: str
    job: str
    last: bool


class Ledger:
    """The state of one output folder.

    Args:
        objects: The folder.
        job: What decides every byte of it.
        ending: Of the parts' files, such as ``".parquet"``.

    Raises:
        ScoringError: The folder is of another job.
    """

    def __init__(self, objects: Objects, job: Mapping[str, Any], ending: str) -> None:
        self.objects, self.ending = objects, ending
        self.job = hashlib.sha256(_text(job)).hexdigest()
        self.objects.make()
        self._begin(job)
        there = self.objects.walk("")
        self.done = {own.part: own for own in self._read(there)}

    def _begin(self, job: Mapping[str, Any]) -> None:
        try:
            there = read_document(
                self.objects.start(JOB, _LIMIT), self.objects.at(JOB), limit=_LIMIT, values=10**6
            )
        except FileNotFoundError:
            others = [name for name in self.objects.names("") if not name.startswith((".", "_"))]
            if others:
                raise ScoringError(
                    f"{self.objects.uri!r} holds {others[0]!r} and is no output of a scoring; "
                    "expected a folder that is empty, or not there. Name another one."
                ) from None
            self.objects.write(JOB, _text(dict(job)))
            return
        if not isinstance(there, dict) or there != json.loads(_text(job)):
            if not any(name.startswith("part-") for name in self.objects.names(FOLDER)):
                # Begun, and ended before there was an answer: by a wrong setting, as it may be.
                self.objects.write(JOB, _text(dict(job)))
                return
            known = there if isinstance(there, dict) else {}
            names = [name for name in job if json.loads(_text(job[name])) != known.get(name)]
            shown = "; ".join(
                f"{name}: {str(known.get(name))[:80]} there, {str(job[name])[:80]} now"
                for name in names[:3]
            )
            raise ScoringError(
                f"{self.objects.uri!r} was begun with another {' and '.join(names[:3]) or 'job'} "
                f"({shown}), and answers of two are not mixed. Name another output, or score "
                "with overwrite."
            )

    def _read(self, there: Mapping[str, Entry]) -> list[Done]:
        names = [name for name in there if name.startswith(f"{FOLDER}/part-")]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = [own for own in pool.map(self._entry, names) if own is not None]
        whole = []
        for own in found:
            file = there.get(f"{own.part}{self.ending}")
            if file is not None and file.bytes == own.bytes and own.job == self.job:
                whole.append(own)
            else:
                logger.warning(
                    "%s%s is not what its entry says; it is scored again.", own.part, self.ending
                )
        return whole

    def _entry(self, name: str) -> Done | None:
        source = self.objects.at(name)
        try:
            body = read_document(self.objects.start(name, 1 << 20), source, limit=1 << 20)
            return Done(**body)
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
    ) -> Done:
        """Write a part, then its entry.

        Raises:
            StoreError: It cannot be written; nothing half-written is seen.
        """
        own = Done(
            part, rows, errors, len(content), hashlib.sha256(content).hexdigest(), identity,
            self.job, last,
        )  # fmt: skip
        self.objects.write(f"{part}{self.ending}", content)
        self.objects.write(f"{FOLDER}/{part}{_END if last else ''}.json", _text(asdict(own)))
        self.done[part] = own
        return own

    def clear_parts(self, mine: Callable[[int, int], bool]) -> None:
        """Remove what a killed process left beside the places of files, on a disk.

        Args:
            mine: Whether a part is this process's, by its file and its number; what is of no
                part belongs to who has the first one.
        """

        def owned(name: str) -> bool:
            return mine(*(part_place(name.split(".")[0]) or (0, 0)))

        for folder in ("", FOLDER):
            self.objects.clear_parts(folder, float("inf"), owned)

    def conclude(self, files: Sequence[str]) -> dict[str, Any] | None:
        """Write the summary if all is there.

        Args:
            files: All input files.

        Returns:
            The summary, or None where parts are missing.
        """
        found = ((part_place(own.part), own) for own in self._all())
        parts = {place: own for place, own in found if place is not None}
        ends = [place for place, own in parts.items() if own.last]
        wanted = {(file, number) for file, end in ends for number in range(end + 1)}
        if len(ends) < len(files) or wanted != parts.keys():
            return None
        contents: dict[int, str] = {}
        for place, own in sorted(parts.items()):
            if contents.setdefault(place[0], own.input) != own.input:
                raise ScoringError(
                    f"{files[place[0]]!r} was changed between {part_name(place[0], 0)} and "
                    f"{own.part}: {self.objects.uri!r} has answers for two contents. Name another "
                    "output, or score with overwrite."
                )
        summary = {
            "job": self.job,
            "files": len(files),
            "parts": len(parts),
            "rows": sum(own.rows for own in parts.values()),
            "errors": sum(own.errors for own in parts.values()),
            "bytes": sum(own.bytes for own in parts.values()),
        }
        self.objects.write(SUMMARY, _text(summary))
        return summary

    def _all(self) -> list[Done]:
        """All parts, those that other processes wrote meanwhile too."""
        there = self.objects.walk("")
        known = {
            f"{FOLDER}/{own.part}{_END if own.last else ''}.json" for own in self.done.values()
        }
        new = {name: entry for name, entry in there.items() if name not in known}
        return [*self.done.values(), *self._read(new)]


def overwrite(objects: Objects, job: Mapping[str, Any] | None = None) -> None:
    """Remove the output of an earlier scoring, and nothing else.

    Args:
        objects: Its folder.
        job: Of the scoring that is to come: the output of the same one stays, to be gone on with.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        there = objects.start(JOB, _LIMIT)
    except FileNotFoundError:
        return  # no scoring's
    if job is not None and there == _text(dict(job)):
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
