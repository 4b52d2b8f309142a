"""Waiting for many tasks at once over loopback: time, CPU and memory, compared with peers.

A server in its own process responds to every poll after 50 ms. The peers cannot wait for many
tasks, so they do the closest thing: bare httpx gathers 1,000 GETs over one client, and the official
SDK gathers 1,000 `retrieve` calls. All of them run in the first round, the slow ones only there.

    python tests/benchmarks/many.py [TASKS] [ROUNDS]
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import multiprocessing
import socket
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection

import httpx
from _results import report_figure

TASKS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
WAITING = 10_000
DELAY = 0.05
RESPONSE = (
    b'{"id":"%s","status":"SUCCEEDED",'
    b'"createdAt":"2026-05-01T12:47:47.351Z","output":["https://example.com/output.mp4"]}'
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class SlowServer(asyncio.Protocol):
    """Responds to every request after a delay, on a persistent connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if b"\r\n\r\n" in self.buffer:
            task_id = self.buffer.split(b" ", 2)[1].rpartition(b"/")[2]
            self.buffer = b""
            asyncio.get_running_loop().call_later(DELAY, self.respond, task_id)

    def respond(self, task_id: bytes) -> None:
        if not self.transport.is_closing():
            body = RESPONSE % task_id
            self.transport.write(HEAD % len(body) + body)


def serve(listening: socket.socket) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(SlowServer, sock=listening)
        await server.serve_forever()

    asyncio.run(forever())


async def ours(base_url: str, ids: list[str]) -> int:
    from cometapi_runway import AsyncRunwayClient

    async with AsyncRunwayClient("a-key", base_url=base_url) as client:
        return sum(task.error is None for task in await client.tasks.wait_all(ids, timeout=120))


async def ours_blocking(base_url: str, ids: list[str]) -> int:
    from cometapi_runway import RunwayClient

    with RunwayClient("a-key", base_url=base_url) as client:
        return sum(task.error is None for task in client.tasks.wait_all(ids, timeout=120))


async def bare(base_url: str, ids: list[str], limit: int | None = None) -> int:
    free = asyncio.Semaphore(limit or len(ids))

    async def one(client: httpx.AsyncClient, task_id: str) -> bool:
        try:
            async with free:
                response = await client.get(f"/runwayml/v1/tasks/{task_id}")
        except httpx.HTTPError:
            return False
        return response.json()["status"] == "SUCCEEDED"

    async with httpx.AsyncClient(base_url=base_url) as client:
        return sum(await asyncio.gather(*(one(client, task_id) for task_id in ids)))


async def httpx_with_semaphore(base_url: str, ids: list[str]) -> int:
    return await bare(base_url, ids, limit=32)


async def official(base_url: str, ids: list[str]) -> int:
    from runwayml import AsyncRunwayML, RunwayMLError

    async def one(client: AsyncRunwayML, task_id: str) -> bool:
        try:
            return (await client.tasks.retrieve(task_id)).status == "SUCCEEDED"
        except RunwayMLError:
            return False

    async with AsyncRunwayML(api_key="a-key", base_url=f"{base_url}/runwayml") as client:
        return sum(await asyncio.gather(*(one(client, task_id) for task_id in ids)))


def measure(
    work: Callable[[str, list[str]], Coroutine[object, object, int]], base_url: str
) -> tuple[float, float, int]:
    """Return seconds, CPU seconds and the number of completed polls."""
    ids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(TASKS)]
    wall, cpu = time.perf_counter(), time.process_time()
    completed = asyncio.run(work(base_url, ids))
    return time.perf_counter() - wall, time.process_time() - cpu, completed


def measure_polls(base_url: str) -> None:
    peers = {
        "cometapi-runway wait_all, async": ours,
        "cometapi-runway wait_all, blocking": ours_blocking,
        "bare httpx, 32 at a time": httpx_with_semaphore,
        "official runwayml retrieve": official,
        "bare httpx, its own pool": bare,
    }
    # They take half a minute.
    slow = {"official runwayml retrieve", "bare httpx, its own pool"}
    measure(ours, base_url)
    rounds = [
        {
            name: measure(work, base_url)
            for name, work in peers.items()
            if not number or name not in slow
        }
        for number in range(ROUNDS)
    ]
    print(f"{TASKS} polls at once, server {DELAY * 1000:.0f} ms, medians of {ROUNDS} rounds")
    print(f"{'':36}{'seconds':>9}{'ratio':>8}{'CPU ms/req':>12}{'done':>7}")
    for name in peers:
        wall = statistics.median(r[name][0] for r in rounds if name in r)
        ratio = statistics.median(
            r[name][0] / r["bare httpx, 32 at a time"][0] for r in rounds if name in r
        )
        cpu = statistics.median(r[name][1] for r in rounds if name in r) / TASKS * 1000
        completed = min(r[name][2] for r in rounds if name in r)
        print(f"{name:36}{wall:9.2f}{ratio:8.2f}{cpu:12.2f}{completed:7}")
        if name.startswith("cometapi-runway"):
            subject = f"{TASKS:,} polls at once, {name.removeprefix('cometapi-runway ')}"
            report_figure(subject, "bare httpx, 32 at a time", ratio)
    print("ratio: seconds against bare httpx behind a semaphore of 32, in the same round")


