"""A classifier as a server has it: what it reads of a query, and how it answers."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.inference import Inference
from prodcat.classifier.rows import TitleRows, read_rows
from prodcat.decisions.answers import Answers
from prodcat.decisions.decider import Decider
from prodcat.decisions.options import AnswerOptions, ReadingPrecision
from prodcat.errors import ProdcatError
from prodcat.serving.answer_records import AnswerRecords
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal

_MOST_DECIDERS = 64  # that are kept for the next request with the same settings


class Served:
    """A classifier that answers queries.

    Args:
        name: As clients call it.
        uri: Where it is from.
        classifier: On its device.
        bytes: The memory that it takes.
        precision: The precision of its encoder.
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
        # An encoder's weights are there as they are, and as they are read with.
        self.encoder = classifier.network.encoder
        self.encoder_bytes = min(2 * classifier.encoder_memory, bytes)
        self.own_bytes = max(bytes - self.encoder_bytes, classifier.memory)
        self.seconds = 0.0
        self.text = classifier.text_columns
        self.fast = classifier.inference(classifier.pick_precision(precision))
        # Promises are measured in float32; where there is none, none can be asked for.
        self.exact = self.fast if classifier.guarantee is None else classifier.inference()
        self.answer_records = AnswerRecords(classifier)
        self._deciders: OrderedDict[AnswerOptions, Decider] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """The memory that it takes, a shared encoder counted."""
        return self.own_bytes + self.encoder_bytes

    @property
    def columns(self) -> list[str]:
        """What may come beside a title."""
        group = self.classifier.group_column(True)
        return list(dict.fromkeys([*self.text, *([group] if group else [])]))

    def inference(self, query: Query) -> Inference:
        """What reads the titles of a query."""
        return self.exact if query.promises else self.fast

    def decision(self, settings: AnswerOptions) -> Decider:
        """What decides on the answers.

        Args:
            settings: What is asked of them, without groups.

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
        """What is read of each title, its group if it is needed, and what is wrong with it."""
        group = self.classifier.group_column(query.promises)
        size = len(query)
        needed = dict.fromkeys(["title", *self.text, *([group] if group else [])])
        columns = {name: query.columns.get(name, [None] * size) for name in needed}
        rows = read_rows(self.classifier, columns, group=group)
        return replace(rows, errors={**rows.errors, **query.errors})

    def records(self, answers: Answers, errors: Mapping[int, str]) -> list[dict[str, Any]]:
        """Answers as they are sent; see :meth:`AnswerRecords.records`."""
        return self.answer_records.records(answers, errors)

    def answered(self, query: Query) -> list[dict[str, Any]]:
        """Read a query and answer it here and now, without a queue.

        Args:
            query: With at least one title.

        Returns:
            One object for each title, as it is sent.

        Raises:
            Refusal: 400: the settings do not go together.
        """
        rows = self.rows(query)
        inference = self.inference(query)
        window = inference.ready(rows.texts)
        answers = inference.answers(window, self.decision(query.settings), rows.groups)
        assert answers is not None
        return self.records(answers, rows.errors)
