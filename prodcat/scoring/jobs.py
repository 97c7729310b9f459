"""Scoring jobs: classify whole catalogs part by part.

The answers are written to a folder (:mod:`prodcat.scoring.folder`) or to one file
(:mod:`prodcat.scoring.single_file`), or they are yielded to the caller (:func:`stream`).
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import LoadKeywords, load
from prodcat.errors import (
    CatalogError,
    ConfigError,
    ScoringError,
    check_keywords,
    takes_keywords,
)
from prodcat.scoring.answering import PartScorer, enough_memory
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.folder import FolderScoring
from prodcat.scoring.inputs import Inputs
from prodcat.scoring.parts import list_files, located
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import WHOLE, Shard, check_shard, lease_share
from prodcat.scoring.single_file import (
    file_kind,
    is_same_file,
    join_parts,
    parts_folder,
    remove_folder,
    remove_parts,
    resolved,
)
from prodcat.storage.containers import path_text
from prodcat.storage.faults import explained
from prodcat.storage.leased_folder import LeasedFolder
from prodcat.storage.objects import Objects
from prodcat.storage.table_files import Files, address, uris_of
from prodcat.storage.tables import given_files


@takes_keywords(LoadKeywords)
def score(
    model: Classifier | str,
    input: str | Files,
    output: str,
    *,
    scoring: ScoringConfig | None = None,
    shard: Shard = WHOLE,
    overwrite: bool = False,
    progress: bool = False,
    **loading: Unpack[LoadKeywords],
) -> ScoringReport:
    """Classify all titles of the input files, and write the answers to files.

    Args:
        model: A classifier, or its URI, such as ``s3://bucket/models/tr@production``.
        input: The Parquet, CSV, TSV or JSONL files to read: the fsspec URI of a file or of a
            folder, or a glob; or several of them as :class:`~.table_files.Files`.
        output: The fsspec URI of a folder, which gets one file for each part of the input, with
            the columns of the input and those of the answers (see
            :mod:`prodcat.classifier.results`); or of one file whose name ends with .parquet,
            .jsonl, .csv, .tsv or .xlsx.  Those of text may be followed by .gz.
        scoring: What to read, to ask and to write; the defaults of :class:`ScoringConfig` if None.
        shard: The share of the parts that this process scores, as ``(index, count)``: the index
            of this process, from 0, and the number of processes.  All parts by default.
        overwrite: Whether to replace an output that was made with another model, input or
            settings.
        progress: Whether to show a progress bar.
        loading: ``device``, and if ``model`` is a URI also ``cache``, ``keys`` and
            ``storage_options``, as for :func:`prodcat.load`.

    Returns:
        What this call did: the numbers of rows, errors and parts, and the duration in seconds.

    Raises:
        CatalogError: The input cannot be read, lacks a required column, has a column with the
            name of an answer's column, or overlaps with the output.
        ScoringError: The output was made with another model, input or settings, or by another
            version of prodcat; its files were altered; or there is too little memory for a part.
        OutputInUseError: Another process is writing the output, or took it over from this one.
        InputChangedError: An input file was changed, added or removed during the call.
        StoreError: A store cannot be reached, or the output cannot be written.
        ConfigError: The settings are invalid or contradict each other, or the rows exceed a sheet.
        Interrupted: The process was stopped by SIGTERM; repeating the call resumes the job.
        TypeError: A keyword argument is unknown.
        ProdcatError: The model cannot be loaded; see :func:`prodcat.load`.
    """
    scoring = scoring or ScoringConfig()
    check_keywords(score, loading)
    input = given_files(input, "input")
    output = path_text(output, "output", "the path or URI of a file or folder", ConfigError)
    check_shard(shard)
    classifier = _on_device(model, loading)
    _check_overwrite(shard, overwrite=overwrite)
    with _explained(output), enough_memory():
        write = score_share if file_kind(output) is None else _score_into_file
        return write(
            classifier, input, output, scoring, shard, overwrite=overwrite, progress=progress
        )


def score_share(
    classifier: Classifier,
    input: str | Files,
    output: str,
    scoring: ScoringConfig,
    shard: Shard,
    *,
    within: str = "",
    overwrite: bool = False,
    progress: bool = False,
) -> ScoringReport:
    """Classify the titles of one share of the input, and write the answers to a folder.

    Args:
        classifier: The classifier, on its device.
        input: The URI of the input, as for :func:`score`.
        output: The URI of the output folder.
        scoring: The columns to read, the options of the answers and the output format.
        shard: The share of the parts that this process scores, as ``(index, count)``.
        within: The token of the lease on the whole output, if another process holds that lease
            and assigned this share; empty otherwise.
        overwrite: Whether to replace an output that was made with another model, input or
            settings.
        progress: Whether to show a progress bar.

    Returns:
        What this call did.

    Raises:
        ProdcatError: The errors of :func:`score`.
    """
    place = resolved(output)
    _check_outside(input, place)
    job = FolderScoring.of(classifier, input, scoring)
    objects = Objects(place)
    with lease_share(objects, shard, within=within, shown=output) as lease:
        folder = LeasedFolder(objects, lease)
        report, _ = job.run(folder, shard, overwrite=overwrite, progress=progress)
    return replace(report, output=output)


def _score_into_file(
    classifier: Classifier,
    input: str | Files,
    output: str,
    scoring: ScoringConfig,
    shard: Shard,
    *,
    overwrite: bool,
    progress: bool,
) -> ScoringReport:
    """Classify all titles, and write the answers to one file; see :func:`score`."""
    kind, place = file_kind(output) or "csv", resolved(output)
    _check_outside(input, place)
    _check_single_file(input, place, shard)
    is_sheet = kind == "xlsx"
    scoring = replace(scoring, format="parquet" if kind == "xlsx" else kind)
    job = FolderScoring.of(classifier, input, scoring, joined=True, is_sheet=is_sheet)
    objects = Objects(parts_folder(place))
    with lease_share(objects, shard, shown=output, private=True) as lease:
        folder = LeasedFolder(objects, lease)
        report, parts = job.run(folder, shard, overwrite=overwrite, progress=progress)
        join_parts(folder, parts, place, kind)
        remove_parts(folder)
    remove_folder(objects)
    return replace(report, output=output)


def stream(
    model: Classifier, input: str | Files, *, scoring: ScoringConfig | None = None
) -> Iterator[tuple[bytes, int]]:
    """Classify all titles of the input files, and yield the answers as pieces of one CSV file.

    Args:
        model: The classifier, on its device.
        input: The URI of the input, as for :func:`score`.
        scoring: The columns to read and the options of the answers; ``format`` has no effect.

    Yields:
        A tuple: a piece of the CSV file in UTF-8, and the number of rows in it.  Only the first
        piece has the header.

    Raises:
        CatalogError: The input cannot be read, lacks a required column, or has a column with the
            name of an answer's column.
        InputChangedError: An input file was changed, added or removed during the call.
        ScoringError: There is too little memory for a part.
        StoreError: The store of the input cannot be reached.
        ConfigError: The settings cannot be combined, or the classifier does not support them.
    """
    input = given_files(input, "input")
    as_csv = replace(scoring or ScoringConfig(), format="csv")
    scorer = PartScorer.of(model, input, as_csv)
    inputs = Inputs(input, scorer.files)
    for number, answered in enumerate(scorer.answered(lambda *_: True, threading.Event())):
        with enough_memory():
            inputs.check(answered.part.file)
            content = scorer.content(answered, "csv", header=number == 0)
        yield content, len(answered.rows)
    inputs.check_list()


def _on_device(model: Classifier | str, loading: LoadKeywords) -> Classifier:
    """The classifier on the requested device, loaded if its URI is given."""
    if not isinstance(model, Classifier):
        return load(model, **loading)
    device = loading.get("device")
    return model if device is None else model.to(device)


@contextlib.contextmanager
def _explained(output: str) -> Iterator[None]:
    """Turn operating system errors about the output into errors that say what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise ScoringError(
            f"A file of the output {output!r} was removed during the run: {error}. Find out which "
            "program removes it, then run the same command again."
        ) from error
    except OSError as error:
        is_local = Objects(output).is_local
        raise explained("write", output, error, is_local=is_local) from error


