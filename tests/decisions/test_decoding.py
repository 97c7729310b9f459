"""Every decoder against brute force over all nodes of random ragged trees."""

import numpy as np
import pytest
import torch
from brute_force import OBJECTIVES, ROWS, candidates, random_probs, worth
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import taxonomies

from prodcat.decisions.decoding import decoder, most_likely_paths
from prodcat.decisions.objectives import (
    ExpectedCost,
    HierarchicalF,
    MostLikelyPath,
    TreeDistance,
    pick_objective,
)
from prodcat.errors import ConfigError
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
@given(tree=taxonomies(), seed=st.integers(0, 999))
@settings(max_examples=70, deadline=None)
def test_every_answer_is_the_best_of_all_nodes(objective, tree, seed):
    if objective == "cost":
        size = len(tree.outcomes)
        objective = ExpectedCost(np.random.default_rng(seed).normal(size=(size, size)))
    probs = random_probs(tree, seed)
    answers = decoder(PathModel(tree), objective)(probs.log())
    nodes = candidates(tree, objective)
    loses = isinstance(objective, TreeDistance | ExpectedCost)
    for row in range(ROWS):
        values = [worth(tree, objective, node, probs[row].tolist()) for node in nodes]
        node = int(answers.nodes[row, 0])
        assert node in nodes
        assert worth(tree, objective, node, probs[row].tolist()) >= max(values) - 1e-9
        value = float(answers.value[row, 0])
        assert value == pytest.approx(-max(values) if loses else max(values), abs=1e-9)
        check_confidence(tree, objective, answers, row, probs[row].numpy())


def check_confidence(tree, objective, answers, row, probs):
    node = int(answers.nodes[row, 0])
    start, end = tree.spans[node] if node >= 0 else (0, len(tree.outcomes))
    below = probs[start:end].sum()
    exact = candidates(tree, objective) == tree.outcomes.tolist()
    expected = probs[tree.outcomes.tolist().index(node)] if exact and node >= 0 else below
    assert float(answers.confidence[row, 0]) == pytest.approx(expected, abs=1e-12)
    levels = answers.level_confidence[row, 0].tolist()
    chain = tree.ancestors(node) if node >= 0 else ()
    sums = [probs[slice(*tree.spans[n])].sum() for n in chain]
    assert levels == pytest.approx([*sums, *[0.0] * (tree.depth - len(chain))], abs=1e-12)


@given(tree=taxonomies(), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_the_tree_distance_goes_down_while_a_child_holds_more_than_half(tree, seed):
    probs = random_probs(tree, seed)
    beliefs = PathModel(tree).node_probs(probs)
    answers = decoder(PathModel(tree), TreeDistance())(probs.log())
    for row in range(ROWS):
        node = -1
        while heavy := [n for n in tree.children(node) if beliefs[row, n] > 0.5 + 1e-12]:
            node = heavy[0]
        assert int(answers.nodes[row, 0]) == node


@given(tree=taxonomies(), seed=st.integers(0, 999), k=st.integers(1, 20))
@settings(max_examples=80, deadline=None)
def test_top_paths_are_sorted_and_ties_go_to_the_first(tree, seed, k):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, (ROWS, len(tree.outcomes)))  # many ties
    probs = torch.from_numpy(counts / counts.sum(1, keepdims=True))
    answers = most_likely_paths(PathModel(tree), probs.log(), k)
    for row in range(ROWS):
        order = sorted(range(len(tree.outcomes)), key=lambda o: (-counts[row, o], o))[:k]
        assert answers.nodes[row].tolist() == tree.outcomes[order].tolist()
        assert answers.confidence[row].tolist() == pytest.approx(probs[row, order].tolist())


def test_a_tree_worked_by_hand():
    """Two shelves of one aisle at .3 each against one other at .4."""
    tree = Taxonomy.from_paths([("Food", "Tea"), ("Food", "Oil"), ("Pet", "Food")])
    log_probs = torch.tensor([[0.3, 0.3, 0.4]], dtype=torch.float64).log()
    paths = PathModel(tree)

    def answer(objective):
        answers = decoder(paths, objective)(log_probs)
        node = int(answers.nodes[0, 0])
        return tree.paths[node] if node >= 0 else (), float(answers.value[0, 0])

    assert answer(MostLikelyPath()) == (("Pet", "Food"), pytest.approx(0.4))
    # Food: .6 x 2/3 = .4; Food > Tea: .3 + .3/2 = .45; Pet > Food: .4
    assert answer(HierarchicalF()) == (("Food", "Tea"), pytest.approx(0.45))
    # With little recall wanted, the aisle is enough: .6 x 1.0625/(1 + .0625 x 2) = .5667
    assert answer(HierarchicalF(beta=0.25)) == (("Food",), pytest.approx(0.6 * 1.0625 / 1.125))
    # Food: .6 x 1 + .4 x 3 = 1.8; Food > Tea: .3 x 0 + .3 x 2 + .4 x 4 = 2.2
    assert answer(TreeDistance()) == (("Food",), pytest.approx(1.8))
    assert answer(TreeDistance(only_outcomes=True)) == (("Food", "Tea"), pytest.approx(2.2))
    cost = np.array([[0, 1, 9], [1, 0, 9], [2, 2, 0]])
    # Tea: .3 x 1 + .4 x 2 = 1.1; Oil the same; Pet: 5.4
    assert answer(ExpectedCost(cost)) == (("Food", "Tea"), pytest.approx(1.1))


