"""What a request asks one model, and the body of its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.inference import BatchInference
from prodcat.classifier.rows import TitleRows
from prodcat.decisions.answers import Answers
from prodcat.serving.bodies import read_body, write_body
from prodcat.serving.isolated import Deadline
from prodcat.serving.query import Query
from prodcat.serving.reasons import check_explained_letters, estimated_bytes, with_reasons
from prodcat.serving.served import Served
from prodcat.serving.settings import Limits
from prodcat.serving.title_costs import TitleCosts, costs_of
from prodcat.serving.waiting_requests import Question


@dataclass(frozen=True)
class Asked:
    """A request whose body was parsed.

    Attributes:
        served: The model that answers.
        query: The titles and the options.
        rows: The texts and groups of the titles, and the errors by row.
        question: The texts, the decider and the groups.
        inference: The model's batch inference for these options.
        costs: The sizes of the titles.
    """

    served: Served
    query: Query
    rows: TitleRows
    question: Question
    inference: BatchInference
    costs: TitleCosts

    @classmethod
    def read(
        cls,
        served: Served,
        body: bytes,
        content_type: str | None,
        limits: Limits,
        deadline: Deadline | None = None,
    ) -> "Asked":
        """Parse the body of a request.

        Args:
            served: The model that answers.
            body: The bytes of the body.
            content_type: The header ``Content-Type``; None means JSON.
            limits: The maximum size of a request.
            deadline: Until when to read a Parquet file in a child process.

        Raises:
            Refusal: The body cannot be parsed, or its options are not possible for the model.
        """
        query = read_body(body, content_type, served.columns, limits, deadline)
        rows, inference = served.rows(query), served.inference(query)
        if query.explain:
            check_explained_letters(rows.texts)
        question = Question(rows.texts, served.decision(query.settings), rows.groups)
        costs = costs_of(inference, rows.texts)
        return cls(served, query, rows, question, inference, costs)

    @property
    def answer_bytes(self) -> int:
        """The approximate size of the answer, in bytes."""
        records, top_k = self.served.answer_records, self.query.settings.top_k
        size = records.estimated_bytes(len(self.query), top_k)
        if self.query.explain:
            size += estimated_bytes(self.served.classifier, self.rows.texts)
        return size

    def written(
        self,
        answers: Answers,
        kind: str,
        most: int,
        deadline: Deadline | None = None,
        reasons: Sequence[Mapping[str, Any]] | None = None,
    ) -> bytes:
        """The body of the answer.

        Args:
            answers: One answer for each title.
            kind: The media type of the answer.
            most: Maximum size of the body, in bytes.
            deadline: Until when to write a Parquet file in a child process.
            reasons: The reasons for each answer, or None.

        Raises:
            Refusal: The body would be larger, or writing it took longer.
        """
        records = self.served.records(answers, self.rows.errors)
        if reasons is not None:
            records = with_reasons(records, reasons)
        return write_body(records, self.query, kind, most, deadline)
