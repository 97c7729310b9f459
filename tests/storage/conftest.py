"""Buckets of a server, and a store behind a proxy that can spoil requests."""

import pytest

from prodcat import Store


@pytest.fixture
def bucket(moto_server):
    return moto_server.bucket()


@pytest.fixture
def store(proxy, bucket, tmp_path):
    return Store(
        f"s3://{bucket}/models",
        storage_options=proxy.s3.options,
        cache=tmp_path / "cache",
        patience=8,
    )
