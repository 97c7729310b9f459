"""Encodings of two or more bytes a letter, without a mark at the beginning of the file."""

import pytest

import prodcat
from prodcat.storage.wide_encodings import unmarked_encoding

JAPANESE = "品名,分類\n" + "".join(f"牛乳 一{n} 四千,食品 > 乳製品\n" for n in range(40))
ENGLISH = "title,path\nMilk,Food\nTea,Food\n"
RUSSIAN = "название;путь\n" + "Молоко;Еда\n" * 3


def titles(folder, content, column, path):
    (folder / "t.csv").write_bytes(content)
    return prodcat.read_catalog(str(folder / "t.csv"), title=column, path=path).titles


@pytest.mark.parametrize(
    "encoding",
    ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "iso2022_jp", "iso2022_jp_2", "utf-8"],
)
def test_japanese_files_without_a_mark_are_read(tmp_path, caplog, encoding):
    with caplog.at_level("INFO", "prodcat"):
        found = titles(tmp_path, JAPANESE.encode(encoding), "品名", "分類")
    assert found == tuple(f"牛乳 一{n} 四千" for n in range(40))
    assert encoding == "utf-8" or f"read as {encoding[:10]}" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_files_without_a_mark_are_read(tmp_path, encoding):
    assert titles(tmp_path, ENGLISH.encode(encoding), "title", "path") == ("Milk", "Tea")
    found = titles(tmp_path, RUSSIAN.encode(encoding), "название", "путь")
    assert found == ("Молоко",) * 3


def test_korean_of_ascii_bytes_is_read(tmp_path):
    content = "제목,path\n우유,Food\n".encode("iso2022_kr")
    assert titles(tmp_path, content, "제목", "path") == ("우유",)


@pytest.mark.parametrize("shift", range(6))
def test_an_escape_between_two_blocks_is_read(tmp_path, shift):
    rows = "title,path\n" + "Milk,Food\n" * (((256 << 10) - 11) // 10)
    rows = rows[: (256 << 10) - 20]
    rows = rows[: rows.rindex("\n") + 1]
    head = rows + "x" * ((256 << 10) - len(rows) - shift)
    content = head.encode() + "牛乳,Food\n".encode("iso2022_jp")
    assert titles(tmp_path, content, "title", "path")[-1].strip("x") == "牛乳"


def test_a_zero_byte_or_a_colour_in_a_text_is_no_encoding(tmp_path):
    assert unmarked_encoding(b"title,path\nMi\0lk,Food\nTea\0,Food\n") is None
    assert unmarked_encoding(b"title,path,\n\0" + b"Milk,Food,1\n\0" * 3) is None
    content = b"title,path\n\x1b[31mMilk\x1b[0m,Food\n\x1b,Food\n"
    (tmp_path / "t.csv").write_bytes(content)
    catalog = prodcat.read_catalog(str(tmp_path / "t.csv"), on_error="accept")
    assert "Milk" in catalog.titles[0]
