"""How often categories are found again in another version of a tree."""

import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.trees.simulate import Simulated, change

if TYPE_CHECKING:
    from prodcat import Taxonomy
    from prodcat.taxonomy.changes.changes import TreeChanges

VERSIONS = "shopify-2022-02-to-2025-01"
SETS = {
    "shopify en": ("taxonomy-shopify/en.jsonl.gz", "name"),
    "shopify de": ("taxonomy-shopify/de.jsonl.gz", "name"),
    "shopify tr": ("taxonomy-shopify/tr.jsonl.gz", "name"),
    "food en": ("taxonomy-open-food-facts/en.jsonl.gz", "name"),
    "food fr": ("taxonomy-open-food-facts/fr.jsonl.gz", "name"),
    "food nl": ("taxonomy-open-food-facts/nl.jsonl.gz", "name"),
    "coicop en": ("taxonomy-coicop/nodes.jsonl.gz", "name_en"),
    "coicop fr": ("taxonomy-coicop/nodes.jsonl.gz", "name_fr"),
}
SEEDS = (11, 12, 13)
MOST_NODES = 2_500
ADDED = 0.5  # new categories for each old one
BINS = 10


def compare_versions(options: Options) -> Row:
    """Two published versions with their published map, by names and paths alone."""
    old, new, targets = published_pair(options)
    changed = [
        node
        for node, right in enumerate(targets)
        if right is not None and old.paths[node] not in {new.paths[n] for n in right}
    ]
    changes = old.diff(new, ids="ignore")
    return {"set": "two published versions", **judged(changes, old, new, targets, changed)}


def published_pair(options: Options) -> "tuple[Taxonomy, Taxonomy, list[set[int] | None]]":
    """Two published versions, and what each old node has become; None if not published."""
    from prodcat import Taxonomy

    folder = options.data / "tree-versions"
    old_rows, new_rows, mapped = (
        _lines(folder / f"{name}.jsonl.gz")
        for name in ("shopify-2022-02", "shopify-2025-01", VERSIONS)
    )
    old = Taxonomy.from_paths([row["path"] for row in old_rows])
    new = Taxonomy.from_paths([row["path"] for row in new_rows])
    new_path = {row["id"]: row["path"] for row in new_rows}
    published = {row["old"]: new.find(new_path[row["new"][0]]) for row in mapped}
    targets: list[set[int] | None] = [None] * len(old)
    for row in old_rows:
        targets[old.find(row["path"])] = {published[row["id"]]}
    return old, new, targets


def compare_simulated(options: Options, name: str) -> Row:
    """A tree and its versions with simulated changes, without ids."""
    counts: list[Row] = []
    for seed in SEEDS[: 1 if options.quick else None]:
        simulated = simulated_pair(options, name, seed, ADDED)
        targets = [right or {-1} for right in simulated.targets]
        changed = [node for node, kind in enumerate(simulated.kinds) if kind != "same"]
        changes = simulated.old.diff(simulated.new, ids="ignore")
        counts.append(judged(changes, simulated.old, simulated.new, targets, changed))
    return {"set": name, **{key: _sum([row[key] for row in counts]) for key in counts[0]}}


def simulated_pair(options: Options, name: str, seed: int, added: float) -> Simulated:
    """Part of a tree, and its version with simulated changes; ``added`` new nodes for each old."""
    file, column = SETS[name]
    tree = _tree(options.data / file, column)
    return _without_ids(change(_part(tree, seed), seed, adds=added))


