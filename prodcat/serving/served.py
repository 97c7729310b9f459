"""A classifier on a server: how it reads a query, and how it answers."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
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
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal

_MOST_DECIDERS = 64  # deciders that are kept for further requests with the same settings


class Served:
    """A classifier that answers queries.

    Args:
        name: The name by which clients call it.
        uri: The URI that it was loaded from.
        classifier: The classifier, on its device.
        bytes: The bytes of memory that it takes.
        precision: The precision in which its encoder is run.
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
        # An encoder's weights are in memory twice: as they are stored, and in the fastest form.
        self.encoder = classifier.network.encoder
        self.encoder_bytes = min(2 * classifier.encoder_memory, bytes)
        self.unshared_bytes = max(bytes - self.encoder_bytes, classifier.memory)
        self.seconds = 0.0  # for a title in a batch, as measured after loading
        self.text = classifier.text_columns
        self.fast = classifier.inference(precision)
        # Guarantees were measured in float32; without one, no request can ask for it.
        self.exact = self.fast if classifier.guarantee is None else classifier.inference()
        self.answer_records = AnswerRecords(classifier)
        self._deciders: OrderedDict[AnswerOptions, Decider] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """The bytes of memory that it takes, those of a shared encoder included."""
        return self.unshared_bytes + self.encoder_bytes

    @property
    def columns(self) -> list[str]:
        """The names of the columns that a query may have besides the title."""
        group = self.classifier.group_column(True)
        return list(dict.fromkeys([*self.text, *([group] if group else [])]))

    def inference(self, query: Query) -> BatchInference:
        """The batch inference that a query needs: in float32 if it asks for a guarantee."""
        return self.exact if query.promises else self.fast

    def decision(self, settings: AnswerOptions) -> Decider:
        """The decider for these settings.

        Args:
            settings: What is asked of the answers, without groups.

        Raises:
            Refusal: 400: the settings do not go together.
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
        """The text and the group of each title in a query, and the errors."""
        group = self.classifier.group_column(query.promises)
        size = len(query)
        needed = dict.fromkeys(["title", *self.text, *([group] if group else [])])
        columns = {name: query.columns.get(name, [None] * size) for name in needed}
        rows = read_rows(self.classifier, columns, group=group)
        return replace(rows, errors={**rows.errors, **query.errors})

    def records(self, answers: Answers, errors: Mapping[int, str]) -> list[dict[str, Any]]:
        """The objects that are sent for answers; see :meth:`AnswerRecords.records`."""
        return self.answer_records.records(answers, errors)

    def answered(self, query: Query) -> list[dict[str, Any]]:
        """Answer a query in the calling thread, without a queue.

        Args:
            query: A query with at least one title.

        Returns:
            The object that is sent for each title.

        Raises:
            Refusal: 400: the settings do not go together.
        """
        rows = self.rows(query)
        inference = self.inference(query)
        window = inference.prepare(rows.texts)
        answers = inference.answers(window, self.decision(query.settings), rows.groups)
        assert answers is not None
        return self.records(answers, rows.errors)
