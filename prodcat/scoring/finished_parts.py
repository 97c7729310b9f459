"""The record, kept in the output folder, of which parts of a scoring job are finished.

    <output>/part-00000-00000.parquet            the first part of the first file
    <output>/_prodcat/job.json                   the job: version, model, tree, settings and input
    <output>/_prodcat/part-00000-00000.json      the part's entry, written after the part itself
    <output>/_prodcat/part-00000-00001.end.json  the entry of the last part of a file
    <output>/_prodcat/lease-0-of-1.000001.json   while a process writes; see prodcat.storage.leases
    <output>/_prodcat/summary.json               written when all parts of all files are finished

The entry of a part has its numbers of rows and errors, its size and its hash.  A part that has an
entry is not scored again.  Before a job counts as finished, the files of all parts are read again
and compared with their entries.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from prodcat.classifier.results import Format
from prodcat.errors import ArtifactError, ScoringError
from prodcat.scoring.inputs import Inputs
from prodcat.scoring.part_contents import count_rows
from prodcat.scoring.parts import is_named_like_part, part_name, part_place
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.folder import Entry
from prodcat.storage.leased_folder import LeasedFolder
from prodcat.storage.output_folders import FOLDER, create_once

logger = logging.getLogger("prodcat")
JOB, SUMMARY = f"{FOLDER}/job.json", f"{FOLDER}/summary.json"
_END = ".end"
_AT_ONCE = 16  # requests to the store
_READ_AT_ONCE = 4  # parts
_LIMIT = 64 << 20  # bytes of job.json
_document = partial(json_bytes, indent=2, sort_keys=True, default=str)


@dataclass(frozen=True)
class FinishedPart:
    """The entry of one finished part.

    Attributes:
        part: The name of the part.
        rows: The number of rows.
        errors: The number of rows with an error.
        bytes: The size of the part's file.
        sha256: The SHA-256 of the part's file, in hexadecimal.
        input: The identity of the input file's content; see :mod:`prodcat.scoring.inputs`.
        job: The SHA-256 of the job's document, in hexadecimal.
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

    @classmethod
    def parse(cls, body: object) -> "FinishedPart":
        """Make an entry from a parsed JSON document.

        Raises:
            ArtifactError: The document is not an entry.
        """
        kinds = cls.__annotations__
        if not isinstance(body, dict) or body.keys() != kinds.keys():
            raise ArtifactError(f"it is not an object with the keys {', '.join(kinds)}")
        for name, kind in kinds.items():
            value = body[name]
            if type(value) is not kind or (kind is int and value < 0):
                raise ArtifactError(f"its {name} has the wrong value {str(value)[:40]!r}")
        return cls(**body)

    @property
    def entry_name(self) -> str:
        """The name of the entry in the output folder."""
        return _entry_name(self.part, self.last)


def _entry_name(part: str, last: bool) -> str:
    return f"{FOLDER}/{part}{_END if last else ''}.json"


