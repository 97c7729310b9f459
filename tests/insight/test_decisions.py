"""Decisions: none is lost, and none is taken that makes no sense."""

import pytest

import prodcat
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.decisions import Decisions


def event(own, item, kind="label", node=None):
    return {"id": own, "item": item, "kind": kind, **({"node": node} if node else {})}


def test_decisions_stand_until_they_are_undone(items, small, tmp_path):
    place = tmp_path / "d.jsonl"
    tree = small.taxonomy
    first, second = (tree.ids[own] for own in tree.outcomes[:2])
    with Decisions(place, items, tree) as own:
        own.take(event("1", 0, node=first))
        own.take(event("2", 1, "skip"))
        own.take(event("3", 0, node=second))
        own.take(event("3", 0, node=second))  # sent twice
        assert own.standing[0]["node"] == second and len(own.history) == 3
        own.take(event("4", 0, "undo"))
        assert own.standing[0]["node"] == first
        own.take(event("5", 1, "undo"))
        own.take(event("6", 1, "undo"))  # there is nothing left to undo
    with Decisions(place, items, tree) as again:
        assert list(again.standing) == [0]
        [label] = again.labels()
        for wrong, said in [
            (event("7", 99, "skip"), "no item 99"), (event("7", True, "skip"), "no item True"),
            (event("7", 0, "love"), "not a decision"), (event("", 0, "skip"), "needs an id"),
            (event("7", 0), "has no category"),
        ]:  # fmt: skip
            with pytest.raises(CatalogError, match=said):
                again.take(wrong)
        with pytest.raises(prodcat.TaxonomyError, match="no id"):
            again.take(event("7", 0, node="nothing"))
    assert label["title"] == items[0].title and label["path_ids"][-1] == first
    catalog = prodcat.read_catalog([label], path_ids="path_ids", taxonomy=tree)
    assert tree.ids[catalog.targets[0]] == first


def test_half_a_line_of_a_killed_process_is_no_decision(items, small, tmp_path):
    place = tmp_path / "d.jsonl"
    with Decisions(place, items, small.taxonomy) as own:
        own.take(event("1", 0, "skip"))
    whole = place.read_bytes()
    place.write_bytes(whole + whole[: len(whole) // 2])
    with Decisions(place, items, small.taxonomy) as again:
        again.take(event("2", 1, "skip"))
    with Decisions(place, items, small.taxonomy) as again:
        assert list(again.standing) == [0, 1]
    # An editor that drops the last line's end drops no decision.
    place.write_bytes(whole.rstrip(b"\n"))
    with Decisions(place, items, small.taxonomy) as again:
        assert list(again.standing) == [0]
        again.take(event("3", 2, "skip"))
        # Nobody else takes decisions meanwhile; who reads changes nothing.
        with pytest.raises(ConfigError, match="Another prodcat review"):
            Decisions(place, items, small.taxonomy)
        before = place.read_bytes()
        with Decisions(place, items, small.taxonomy, write=False) as reader:
            assert list(reader.standing) == [0, 2]
            with pytest.raises(ConfigError, match="opened for reading only"):
                reader.take(event("4", 3, "skip"))
        assert place.read_bytes() == before
    with Decisions(tmp_path / "none.jsonl", items, small.taxonomy):
        pass
    assert not (tmp_path / "none.jsonl").exists()
    other = prodcat.Taxonomy.from_paths([("a", "b")])
    with pytest.raises(CatalogError, match="not in the model's tree"):
        Decisions(place, items, other)
    place.write_bytes(b"{}\n" + whole)
    with pytest.raises(CatalogError, match="Line 1 of .* is not a decision"):
        Decisions(place, items, small.taxonomy)
    place.write_bytes(whole)
    with pytest.raises(CatalogError, match="about another queue"):
        Decisions(place, items[1:], small.taxonomy)
