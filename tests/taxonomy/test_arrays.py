from hypothesis import given
from strategies import taxonomies
from trees import RAGGED


def test_nodes_are_breadth_first_and_levels_are_ranges():
    assert RAGGED.names[:3] == ("A", "B", "C")
    assert RAGGED.level_bounds == ((0, 3), (3, 6), (6, 7))
    assert RAGGED.depth == 3


def test_outcomes_are_leaves_and_terminal_inner_nodes_depth_first():
    paths = [RAGGED.paths[node] for node in RAGGED.outcomes]
    assert paths == [("A", "X"), ("A", "X", "1"), ("A", "Y"), ("B", "X"), ("C",)]


@given(taxonomies())
def test_spans_hold_exactly_the_outcomes_below(tree):
    for node in range(len(tree)):
        start, end = tree.spans[node]
        below = {int(o) for o in tree.outcomes if node in tree.ancestors(int(o))}
        assert set(tree.outcomes[start:end].tolist()) == below
        first, last = tree.target_spans[node]
        if tree.terminal[node]:
            assert tree.outcomes[first:last].tolist() == [node]
            assert tree.outcome_positions[node] == first
        else:
            assert (first, last) == (start, end)
            assert tree.outcome_positions[node] == -1


@given(taxonomies())
def test_children_parents_and_chains_agree(tree):
    for node in range(len(tree)):
        assert all(tree.parent[child] == node for child in tree.children(node))
        chain = [n for n in tree.chains[node].tolist() if n >= 0]
        assert tuple(chain) == tree.ancestors(node)
        assert tree.level[node] == len(chain)
        assert node not in tree.siblings(node)
        assert tree.find(tree.paths[node]) == node == tree.node(tree.ids[node])
