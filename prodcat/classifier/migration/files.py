"""Writes the changes of a classifier's tree to its artifact, and reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prodcat.classifier.migration.migrations import Migration, Migrations
from prodcat.classifier.migration.report import MigrationReport
from prodcat.classifier.migration.title_scores import TitleScores
from prodcat.decisions.weights import Weights
from prodcat.errors import ArtifactError
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import NGrams, checked_version
from prodcat.model.outcome_map import OutcomeMap
from prodcat.model.path_model import PathModel
from prodcat.storage.artifact import Artifact
from prodcat.storage.document import json_text
from prodcat.storage.manifest import MIGRATIONS
from prodcat.taxonomy.tree import Taxonomy

_DAMAGED = KeyError, TypeError, ValueError, AttributeError, IndexError
_LEXICAL = ("offsets", "columns", "values", "bias")


def document_of(migrations: Migrations) -> bytes:
    """The file ``migrations.json``: for each change the tree before, and what was done."""
    steps = [
        {
            "nodes": step.tree.to_table(),
            "report": step.report.to_dict(),
            "drops": step.outcome_map.drops,
            "unmerged": step.unmerged,
            "ngrams": None if step.scores is None else _settings(step.scores.ngrams),
        }
        for step in migrations.steps
    ]
    return json_text(steps, indent=0).encode()


def tensors_of(migrations: Migrations | None) -> dict[str, Tensor]:
    """The tensors of all changes, whose names begin with the number of the change."""
    return {
        f"{number}.{name}": tensor
        for number, step in enumerate(() if migrations is None else migrations.steps)
        for name, tensor in _tensors(step).items()
    }


def card_of(migrations: Sequence[MigrationReport]) -> str:
    """The paragraph of an artifact's card about changes of the tree; empty if there were none."""
    if not migrations:
        return ""
    reports = "\n\n".join(f"```\n{report}\n```" for report in migrations)
    return f"## Changes of the tree since the training\n\n{reports}\n\n"


def _settings(ngrams: NGrams) -> dict[str, Any]:
    return {"characters": list(ngrams.characters), "version": ngrams.version}


def _tensors(step: Migration) -> dict[str, Tensor]:
    named = {f"map.{name}": tensor for name, tensor in step.outcome_map.tensors().items()}
    named["nodes"] = torch.from_numpy(step.nodes)
    if step.scores is not None:
        ngrams = step.scores.ngrams
        hashes = torch.from_numpy(ngrams.hashes.view(np.int64))
        lexical = step.scores.lexical.state_dict()
        scores = {"hashes": hashes, "idf": torch.from_numpy(ngrams.idf), **lexical}
        named.update({f"scores.{name}": tensor for name, tensor in scores.items()})
    if step.weights is not None:
        weights = step.weights.tensors()
        named.update({f"weights.{name}": tensor for name, tensor in weights.items()})
    return named


def read_trees(artifact: Artifact, tree: Taxonomy) -> list[Taxonomy]:
    """Read the trees before each change from an artifact, and add the tree after all changes.

    Args:
        artifact: The artifact.
        tree: The tree after all changes.

    Raises:
        ArtifactError: They are damaged.
        TaxonomyError: A tree is damaged.
    """
    if MIGRATIONS not in artifact.files:
        return [tree]
    steps = artifact.document(MIGRATIONS)
    try:
        return [*(Taxonomy.from_table(list(step["nodes"])) for step in steps), tree]
    except _DAMAGED as error:
        raise _damaged(artifact, error) from error


def read_migrations(
    artifact: Artifact,
    tensors: Mapping[str, Tensor],
    trees: list[Taxonomy],
    device: torch.device,
) -> Migrations | None:
    """Read the changes of the tree from an artifact.

    Args:
        artifact: The artifact.
        tensors: What :func:`tensors_of` returned.
        trees: What :func:`read_trees` returned.
        device: The device to put the maps on.

    Returns:
        The changes; None if there are none.

    Raises:
        ArtifactError: They are damaged, or do not fit the trees.
    """
    if len(trees) == 1:
        return None
    document = artifact.document(MIGRATIONS)
    try:
        steps = tuple(
            _step(step, _of_step(tensors, number), trees[number], trees[number + 1])
            for number, step in enumerate(document)
        )
    except _DAMAGED as error:
        raise _damaged(artifact, error) from error
    migrations = Migrations(steps)
    return migrations if device.type == "cpu" else migrations.to(device)


def _damaged(artifact: Artifact, error: Exception) -> ArtifactError:
    return ArtifactError(
        f"The changes of the tree in the artifact at {artifact.uri!r} are not as prodcat writes "
        f"them: {error}. Save the classifier again."
    )


def _of_step(tensors: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    start = f"{number}."
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


def _step(
    values: Mapping[str, Any], tensors: Mapping[str, Tensor], before: Taxonomy, after: Taxonomy
) -> Migration:
    groups: dict[str, dict[str, Tensor]] = {"map": {}, "scores": {}, "weights": {}, "nodes": {}}
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        groups[group][rest] = tensor
    nodes, scores = tensors["nodes"], None
    if nodes.dtype != torch.int64 or tuple(nodes.shape) != (len(after),) or bool(
        nodes.min() < -1 or nodes.max() >= len(before)
    ):  # fmt: skip
        raise ValueError("the nodes before do not fit the trees")
    if groups["scores"]:
        scores = _scores(values["ngrams"], groups["scores"])
    weights = Weights.of(groups["weights"]) if groups["weights"] else None
    if weights is not None and not weights.fits(after.depth):
        raise ValueError("a calibration does not fit the tree")
    outcomes = len(before.outcomes), len(after.outcomes)
    columns = 0 if scores is None else scores.columns
    return Migration(
        tree=before,
        paths=PathModel(after),
        nodes=nodes.numpy(),
        outcome_map=OutcomeMap.of(groups["map"], outcomes, columns, values["drops"] is True),
        report=MigrationReport.from_dict(values["report"]),
        scores=scores,
        weights=weights,
        unmerged=values["unmerged"] is True,
    )


def _scores(settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TitleScores:
    hashes, idf = tensors["hashes"].numpy().view(np.uint64), tensors["idf"].numpy()
    first, last = settings["characters"]
    characters = int(first), int(last)
    if not 2 <= characters[0] <= characters[1] <= 8 or idf.dtype != np.float32:
        raise ValueError("the n-grams have other settings")
    ngrams = NGrams(hashes, idf, characters, checked_version(settings["version"]))
    lexical = LexicalBranch(*(tensors[name] for name in _LEXICAL))
    if len(idf) != len(hashes) or not lexical.fits(len(hashes), len(lexical.bias)):
        raise ValueError("the n-grams contradict each other")
    return TitleScores(ngrams, lexical)
