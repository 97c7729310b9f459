"""The development sets of the quality benchmark, as rows, folds and catalogs."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from prodcat import Catalog, Taxonomy

Record = dict[str, Any]
SETS = ("food-terms", "shop-titles-en", "receipts-fr", "shop-titles-es")
# Which rows are on one side of a split: synonyms of a concept, or equal titles.
GROUP = {"food-terms": "concept"}
COLUMNS = {"shop-titles-es": ("brand",), "receipts-fr": ("shop", "shop_kind", "price")}
FOLDS = 5


def rows_of(data: Path, name: str, parts: Sequence[str]) -> list[Record]:
    """The rows of parts of a set: ``train``, ``validation`` and ``test``."""
    records: list[Record] = []
    for part in parts:
        with gzip.open(data / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
            records += [{**json.loads(line), "part": part} for line in file]
    return with_different_names(records) if name == "receipts-fr" else records


def with_different_names(records: Sequence[Record]) -> list[Record]:
    """The rows with the id behind the name of a node that has a sibling of the same name.

    No tree of prodcat has two paths of the same names.
    """
    ids: dict[tuple[tuple[str, ...], str], set[str]] = {}

    def steps(record: Record) -> Iterator[tuple[tuple[tuple[str, ...], str], str]]:
        for level, (name, node) in enumerate(zip(record["path"], record["path_ids"], strict=True)):
            yield (tuple(record["path_ids"][:level]), name), node

    for record in records:
        for place, node in steps(record):
            ids.setdefault(place, set()).add(node)
    return [
        {
            **record,
            "path": [
                f"{place[1]} {node}" if len(ids[place]) > 1 else place[1]
                for place, node in steps(record)
            ],
        }
        for record in records
    ]


def folds_of(name: str, records: Sequence[Record]) -> NDArray[np.int64]:
    """The fold of each row, int64 [rows]; rows of one group have the same."""
    groups = [record[GROUP.get(name, "title")] for record in records]
    distinct = sorted(set(groups))
    order = np.random.default_rng(0).permutation(len(distinct)) % FOLDS
    place = dict(zip(distinct, order.tolist(), strict=True))
    return np.array([place[group] for group in groups])


def catalog_of(
    name: str,
    records: Sequence[Record],
    text: Sequence[str] = (),
    taxonomy: "Taxonomy | None" = None,
    most_levels: Sequence[int | None] | None = None,
) -> "Catalog":
    """A catalog of rows.

    Args:
        name: The set.
        records: Its rows.
        text: Further columns of the model's input.
        taxonomy: The tree; by default that of the rows.  A row that is not in it is labelled with
            its last node that is.
        most_levels: For each row the number of levels of its label that are given; None for all.
    """
    import prodcat

    cuts = most_levels or [None] * len(records)
    columns: dict[str, list[Any]] = {
        "title": [record["title"] for record in records],
        "path": [record["path"][:cut] for record, cut in zip(records, cuts, strict=True)],
        **{column: [record[column] for record in records] for column in text},
    }
    keywords: Any = {}
    if "path_ids" in records[0]:
        columns["path_ids"] = [
            record["path_ids"][:cut] for record, cut in zip(records, cuts, strict=True)
        ]
        keywords["path_ids"] = "path_ids"
    if name == "food-terms":
        columns["language"] = [record["language"] for record in records]
        keywords["language"] = "language"
    keep = []
    if name in GROUP:
        columns[GROUP[name]] = [record[GROUP[name]] for record in records]
        keep = [GROUP[name]]
    return prodcat.read_catalog(
        columns,
        text=list(text),
        keep=keep,
        taxonomy=taxonomy,
        on_error="raise" if taxonomy is None else "accept",
        **keywords,
    )


def label(record: Record) -> tuple[str, ...]:
    """The ids of a row's label from the top level down, or its names where it has no ids."""
    return tuple(record.get("path_ids") or record["path"])
