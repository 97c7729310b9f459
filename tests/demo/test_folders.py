"""Demos write to folders of their user alone, where nobody has planted files or links."""

import os

import pytest

from prodcat.cli.command import main


def planted(folder):
    """A folder in which others may write, with a link in the place of a file of the demo."""
    folder.mkdir()
    (folder / "precious.txt").write_text("precious")
    for name in ("catalog-tr.csv", "countries.toml"):
        (folder / name).symlink_to(folder / "precious.txt")
    return folder


@pytest.mark.parametrize(
    "command", [["demo", "--titles", "50", "--folder"], ["pipeline", "demo", "--titles", "50"]]
)
def test_a_folder_of_everybody_is_refused(tmp_path, capsys, command):
    folder = planted(tmp_path / "shared")
    folder.chmod(0o777)
    assert main([*command, str(folder)]) == 2
    assert "can be written by everybody" in capsys.readouterr().err
    assert (folder / "precious.txt").read_text() == "precious"


def test_a_folder_of_another_user_is_refused(tmp_path, capsys):
    if os.geteuid() != 0:
        pytest.skip("only root can make files of other users")
    folder = planted(tmp_path / "theirs")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    for path in (folder, link):
        os.lchown(path, 65_534, 65_534)
        assert main(["demo", "--titles", "50", "--folder", str(path)]) == 2
        assert "belongs to another user" in capsys.readouterr().err
    assert (folder / "precious.txt").read_text() == "precious"
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_new_folder_is_made(tmp_path, capsys):
    folder = tmp_path / "new" / "folder"
    assert main(["pipeline", "demo", str(folder), "--titles", "20"]) == 0
    assert (folder / "countries.toml").is_file() and "is written" in capsys.readouterr().out
