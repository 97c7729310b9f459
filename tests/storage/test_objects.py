"""Objects on a real server."""

import numpy as np
import pytest

from prodcat.storage.objects import Objects

system = pytest.mark.system


@system
def test_large_objects_go_up_in_parts_and_come_back_whole(ceph_server):
    objects = Objects(f"s3://{ceph_server.bucket()}/x", ceph_server.options)
    content = np.random.default_rng(0).bytes(70 << 20)
    objects.write("large", content)
    assert objects.size("large") == len(content)
    assert objects.read("large", 33_000_000, 60_000_000) == content[33_000_000:60_000_000]
    info = objects.folder.filesystem.info(objects.folder.path("large"))
    assert info["ETag"].strip('"').endswith("-3")
