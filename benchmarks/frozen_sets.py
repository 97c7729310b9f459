"""The frozen train, validation and test sets that several benchmarks read."""

from pathlib import Path

import numpy as np


def read(data: Path, name: str, language: str):
    """Train, validation and test catalogs over the training rows' tree, and test over all."""
    import prodcat

    ids = name == "food-terms"
    columns = {"path_ids": "path_ids", "language": "language"} if ids else {}
    kept = ["path", "language", *(["path_ids"] if ids else [])]
    parts = {}
    for part in ("train", "validation", "test"):
        rows = prodcat.read_catalog(str(data / name / f"{part}.jsonl.gz"), path=None, keep=kept)
        mine = np.array([language in ("all", own) for own in rows.columns["language"]])
        rows = rows.take(mine)
        parts[part] = {"title": list(rows.titles), **{k: list(rows.columns[k]) for k in kept}}
    train = prodcat.read_catalog(parts["train"], **columns)
    validation = prodcat.read_catalog(
        parts["validation"], taxonomy=train.tree, on_error="aside", **columns
    )
    whole = {column: parts["train"][column] + parts["test"][column] for column in parts["train"]}
    known = prodcat.read_catalog(whole, **columns)
    test = known.take(np.arange(len(train), len(known)))
    return train, validation, test


def fitted(options, name):
    """A classifier on multilingual-e5-small, saved in the work folder, and its test catalog."""
    import prodcat

    train, validation, test = read(options.data, name, "all")
    own = prodcat.fit(
        train,
        validation=validation,
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        device="cpu",
        progress=False,
    )
    own.save(str(options.work / "model"))
    return own, test


def chain(tree, node):
    return tuple(tree.ids[n] for n in tree.ancestors(node))
