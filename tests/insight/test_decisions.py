"""Decisions: none is lost, none is taken that makes no sense, and each file has one owner."""

import json
import os
import resource
import stat

import pytest

import prodcat
from prodcat.errors import CatalogError, ConfigError, StoreError
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
            (event("7", 0, "love"), "not a decision"), (event("", 0, "skip"), "id of the decision"),
            (event("7", 0), "node of the label is None"),
        ]:  # fmt: skip
            with pytest.raises(CatalogError, match=said):
                again.take(wrong)
        with pytest.raises(prodcat.TaxonomyError, match="no id"):
            again.take(event("7", 0, node="nothing"))
    assert label["row_number"] == items[0].row + 1 and "row" not in label
    assert label["title"] == items[0].title and label["path_ids"][-1] == first
    catalog = prodcat.read_catalog([label], path_ids="path_ids", taxonomy=tree)
    assert tree.ids[catalog.targets[0]] == first


def test_comments_and_reviewers_are_kept_and_so_is_why_there_is_no_label(items, small, tmp_path):
    place, tree = tmp_path / "d.jsonl", small.taxonomy
    node = tree.ids[int(tree.outcomes[0])]
    with Decisions(place, items, tree) as own:
        own.take(event("0", 4, "skip"))  # as earlier versions wrote it
        own.take(event("1", 0, node=node) | {"comment": "=1+1 ıİ", "reviewer": "Ayşe"})
        own.take(event("2", 1, "none") | {"reviewer": "Ayşe", "comment": ""})
        own.take(event("3", 2, "missing") | {"comment": "Sushi"})
        for more, said in [
            ({"comment": 3}, "comment of the decision is not a text of at most 2,000"),
            ({"comment": "x" * 2_001}, "comment of the decision"),
            ({"reviewer": "x" * 201}, "reviewer of the decision is not a text of at most 200"),
        ]:
            with pytest.raises(CatalogError, match=said):
                own.take(event("4", 3, "skip") | more)
    written = [json.loads(line) for line in place.read_text().splitlines()]
    assert written[0].keys() == {"id", "item", "title", "kind"}
    assert [own.get("comment") for own in written] == [None, "=1+1 ıİ", None, "Sushi"]
    assert [own.get("reviewer") for own in written] == [None, "Ayşe", "Ayşe", None]
    with Decisions(place, items, tree, write=False) as again:
        kinds = {item: own["kind"] for item, own in again.standing.items()}
        [label] = again.labels()
    assert kinds == {0: "label", 1: "none", 2: "missing", 4: "skip"}
    assert (label["comment"], label["reviewer"]) == ("=1+1 ıİ", "Ayşe")


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


def ids_in(place):
    return [json.loads(line)["id"] for line in place.read_bytes().splitlines()]


@pytest.mark.parametrize("room", [0, 1, 40])  # bytes
def test_a_decision_that_a_full_disk_refused_never_appears(items, small, tmp_path, room):
    place = tmp_path / "d.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Decisions(place, items, small.taxonomy) as own:
        own.take(event("1", 0, "skip"))
        before = place.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, hard))
        try:
            with pytest.raises((StoreError, OSError)) as refusal:
                own.take(event("2", 1, "skip"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert place.read_bytes() == before and list(own.standing) == [0]
        own.take(event("3", 2, "skip"))
        assert ids_in(place) == ["1", "3"]
    assert ids_in(place) == ["1", "3"]
    assert isinstance(refusal.value, StoreError) and "was not saved" in str(refusal.value)
    with Decisions(place, items, small.taxonomy, write=False) as again:
        assert list(again.standing) == [0, 2]


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("link", ["symbolic", "hard", "of the folder"])
def test_a_file_with_two_names_has_one_owner(items, small, tmp_path, link, exists):
    (tmp_path / "folder").mkdir()
    place, other = tmp_path / "folder" / "d.jsonl", tmp_path / "other.jsonl"
    if exists:
        with Decisions(place, items, small.taxonomy) as own:
            own.take(event("1", 0, "skip"))
    with Decisions(place, items, small.taxonomy) as own:
        if link == "symbolic":
            other.symlink_to(place)
        elif link == "hard":
            if not exists:
                own.take(event("1", 0, "skip"))
            other.hardlink_to(place)
        else:
            (tmp_path / "link").symlink_to(tmp_path / "folder")
            other = tmp_path / "link" / "d.jsonl"
        with pytest.raises(ConfigError, match=f"Another prodcat review is writing .*{other.name}"):
            Decisions(other, items, small.taxonomy)
        own.take(event("2", 1, "skip"))
    with Decisions(other, items, small.taxonomy) as own:
        own.take(event("3", 2, "skip"))
    assert ids_in(place) == (["1"] if exists or link == "hard" else []) + ["2", "3"]


def test_its_owner_alone_reads_the_file(items, small, tmp_path):
    place = tmp_path / "d.jsonl"
    old = os.umask(0)
    try:
        with Decisions(place, items, small.taxonomy) as own:
            own.take(event("1", 0, "skip"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    place.chmod(0o666)
    with Decisions(place, items, small.taxonomy):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [place]  # and no file of a lock, which could be planted


@pytest.mark.parametrize("change", ["replaced", "removed", "longer", "shorter"])
def test_a_file_that_another_program_changed_takes_no_decision(items, small, tmp_path, change):
    place = tmp_path / "d.jsonl"
    with Decisions(place, items, small.taxonomy) as own:
        own.take(event("1", 0, "skip"))
        line = place.read_bytes()
        if change == "replaced":
            (tmp_path / "new").write_bytes(line)
            (tmp_path / "new").replace(place)
        elif change == "removed":
            place.unlink()
        else:
            with place.open("r+b") as file:
                file.truncate(0)
                file.write(line + line if change == "longer" else b"")
        changed = None if change == "removed" else place.read_bytes()
        with pytest.raises(StoreError, match="changed by another program"):
            own.take(event("2", 1, "skip"))
        assert list(own.standing) == [0]
    assert (place.read_bytes() if place.exists() else None) == changed


def test_what_strangers_put_there_is_refused(items, small, tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(ConfigError, match="is not a regular file of the user"):
        Decisions(tmp_path / "pipe.jsonl", items, small.taxonomy)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(ConfigError, match="cannot be opened"):
        Decisions(tmp_path / "folder.jsonl", items, small.taxonomy)
    if os.geteuid() != 0:
        pytest.skip("only root can make files of other users")
    target, link = tmp_path / "mine.txt", tmp_path / "planted.jsonl"
    link.symlink_to(target)
    os.lchown(link, 65_534, 65_534)
    with pytest.raises(ConfigError, match="is a link that another user made"):
        Decisions(link, items, small.taxonomy)
    assert not target.exists()
    (tmp_path / "theirs.jsonl").touch()
    os.chown(tmp_path / "theirs.jsonl", 65_534, 65_534)
    with pytest.raises(ConfigError, match="is not a regular file of the user"):
        Decisions(tmp_path / "theirs.jsonl", items, small.taxonomy)
