"""Classify the rows of a Spark DataFrame with ``DataFrame.mapInPandas``.

    from prodcat.scoring.spark import map_in_pandas, output_schema

    answered = titles.mapInPandas(
        map_in_pandas("s3://bucket/models/tr@production"), output_schema(titles.schema)
    )

Each Python worker loads the classifier once.  The rows keep their columns, and the columns of the
answers are added; see :mod:`prodcat.classifier.results`.  Instead of a column for each level there
is ``predicted_names``, an array.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prodcat.classifier.loading import load
from prodcat.classifier.results import column_types
from prodcat.decisions.options import AnswerOptions
from prodcat.errors import ConfigError
from prodcat.scoring.config import ScoringConfig
from prodcat.scoring.scorer import RowScorer
from prodcat.storage.containers import path_text
from prodcat.storage.tables import Columns, iter_tables

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
    added = _added((scoring or ScoringConfig()).answers)
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
    model = path_text(model, "model", "the path or URI of a classifier", ConfigError)

    def answered(frames: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        scorer = _loaded(model, device, scoring)
        for frame in frames:
            yield _answered(scorer, frame)

    return answered


@lru_cache(maxsize=2)
def _loaded(model: str, device: str | None, scoring: ScoringConfig) -> RowScorer:
    return RowScorer(load(model, device=device), scoring)


def _answered(scorer: RowScorer, frame: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    names = [str(name) for name in frame.columns]
    read = {*scorer.needed, *scorer.classifier.text_columns}
    scorer.check_names(names, "The DataFrame")
    read_frame = frame[[name for name in names if name in read]]
    empty: Columns = {name: [] for name in read_frame}
    columns = next(iter_tables(read_frame, max(len(frame), 1)), empty)
    added = scorer.answered({name: list(values) for name, values in columns.items()})
    return frame.assign(
        **{
            name: pd.Series(added[name].to_pandas().to_numpy(), frame.index)
            for name in _added(scorer.scoring.answers)
        }
    )


def _added(options: AnswerOptions) -> dict[str, str]:
    """The types of the columns that are added, by name.

    There are none of single levels, as their number depends on the classifier.
    """
    return column_types(options.top_k, may_abstain=options.may_abstain)
