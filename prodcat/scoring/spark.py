"""Scoring on Spark, with a function for ``DataFrame.mapInPandas``.

    from prodcat.scoring.spark import map_in_pandas, output_schema

    answered = titles.mapInPandas(
        map_in_pandas("s3://bucket/models/tr@production"), output_schema(titles.schema)
    )

Each Python worker loads the classifier once.  The rows keep their columns, and get those of the
answers, see :mod:`prodcat.classifier.results`.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prodcat.classifier.loading import load
from prodcat.classifier.results import column_types
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.scorer import RowScorer

if TYPE_CHECKING:
    import pandas as pd


def output_schema(schema: Any, scoring: ScoringConfig | None = None) -> str:
    """The schema of the rows with their answers, as ``mapInPandas`` takes it.

    Args:
        schema: The schema of the titles: a ``StructType``, or text such as
            ``"sku long, title string"``.
        scoring: How the titles are answered.

    >>> output_schema("sku long, title string").split(", ")[:3]
    ['sku long', 'title string', 'predicted_path string']
    """
    if isinstance(schema, str):
        columns = schema
    else:
        columns = ", ".join(
            f"`{field.name}` {field.dataType.simpleString()}" for field in schema.fields
        )
    added = column_types((scoring or ScoringConfig()).answers.top_k)
    return ", ".join([columns, *(f"{name} {kind}" for name, kind in added.items())])


def map_in_pandas(
    model: str, scoring: ScoringConfig | None = None, *, device: str | None = None
) -> "Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]":
    """Make the function that ``mapInPandas`` calls with the rows of a partition.

    Args:
        model: The URI of the classifier, readable from every worker.
        scoring: How the titles are answered; its ``format`` and ``part_rows`` have no effect.
        device: The device of each worker; a GPU if it has one.
    """
    scoring = scoring or ScoringConfig()

    def answered(frames: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        scorer = _loaded(model, device, scoring)
        for frame in frames:
            yield _answered(scorer, frame)

    return answered


@lru_cache(maxsize=2)
def _loaded(model: str, device: str | None, scoring: ScoringConfig) -> RowScorer:
    return RowScorer(load(model, device=device), scoring)


def _answered(scorer: RowScorer, frame: "pd.DataFrame") -> "pd.DataFrame":
    import pyarrow as pa

    names = list(column_types(scorer.scoring.answers.top_k))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    added = scorer.answered(table).select(names).to_pandas()
    added.index = frame.index
    return frame.assign(**{name: added[name] for name in names})