def test_no_department_with_half_of_the_belief_is_the_root():
    tree = Taxonomy.from_paths([("A",), ("B",), ("C", "D")])
    log_probs = torch.tensor([[0.3, 0.3, 0.4], [0.1, 0.8, 0.1]]).log()
    answers = decoder(PathModel(tree), TreeDistance())(log_probs)
    assert answers.nodes[:, 0].tolist() == [-1, tree.find(("B",))]
    assert answers.confidence[:, 0].tolist() == pytest.approx([1.0, 0.8])
    assert answers.level_confidence[0, 0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("objective", ["path", "hierarchical_f1", "tree_distance"])
def test_rows_are_answered_alike_alone_and_together(objective):
    """Many more rows than are worked on at a time."""
    tree = Taxonomy.from_paths([(f"a{i % 7}", f"b{i % 50}", f"c{i}") for i in range(400)])
    log_probs = torch.randn(1_000, 400, generator=torch.Generator().manual_seed(1)).log_softmax(1)
    decode = decoder(PathModel(tree), pick_objective(objective))
    together, alone = decode(log_probs), [decode(row[None]) for row in log_probs[:50]]
    assert together.nodes[:50, 0].tolist() == [int(one.nodes[0, 0]) for one in alone]
    assert together.confidence[:50, 0].tolist() == [float(one.confidence[0, 0]) for one in alone]
    assert len(together.nodes) == 1_000
    order = torch.randperm(1_000)
    torch.testing.assert_close(decode(log_probs[order]).nodes, together.nodes[order])


@pytest.mark.parametrize("objective", ["path", "hierarchical_f1", "tree_distance"])
def test_half_precision_is_decoded_in_single(objective):
    tree = Taxonomy.from_paths([(f"a{i % 7}", f"b{i}") for i in range(40)])
    half = (torch.randn(20, 40, generator=torch.Generator().manual_seed(1)) * 4).bfloat16()
    decode = decoder(PathModel(tree), pick_objective(objective))
    answers, expected = decode(half), decode(half.float())
    assert torch.equal(answers.nodes, expected.nodes)
    assert answers.confidence.dtype == torch.float32
    assert torch.equal(
        most_likely_paths(PathModel(tree), half, 3).nodes[:, :1],
        most_likely_paths(PathModel(tree), half.float(), 1).nodes,
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("objective", ["path", "hierarchical_f1", "tree_distance"])
def test_a_gpu_answers_as_the_processor_does(objective):
    tree = Taxonomy.from_paths([(f"a{i % 7}", f"b{i % 50}", f"c{i}") for i in range(400)])
    log_probs = torch.randn(500, 400, generator=torch.Generator().manual_seed(1)).log_softmax(1)
    here = decoder(PathModel(tree), pick_objective(objective))(log_probs)
    there = decoder(PathModel(tree).cuda(), pick_objective(objective))(log_probs.cuda())
    assert torch.equal(there.nodes.cpu(), here.nodes)
    torch.testing.assert_close(there.level_confidence.cpu(), here.level_confidence)


def test_a_cost_matrix_of_another_size_is_refused():
    tree = Taxonomy.from_paths([("A",), ("B",), ("C",)])
    with pytest.raises(ConfigError, match=r"shape \(2, 2\); expected \(3, 3\)"):
        decoder(PathModel(tree), ExpectedCost(np.zeros((2, 2))))


RAGGED = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("A",), ("B", "X")])


def test_answers_have_the_probability_of_their_path_at_each_level():
    paths = PathModel(RAGGED)
    probs = torch.tensor([[0.1, 0.2, 0.3, 0.4]])  # A; A X; A Y; B X
    best = most_likely_paths(paths, probs.log(), k=9)
    assert [RAGGED.paths[n] for n in best.nodes[0]] == [
        ("B", "X"),
        ("A", "Y"),
        ("A", "X"),
        ("A",),
    ]
    torch.testing.assert_close(best.level_confidence[0, 1], torch.tensor([0.6, 0.3]))
    torch.testing.assert_close(best.level_confidence[0, 3], torch.tensor([0.6, 0.0]))


def test_ties_go_to_the_first_outcome_for_one_and_for_many():
    paths = PathModel(RAGGED)
    even = torch.zeros(1, 4).log_softmax(1)
    assert most_likely_paths(paths, even, 1).nodes[0, 0] == RAGGED.find(("A",))
    assert most_likely_paths(paths, even, 4).nodes[0, 0] == RAGGED.find(("A",))
