"""Says of each category that changed what was done with it, and what to look at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from prodcat.classifier.migration.learning import LearnedShares
from prodcat.classifier.migration.metrics import ComparedAnswers
from prodcat.classifier.migration.outcomes import OutcomePlan, SharedOutcome
from prodcat.classifier.migration.report import (
    ADDED_UP,
    BELOW,
    BY_NAMES,
    DROPPED,
    IN_PROPORTION,
    KEPT,
    LEARNED,
    NOTHING,
    MigratedCategory,
)
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.change import TreeChange
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.paths import join_path

_FEWEST = 10  # titles of a part from which its share is sure


def categories_of(
    changes: TreeChanges, plan: OutcomePlan, learned: LearnedShares, counts: Ints
) -> tuple[MigratedCategory, ...]:
    """What was done with each category that changed, those added last.

    Args:
        changes: What has become of each node.
        plan: What becomes of each outcome.
        learned: What was learned from titles.
        counts: int64 [old nodes]: the number of titles that the classifier has learned of each.
    """
    shared = {share.old: share for share in plan.shared}
    rows = []
    for node, change in enumerate(changes.rows):
        position = int(plan.old.outcome_positions[node])
        share = shared.get(position) if position >= 0 else None
        if change.kind == "same" and share is None:
            continue
        action, titles, remark = _of_old(plan, node, share, learned)
        if change.kind == "dropped" and counts[node]:
            remark = (
                f"the classifier has learned {counts[node]:,} titles of it; such titles now get "
                "another category, and with too much confidence"
            )
        rows.append(_row(change, action, titles, int(counts[node]), remark))
    for change in changes.added:
        outcome = int(plan.new.outcome_positions[plan.new.node(change.new_ids[0])])
        titles = int(learned.titles[outcome]) if outcome >= 0 else 0
        if outcome < 0:
            rows.append(_row(change, BELOW, 0, 0, ""))
        elif outcome not in plan.added:  # a part of what was shared out, whose row says the rest
            rows.append(_row(change, LEARNED if titles else BY_NAMES, titles, 0, ""))
        elif outcome in learned.added:
            remark = "" if titles >= _FEWEST else f"it was learned from {titles:,} titles only"
            rows.append(_row(change, LEARNED, titles, 0, remark))
        else:
            remark = "no titles of it were given, so it is never an answer; give some"
            rows.append(_row(change, NOTHING, 0, 0, remark))
    return tuple(rows)


def with_taken(
    categories: Sequence[MigratedCategory], plan: OutcomePlan, answers: ComparedAnswers
) -> tuple[MigratedCategory, ...]:
    """The same categories, of which added ones say how many titles of others they take.

    Args:
        categories: What was done with each category that changed.
        plan: What becomes of each outcome.
        answers: The answers to titles of categories that were there before.
    """
    told = []
    for row in categories:
        taken = 0
        if row.kind == "added":
            outcome = int(plan.new.outcome_positions[plan.new.node(row.new_ids[0])])
            taken = answers.taken(outcome) if outcome in plan.added else 0
        if taken:
            remark = (
                f"it takes {taken:,} of {len(answers.labels):,} given titles of other categories; "
                "give more titles of these"
            )
            look_at = "; ".join(text for text in (row.look_at, remark) if text)
            row = replace(row, taken=taken, sure=False, look_at=look_at)
        told.append(row)
    return tuple(told)


def _of_old(
    plan: OutcomePlan, node: int, share: SharedOutcome | None, learned: LearnedShares
) -> tuple[str, int, str]:
    """What was done with an old category, the titles that it was learned from, and a remark."""
    if share is not None and not share.scored:
        target = join_path(plan.new.paths[plan.targets[node][0]])
        return IN_PROPORTION, 0, (
            f"no product ends at {target!r}, so its probability goes to the categories below, in "
            "proportion to theirs; map it to one of these if you can"
        )  # fmt: skip
    if share is not None:
        titles = learned.titles[list(share.new)]
        scarce = [place for place, count in zip(share.new, titles, strict=True) if count < _FEWEST]
        total = int(titles.sum())
        remark = ""
        if scarce:
            named = [repr(plan.new.names[int(plan.new.outcomes[place])]) for place in scarce[:3]]
            more = f" and {len(scarce) - 3:,} others" if len(scarce) > 3 else ""
            remark = (
                f"there are fewer than {_FEWEST} titles of {', '.join(named)}{more}, so the parts "
                "are unsure; give titles"
            )
        return (LEARNED if total else BY_NAMES), total, remark
    targets = plan.targets[node]
    if not targets:
        return DROPPED, 0, ""
    position = int(plan.old.outcome_positions[node])
    if position >= 0 and len(targets) == 1:
        outcome = int(plan.new.outcome_positions[targets[0]])
        merged = outcome >= 0 and len(plan.sources[outcome]) > 1
        return (ADDED_UP if merged else KEPT), 0, ""
    return KEPT, 0, ""


def _row(
    change: TreeChange, action: str, titles: int, before: int, remark: str
) -> MigratedCategory:
    unsure = "" if change.sure else f"the table is not sure of it ({change.confidence:.2f})"
    remarks = "; ".join(text for text in (remark, unsure) if text)
    return MigratedCategory(
        change.kind,
        change.old_id,
        change.old_path,
        change.new_ids,
        change.new_paths,
        action,
        titles,
        before,
        not remarks,
        remarks,
    )


def carried_counts(plan: OutcomePlan, learned: LearnedShares, counts: Ints) -> Ints:
    """The number of titles learned of each new node, int64 [new nodes].

    Titles of a split category count at the nearest node above all its parts, as it is not known of
    which part each was; those of a dropped one count nowhere.

    Args:
        plan: What becomes of each outcome.
        learned: What was learned from titles.
        counts: int64 [old nodes]: the same for the old nodes.
    """
    new = np.zeros(len(plan.new), np.int64)
    for node, targets in enumerate(plan.targets):
        if not targets:
            continue
        chains = plan.new.chains[list(targets)]
        shared = np.flatnonzero((chains == chains[0]).all(axis=0) & (chains[0] >= 0))
        if len(shared):
            new[chains[0, shared[-1]]] += counts[node]
    new[plan.new.outcomes] += learned.titles
    return new
