"""A function for Spark's ``DataFrame.mapInPandas``; Spark does the rest.

    from prodcat.scoring.spark import map_in_pandas, output_schema

    answered = titles.mapInPandas(
        map_in_pandas("s3://bucket/models/tr@production"), output_schema(titles.schema)
    )

Each Python worker loads the classifier once.  The rows keep their columns; the answers come
beside them, as in :mod:`prodcat.classifier.results`.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prodcat.classifier.loading import load
from prodcat.classifier.results import column_types
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd


def output_schema(schema: Any, scoring: ScoringConfig | None = None) -> str:
    """The schema of the answers, as ``mapInPandas`` takes it.

    Args:
        schema: The titles' own: a ``StructType``, or text such as ``"sku long, title string"``.
        scoring: As for :func:`map_in_pandas`.
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
    """The function.

    Args:
        model: Where the classifier is, for every worker.
        scoring: How; its format and parts do not matter here.
        device: Of each worker; a GPU if it has one.
    """
    scoring = scoring or ScoringConfig()

    def answered(frames: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        scorer = _loaded(model, device, scoring)
        for frame in frames:
            yield _answered(scorer, frame)

    return answered


@lru_cache(maxsize=2)
def _loaded(model: str, device: str | None, scoring: ScoringConfig) -> Scorer:
    return Scorer(load(model, device=device), scoring)


def _answered(scorer: Scorer, frame: "pd.DataFrame") -> "pd.DataFrame":
    import pyarrow as pa

    names = list(column_types(scorer.scoring.answers.top_k))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    added = scorer.answered(table).select(names).to_pandas()
    added.index = frame.index
    return frame.assign(**{name: added[name] for name in names})
