"""The frozen train, validation and test sets that several benchmarks read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.jobs import Options

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier, Taxonomy
    from prodcat.catalog.reading import CatalogKeywords

Sets = tuple["Catalog", "Catalog", "Catalog"]
QUICK = 600  # titles to learn where everything is as small as it can be


def read(data: Path, name: str, language: str) -> Sets:
    """The train, validation and test catalogs of one set.

    Args:
        data: The folder of all sets.
        name: ``"food-terms"`` or ``"shop-titles-en"``.
        language: A language whose rows alone are read, or ``"all"``.

    Returns:
        Train and validation over the tree of the training rows, and test over the tree of the
        training and test rows, so that no test row is left out.
    """
    import prodcat

    with_ids = name == "food-terms"
    columns: CatalogKeywords = {"path_ids": "path_ids", "language": "language"} if with_ids else {}
    kept = ["path", "language", *(["path_ids"] if with_ids else [])]
    parts = {}
    for part in ("train", "validation", "test"):
        rows = prodcat.read_catalog(str(data / name / f"{part}.jsonl.gz"), path=None, keep=kept)
        chosen = np.array([language in ("all", code) for code in rows.columns["language"]])
        rows = rows.take(chosen)
        parts[part] = {"title": list(rows.titles), **{k: list(rows.columns[k]) for k in kept}}
    train = prodcat.read_catalog(parts["train"], **columns)
    validation = prodcat.read_catalog(
        parts["validation"], taxonomy=train.tree, on_error="aside", **columns
    )
    whole = {column: parts["train"][column] + parts["test"][column] for column in parts["train"]}
    train_and_test = prodcat.read_catalog(whole, **columns)
    test = train_and_test.take(np.arange(len(train), len(train_and_test)))
    return train, validation, test


def fitted(options: Options, name: str) -> tuple["Classifier", "Catalog"]:
    """A classifier on the work folder's encoder, saved as ``model`` there, and the test catalog."""
    import prodcat

    train, validation, test = read(options.data, name, "all")
    small: dict[str, Any] = {}
    if options.quick:
        small = {"epochs": 0}
        train, validation = train.take(np.arange(QUICK)), validation.take(np.arange(QUICK // 2))
    classifier = prodcat.fit(
        train,
        validation=validation,
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(**small),
        device="cpu",
        progress=False,
    )
    classifier.save(str(options.work / "model"))
    return classifier, test


def chain(tree: "Taxonomy", node: int) -> tuple[str, ...]:
    """The ids from the top level down to a node, which are the same in every tree of a set."""
    return tuple(tree.ids[ancestor] for ancestor in tree.ancestors(node))
