"""The list of suspicious labels on the page of an audit, which a person accepts or rejects."""

import hashlib
import json
from typing import Any

import numpy as np

from prodcat.catalog.text import readable
from prodcat.insight.arrays import Ints
from prodcat.insight.audit.audited_labels import AuditedLabels
from prodcat.insight.queue import QueueItem
from prodcat.storage.containers import is_missing
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.notebook import free_columns
from prodcat.taxonomy.paths import join_path

_CLEAR, _CHECKED, _CONFLICT = 1, 2, 4
_EXPORTED = ("row_number", "title", "path", "path_ids", "decision", "label", "suggestion")


def worklist_data(audit: AuditedLabels) -> dict[str, Any]:
    """All suspicious labels as columns for ``worklist.js``.

    Args:
        audit: The audit.

    Returns:
        ``rows`` (row numbers from 1), ``titles``, ``kept`` (a list for each column of ``names``,
        that of the id first), ``labels`` and ``suggestions`` (positions in ``nodes``), ``p`` and
        ``s`` (their probabilities) and ``flags`` (1 for contradicted, 2 for checked, 4 for a
        conflict, added up) have one value for each label, in the order of :meth:`Audit.table`.
        ``nodes``, ``lines`` and ``ids`` are the paths of the categories as names, as text and as
        ids.  ``exported`` has the names of the columns in files with decisions, and ``key`` the
        name under which a browser keeps them.
    """
    catalog, tree = audit.catalog, audit.catalog.tree
    order = audit.suspicious
    rows = audit.rows[order]
    labels, suggestions = catalog.targets[rows], audit.probabilities.best[order]
    used, places = np.unique(np.concatenate([labels, suggestions]), return_inverse=True)
    names = kept_names(audit)
    data = {
        "names": names,
        "kept": [[_cell(catalog.columns[name][row]) for row in rows.tolist()] for name in names],
        "rows": [number + 1 for number in catalog.rows[rows].tolist()],
        "titles": [readable(catalog.titles[row]) for row in rows.tolist()],
        "labels": places[: len(order)].tolist(),
        "suggestions": places[len(order) :].tolist(),
        "p": audit.probabilities.levels[order, -1].round(6).tolist(),
        "s": audit.probabilities.sure[order].round(6).tolist(),
        "flags": _flags(audit, order),
        "nodes": [tree.paths[node] for node in used.tolist()],
        "lines": [join_path(tree.paths[node]) for node in used.tolist()],
        "ids": [[tree.ids[above] for above in tree.ancestors(node)] for node in used.tolist()],
        "exported": _exported_names(names),
    }
    digest = hashlib.sha256(
        json.dumps(data, sort_keys=True, default=str).encode("utf-8", "replace")
    )
    return {**data, "key": f"prodcat-audit-{digest.hexdigest()[:16]}"}


def kept_names(audit: AuditedLabels) -> list[str]:
    """The names of the columns that were kept, that of the id first."""
    return sorted(audit.catalog.columns, key=lambda name: name != audit.id_column)


def _cell(value: object) -> str:
    return "" if is_missing(value) else readable(cell_text(value))


def _flags(audit: AuditedLabels, order: Ints) -> list[int]:
    conflicts = np.array(list(audit.conflict_of_row), np.int64)
    flags = _CLEAR * audit.contradicted[order] + _CHECKED * audit.checked[order]
    listed: list[int] = (flags + _CONFLICT * np.isin(audit.rows[order], conflicts)).tolist()
    return listed


def _exported_names(names: list[str]) -> dict[str, str]:
    """The name of each column of prodcat in a file with decisions, by its usual name."""
    free = free_columns(dict.fromkeys(names), dict.fromkeys(_EXPORTED))
    return dict(zip(_EXPORTED, list(free)[len(names) :], strict=True))


def review_items(audit: AuditedLabels, most: int | None = None) -> list[QueueItem]:
    """The contradicted labels as a queue for ``prodcat review``, which offers every category.

    Args:
        audit: The audit.
        most: The largest number of labels; by default the number of contradicted labels.

    Returns:
        For each label an item whose first answer is the suggestion and the second one the label.
        Its weight and its gain are the probability of the suggestion.
    """
    catalog, tree = audit.catalog, audit.catalog.tree
    items = []
    for number, problem in enumerate(audit.problems(most)):
        answers = [
            {"id": tree.ids[tree.find(path)], "path": list(path), "confidence": round(sure, 6)}
            for path, sure in (
                (problem.suggestion, problem.suggested),
                (problem.label, problem.probability),
            )
        ]
        items.append(
            QueueItem(
                item=number,
                row=int(catalog.rows[problem.row]),
                title=readable(problem.title),
                answers=answers,
                neighbours=[],
                weight=problem.suggested,
                gain=problem.suggested,
                columns={name: catalog.columns[name][problem.row] for name in kept_names(audit)},
            )
        )
    return items
