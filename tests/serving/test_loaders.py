"""Loads that take too long, or are too many."""

import asyncio
import threading

import event_loops
import httpx
import pytest
import servers
from starlette.testclient import TestClient

from prodcat.serving.application import make_app
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import Server
from prodcat.serving.settings import Settings
from prodcat.storage.places import AllowedPlaces, ReadLimits

pytestmark = pytest.mark.slow


def test_a_disk_that_hangs_is_not_waited_for(small, tmp_path):
    """No limit of the storage ends a system call that does not return."""
    small.save(str(tmp_path / "tr"))
    may_return = threading.Event()

    def hang(place, device):
        assert may_return.wait(30)
        return small

    allowed = AllowedPlaces((str(tmp_path),), ReadLimits(1 << 30, 0.2))
    server = Server(Models(opener=hang, allowed=allowed), Settings())
    with TestClient(make_app(server)) as client:
        body = {"model_name": "m", "url": str(tmp_path / "tr")}
        answer = client.post("/models", json=body)
        assert answer.status_code == 504 and "0.4 seconds" in answer.json()["error"]
        assert client.post("/models", json=body).status_code == 409
        may_return.set()
        servers.wait_until(lambda: client.get("/models/m").status_code == 200, "the model")


def test_no_more_loads_wait_than_can_be_done_soon(small, tmp_path):
    small.save(str(tmp_path / "tr"))
    may_return = threading.Event()

    def hang(place, device):
        assert may_return.wait(30)
        return small

    allowed = AllowedPlaces((str(tmp_path),), ReadLimits(1 << 30, 20))
    server = Server(Models(opener=hang, allowed=allowed), Settings())

    async def ask():
        transport = httpx.ASGITransport(make_app(server))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            def load(number):
                body = {"model_name": f"m{number}", "url": str(tmp_path / "tr")}
                return asyncio.ensure_future(client.post("/models", json=body, timeout=60))

            loads = [load(number) for number in range(32)]
            await asyncio.sleep(0.3)
            refused = await load(32)
            may_return.set()
            return refused, [answer.status_code for answer in await asyncio.gather(*loads)]

    refused, statuses = event_loops.run(ask())
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert statuses == [200] * 32
    server.end()
