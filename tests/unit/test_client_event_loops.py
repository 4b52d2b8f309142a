"""One client in several event loops."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    AsyncRunwayClient,
    ConfigurationError,
)
from cometapi_runway.journal import Journal
from cometapi_runway.simulator import SimulatorServer

from .support.both_clients import ASSETS, ID, KEY
from .support.fault_table import ACCEPTED, DONE, running


class TestEventLoops:
    """`asyncio.run` makes a new one each time, and a script may well call it twice."""

    @staticmethod
    def client() -> AsyncRunwayClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            if request.method == "POST":
                return httpx.Response(200, content=ACCEPTED.content)
            task_id = request.url.path.rpartition("/")[2]
            return httpx.Response(200, json={**json.loads(DONE.content), "id": task_id})

        return AsyncRunwayClient(KEY, transport=httpx.MockTransport(handle))

    def test_one_client_serves_one_after_another(self) -> None:
        client = self.client()

        async def create() -> Any:
            return await client.character_performance.create(**ASSETS)

        async def burst() -> list[Any]:
            return await asyncio.gather(*(client.tasks.retrieve(f"t{n}") for n in range(100)))

        task = asyncio.run(create())
        assert len(asyncio.run(burst())) == 100
        assert len(asyncio.run(burst())) == 100
        assert asyncio.run(task.wait()).status == "SUCCEEDED"

    def test_closed_in_another_than_it_was_used_in(self) -> None:
        client = self.client()

        async def ask() -> Any:
            return await client.tasks.retrieve(ID)

        asyncio.run(ask())
        asyncio.run(client.close())
        with pytest.raises(ConfigurationError, match="closed"):
            asyncio.run(ask())

    def test_closed_in_another_with_its_own_connections(self, tmp_path: Path) -> None:
        """Those of a loop that is gone cannot be closed any more, and the journal can."""

        def use() -> None:
            journal = Journal(tmp_path / "runway.journal")
            client = AsyncRunwayClient(KEY, base_url=server.base_url, journal=journal.path)

            async def make() -> str:
                task = await client.video_upscale.create(video_uri="https://e.com/a.mp4")
                return task.id

            assert asyncio.run(make()) != asyncio.run(make())
            asyncio.run(client.close())
            assert client.journal.store is not None
            assert client.journal.store._database.backend._database is None
            assert len(journal.tasks()) == 2
            journal.close()

        with SimulatorServer() as server, warnings.catch_warnings():
            # Python says so whenever it comes upon them, so here and in no later test.
            warnings.simplefilter("ignore", ResourceWarning)
            use()
            gc.collect()

    def test_interrupted_by_a_program_that_goes_on(self) -> None:
        """What was under way in a loop that is gone holds no place in the next."""
        started = 0

        async def handle(request: httpx.Request) -> httpx.Response:
            nonlocal started
            started += 1
            if started <= 64:
                await asyncio.sleep(3600)
            return running(request)

        client = AsyncRunwayClient(KEY, transport=httpx.MockTransport(handle))

        async def give_up() -> None:
            asked = [asyncio.create_task(client.tasks.retrieve(f"t{n}")) for n in range(64)]
            await asyncio.sleep(0.01)
            for one in asked:
                one.cancel()

        async def ask() -> Any:
            return await client.tasks.retrieve(ID)

        asyncio.run(give_up())
        started = 100
        assert asyncio.run(ask()).status == "RUNNING"
