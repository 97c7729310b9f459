"""Support vector machines: which rows they learn, and in processes."""

import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random

from prodcat.training import svm


def drawn_rows(rows=300, outcomes=12):
    rng = np.random.default_rng(0)
    matrix = random(rows, 500, 0.05, format="csr", random_state=0, dtype=np.float32)
    targets = rng.integers(0, outcomes, rows)
    weights = rng.uniform(0.5, 2, rows).astype(np.float32)
    return svm.MachineRows(matrix, np.stack([targets, targets + 1], axis=1), weights)


def leaves(count):
    return np.stack([np.arange(count), np.arange(1, count + 1)], axis=1)


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_processes_solve_the_same_machines(monkeypatch):
    rows = drawn_rows()
    monkeypatch.setattr(svm, "_PIECE", 5)
    alone = svm.solve_all(rows, leaves(12), cost=1.0, processes=1)
    monkeypatch.setattr(svm, "_PAYS", 0)
    together = svm.solve_all(rows, leaves(12), cost=1.0, processes=2)
    assert all(equal(one, other) for one, other in zip(alone, together, strict=True))


def test_a_machine_of_a_branch_separates_all_outcomes_below_it():
    matrix = csr_matrix(np.eye(4, dtype=np.float32))
    rows = svm.MachineRows(matrix, leaves(4), np.ones(4, np.float32))
    machines = np.array([[0, 2], [2, 4], [0, 4], [4, 5]])
    first, second, everything, nothing = svm.solve_all(rows, machines, cost=1.0, processes=1)
    margins = np.zeros(4)
    margins[first[1]] = first[2]
    assert (margins[:2] > 0).all() and (margins[2:] < 0).all()
    assert np.allclose(first[2], -second[2].astype(float), atol=1e-2)
    assert everything[0] == 1 and nothing[0] == -1 and not len(everything[1])


def test_a_partial_label_teaches_only_the_machines_that_it_determines():
    """The last row may be outcome 0 or 1: it belongs to their branch, and is no evidence between
    them."""
    matrix = csr_matrix(np.eye(4, dtype=np.float32))
    spans = np.array([[0, 1], [1, 2], [2, 3], [0, 2]])
    rows = svm.MachineRows(matrix, spans, np.ones(4, np.float32))
    branch, leaf, other = svm.solve_all(
        rows, np.array([[0, 2], [0, 1], [2, 3]]), cost=1.0, processes=1
    )
    assert dict(zip(branch[1], branch[2], strict=True))[3] > 0
    assert 3 not in leaf[1]
    assert dict(zip(other[1], other[2], strict=True))[3] < 0


def test_machines_with_the_same_rows_are_solved_once(monkeypatch):
    rows = drawn_rows()
    solved = []
    solve = svm._solve
    monkeypatch.setattr(
        svm, "_solve", lambda r, piece, *a: solved.append(piece) or solve(r, piece, *a)
    )
    machines = np.array([[3, 4], [0, 6], [3, 4], [12, 13], [13, 20]])
    result = svm.solve_all(rows, machines, cost=1.0, processes=1)
    assert sum(map(len, solved)) == 3
    assert equal(result[0], result[2]) and result[3][0] == result[4][0] == -1


@pytest.mark.parametrize("share", [1e9, 1.0, 0.4])
def test_machines_of_many_rows_learn_some_and_answer_alike(share):
    """Rows near a machine's own are all learned, and a weighted sample stands for the rest."""
    rng = np.random.default_rng(1)
    centers = rng.normal(size=(30, 40))
    targets = rng.integers(0, 30, 6_000)
    dense = centers[targets] + rng.normal(size=(6_000, 40)) * 1.5
    dense *= np.abs(dense) > 0.8
    rows = svm.MachineRows(
        csr_matrix(dense.astype(np.float32)),
        np.stack([targets, targets + 1], axis=1),
        np.ones(6_000, np.float32),
    )
    learned = rows.take(np.arange(5_000))
    machines = svm.solve_all(learned, leaves(30), cost=0.01, processes=1, share=share)
    weights = np.zeros((40, 30))
    for number, (_, features, values) in enumerate(machines):
        weights[features, number] = values
    margins = dense[5_000:] @ weights + [intercept for intercept, _, _ in machines]
    accuracy = (margins.argmax(axis=1) == targets[5_000:]).mean()
    assert accuracy > 0.9
    assert np.quantile(margins, 0.5) < -0.5, "most rows are on the other side of a machine"


@pytest.mark.parametrize("processes", [1, 2])
def test_solved_machines_are_counted_while_they_are_solved(monkeypatch, processes):
    """Also those that are solved once for several, so that a progress bar ends at its total."""
    monkeypatch.setattr(svm, "_PIECE", 5)
    monkeypatch.setattr(svm, "_PAYS", 0)
    counts = []
    machines = np.concatenate([leaves(12), leaves(3)])
    svm.solve_all(drawn_rows(), machines, cost=1.0, processes=processes, solved=counts.append)
    assert len(counts) == 3 and sum(counts) == 15


def test_machines_are_those_of_linear_svc_and_print_nothing(monkeypatch, capfd):
    """Solved by a function that is not public, or, where it is missing, by the class itself."""
    from sklearn.svm._liblinear import set_verbosity_wrap

    set_verbosity_wrap(1)
    direct = svm.solve_all(drawn_rows(), leaves(12), cost=0.7, processes=1)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setitem(sys.modules, "sklearn.svm._liblinear", None)
    public = svm.solve_all(drawn_rows(), leaves(12), cost=0.7, processes=1)
    assert all(equal(one, other) for one, other in zip(direct, public, strict=True))
