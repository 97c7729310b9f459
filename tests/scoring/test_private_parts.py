"""The folder of a single file's parts stays private while runs end and begin beside each other."""

import os
import stat
from pathlib import Path

import pytest

from prodcat import ScoringConfig, StoreError
from prodcat.scoring.jobs import score

PARTS = ScoringConfig(part_rows=40, format="csv")
STRANGER = 12_345


@pytest.fixture
def modes(tmp_path, monkeypatch):
    """The permissions of the folder of parts whenever a file is moved to its place."""
    seen, replace = set(), Path.replace

    def look(self, target):
        seen.add(stat.S_IMODE((tmp_path / ".a.csv.parts").stat().st_mode))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    return seen


@pytest.fixture
def as_another_run_ends(tmp_path, monkeypatch):
    """Removes the empty folder of parts as this run is about to use it, and does something then."""

    def arrange(then):
        make, done = os.mkdir, []

        def removed_first(path, *rest, **more):
            if Path(path).name == "_prodcat" and not done:
                done.append(path)
                (tmp_path / ".a.csv.parts").rmdir()
                then(tmp_path / ".a.csv.parts")
            return make(path, *rest, **more)

        monkeypatch.setattr(os, "mkdir", removed_first)
        return done

    return arrange


@pytest.mark.parametrize("made", [lambda parts: None, lambda parts: parts.mkdir(0o755)])
def test_a_folder_that_another_run_removes_is_made_again_for_this_user_alone(
    small, table, tmp_path, modes, as_another_run_ends, made
):
    done = as_another_run_ends(made)
    assert score(small, str(table), str(tmp_path / "a.csv"), scoring=PARTS).complete
    assert done and modes == {0o700}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "in"]


def test_a_folder_that_was_open_to_readers_is_closed(small, table, tmp_path, modes):
    (tmp_path / ".a.csv.parts").mkdir(mode=0o755)
    assert score(small, str(table), str(tmp_path / "a.csv"), scoring=PARTS).complete
    assert modes == {0o700}


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_folder_to_which_others_may_have_written_is_refused(small, table, tmp_path, mode):
    (tmp_path / ".a.csv.parts").mkdir()
    (tmp_path / ".a.csv.parts").chmod(mode)
    with pytest.raises(StoreError, match="another user made it or may write to it; expected"):
        score(small, str(table), str(tmp_path / "a.csv"), scoring=PARTS)
    assert not list((tmp_path / ".a.csv.parts").iterdir()) and not (tmp_path / "a.csv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: files of other users cannot be made")
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_another_user_places_in_the_gap_is_refused(
    small, table, tmp_path, as_another_run_ends, kind
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def plant(parts):
        if kind == "folder":
            parts.mkdir()
            parts.chmod(0o777)
        else:
            parts.symlink_to(elsewhere)
        os.lchown(parts, STRANGER, STRANGER)

    assert as_another_run_ends(plant) == []
    with pytest.raises(StoreError, match="is a link, or another user made it"):
        score(small, str(table), str(tmp_path / "a.csv"), scoring=PARTS)
    assert not list((tmp_path / ".a.csv.parts").iterdir()) and not (tmp_path / "a.csv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: files of other users cannot be made")
def test_a_forged_lease_in_the_folder_of_another_user_is_not_believed(small, table, tmp_path):
    leases = tmp_path / ".a.csv.parts/_prodcat"
    leases.mkdir(parents=True)
    (leases / "lease-0-of-1.000001.json").write_text("{")
    os.chown(leases.parent, STRANGER, STRANGER)
    with pytest.raises(StoreError, match="another user made it"):
        score(small, str(table), str(tmp_path / "a.csv"), scoring=PARTS)
