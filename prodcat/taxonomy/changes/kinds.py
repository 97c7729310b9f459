"""The kind of change of each old node, and the reason in words, by its targets."""

from collections import defaultdict
from collections.abc import Sequence

from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.words import words_of
from prodcat.taxonomy.paths import join_path

KINDS = ("same", "renamed", "moved", "renamed and moved", "merged", "split", "dropped")
ADDED = "added"
Targets = Sequence[tuple[int, ...]]


def kinds_of(old: Tree, new: Tree, targets: Targets) -> list[str]:
    """The kind of change of each old node.

    Args:
        old: The old tree.
        new: The new tree.
        targets: The new nodes that each old node has become.
    """
    owners = owners_of(old, new, targets)
    kinds = []
    for node, nodes in enumerate(targets):
        if not nodes:
            kinds.append("dropped")
        elif len(nodes) > 1:
            kinds.append("split")
        elif owners.get(nodes[0]) != node:
            kinds.append("merged")
        else:
            renamed = old.names[node] != new.names[nodes[0]]
            above = int(old.parent[node])
            expected = targets[above] if above >= 0 else (-1,)
            moved = int(new.parent[nodes[0]]) not in expected
            kinds.append(_KIND_OF[renamed, moved])
    return kinds


_KIND_OF = {
    (False, False): "same", (True, False): "renamed", (False, True): "moved",
    (True, True): "renamed and moved",
}  # fmt: skip


def owners_of(old: Tree, new: Tree, targets: Targets) -> dict[int, int]:
    """The old node that each new node continues; all others with this target are merged into it.

    Of several old nodes with one target, it is the one with the target's path, or with its name, or
    the one above all others.  New nodes into which equal ones are merged continue none.
    """
    sources: dict[int, list[int]] = defaultdict(list)
    for node, nodes in enumerate(targets):
        for target in nodes if len(nodes) == 1 else ():
            sources[target].append(node)
    owners: dict[int, int] = {}
    for target, merged in sources.items():
        alike = [n for n in merged if _same_words(old.names[n], new.names[target])]
        first = min(merged, key=lambda n: (old.level[n], n))
        is_above = all(first in old.ancestors(other) for other in merged)
        same_path = [n for n in merged if old.paths[n] == new.paths[target]]
        for owner in (merged, same_path, alike, [first] if is_above else []):
            if len(owner) == 1:
                owners[target] = owner[0]
                break
    return owners


def _same_words(one: str, other: str) -> bool:
    return words_of(one) == words_of(other)


def reason_of(
    node: int, kind: str, old: Tree, new: Tree, targets: Targets, *, has_same_id: bool
) -> str:
    """Why a node is said to have become its targets, in words.

    Args:
        node: The old node.
        kind: The kind of its change.
        old: The old tree.
        new: The new tree.
        targets: The new nodes of all old nodes.
        has_same_id: Whether the target was found by its id.
    """
    if kind == "dropped":
        return "nothing in the new tree is like it"
    if kind == "split":
        return f"its words or its children are spread over {len(targets[node])} categories"
    target, above = targets[node][0], int(old.parent[node])
    if old.paths[node] == new.paths[target]:
        return "same path"
    if has_same_id:
        return "same id"
    alike = _same_words(old.names[node], new.names[target])
    if kind == "merged":
        return _reason_of_merge(node, target, old, new, targets)
    if kind == "same":
        return f"same name below {_shown(new, int(new.parent[target]))}, which its parent became"
    if alike:
        spelled = "same name" if kind == "moved" else "same name in another spelling"
        where = "elsewhere" if "moved" in kind else "in the same place"
        return f"{spelled}, {where}"
    shared = set(words_of(old.names[node])) & set(words_of(new.names[target]))
    place = "the same parent" if "moved" not in kind and above >= 0 else "the trees"
    if shared:
        return f"similar name: both have {', '.join(sorted(shared))}"
    if any(int(new.parent[t]) == target for c in old.children(node) for t in targets[c]):
        return "another name, but its children are there"
    return f"another name, but the likeliest of what is new in {place}"


def _reason_of_merge(node: int, target: int, old: Tree, new: Tree, targets: Targets) -> str:
    above = int(old.parent[node])
    if above >= 0 and target in targets[above]:
        return "has no successor of its own; this is the nearest category above it that remains"
    shared = set(words_of(old.names[node])) & set(words_of(new.names[target]))
    if shared:
        return f"joins others in a category with a similar name: both have {_listed(shared)}"
    return "joins others in the likeliest category"


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words))


def _shown(tree: Tree, node: int) -> str:
    return repr(join_path(tree.paths[node])) if node >= 0 else "the top"