def _check_overwrite(shard: Shard, *, overwrite: bool) -> None:
    """Refuse that one of several processes replaces the output of all."""
    if overwrite and shard != WHOLE:
        raise ConfigError(
            "overwrite and shard cannot be combined: each process would remove the parts that "
            "the others wrote. Name another output, or overwrite with one process first."
        )


def _check_outside(input: str | Files, output: str) -> None:
    """Refuse an output inside an input folder, which the next call would read as input."""
    for uri in uris_of(input):
        filesystem, path = located(uri)
        input_address = address(resolved(uri.rstrip("/")))
        if address(output.rstrip("/")).startswith(f"{input_address}/") and filesystem.isdir(path):
            raise CatalogError(
                f"The output {output!r} lies in the input {uri!r}: the next run would read the "
                "answers as titles. Name an output outside the input folder."
            )


def _check_single_file(input: str | Files, output: str, shard: Shard) -> None:
    """Refuse a single output file for several processes, a folder, or an input file."""
    if Path(output).is_dir():
        raise ConfigError(
            f"The output {output!r} is a folder, but its name ends like that of a file. Name a "
            "file, or add a slash to the name of the folder."
        )
    if shard != WHOLE:
        raise ConfigError(
            f"The output {output!r} is one file, which processes cannot share; expected a folder. "
            "Name a folder, or omit shard."
        )
    if any(is_same_file(output, file) for file in list_files(input)):
        raise CatalogError(
            f"The output {output!r} is an input file too and would be replaced. Name another "
            "output."
        )
