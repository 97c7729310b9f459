"""Servers that whoever runs the process named, and that send too much, or nothing."""

import time

import pytest
from hostile_servers import HostileServer, endless, silent

import prodcat
from prodcat import ArtifactError, StoreError
from prodcat.storage.objects import Objects


@pytest.mark.parametrize("announced", [1_000, 10 << 20])
def test_an_archive_is_no_larger_than_its_server_announced(announced):
    with HostileServer(endless(announced)) as server:
        with pytest.raises(ArtifactError, match=f"more than {announced:,} bytes"):
            prodcat.load(f"{server.url}/model.tar.gz", device="cpu")
        assert server.sent < announced + (32 << 20)


def test_a_folder_without_end_is_not_listed_to_its_end():
    with HostileServer(endless(None)) as server:
        assert Objects(server.url).names("tr") == []
        assert server.sent < 32 << 20


def test_a_part_of_an_object_in_s3_is_no_larger_than_asked():
    with HostileServer(endless(None, 64 << 20)) as server:
        options = {"key": "a", "secret": "b", "endpoint_url": server.url}
        with pytest.raises(StoreError, match="sent more than the 100 bytes"):
            Objects("s3://bucket/tr", options, patience=1).start("manifest.json", 100)
        assert server.sent < 32 << 20


def test_a_range_of_a_table_is_no_larger_than_asked():
    with HostileServer(endless(1 << 20, 64 << 20)) as server:
        with pytest.raises((StoreError, prodcat.CatalogError)):
            prodcat.read_catalog(f"{server.url}/a.parquet")
        assert server.sent < 32 << 20


@pytest.mark.slow
def test_a_silent_server_is_left_after_some_seconds():
    with HostileServer(silent) as server:
        began = time.monotonic()
        with pytest.raises(StoreError, match="Tried for 2") as raised:
            Objects(server.url, patience=1).start("manifest.json", 100)
        assert raised.value.unreachable and time.monotonic() - began < 40


def test_only_names_in_the_folder_itself_are_taken_from_its_page():
    page = b"""<a href='http://['> <a href="manifest.json"> <a href='../x'> <a href='a/b'> <a
        href="?C=N"> <a HREF='below/'> <a href='http://127.0.0.1:1/evil'> <a href=''>"""

    def answer(server, first, headers, send):
        send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        send(b"Content-Length: %d\r\n\r\n" % len(page) + page)

    with HostileServer(answer) as server:
        assert Objects(server.url).names("tr") == ["below", "manifest.json"]
