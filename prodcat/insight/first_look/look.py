"""Train on a table in seconds, and measure what is answered wrongly."""

import time
from collections.abc import Sequence

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.label_warnings import Merge
from prodcat.catalog.reading import read_catalog
from prodcat.errors import CatalogError
from prodcat.insight.columns import whole_table
from prodcat.insight.first_look.guessing import GuessedColumns, guess_columns
from prodcat.insight.first_look.result import FirstLook
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.read_options import ReadOptions
from prodcat.taxonomy.arrays import Ints
from prodcat.training.fitting import fit
from prodcat.training.folds import Folds

_FEWEST = 20


def first_look(
    source: object,
    *,
    title: str | None = None,
    path: str | Sequence[str] | None = None,
    separator: str | None = None,
    merge: Merge | None = None,
    most: int = 20_000,
    reading: ReadOptions | None = None,
    seed: int = 0,
) -> FirstLook:
    """Guess the columns of a table, train n-grams in seconds, and measure them out of fold.

    Args:
        source: A table of products with categories; see :func:`prodcat.read_catalog`.  Rows that
            are wrong are left out and told.
        title: The column with the titles; guessed if None.
        path: The column with the categories, or one for each level; guessed if None.
        separator: What stands between the names of a path; guessed if None.
        merge: Which spellings of a category are one, as for :func:`prodcat.read_catalog`.
        most: The largest number of labelled titles to use; a random sample of more is drawn.
        reading: How a text file is to be read; recognised if None.
        seed: Seed of the sample.

    Returns:
        What was found.

    Raises:
        CatalogError: The source cannot be read, no column is likely to hold titles or categories,
            or there are fewer than 20 labelled titles.
        TaxonomyError: The paths do not form a tree.
    """
    began = time.perf_counter()
    reading = reading or ReadOptions()
    table, unreadable = whole_table(source, reading)
    columns = guess_columns(table, title, path, separator)
    # Where lines are unreadable, the source is a file, whose rows are to keep their numbers.
    every = _read(source if unreadable else table, columns, merge, reading)
    catalog = every.take(_sample(every, most, seed))
    training = TrainingConfig(seed=seed, lexical_share=0.4, validated_titles=1_500, baseline=False)
    model = ModelConfig(encoder=None)
    classifier = fit(catalog, model=model, training=training, device="cpu", progress=False)
    assert classifier.validation is not None
    return FirstLook(
        columns,
        catalog,
        Folds.of_fit(catalog, training).asked,
        int(every.labelled.sum()),
        every.report,
        classifier,
        classifier.validation,
        time.perf_counter() - began,
    )


def _read(
    source: object, columns: GuessedColumns, merge: Merge | None, reading: ReadOptions
) -> Catalog:
    """All rows with their other columns, without wrong ones."""
    return read_catalog(
        source,
        title=columns.title,
        path=columns.path,
        keep=columns.unused,
        separator=columns.separator,
        merge=merge,
        on_error="aside",
        delimiter=reading.delimiter,
        encoding=reading.encoding,
        sheet=reading.sheet,
    )


def _sample(every: Catalog, most: int, seed: int) -> Ints:
    """The positions of the labelled titles to use: all, or a sample of many.

    Raises:
        CatalogError: There are too few; the message says what is wrong with the others.
    """
    rows = np.flatnonzero(every.labelled)
    if len(rows) < _FEWEST:
        wrong = every.report.wrong_rows
        cause = f" {every.report.problems_text()}\n" if wrong else " "
        raise CatalogError(
            f"Found {len(rows)} labelled titles; expected at least {_FEWEST} to train on.{cause}"
            "Label more titles, or name the columns with title= and path= (--title, --path)."
        )
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows.astype(np.int64)