class FinishedParts:
    """The finished parts of one output folder; ``done`` maps their names to their entries.

    Writes the job into the folder if there is none.

    Args:
        folder: The output folder, and the lease on it.
        job: Everything that the bytes of the output depend on, as JSON values by name.
        kind: The format of the parts' files.
        joined: Whether the parts will be joined to one file, so that only the first has a header.

    Raises:
        ScoringError: The folder is the output of another job, or has other files.
        OutputInUseError: Another process has taken the output over.
    """

    def __init__(
        self, folder: LeasedFolder, job: Mapping[str, Any], kind: Format, joined: bool
    ) -> None:
        self.folder, self.objects = folder, folder.objects
        self.kind, self.joined = kind, joined
        self.job = hashlib.sha256(_document(job)).hexdigest()
        self._begin(job)
        self._job = job
        self._written: dict[str, FinishedPart] = {}
        self._files: Mapping[str, Entry] = {}
        self.done: dict[str, FinishedPart] = {}
        self.read()

    def file_name(self, part: str) -> str:
        """The file name of a part, such as ``"part-00000-00000.parquet"``."""
        return f"{part}.{self.kind}"

    def _begin(self, job: Mapping[str, Any]) -> None:
        """Write the job into an empty folder, or compare it with the job of the folder."""
        document = _document(dict(job))
        try:
            known = self._known_job()
        except FileNotFoundError:
            self._check_empty()
            if create_once(self.objects, JOB, document) is None:
                return
            known = self._known_job()  # another process that shares the work came first
        if known == json.loads(document):
            return
        if any(name.startswith("part-") for name in self.objects.names(FOLDER)):
            raise self._another_job(job, known)
        # The other job has no part yet, perhaps because of a wrong setting.
        self.folder.write(JOB, document)

    def _known_job(self) -> dict[str, Any]:
        """The content of the folder's ``job.json``; an empty dict if it is damaged."""
        content = self.objects.start(JOB, _LIMIT)
        try:
            known = read_document(content, self.objects.at(JOB), limit=_LIMIT, values=10**6)
        except ArtifactError:
            return {}
        return known if isinstance(known, dict) else {}

    def _check_empty(self) -> None:
        others = [name for name in self.objects.names("") if not name.startswith((".", "_"))]
        # A delayed request to S3 by a process that lost the lease may have left a part of a joined
        # file.
        if others and not self.joined:
            raise ScoringError(
                f"The folder {self.objects.uri!r} is not the output of a scoring job, but contains "
                f"{others[0]!r}; expected an empty folder or a new one. Name another output."
            ) from None

    def _another_job(self, job: Mapping[str, Any], known: Mapping[str, Any]) -> ScoringError:
        names = [name for name in job if json.loads(_document(job[name])) != known.get(name)]
        shown = "; ".join(
            f"{name}: {str(known.get(name, 'not recorded'))[:80]} then, {str(job[name])[:80]} now"
            for name in names[:3]
        )
        return ScoringError(
            f"{self.objects.uri!r} was begun with another {' and '.join(names[:3]) or 'job'} "
            f"({shown}); the answers of two jobs must not be mixed. Name another output, or score "
            "with overwrite."
        )

    def read(self) -> None:
        """Update ``done`` from the folder, as other processes may have finished parts.

        Raises:
            ScoringError: The folder is now the output of another job.
            FileNotFoundError: The job's document was removed.
        """
        if (known := self._known_job()) != json.loads(_document(dict(self._job))):
            raise self._another_job(self._job, known)
        self._files = self.objects.walk("")
        names = [name for name in self._files if name.startswith(f"{FOLDER}/part-")]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            entries = [entry for entry in pool.map(self._entry, names) if entry is not None]
        self.done = {}
        for entry in entries:
            file = self._files.get(self.file_name(entry.part))
            if file is not None and file.bytes == entry.bytes and entry.job == self.job:
                self.done[entry.part] = entry
            else:
                logger.warning(
                    "%s does not match its entry; it is scored again.", self.file_name(entry.part)
                )

    def _entry(self, name: str) -> FinishedPart | None:
        source = self.objects.at(name)
        try:
            body = read_document(self.objects.start(name, 1 << 20), source, limit=1 << 20)
            entry = FinishedPart.parse(body)
            if entry.entry_name != name:
                raise ArtifactError(f"it is the entry of {entry.part!r}")
        except (ArtifactError, FileNotFoundError) as error:
            logger.warning("%s is not a valid entry (%s); its part is scored again.", source, error)
            return None
        return entry

    def check_input(self, part: str, identity: str, uri: str) -> None:
        """Refuse to continue if an input file has changed since a part was scored from it.

        Args:
            part: The name of a finished part.
            identity: The identity of the file's present content.
            uri: The URI of the file.

        Raises:
            ScoringError: The part was scored from other content.
        """
        if self.done[part].input != identity:
            raise ScoringError(
                f"{uri!r} changed after {self.file_name(part)} was scored; the answers belong to "
                "the old content. Name another output, or score with overwrite."
            )

    def write(
        self, part: str, content: bytes, rows: int, errors: int, identity: str, last: bool
    ) -> FinishedPart:
        """Write the file of a part, then its entry, which is returned.

        Args:
            part: The name of the part.
            content: The bytes of the part's file.
            rows: The number of rows.
            errors: The number of rows with an error.
            identity: The identity of the input file's content; see :mod:`prodcat.scoring.inputs`.
            last: Whether this is the last part of its input file.

        Raises:
            OutputInUseError: Another process has taken the output over.
            StoreError: The part cannot be written; an incomplete file is never visible.
        """
        digest = hashlib.sha256(content).hexdigest()
        finished = FinishedPart(part, rows, errors, len(content), digest, identity, self.job, last)
        if not self._written and SUMMARY in self._files:
            self.folder.remove(SUMMARY)
        self.folder.write(self.file_name(part), content)
        if _entry_name(part, not last) in self._files:
            self.folder.remove(_entry_name(part, not last))
        self.folder.write(finished.entry_name, _document(asdict(finished)))
        self.done[part] = self._written[part] = finished
        return finished

    def damaged(self, parts: Collection[str], plan: Mapping[int, int]) -> list[str]:
        """Check the files of parts completely, and forget the entries of damaged ones.

        Args:
            parts: The names of the parts to check.
            plan: The number of parts of each input file, by the position of the file.

        Returns:
            The names of the parts that are missing, differ from their entries, or do not fit the
            plan.  They are removed from ``done``.
        """
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            intact = list(pool.map(lambda part: self._is_intact(part, plan), parts))
        wrong = [part for part, is_intact in zip(parts, intact, strict=True) if not is_intact]
        for part in wrong:
            logger.warning("%s is missing or was altered.", self.objects.at(self.file_name(part)))
            self.done.pop(part, None)
        return wrong

    def _is_intact(self, part: str, plan: Mapping[int, int]) -> bool:
        entry, place = self.done.get(part), part_place(part)
        if entry is None or place is None or entry.last != (place[1] == plan[place[0]] - 1):
            return False
        try:
            content = self.objects.read(self.file_name(part))
        except FileNotFoundError:
            return False
        if (len(content), hashlib.sha256(content).hexdigest()) != (entry.bytes, entry.sha256):
            return False
        if part in self._written:
            return entry == self._written[part]
        header = not self.joined or place == (0, 0)
        try:
            return count_rows(content, self.kind, header=header) == (entry.rows, entry.errors)
        except (ValueError, KeyError, IndexError, TypeError):
            return False

    def clear_parts(self, in_share: Callable[[int, int], bool]) -> None:
        """Remove unfinished files that a killed process left on a local disk.

        Args:
            in_share: Returns whether a part belongs to this process; gets the position of its
                input file and its number in that file, both from 0.
        """

        def in_this_share(name: str) -> bool:
            place = part_place(name.split(".")[0])
            return place is not None and in_share(*place)

        for folder in ("", FOLDER):
            self.objects.clear_parts(folder, float("inf"), in_this_share)

    def conclude(
        self, inputs: Inputs, plan: Mapping[int, int], checked: Collection[str]
    ) -> dict[str, Any] | None:
        """Write the summary if all parts of all processes are finished and intact.

        Args:
            inputs: All files of the input, whose contents are compared with those of the parts.
            plan: The number of parts of each input file, by the position of the file.
            checked: The names of parts that need no check, as :meth:`damaged` has checked them.

        Returns:
            The summary as it was written, or None if parts are missing or damaged.

        Raises:
            ScoringError: An input file was changed since one of its parts was scored, or the folder
                has a file that is named like a part but does not belong to this job.
            InputChangedError: An input file was changed, added or removed during this call.
            OutputInUseError: Another process has taken the output over.
        """
        count = len(inputs.files)
        parts = [part_name(file, n) for file in range(count) for n in range(plan[file])]
        if any(part not in self.done for part in parts):
            return None
        inputs.check_content(range(count))
        inputs.check_list()
        self._check_contents(parts, inputs)
        if not self.joined:
            self._check_no_others(parts)
        others = [part for part in parts if part not in checked]
        if self.damaged(others, plan):
            return None
        finished = [self.done[part] for part in parts]
        summary = {
            "job": self.job,
            "files": count,
            "parts": len(parts),
            "rows": sum(part.rows for part in finished),
            "errors": sum(part.errors for part in finished),
            "bytes": sum(part.bytes for part in finished),
        }
        self.folder.write(SUMMARY, _document(summary))
        return summary

    def _check_no_others(self, parts: Collection[str]) -> None:
        expected = {self.file_name(part) for part in parts}
        others = sorted(
            name for name in self._files if is_named_like_part(name) and name not in expected
        )
        if others:
            raise ScoringError(
                f"{self.objects.at(others[0])!r} is no part of this job, but programs that read "
                "the folder would read its rows too. Find out what wrote it, remove it, and run "
                "the same command again."
            )

    def _check_contents(self, parts: Sequence[str], inputs: Inputs) -> None:
        for part in parts:
            file, _ = part_place(part) or (0, 0)
            if self.done[part].input != inputs.identity(file):
                raise ScoringError(
                    f"{inputs.files[file]!r} changed after {part} was scored; the answers belong "
                    "to the old content. Name another output, or score with overwrite."
                )


def remove_output(folder: LeasedFolder, job: Mapping[str, Any] | None = None) -> None:
    """Remove the output of an earlier scoring job, and no other files.

    Args:
        folder: The output folder, and the lease on it.
        job: If the folder is the output of this job, nothing is removed, so that the job can be
            resumed.  If None, any output is removed.

    Raises:
        OutputInUseError: Another process has taken the output over.
        StoreError: The output cannot be removed.
    """
    objects = folder.objects
    try:
        known = objects.start(JOB, _LIMIT)
    except FileNotFoundError:
        return
    if job is not None and known == _document(dict(job)):
        return
    folder.remove(SUMMARY)
    names = [name for name in objects.names("") if part_place(name.split(".")[0]) is not None]
    entries = [f"{FOLDER}/{name}" for name in objects.names(FOLDER) if name.startswith("part-")]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(folder.remove, [*names, *entries]))
    folder.remove(JOB)
