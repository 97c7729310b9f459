"""Scoring jobs: answer whole catalogs part by part.

Answers go into a folder (:mod:`prodcat.scoring.folder`), into one file
(:mod:`prodcat.scoring.single_file`), or to the caller as they come (:func:`stream`).
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Unpack

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import LoadKeywords, load
from prodcat.classifier.results import encode
from prodcat.errors import CatalogError, ConfigError, check_keywords, takes_keywords
from prodcat.scoring.answering import PartScorer
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.folder import FolderScoring
from prodcat.scoring.parts import list_files, located
from prodcat.scoring.report import ScoringReport
from prodcat.scoring.shards import WHOLE, Shard, check_shard
from prodcat.scoring.single_file import file_kind, join_parts, parts_folder
from prodcat.storage.table_files import address


@takes_keywords(LoadKeywords)
def score(
    model: Classifier | str,
    input: str,
    output: str,
    *,
    scoring: ScoringConfig | None = None,
    shard: Shard = WHOLE,
    overwrite: bool = False,
    progress: bool = False,
    **loading: Unpack[LoadKeywords],
) -> ScoringReport:
    """Answer all titles of files, and write the answers to files.

    Args:
        model: A classifier, or the URI of one: ``s3://bucket/models/tr@production``.
        input: Parquet, CSV, TSV or JSONL: a file, a folder or a glob, at any fsspec URI.
        output: A folder at any fsspec URI, which gets one file for each part of the input, with
            the columns of the input and those of the answers, see
            :mod:`prodcat.classifier.results`.  Or one file whose name ends with .parquet,
            .jsonl, .csv or .tsv; the last three may be followed by .gz.
        scoring: How the titles are answered, and in what format.
        shard: The share of the parts that this process scores, ``(index, count)``.
        overwrite: Whether to replace an output of another model, input or settings.
        progress: Whether to show a progress bar.
        loading: ``device``, and for a model that is loaded ``cache``, ``keys`` and
            ``storage_options``, as for :func:`prodcat.load`.

    Returns:
        A report of what this call did.

    Raises:
        CatalogError: The input cannot be read, or has no column with titles.
        ScoringError: The output was made with another model, input or settings.
        StoreError: The output cannot be written.
        ConfigError: The settings do not go together.
        Interrupted: The process was stopped by SIGTERM; repeating the call resumes the job.
        TypeError: A keyword argument is not known.
    """
    scoring = scoring or ScoringConfig()
    check_keywords(score, loading)
    check_shard(shard)
    classifier = _on_device(model, loading)
    kind = file_kind(output)
    _check_outside(input, output)
    if overwrite and shard != WHOLE:
        raise ConfigError(
            "overwrite and shard do not go together: each process would remove what the others "
            "did. Name another output, or overwrite with one process first."
        )
    if kind is None:
        folder = FolderScoring.of(classifier, input, output, scoring)
        return folder.run(shard, overwrite=overwrite, progress=progress)
    _check_single_file(input, output, shard)
    parts = FolderScoring.of(
        classifier, input, parts_folder(output), replace(scoring, format=kind), joined=True
    )
    report = parts.run(shard, overwrite=overwrite, progress=progress)
    join_parts(parts.objects, output, kind)
    parts.objects.remove_below("")
    return replace(report, output=output)


def stream(
    model: Classifier, input: str, *, scoring: ScoringConfig | None = None
) -> Iterator[tuple[bytes, int]]:
    """Answer all titles of files, and yield the answers as pieces of one CSV file.

    Args:
        model: A classifier.
        input: The files, as for :func:`score`.
        scoring: How the titles are answered.

    Yields:
        A piece of the file in UTF-8, and the number of titles that it answers.

    Raises:
        CatalogError: The input cannot be read, or has no column with titles.
        ConfigError: The settings do not go together.
    """
    scorer = PartScorer.of(model, input, scoring or ScoringConfig())
    for number, answered in enumerate(scorer.answered(lambda *_: True, threading.Event())):
        table = scorer.table(answered)
        yield encode(table, "csv", header=number == 0), len(table)


def _on_device(model: Classifier | str, loading: LoadKeywords) -> Classifier:
    """The classifier on the requested device, loaded if its URI is given."""
    if isinstance(model, str):
        return load(model, **loading)
    device = loading.get("device")
    return model if device is None else model.to(device)


def _check_outside(input: str, output: str) -> None:
    """Refuse an output inside the input folder, which the next call would read as input."""
    filesystem, path = located(input)
    output_address = address(output.rstrip("/"))
    if output_address.startswith(f"{address(input.rstrip('/'))}/") and filesystem.isdir(path):
        raise CatalogError(
            f"The output {output!r} lies in the input {input!r}, so that answers would be read as "
            "titles. Name a place outside of it."
        )


def _check_single_file(input: str, output: str, shard: Shard) -> None:
    """Refuse a single output file for several processes, or one that is also read."""
    if shard != WHOLE:
        raise ConfigError(
            f"{output!r} is one file, which processes cannot share; expected a folder. Name a "
            "folder, or leave shard= out."
        )
    if address(output) in map(address, list_files(input)):
        raise CatalogError(
            f"{output!r} is an input file too, which it would replace. Give it another name."
        )