class AllAsleepError(BaseException):
    """Ends the wait once every task is asleep. Not an Exception, so that nothing retries it."""


class FrozenClock:
    """A clock of which nothing wakes up while the memory is measured."""

    def now(self) -> float:
        return time.monotonic()


class SyncFrozenClock(FrozenClock):
    def sleep(self, seconds: float) -> None:
        # The scheduler calls this only when every task is asleep.
        self.held = allocated_kib()
        raise AllAsleepError


class AsyncFrozenClock(FrozenClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def measure_waiting(kind: str, pipe: Connection) -> None:
    """Wait for many tasks that never end, and report the memory once all are asleep."""
    from cometapi_runway import AsyncRunwayClient, RunwayClient

    ids = [f"waiting-{number}" for number in range(WAITING)]
    polls = itertools.count(1)
    all_polled = asyncio.Event()

    def respond(request: httpx.Request) -> httpx.Response:
        if next(polls) == WAITING:
            all_polled.set()
        return httpx.Response(
            200, json={"id": request.url.path.rpartition("/")[2], "status": "RUNNING"}
        )

    running = httpx.MockTransport(respond)

    async def wait_bare(client: httpx.AsyncClient, task_id: str) -> None:
        response = await client.get(f"https://example.com/runwayml/v1/tasks/{task_id}")
        assert response.json()["status"] == "RUNNING"
        await asyncio.sleep(300)

    async def measure() -> None:
        clock = AsyncFrozenClock()
        async with (
            AsyncRunwayClient("a-key", transport=running, clock=clock) as client,
            httpx.AsyncClient(transport=running) as bare_client,
        ):
            match kind:
                case "async":
                    waits = [client.tasks.wait_all(ids, interval=300)]
                case "async, in coroutines of the caller":
                    waits = [client.tasks.wait(task_id, interval=300) for task_id in ids]
                case _:
                    waits = [wait_bare(bare_client, task_id) for task_id in ids]
            waiting = asyncio.gather(*waits)
            await all_polled.wait()
            # The last responses are still being read.
            await asyncio.sleep(1)
            pipe.send(allocated_kib())
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting

    tracemalloc.start()
    clock = SyncFrozenClock()
    with RunwayClient("a-key", transport=running, clock=clock) as client:
        client.tasks.wait_all([], timeout=0)
        pipe.send(allocated_kib())
        if kind == "blocking":
            with contextlib.suppress(AllAsleepError):
                client.tasks.wait_all(ids, interval=300)
            pipe.send(clock.held)
        else:
            asyncio.run(measure())


def allocated_kib() -> int:
    """Return the KiB that Python's allocator has in use."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0] // 1024


def measure_memory() -> None:
    context = multiprocessing.get_context("spawn")
    bare_kib = 0
    for kind in ("bare httpx", "async", "async, in coroutines of the caller", "blocking"):
        ours_end, theirs_end = context.Pipe()
        child = context.Process(target=measure_waiting, args=(kind, theirs_end))
        child.start()
        before = ours_end.recv()
        kib = ours_end.recv() - before
        child.join()
        bare_kib = bare_kib or kib
        print(
            f"{WAITING} tasks waiting, {kind}: {kib / 1024:.0f} MiB, {kib / WAITING:.2f} KiB each, "
            f"{kib / bare_kib:.2f} times a coroutine with bare httpx for each"
        )
        limit = 2.0 if kind in {"async", "blocking"} else None
        report_figure(f"waiting task of {WAITING:,}, {kind}", "", kib / WAITING, limit, "KiB")


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = multiprocessing.get_context("fork").Process(
        target=serve, args=(listening,), daemon=True
    )
    server.start()
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()
    measure_polls(base_url)
    measure_memory()
    server.terminate()


if __name__ == "__main__":
    main()
