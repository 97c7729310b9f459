"""Warm starts: what a model hands over, and what is learned then."""

import re

import numpy as np
import pytest
import torch
from training_runs import assert_equal, fit, weights

from prodcat.model.network import Network
from prodcat.model.pretrained import load_encoder
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.warm_start import match_nodes, rows_to_learn, transfer_heads


def test_few_new_titles_are_learned_beside_as_many_known(last, parts, encoder_folder, caplog):
    more = parts.train.take(np.arange(210))
    before = weights(last)
    with caplog.at_level("INFO", "prodcat"):
        warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last)
    assert re.search(r"0 new, 0 gone; 2\d titles to learn", caplog.text)
    assert_equal(before, weights(last))
    assert (
        warm.knows(warm.provenance.rows).all()
        and len(warm.provenance.rows) == len(last.provenance.rows) + 10
    )
    assert warm.history[0].path_accuracy == pytest.approx(last.history[-1].path_accuracy, abs=0.1)


def test_a_warm_start_begins_where_the_last_version_ended(last, some, parts, encoder_folder):
    more = parts.train.take(np.arange(204))
    warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last, epochs=0)
    for name, own in weights(last).items():
        if name.startswith(("encoder.", "heads.")):
            assert torch.equal(own, weights(warm)[name]), name


def test_a_saved_warm_start_is_the_same(last, parts, encoder_folder, tmp_path):
    last.save(str(tmp_path / "last"))
    more = parts.train.take(np.arange(215))
    settings = {"validation": parts.validation}
    first = fit(more, encoder_folder, warm_start=last, **settings)
    second = fit(more, encoder_folder, warm_start=str(tmp_path / "last"), **settings)
    assert_equal(weights(first), weights(second))


def test_mostly_new_titles_are_learned_all(last, parts, encoder_folder, caplog):
    other = parts.train.take(np.arange(200, 400))
    with caplog.at_level("INFO", "prodcat"):
        fit(other, encoder_folder, validation=parts.validation, warm_start=last, node_names=False)
    assert "200 titles to learn" in caplog.text or "199 titles to learn" in caplog.text


def test_titles_that_only_went_leave_nothing_to_learn(last, some, parts, encoder_folder):
    fewer = some.take(np.arange(190))
    warm = fit(fewer, encoder_folder, validation=parts.validation, warm_start=last)
    assert warm is not last and len(warm.history) == 1
    assert len(warm.provenance.rows) == len(last.provenance.rows) - 10
    for name, own in weights(last).items():
        if name.startswith(("encoder.", "heads.")):
            assert torch.equal(own, weights(warm)[name]), name


def two_trees():
    old = Taxonomy.from_paths([("A", "a1"), ("A", "a2"), ("B", "b1"), ("B", "b2")])
    table = [dict(row) for row in old.to_table()]
    by_name = {row["name"]: row for row in table}
    by_name["b2"]["parent"] = by_name["A"]["id"]  # moved
    table = [row for row in table if row["name"] != "a2"]  # gone
    table.append({**by_name["a1"], "id": "new", "name": "a3"})
    return old, Taxonomy.from_table(table)


@pytest.mark.parametrize("structure", ["stacked", "flat", "per_level"])
def test_matched_nodes_keep_their_rows(encoder_folder, structure):
    old_tree, new_tree = two_trees()
    encoder, _ = load_encoder(str(encoder_folder))
    old, new = (Network(tree, encoder, structure, 0) for tree in (old_tree, new_tree))
    torch.manual_seed(0)
    with torch.no_grad():
        for own in old.heads.parameters():
            own.normal_()
    found = transfer_heads(old, old_tree, new, new_tree)
    assert (found.matched, found.moved, found.new, found.gone) == (5, 1, 1, 1)
    assert str(found) == "5 of 6 nodes known (1 of them moved), 1 new, 1 gone"
    x = torch.randn(4, encoder.hidden)
    if structure == "per_level":  # each node keeps its own row, wherever it hangs
        places = match_nodes(old_tree, new_tree)
        with torch.no_grad():
            before, after = old.heads(x), new.heads(x)
        for node in np.flatnonzero(places >= 0).tolist():
            torch.testing.assert_close(before[:, places[node]], after[:, node])
        return
    with torch.no_grad():
        before, after = old.paths.scores(old.heads(x)), new.paths.scores(new.heads(x))
    names = [[tree.names[n] for n in tree.outcomes] for tree in (old_tree, new_tree)]
    for name in ("a1", "b1", "b2"):  # also where it moved
        torch.testing.assert_close(
            before[:, names[0].index(name)], after[:, names[1].index(name)], atol=1e-5, rtol=1e-5
        )


def test_beliefs_go_over_with_their_nodes(last, some):
    tree = some.tree
    again = Network(tree, last.network.encoder, "stacked", 8)
    transfer_heads(last.network, tree, again, tree)
    own = {n: t for n, t in last.network.heads.state_dict().items()}
    assert_equal(own, again.heads.state_dict())
    assert (match_nodes(tree, tree) == np.arange(len(tree))).all()


def test_rows_to_learn_are_the_new_ones_and_some_known():
    new = np.zeros(100, bool)
    new[[3, 50]] = True
    rows = rows_to_learn(new, 2.5, 0)
    assert {3, 50} <= set(rows.tolist()) and len(rows) == 7 == len(set(rows.tolist()))
    assert rows_to_learn(np.ones(4, bool), 1.0, 0).tolist() == [0, 1, 2, 3]
