"""Classify the rows of a Spark DataFrame with ``DataFrame.mapInPandas``.

    from prodcat.scoring.spark import map_in_pandas, output_schema

    answered = titles.mapInPandas(
        map_in_pandas("s3://bucket/models/tr@production"), output_schema(titles.schema)
    )

Each Python worker loads the classifier once.  The rows keep their columns, and the columns of the
answers are added; see :mod:`prodcat.classifier.results`.
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
    """The schema of the rows with their answers, for the argument ``schema`` of ``mapInPandas``.

    Args:
        schema: The schema of the input: a ``StructType``, or text such as
            ``"sku long, title string"``.
        scoring: The settings that :func:`map_in_pandas` gets; its ``top_k`` determines the
            columns.

    Returns:
        The schema as text: the columns of the input, then those of the answers.

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
        scoring: The columns to read and the options of the answers; ``format`` and ``part_rows``
            have no effect.
        device: The PyTorch device on which each worker puts the classifier; if None, the worker's
            GPU if it has one, otherwise the CPU.

    Returns:
        A function that gets pandas DataFrames and yields each with the columns of the answers
        added.  It raises CatalogError if a required column is missing, and ConfigError if the
        classifier does not support the settings.
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
