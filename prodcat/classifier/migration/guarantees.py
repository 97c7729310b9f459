r"""What of a guarantee still holds after a migration.

A guarantee was measured on answers of the old tree.  Let each old outcome become one new outcome.

- *Renamed and moved.*  Probabilities, answers and whole paths that are right are the same, so
  ``max_error`` holds as before.  For ``guarantee``, answers become coarser node by node; where a
  category moved, the nodes above it are others, with other probabilities, so it no longer holds.
- *Merged.*  Answers with a guarantee are chosen before probabilities are added, and then named as
  in the new tree: the same titles are answered, and what was right is right.  So the share of wrong
  answers cannot rise.  ``guarantee`` holds too if the nodes above are the same.
- Answers that were chosen by another objective than the most likely path depend on the shape of the
  tree, so their guarantee holds only if names alone changed.
- Where an outcome was split, dropped or added, nothing is known of the new answers.
"""

from collections import defaultdict
from dataclasses import replace

from prodcat.classifier.migration.outcomes import OutcomePlan
from prodcat.decisions.guarantee import DEPARTMENT, POOLED, Guarantee
from prodcat.decisions.objectives import MostLikelyPath

KEPT, IN_PART, LOST, NONE = "kept", "kept for max_error", "dropped", "none"


def kept_guarantee(
    guarantee: Guarantee | None, plan: OutcomePlan
) -> tuple[Guarantee | None, str, str]:
    """What remains of a guarantee.

    Args:
        guarantee: The guarantee before, or None.
        plan: What becomes of each outcome.

    Returns:
        The guarantee after, or None; ``KEPT``, ``IN_PART``, ``LOST`` or ``NONE``; and why.
    """
    if guarantee is None:
        return None, NONE, "the classifier had none"
    reason = _reason_against(guarantee, plan)
    if reason:
        return None, LOST, f"{reason}; measure it again with with_guarantee()"
    kept = replace(guarantee, tree_hash=plan.new.hash)
    if guarantee.group_by == DEPARTMENT:
        ids = _department_ids(plan)
        names = tuple(name if name == POOLED else ids[name] for name in guarantee.names)
        kept = replace(kept, names=names, pooled=tuple(ids[name] for name in guarantee.pooled))
    state = IN_PART if kept.whole_paths else KEPT  # of an earlier change
    if plan.only_renames:
        return kept, state, "only names changed"
    merged = any(len(sources) > 1 for sources in plan.sources)
    how = (
        "merging can only make wrong answers right" if merged else "all probabilities are the same"
    )
    if _same_above(plan):
        return kept, state, how
    return (
        replace(kept, whole_paths=True),
        IN_PART,
        f"{how}, but coarser answers, which guarantee= gives, are others as categories moved; "
        "measure it again with with_guarantee() to use guarantee=",
    )


def _reason_against(guarantee: Guarantee, plan: OutcomePlan) -> str:
    """Why a guarantee no longer holds at all; empty if it does."""
    counts = {
        "split": len(plan.shared), "dropped": len(plan.dropped), "added": len(plan.added),
    }  # fmt: skip
    changed = [f"{count:,} {kind}" for kind, count in counts.items() if count]
    if changed:
        return f"of the categories of products, {' and '.join(changed)}"
    if plan.only_renames:
        return ""
    if not isinstance(guarantee.objective, MostLikelyPath):
        return f"answers of {guarantee.objective!r} depend on the shape of the tree, which changed"
    if guarantee.group_by == DEPARTMENT and not _same_departments(plan):
        return "it is by department, and categories have come into another one"
    return ""


def _same_departments(plan: OutcomePlan) -> bool:
    """Whether each old department, with all its outcomes, is one new department."""
    tops: dict[int, set[int]] = defaultdict(set)
    for new, sources in enumerate(plan.sources):
        department = int(plan.new.chains[plan.new.outcomes[new], 0])
        for old in sources:
            tops[int(plan.old.chains[plan.old.outcomes[old], 0])].add(department)
    departments = [top for of_top in tops.values() for top in of_top]
    return len(set(departments)) == len(departments) == len(tops)


def _department_ids(plan: OutcomePlan) -> dict[str, str]:
    """The new id of each old department, by its old id."""
    ids: dict[str, str] = {}
    for new, sources in enumerate(plan.sources):
        department = plan.new.ids[int(plan.new.chains[plan.new.outcomes[new], 0])]
        for old in sources:
            ids[plan.old.ids[int(plan.old.chains[plan.old.outcomes[old], 0])]] = department
    return ids


def _same_above(plan: OutcomePlan) -> bool:
    """Whether the path to what each node has become is what the nodes of its path have become.

    Inner nodes must not be merged with each other either, as then more products are below one.
    """
    became = [nodes[0] if len(nodes) == 1 else None for nodes in plan.targets]
    tops: dict[int, list[int]] = defaultdict(list)
    for node, target in enumerate(became):
        above = int(plan.old.parent[node])
        before = became[above] if above >= 0 else -1
        if target is None or before is None:
            return False
        if target != before:
            if int(plan.new.parent[target]) != before:
                return False
            tops[target].append(node)
    return all(
        len(nodes) == 1
        or not (plan.new.children(target) or any(plan.old.children(node) for node in nodes))
        for target, nodes in tops.items()
    )
