"""Waits for one task share their polls."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import (
    AsyncRunwayClient,
    RunwayClient,
)

from ..support.many_waits import OUTPUT, AsyncClock, Gateway


@each_case("is_list", [False, True])
def test_waits_of_one_task_share_their_polls(is_list: bool) -> None:
    """Eight threads and fifty coroutines wait; the gateway sees one poll at a time."""
    flying, most = 0, 0
    lock = threading.Lock()
    gateway = Gateway(3)
    gate = threading.Barrier(8)

    def slow(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        threading.Event().wait(0.02)
        with lock:
            flying -= 1
        return gateway(request)

    with RunwayClient("k", transport=httpx.MockTransport(slow)) as client:

        def one(_: int) -> str:
            gate.wait()
            if not is_list:
                return client.tasks.wait("a", interval=0.05).status
            (result,) = client.tasks.wait_all(["a"], interval=0.05)
            return result.status

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(one, range(8))) == {"SUCCEEDED"}
    assert most <= 2
    # The first to arrive is alone and asks for itself; from then on one poll serves all.
    assert gateway.polls["a"] <= 5

    async def wait(client: AsyncRunwayClient) -> None:
        if is_list:
            (result,) = await client.tasks.wait_all(["a"])
            assert result.status == "SUCCEEDED"
        else:
            assert (await client.tasks.wait("a")).status == "SUCCEEDED"

    async def main() -> None:
        transport = httpx.MockTransport(shared)
        async with AsyncRunwayClient("k", transport=transport, clock=AsyncClock()) as client:
            await asyncio.gather(*(wait(client) for _ in range(50)))

    shared = Gateway(3)
    asyncio.run(main())
    assert shared.polls["a"] <= 5


def test_a_failed_shared_poll_does_not_end_the_waits() -> None:
    polls = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal polls
        polls += 1
        if polls < 4:
            raise httpx.ReadTimeout("slow", request=request)
        return httpx.Response(200, json={"id": "a", "status": "SUCCEEDED", "output": OUTPUT})

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with AsyncRunwayClient("k", transport=transport, clock=AsyncClock()) as client:
            waits = [asyncio.create_task(client.tasks.wait("a")) for _ in range(5)]
            # Its maker's end is not the end of a poll that others have joined.
            await asyncio.sleep(0)
            waits[0].cancel()
            done = await asyncio.gather(*waits, return_exceptions=True)
            assert isinstance(done[0], asyncio.CancelledError)
            assert {task.status for task in done[1:]} == {"SUCCEEDED"}

    asyncio.run(main())


@each_case("leaver", range(4))
def test_a_cancelled_waiter_does_not_cancel_the_shared_poll(leaver: int) -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def answer(_: httpx.Request) -> httpx.Response:
            await go.wait()
            return httpx.Response(200, json={"id": "a", "status": "SUCCEEDED", "output": OUTPUT})

        transport = httpx.MockTransport(answer)
        async with AsyncRunwayClient("k", transport=transport, clock=AsyncClock()) as client:
            waits = [asyncio.create_task(client.tasks.wait("a")) for _ in range(4)]
            for _ in range(20):
                await asyncio.sleep(0)
            waits[leaver].cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits.pop(leaver)
            go.set()
            assert {task.status for task in await asyncio.gather(*waits)} == {"SUCCEEDED"}

    asyncio.run(main())
