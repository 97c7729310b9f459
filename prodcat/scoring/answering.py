"""Read the parts of the input one after another, and classify their titles.

While the device classifies one part, the next one is read and prepared in another thread.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.results import Format, encode
from prodcat.classifier.rows import badly_encoded
from prodcat.decisions.answers import Answers
from prodcat.errors import ScoringError
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.input_columns import InputColumns
from prodcat.scoring.parts import Part, list_files, read_parts
from prodcat.scoring.prefetch import Prefetch
from prodcat.scoring.scorer import PreparedRows, RowScorer
from prodcat.scoring.sheets import check_sheet, sheet_cells
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.table_files import Files, table_format


@contextlib.contextmanager
def enough_memory() -> Iterator[None]:
    """Turn a ``MemoryError`` in a ``with`` block into an error that says what to do.

    Raises:
        ScoringError: There is not enough memory for a part.
    """
    try:
        yield
    except MemoryError as error:
        raise ScoringError(
            "There is too little memory for a part of the input. Give the process more memory, or "
            "set part_rows to a smaller number of rows."
        ) from error


@dataclass(frozen=True)
class AnsweredPart:
    """One part of the input with its answers.

    Attributes:
        part: The part.
        rows: Its rows, prepared for the device.
        answers: One answer for each row, in the memory of the CPU.
    """

    part: Part
    rows: PreparedRows
    answers: Answers


@dataclass(frozen=True)
class PartScorer:
    """Classifies the parts of one input with one model.

    Attributes:
        scorer: Classifies rows; has the model and the settings.
        input: The URI of the input: a file, a folder or a glob.
        files: The URIs of its files.
        is_sheet: Whether the parts will be joined to a sheet of Excel.
    """

    scorer: RowScorer
    input: str | Files
    files: list[str]
    is_sheet: bool = False

    @classmethod
    def of(
        cls,
        model: Classifier,
        input: str | Files,
        scoring: ScoringConfig,
        *,
        is_sheet: bool = False,
    ) -> "PartScorer":
        """Make a scorer, and check everything that can be checked before titles are read.

        Args:
            model: The classifier, on its device.
            input: The URI of the input: a file, a folder or a glob.
            scoring: The columns to read and the options of the answers.
            is_sheet: Whether the parts will be joined to a sheet of Excel.

        Raises:
            CatalogError: There is no such input, or a file has an unknown format.
            StoreError: The store of the input cannot be reached.
            ConfigError: The settings cannot be combined, the classifier does not support them, or
                the rows do not fit into a sheet.
        """
        files = list_files(input)
        if is_sheet:
            check_sheet(files, scoring.reading)
        return cls(RowScorer(model, scoring), input, files, is_sheet)

    @property
    def scoring(self) -> ScoringConfig:
        """The settings of the scoring job."""
        return self.scorer.scoring

    def answered(
        self, is_due: Callable[[int, int], bool], stop: threading.Event
    ) -> Iterator[AnsweredPart]:
        """Classify parts one after another, until an event is set.

        Args:
            is_due: Returns whether to classify a part; gets the position of its file and its
                number in that file, both from 0.
            stop: An event; once it is set, no further part is classified.

        Yields:
            The parts with their answers, in the order of the input.

        Raises:
            CatalogError: The input cannot be read, lacks a required column, or has a column with
                the name of an answer's column; before the first part is classified, unless a
                file is damaged.
            ScoringError: There is not enough memory for a part.
            StoreError: The store of the input cannot be reached.
        """
        with enough_memory(), Prefetch(self._prepared(is_due)) as parts:
            for part, rows in parts:
                answers = self.scorer.answers(rows, stop.is_set)
                if answers is None:
                    return
                yield AnsweredPart(part, rows, answers)
                if stop.is_set():
                    return

    def content(self, answered: AnsweredPart, kind: Format, *, header: bool) -> bytes:
        """The file of a part: its rows with the added columns of the answers.

        Args:
            answered: The part with its answers.
            kind: The format of the file.
            header: Whether CSV and TSV begin with the names of the columns.

        Raises:
            ConfigError: A value does not fit into a sheet of Excel.
        """
        columns = answered.rows.columns
        added = self.scorer.columns.of(answered.answers, answered.rows.errors)
        if isinstance(columns, dict):
            return encode({**columns, **added}, kind, header=header)
        for name, column in added.items():
            columns = columns.append_column(name, column)
        if self.is_sheet:
            part = answered.part
            columns = sheet_cells(columns, repr(self.files[part.file]), part.first)
        return encode(columns, kind, header=header)

    @cached_property
    def input_columns(self) -> InputColumns:
        """The columns of all files of the input.

        Raises:
            CatalogError: The input cannot be read, lacks a required column, or has a column with
                the name of an answer's column.
            StoreError: The store of the input cannot be reached.
        """
        columns = InputColumns.of(self.input, self.files, self.scorer.needed, self._reading)
        self.scorer.check_names(columns.names, repr(self.input))
        return columns

    @property
    def _reading(self) -> ReadOptions:
        return replace(self.scoring.reading, names=tuple(self.scorer.needed))

    def _prepared(self, is_due: Callable[[int, int], bool]) -> Iterator[tuple[Part, PreparedRows]]:
        """The due parts, each with its rows prepared for the device."""
        for part in read_parts(self.files, is_due, self.scoring.part_rows, self._reading):
            columns = self.input_columns
            given = columns.given(part.file, part.table)
            rows = self.scorer.prepare(given, self._for_output(part, given, columns))
            errors = {**badly_encoded(given), **rows.errors, **part.unreadable}
            yield part, replace(rows, errors=errors)

    def _for_output(self, part: Part, given: Mapping[str, Any], columns: InputColumns) -> Any:
        """The columns of a part as the output needs them; see :class:`PreparedRows`."""
        kind = self.scoring.format
        if kind == "parquet":
            return columns.table(given)
        all_columns = columns.all_columns(given)
        if kind in ("csv", "tsv") and table_format(self.files[part.file]) in ("csv", "xlsx"):
            # An empty cell stays one without quotes, which would tell an empty text from a null.
            return {
                name: [None if value == "" else value for value in values]
                for name, values in all_columns.items()
            }
        return all_columns
