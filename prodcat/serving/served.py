"""A classifier on a server, with what it needs to answer queries."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.inference import BatchInference
from prodcat.classifier.rows import TitleRows, read_rows
from prodcat.decisions.answers import Answers
from prodcat.decisions.decider import Decider
from prodcat.decisions.options import AnswerOptions, ReadingPrecision
from prodcat.errors import ProdcatError
from prodcat.serving.answer_records import AnswerRecords
from prodcat.serving.field_names import shortened
from prodcat.serving.query import Query
from prodcat.serving.reasons import (
    check_explained_letters,
    explained,
    options_of,
    with_reasons,
)
from prodcat.serving.refusal import Refusal, shown

logger = logging.getLogger("prodcat")
_MOST_TOLD = 100  # names of unread fields after which no more are logged
_MOST_DECIDERS = 64  # deciders that are kept for further requests with the same settings


class Served:
    """A classifier that answers the queries of a server.

    Args:
        name: The name that clients use for the model.
        uri: The URI from which the model was loaded.
        classifier: The classifier, on its device.
        bytes: The estimated memory of the model in bytes.
        precision: The number format of the encoder.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        classifier: Classifier,
        bytes: int,
        precision: ReadingPrecision = "auto",
    ) -> None:
        self.name, self.uri, self.classifier = name, uri, classifier
        self.precision = precision
        # The encoder's weights are in memory twice: as stored, and in the layout that is fastest.
        self.encoder = classifier.network.encoder
        self.encoder_bytes = min(2 * classifier.encoder_memory, bytes)
        self.unshared_bytes = max(bytes - self.encoder_bytes, classifier.memory)
        self.seconds = 0.0  # for each title of a batch, as measured after loading
        self.text = classifier.text_columns
        self.fast = classifier.inference(precision, cascade="auto")
        # Guarantees were measured in float32, so requests with a guarantee need float32.
        self.exact = self.fast
        if classifier.guarantee is not None:
            self.exact = classifier.inference(promised=True, cascade="auto")
        # Requests for the next best paths, and titles that n-grams leave over, need an encoder that
        # reads every title.
        self.whole = classifier.inference(precision)
        self.exact_whole = self.whole
        if classifier.guarantee is not None:
            self.exact_whole = classifier.inference(promised=True)
        self.answer_records = AnswerRecords(classifier)
        self._deciders: OrderedDict[AnswerOptions, Decider] = OrderedDict()
        self._told: set[str] = set()  # names of fields that requests have and the model does not
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """The estimated memory of the model in bytes, including a shared encoder."""
        return self.unshared_bytes + self.encoder_bytes

    @property
    def columns(self) -> list[str]:
        """The names of the columns that a query may have besides the title."""
        group = self.classifier.group_column(True)
        return list(dict.fromkeys([*self.text, *([group] if group else [])]))

    def inference(self, query: Query) -> BatchInference:
        """The batch inference for a query: in float32 if the query asks for a guarantee."""
        if query.settings.applied_cascade == "off":
            return self.whole
        return self.exact if query.promises else self.fast

    def without_cascade(self, inference: BatchInference) -> BatchInference:
        """The batch inference that answers the titles which n-grams have left over.

        Args:
            inference: The batch inference for a query, of :meth:`inference`.
        """
        return self.exact_whole if inference is self.exact else self.whole

    def decision(self, settings: AnswerOptions) -> Decider:
        """The decider for these options; recently used deciders are cached.

        Args:
            settings: The options of the answers, without ``groups``.

        Raises:
            Refusal: With status 400 if the options cannot be combined, or the model does not
                support them.
        """
        with self._lock:
            if settings in self._deciders:
                self._deciders.move_to_end(settings)
                return self._deciders[settings]
        try:
            decider = self.classifier.decision(settings)
        except (ProdcatError, ArithmeticError) as error:
            raise Refusal(400, str(error)) from error
        with self._lock:
            self._deciders[settings] = decider
            while len(self._deciders) > _MOST_DECIDERS:
                self._deciders.popitem(last=False)
        return decider

    def rows(self, query: Query) -> TitleRows:
        """The text for the model and the group of each title in a query, and the errors by row.

        Which fields of the query the model does not read is told in the log.
        """
        self._tell_unread(query)
        group = self.classifier.group_column(query.promises)
        size = len(query)
        columns = {name: query.columns[name] for name in self.text if name in query.columns}
        for name in ("title", *([group] if group else [])):
            columns[name] = query.columns.get(name, [None] * size)
        rows = read_rows(self.classifier, columns, group=group)
        return replace(rows, errors={**rows.errors, **query.errors})

    def _tell_unread(self, query: Query) -> None:
        """Log which fields of a query the model does not read, each name once."""
        if not query.unread or len(self._told) >= _MOST_TOLD:
            return
        names = {shortened(name) for name in query.unread[:_MOST_TOLD]} - self._told
        if names:
            self._told |= names
            logger.warning(
                "Requests to %s have fields that it does not read: %s. It reads %s.",
                shown(self.name) if self.name else "the model",
                ", ".join(map(repr, sorted(names))),
                ", ".join(map(repr, ("title", *self.columns))),
            )

    def records(self, answers: Answers, errors: Mapping[int, str]) -> Iterator[dict[str, Any]]:
        """The JSON objects of answers, one for each title; see :meth:`AnswerRecords.records`."""
        return self.answer_records.records(answers, errors)

    def answered(self, query: Query) -> list[dict[str, Any]]:
        """Answer a query in the calling thread, without a queue.

        Args:
            query: A query with at least one title.

        Returns:
            One JSON object for each title; see :meth:`AnswerRecords.records`.

        Raises:
            Refusal: With status 400 if the options cannot be combined, or the model does not
                support them.
        """
        rows = self.rows(query)
        inference = self.inference(query)
        window = inference.prepare(rows.texts)
        answers = inference.answers(window, self.decision(query.settings), rows.groups)
        assert answers is not None
        records = self.records(answers, rows.errors)
        if not query.explain:
            return list(records)
        return list(with_reasons(records, self.reasons(query, rows)))

    def reasons(
        self,
        query: Query,
        rows: TitleRows,
        stopped: Callable[[], bool] = bool,
        until: float = float("inf"),
    ) -> list[dict[str, Any]]:
        """The reasons for the answers to a query, as values of JSON; see :func:`explained`."""
        check_explained_letters(rows.texts)
        options = options_of(query.settings, self.precision)
        decide = self.decision(query.settings)
        return explained(self.classifier, options, decide, rows.texts, rows.groups, stopped, until)
