"""Matches two tables from files or memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from prodcat.errors import ConfigError
from prodcat.matching.features import foreign_pairs
from prodcat.matching.labelled import LabelledPairs, read_pairs
from prodcat.matching.learning import LEAST_OF_A_KIND
from prodcat.matching.matcher import Matcher
from prodcat.matching.price_warnings import warn_of_currencies
from prodcat.matching.products import MatchColumns, Products, read_products
from prodcat.matching.relations import NONE
from prodcat.matching.results import Matches
from prodcat.offers.brands import Brands
from prodcat.offers.prices import DecimalMark
from prodcat.storage.read_options import DEFAULTS, ReadOptions


def match_products(
    ours: object,
    theirs: object,
    columns: MatchColumns | None = None,
    *,
    their_columns: MatchColumns | None = None,
    labelled: object = None,
    reviewed: object = None,
    classifier: Any = None,
    matcher: Matcher | None = None,
) -> Matches:
    """Match two tables of products.

    Args:
        ours: Our products: a path, URI or glob of files, a table in memory, or
            :class:`~prodcat.matching.products.Products`.
        theirs: Theirs.
        columns: The columns of both tables; by default only ``title``.
        their_columns: The columns of their table, if they have other names.
        labelled: Pairs that the matcher learns from, in a table as
            :func:`~prodcat.matching.labelled.read_pairs` reads it, or
            :class:`~prodcat.matching.labelled.LabelledPairs`.
        reviewed: Such pairs whose relation is also taken as it is; the matcher learns from them if
            there are enough.
        classifier: A :class:`~prodcat.classifier.classifier.Classifier` that gives the categories
            of both tables, which are compared, too; or None.
        matcher: The settings, or a matcher that learned before.

    Returns:
        The pairs.

    Raises:
        CatalogError: A table cannot be read, or lacks a column; or labelled pairs are wrong or too
            few.
        ConfigError: The package pint is not installed, or vectors are asked for without a
            classifier that has an encoder.
    """
    matcher = Matcher() if matcher is None else matcher
    if matcher.uses_vectors and classifier is None:
        raise ConfigError(
            "Vectors are asked for without a classifier. Expected classifier=, a classifier with "
            "an encoder that makes them."
        )
    one, other = read_both(ours, theirs, columns, their_columns)
    if matcher.uses_vectors:
        one, other = one.with_encoder(classifier), other.with_encoder(classifier)
    if classifier is not None:
        one, other = one.with_categories(classifier), other.with_categories(classifier)
    taught = _labelled(labelled, one, other, is_reviewed=False)
    answers = _labelled(reviewed, one, other, is_reviewed=True)
    lesson = lesson_of(taught, answers)
    matches = matcher.learned_and_matched(one, other, lesson, answers)
    related = matches.table["relation"].to_numpy(zero_copy_only=False) != NONE
    mine, others = (
        matches.table[name].to_numpy()[related].tolist() for name in ("our_row", "their_row")
    )
    warn_of_currencies(foreign_pairs(one, other, mine, others))
    return matches


def _labelled(
    pairs: object, ours: Products, theirs: Products, *, is_reviewed: bool
) -> LabelledPairs | None:
    """The pairs that are given in a table or read already; None if none are."""
    if pairs is None or isinstance(pairs, LabelledPairs):
        return pairs
    return read_pairs(pairs, ours, theirs, is_reviewed=is_reviewed)


def lesson_of(taught: LabelledPairs | None, answers: LabelledPairs | None) -> LabelledPairs | None:
    """The pairs that a matcher learns from: those that are given for it, and reviewed ones.

    Args:
        taught: Pairs that are given to learn from, which must be enough.
        answers: Reviewed pairs, which need not be enough.

    Returns:
        The pairs; None if there are none, or only a few reviewed ones.
    """
    if taught is not None:
        return taught if answers is None else taught.joined(answers)
    if answers is None or min(answers.same.sum(), (~answers.same).sum()) < LEAST_OF_A_KIND:
        return None
    return answers


def read_both(
    ours: object,
    theirs: object,
    columns: MatchColumns | None = None,
    their_columns: MatchColumns | None = None,
    *,
    decimal: DecimalMark | None = None,
    options: tuple[ReadOptions, ReadOptions] = (DEFAULTS, DEFAULTS),
) -> tuple[Products, Products]:
    """Read two tables, and look up the brands of both in titles that have none.

    Args:
        ours: Our products, as for :func:`match_products`.
        theirs: Theirs.
        columns: The columns of both tables; by default only ``title``.
        their_columns: The columns of their table, if they have other names.
        decimal: The decimal mark of all prices, if it shall not be recognised in each.
        options: How text files are to be read, ours and theirs.

    Raises:
        CatalogError: A table cannot be read, or lacks a column.
        ConfigError: The package pint is not installed.
    """
    named = columns, columns if their_columns is None else their_columns
    tables = [
        source
        if isinstance(source, Products)
        else read_products(source, each, decimal=decimal, options=how)
        for source, each, how in zip((ours, theirs), named, options, strict=True)
    ]
    brands = Brands(tuple(dict.fromkeys(name for table in tables for name in table.brands if name)))
    one, other = (
        replace(
            table,
            columns=_columns_by_our_names(table, each, columns),
            brands=[
                brand or brands.find(title) or ""
                for brand, title in zip(table.brands, table.titles, strict=True)
            ],
        )
        for table, each in zip(tables, named, strict=True)
    )
    return one, other


def _columns_by_our_names(
    table: Products, theirs: MatchColumns | None, ours: MatchColumns | None
) -> Mapping[str, Sequence[str]]:
    """The columns that a classifier may read, with the brand also by the name in our table."""
    names = [None if each is None else each.brand for each in (theirs, ours)]
    if names[0] is None or names[1] is None or names[0] not in table.columns:
        return table.columns
    return {names[1]: table.columns[names[0]], **table.columns}
