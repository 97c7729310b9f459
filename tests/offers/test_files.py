"""The output of offers is none of the inputs, by whatever name."""

import os

import pyarrow.dataset as dataset
import pytest

from prodcat.errors import CatalogError, ConfigError
from prodcat.offers import write_offers
from prodcat.storage.table_files import Files

TEXT = "title\nRice 1 kg\n"


@pytest.fixture
def source(tmp_path):
    """A table in a folder with nothing else."""
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "rice.csv"
    file.write_text(TEXT)
    return file


def test_an_input_is_not_replaced(source, tmp_path, monkeypatch):
    monkeypatch.chdir(source.parent)
    (tmp_path / "soft.csv").symlink_to(source)
    os.link(source, tmp_path / "hard.csv")
    named = [str(source), "rice.csv", "./rice.csv", f"file://{source}", f"../in/{source.name}"]
    for output in [*named, source, tmp_path / "soft.csv", tmp_path / "hard.csv"]:
        for given in (source, str(source), Files((str(source),)), [source], "*.csv"):
            with pytest.raises(CatalogError, match="is an input file too and would be replaced"):
                write_offers(given, output)
    with pytest.raises(CatalogError, match="is an input file too"):
        write_offers(dataset.dataset(str(source), format="csv"), source)
    assert source.read_text() == TEXT


def test_an_input_is_not_replaced_on_other_filesystems():
    import fsspec

    with fsspec.open("memory://offers-in/a.csv", "w") as file:
        file.write(TEXT)
    with pytest.raises(CatalogError, match="is an input file too"):
        write_offers("memory://offers-in/*.csv", "memory:///offers-in/a.csv")


def test_an_output_does_not_lie_among_the_inputs(source):
    output = source.parent / "offers.csv"
    for given in (source.parent, str(source.parent), f"{source.parent}/", f"{source.parent}/*.csv"):
        with pytest.raises(CatalogError, match="lies among the files of the input"):
            write_offers(given, output)
    assert not output.exists()
    report = write_offers(f"{source.parent}/r*.csv", output)
    assert report.counts.rows == 1 and output.exists()


def test_a_folder_and_a_chain_are_no_outputs(source, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="is a folder; expected the name of a file"):
        write_offers(source, tmp_path / "folder.csv")
    with pytest.raises(ConfigError, match="chain of file systems"):
        write_offers(source, "simplecache::memory://o.csv")


def test_wrong_addresses_are_told(source, tmp_path):
    with pytest.raises(ConfigError, match="'nowhere://o.csv' cannot be written"):
        write_offers(source, "nowhere://o.csv")
    with pytest.raises(CatalogError, match="Cannot look for 'nowhere://in.csv'"):
        write_offers("nowhere://in.csv", tmp_path / "o.csv")
    with pytest.raises(CatalogError, match="Found no file"):
        write_offers(tmp_path / "none.csv", tmp_path / "o.csv")


def test_a_file_that_exists_is_replaced_when_the_new_one_is_complete(source, tmp_path):
    output = tmp_path / "o.csv"
    output.write_text("old")
    with pytest.raises(CatalogError):
        write_offers([{"title": "Rice"}, 7], output)
    assert output.read_text() == "old"
    write_offers(source, output)
    assert output.read_text().startswith("title,offer_brand")
