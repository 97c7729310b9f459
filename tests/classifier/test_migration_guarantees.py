"""What is kept of a guarantee holds: title by title, answers are at least as right as before."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prodcat import HierarchicalF, MostLikelyPath, Taxonomy
from prodcat.classifier.migration.guarantees import IN_PART, KEPT, LOST, NONE, kept_guarantee
from prodcat.classifier.migration.outcomes import OutcomePlan
from prodcat.decisions.conformal import climb_scores
from prodcat.decisions.decoding import most_likely_paths
from prodcat.decisions.guarantee import DEPARTMENT, POOLED, Guarantee
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.changes.change import made_rows
from prodcat.taxonomy.changes.changes import TreeChanges

PATHS = [
    "a > x > 1",
    "a > x > 2",
    "a > x > 3",
    "a > y > 4",
    "a > y > 5",
    "b > z > 6",
    "b > z > 7",
    "c",
]


def plan_of(old, new, targets):
    """The plan of a table in which each old id has become these new ids."""
    place = {key: node for node, key in enumerate(new.ids)}
    nodes = [tuple(place[key] for key in targets(old_id)) for old_id in old.ids]
    size = len(old)
    rows = made_rows(old, new, nodes, [1.0] * size, [True] * size, [""] * size)
    return OutcomePlan.of(TreeChanges(*rows, old, new))


def a_guarantee(tree, objective=None, group_by=None, names=("",), pooled=()):
    return Guarantee(
        tree.hash, "", objective or MostLikelyPath(), np.zeros(4), np.ones(4), np.ones(4, bool),
        group_by, np.zeros(4, np.int64), names, pooled,
    )  # fmt: skip


def changed(tree, edit, remove=()):
    rows = [dict(row) for row in tree.to_table() if row["id"] not in remove]
    for row in rows:
        row.update(edit.get(row["id"], {}))
    return Taxonomy.from_table(rows)


OLD = Taxonomy.from_paths(PATHS)
CASES = {
    "names": ({"a": {"name": "A"}, "a > x > 1": {"name": "one"}}, {}, KEPT),
    "a move": ({"a > x > 1": {"parent": "b"}}, {}, IN_PART),
    "a merge below one parent": ({}, {"a > x > 1": ["a > x > 2"]}, KEPT),
    "a merge across parents": ({}, {"a > x > 1": ["b > z > 6"]}, IN_PART),
    "inner nodes merged": (
        {"a > x > 1": {"parent": "a > y"}, "a > x > 2": {"parent": "a > y"},
         "a > x > 3": {"parent": "a > y"}}, {"a > x": ["a > y"]}, IN_PART),
    "a merge upwards": ({"a > x": {"terminal": True}}, {"a > x > 1": ["a > x"]}, KEPT),
    "a split": ({}, {"c": ["b > z > 6", "b > z > 7"]}, LOST),
    "a drop": ({}, {"c": []}, LOST),
    "a part without a place": ({}, {"a > x > 1": ["a > x"]}, LOST),
}  # fmt: skip


def case(name):
    edit, targets, state = CASES[name]
    new = changed(OLD, edit, remove=targets)
    return new, plan_of(OLD, new, lambda key: targets.get(key, [key])), state


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept(name):
    new, plan, expected = case(name)
    kept, state, reason = kept_guarantee(a_guarantee(OLD), plan)
    assert state == expected and reason
    assert (kept is None) is (state == LOST)
    if kept is not None:
        kept.check(new)
        assert kept.whole_paths is (state == IN_PART)
        again, state, _ = kept_guarantee(kept, plan_of(new, new, lambda key: [key]))
        assert again.whole_paths is kept.whole_paths and (state == IN_PART) is kept.whole_paths


def test_an_added_category_ends_it_and_none_stays_none():
    new = Taxonomy.from_table([*OLD.to_table(), {"id": "d", "parent": None, "name": "d"}])
    plan = plan_of(OLD, new, lambda key: [key])
    assert kept_guarantee(a_guarantee(OLD), plan)[1] == LOST
    assert kept_guarantee(None, plan)[:2] == (None, NONE)


def test_another_objective_depends_on_the_shape():
    guarantee = a_guarantee(OLD, HierarchicalF(1.0))
    assert kept_guarantee(guarantee, case("names")[1])[1] == KEPT
    kept, state, reason = kept_guarantee(guarantee, case("a move")[1])
    assert (kept, state) == (None, LOST) and "shape of the tree" in reason


def test_departments_get_their_new_ids_or_end_it():
    new = Taxonomy.from_table(
        [{**row, "id": f"new {row['id']}", "parent": row["parent"] and f"new {row['parent']}"}
         for row in OLD.to_table()]
    )  # fmt: skip
    guarantee = a_guarantee(OLD, None, DEPARTMENT, (POOLED, "a", "b"), ("c",))
    kept, state, _ = kept_guarantee(guarantee, plan_of(OLD, new, lambda key: [f"new {key}"]))
    assert state == KEPT and kept.names == (POOLED, "new a", "new b") and kept.pooled == ("new c",)
    assert kept_guarantee(guarantee, case("a move")[1])[1] == LOST
    assert kept_guarantee(guarantee, case("a merge below one parent")[1])[1] == KEPT
    joined = plan_of(OLD, changed(OLD, {"b > z": {"parent": "a"}}, ["b"]),
                     lambda key: ["a"] if key == "b" else [key])  # fmt: skip
    assert kept_guarantee(guarantee, joined)[1] == LOST


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_title_by_title_answers_are_at_least_as_right(data):
    """Whole paths and, if all is kept, every coarser answer, for any titles and labels."""
    leaves = [OLD.ids[node] for node in OLD.outcomes.tolist()]
    targets, edit, goals = {}, {}, set()
    for key in leaves:
        way = data.draw(st.sampled_from(["same", "same", "merge", "move"]))
        others = [other for other in leaves if other != key and other not in targets]
        if way == "merge" and others and key not in goals:
            goal = data.draw(st.sampled_from(others))
            targets[key] = [goal]
            goals.add(goal)
        elif way == "move":
            edit[key] = {"parent": data.draw(st.sampled_from(["a", "b", "a > y"])), "name": key}
    new = changed(OLD, edit, remove=targets)
    plan = plan_of(OLD, new, lambda key: targets.get(key, [key]))
    _, state, _ = kept_guarantee(a_guarantee(OLD), plan)
    if state == LOST:  # a category has lost its last child, so that products end there now
        return
    log_probs = (torch.randn(40, len(leaves), generator=torch.Generator().manual_seed(
        data.draw(st.integers(0, 999)))) * 2).log_softmax(1)  # fmt: skip
    truth = np.random.default_rng(0).choice(OLD.outcomes, 40)
    before = most_likely_paths(PathModel(OLD), log_probs, 1)
    mapped = plan.outcome_map([()] * len(plan.shared), {})(log_probs, None, unmerged=True)
    after = most_likely_paths(PathModel(new), mapped, 1)
    place = {key: node for node, key in enumerate(new.ids)}
    became = np.array([place[targets.get(key, [key])[0]] for key in OLD.ids])
    nodes, new_nodes = before.nodes[:, 0].numpy(), after.nodes[:, 0].numpy()
    assert (became[nodes] == new_nodes).all()
    assert torch.equal(before.confidence, after.confidence)
    assert (~(nodes == truth) | (new_nodes == became[truth])).all()
    if state == KEPT:
        old_scores = climb_scores(before, OLD.chains[truth], OLD.chains[nodes])
        new_scores = climb_scores(after, new.chains[became[truth]], new.chains[new_nodes])
        assert (new_scores <= old_scores + 1e-6).all()