def judged(
    changes: "TreeChanges",
    old: "Taxonomy",
    new: "Taxonomy",
    targets: "Sequence[set[int] | None]",
    changed: list[int],
) -> Row:
    """Counts of right and sure answers, of all categories and of those with a change.

    A category is right if the likeliest target is one of the true ones.

    Args:
        changes: What was found.
        old: The old tree.
        new: The new tree.
        targets: The true nodes of each old node, -1 for nothing; None if the truth is not known.
        changed: The old nodes with a change.
    """
    place = {key: node for node, key in enumerate(new.ids)}
    first = [place[row.new_ids[0]] if row.new_ids else -1 for row in changes.rows]
    known = [node for node, right in enumerate(targets) if right is not None]
    right = {node: first[node] in (targets[node] or ()) for node in known}
    sure = {node for node in changed if changes.rows[node].sure}
    rule = by_rule(old, new)
    bins = [[0, 0.0, 0] for _ in range(BINS)]
    for node in changed:
        confidence = changes.rows[node].confidence
        each = bins[min(BINS - 1, int(confidence * BINS))]
        each[0] += 1
        each[1] += confidence
        each[2] += right[node]
    return {
        "all": len(known),
        "all right": sum(right.values()),
        "changed": len(changed),
        "changed right": sum(right[node] for node in changed),
        "rule right": sum(rule[node] in (targets[node] or ()) for node in changed),
        "sure": len(sure),
        "sure right": sum(right[node] for node in sure),
        "bins": np.array(bins).tolist(),
    }


def by_rule(old: "Taxonomy", new: "Taxonomy") -> list[int]:
    """The node with the same path, or the only one with the name, or what the parent became."""
    names: dict[str, list[int]] = {}
    for node, name in enumerate(new.names):
        names.setdefault(name, []).append(node)
    found: list[int] = []
    for node, path in enumerate(old.paths):
        same, named = new.get(path), names.get(old.names[node], [])
        above = int(old.parent[node])
        nearest = found[above] if above >= 0 else -1
        found.append(same if same is not None else named[0] if len(named) == 1 else nearest)
    return found


def time_large_trees(options: Options) -> Row:
    """Seconds of the processor, and memory, for two trees of 10,000 nodes."""
    from prodcat import Taxonomy

    tree = _tree(options.data / SETS["shopify en"][0], "name")
    rows: Row = {}
    below = [("All", *path) for path in tree.paths]
    other = Taxonomy.from_paths(_tree(options.data / SETS["shopify de"][0], "name").paths)
    old = Taxonomy.from_paths(tree.paths)
    for name, new in {
        "a new node above all others": Taxonomy.from_paths(below),
        "the same tree in another language": other,
    }.items():
        began = time.process_time()
        old.diff(new, ids="ignore")
        rows[name] = time.process_time() - began
    return {"seconds": rows, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def _without_ids(simulated: Simulated) -> Simulated:
    """The same trees with paths as ids; nodes keep their order."""
    import dataclasses

    from prodcat import Taxonomy

    old, new = (Taxonomy.from_paths(tree.paths) for tree in (simulated.old, simulated.new))
    assert old.paths == simulated.old.paths and new.paths == simulated.new.paths
    return dataclasses.replace(simulated, old=old, new=new)


def _part(tree: "Taxonomy", seed: int) -> "Taxonomy":
    """Some departments of a tree, chosen by chance, with about as many nodes as asked for."""
    from prodcat import Taxonomy

    tops = np.random.default_rng(seed).permutation(tree.children(-1)).tolist()
    kept: set[int] = set()
    for top in tops:
        below = np.flatnonzero(tree.chains[:, 0] == top).tolist()
        if not kept or len(kept) + len(below) <= MOST_NODES:
            kept.update(below)
    return Taxonomy.from_table([row for n, row in enumerate(tree.to_table()) if n in kept])


def _tree(file: Path, column: str) -> "Taxonomy":
    """A tree of a file; nodes without a name in the language go, and their children go up."""
    from prodcat import Taxonomy, read_taxonomy

    if column == "name":
        return read_taxonomy(str(file), same_names="id")
    rows = {row["id"]: row for row in _lines(file)}
    named = {key for key, row in rows.items() if (row[column] or "").strip()}
    seen: set[tuple[str | None, str]] = set()
    table = []
    for key in rows:
        above = rows[key]["parent"]
        while above and above not in named:
            above = rows[above]["parent"] if above in rows else None
        if key in named:
            name = rows[key][column].strip()
            name = f"{name} ({key})" if (above, name) in seen else name
            seen.add((above, name))
            table.append({"id": key, "parent": above, "name": name})
    return Taxonomy.from_table(table)


def _lines(file: Path) -> list[Row]:
    import gzip

    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _sum(values: list[object]) -> object:
    return np.sum(np.array(values), axis=0).tolist()
