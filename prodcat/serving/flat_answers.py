"""Answers as the columns of a table, which CSV and Parquet have instead of objects.

predicted_path       the names along the path, in one line
predicted_id         the id of the node at its end
confidence           that the answer is right
predicted_path_2, predicted_id_2, confidence_2, …  the next best, where they are asked for
error                what was wrong with the row, or nothing
"""

from collections.abc import Mapping, Sequence
from typing import Any

_BETWEEN_NAMES = " > "  # of a path in one line, as in every other output


def flat_columns(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Answers as columns of one length.

    Args:
        records: For each title an answer, or ``{"error"}``; see :func:`write_body`.
    """
    columns = _ranked(records, "")
    for rank in range(max((len(record.get("others", ())) for record in records), default=0)):
        others = [record["others"][rank] if "others" in record else {} for record in records]
        columns |= _ranked(others, f"_{rank + 2}")
    columns["error"] = [record.get("error") for record in records]
    return columns


def _ranked(answers: Sequence[Mapping[str, Any]], ending: str) -> dict[str, list[Any]]:
    """The columns of the answers of one rank; None where there is no answer."""
    return {
        f"predicted_path{ending}": [
            _BETWEEN_NAMES.join(answer["path"]) if "path" in answer else None for answer in answers
        ],
        f"predicted_id{ending}": [answer.get("id") for answer in answers],
        f"confidence{ending}": [answer.get("confidence") for answer in answers],
    }
