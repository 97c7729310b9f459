"""Whether drift is told where something changed, and only there."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import frozen_sets
from benchmarks.insight.catalogs import fit_ngrams, known_rows, unlabelled
from benchmarks.jobs import Options
from benchmarks.reporting import Row

SPLITS = 200
PLANTED = 40
LEVEL = 0.05


def changed_half(
    kind: str, department: NDArray[np.int64], titles: list[str], number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Rows before and after, and the department in which something was changed.

    Args:
        kind: ``"nothing"``, ``"shares"`` (the department's titles are more frequent) or
            ``"titles"`` (they have other words).
        department: The department of each row.
        titles: The title of each row, which is changed in place.
        number: Of the split.
    """
    rng = np.random.default_rng([number, 1])
    order = rng.permutation(len(titles))
    first, second = order[:1_500], order[1_500:]
    names, counts = np.unique(department[second], return_counts=True)
    top = int(rng.choice(names[counts >= 0.05 * len(second)]))
    if kind == "shares":
        weight = np.where(department[second] == top, 2.5, 1.0)
        second = rng.choice(second, 1_000, replace=False, p=weight / weight.sum())
    else:
        second = second[:1_000] if kind != "nothing" else second[:1_500]
    if kind == "titles":
        for row in second[department[second] == top].tolist():
            titles[row] = f"{titles[row]} bio 250g"
    return first, second, top


def plant_drift(options: Options, kind: str) -> list[Row]:
    """Alarms where nothing changed, or where one thing did."""
    from prodcat.insight.drift import find_drift

    train, validation, test = frozen_sets.read(options.data, "food-terms", "all")
    classifier = fit_ngrams(train)  # which has not seen the validation rows
    tree = classifier.taxonomy
    test, truth = known_rows(test, tree)
    answered = classifier.predict_proba(test).argmax(axis=1)
    right = tree.outcomes[answered] == truth
    labelled = validation.take(validation.labelled)
    rows = []
    for number in range(SPLITS if kind == "nothing" else PLANTED):
        titles = list(test.titles)
        first, second, top = changed_half(kind, tree.chains[truth, 0], titles, number)
        catalog = dataclasses.replace(unlabelled(test), titles=tuple(titles))
        drift = find_drift(
            catalog.take(first), catalog.take(second), classifier, labelled=labelled, level=LEVEL,
            seed=number,
        )  # fmt: skip
        accuracy = drift.accuracy
        assert accuracy is not None
        true = float(right[second].mean())
        nodes = {alarm.node for alarm in drift.alarms if not alarm.doubtful}
        rows.append(
            {
                "kinds": list(drift.kinds), "alarms": len(drift.alarms),
                "at": any(node >= 0 and top in tree.ancestors(node) for node in nodes),
                "accuracy": [true, accuracy.value, accuracy.low, accuracy.high],
            }
        )  # fmt: skip
    return rows


def change_trees(options: Options) -> list[Row]:
    """Trees with nodes that were moved, renamed, added and removed."""
    import prodcat
    from prodcat.insight.drift import compare_trees

    train, _, _ = frozen_sets.read(options.data, "food-terms", "all")
    rows = train.tree.to_table()
    results = []
    for number in range(PLANTED):
        rng = np.random.default_rng(number)
        table: list[dict[str, Any]] = [dict(row) for row in rows]
        used = {row["parent"] for row in table}
        leaves = [place for place, row in enumerate(table) if row["id"] not in used]
        moved, renamed, gone, sibling = rng.choice(leaves, 4, replace=False).tolist()
        parents = [row["parent"] for place, row in enumerate(table) if place in leaves]
        parents = [parent for parent in parents if parent != table[moved]["parent"]]
        planted = {table[moved]["id"]: "moved", table[renamed]["id"]: "renamed"}
        planted |= {table[gone]["id"]: "gone", "new-node": "new"}
        table[moved]["parent"] = parents[int(rng.integers(len(parents)))]
        table[renamed]["name"] += " (new)"
        table.append({**table[sibling], "id": "new-node", "name": "new node"})
        del table[gone]
        changes = compare_trees(train.tree, prodcat.Taxonomy.from_table(table))
        results.append({"right": {change.node_id: change.kind for change in changes} == planted})
    return results
