"""What it costs that every paid request has a connection of its own.

A server in another process responds immediately on loopback, in clear text. Per round, each client
creates and retrieves the same tasks: this package, bare httpx on a connection that is kept alive,
and bare httpx that does as this package, a new connection for every create and one that is kept for
the retrieves. CPU time, ratios per round. Over TLS and a real network, a new connection costs two
round trips more; the figure here is what the client itself adds.

    python tests/benchmarks/own_connection.py [ROUNDS] [CREATES]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import httpx
from _results import report_figure

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "wrapper"), str(ROOT / "generated")]

from tests.wire_server import Connection, WireServer  # noqa: E402  as above

from cometapi_runway import AsyncRunwayClient, RunwayClient  # noqa: E402  the path is set above

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
CREATES = int(sys.argv[2]) if len(sys.argv) > 2 else 60
VIDEO = "https://example.com/clip.mp4"
ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
PATH, READ = "/runwayml/v1/video_upscale", f"/runwayml/v1/tasks/{ID}"
RESPONSE = f'{{"id":"{ID}","status":"RUNNING"}}'.encode()
KEPT, NEW, OURS = "bare httpx, kept alive", "bare httpx, new per create", "cometapi-runway"
BODY = {"model": "upscale_v1", "videoUri": VIDEO}
HEADERS = {"Authorization": "Bearer sk-benchmark", "X-Runway-Version": "2024-11-06"}


def serve(pipe: Pipe) -> None:
    """Respond to creates until the other end of the pipe says stop."""

    def converse(connection: Connection) -> None:
        while connection.read_request():
            connection.respond(200, RESPONSE)

    with WireServer(converse) as server:
        pipe.send(server.base_url)
        pipe.recv()


def measure(pair: Callable[[], object]) -> float:
    """Return the microseconds of one pair of calls, CPU time."""
    start = time.process_time()
    for _ in range(CREATES):
        pair()
    return (time.process_time() - start) / CREATES * 1e6


def measure_async(runner: asyncio.Runner, pair: Callable[[], Awaitable[object]]) -> float:
    """Return the microseconds of one pair of async calls, CPU time."""

    async def repeat() -> float:
        start = time.process_time()
        for _ in range(CREATES):
            await pair()
        return (time.process_time() - start) / CREATES * 1e6

    return runner.run(repeat())


def make_measurements(
    base_url: str, runner: asyncio.Runner
) -> dict[str, dict[str, Callable[[], float]]]:
    """Return the measurement of each client, blocking and async."""
    options: dict[str, Any] = {"base_url": base_url, "headers": HEADERS}
    single_use = {**options, "limits": httpx.Limits(max_keepalive_connections=0)}
    kept, new = httpx.Client(**options), httpx.Client(**single_use)
    kept_async, new_async = httpx.AsyncClient(**options), httpx.AsyncClient(**single_use)
    ours = RunwayClient("sk-benchmark", base_url=base_url)
    ours_async = AsyncRunwayClient("sk-benchmark", base_url=base_url)

    def pair(creating: httpx.Client) -> None:
        creating.post(PATH, json=BODY).raise_for_status().json()["id"]
        kept.get(READ).raise_for_status().json()["status"]

    def own_pair() -> None:
        ours.video_upscale.create(video_uri=VIDEO)
        ours.tasks.retrieve(ID)

    async def pair_async(creating: httpx.AsyncClient) -> None:
        (await creating.post(PATH, json=BODY)).raise_for_status().json()["id"]
        (await kept_async.get(READ)).raise_for_status().json()["status"]

    async def own_pair_async() -> None:
        await ours_async.video_upscale.create(video_uri=VIDEO)
        await ours_async.tasks.retrieve(ID)

    return {
        "blocking": {
            KEPT: lambda: measure(lambda: pair(kept)),
            NEW: lambda: measure(lambda: pair(new)),
            OURS: lambda: measure(own_pair),
        },
        "async": {
            KEPT: lambda: measure_async(runner, lambda: pair_async(kept_async)),
            NEW: lambda: measure_async(runner, lambda: pair_async(new_async)),
            OURS: lambda: measure_async(runner, own_pair_async),
        },
    }


def main() -> None:
    """Print each client's median, and its ratios to bare httpx."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    with asyncio.Runner() as runner:
        for way, work in make_measurements(here.recv(), runner).items():
            names = list(work)
            rounds = []
            for number in range(ROUNDS + 1):
                rotated = names[number % 3 :] + names[: number % 3]
                rounds.append({name: work[name]() for name in rotated})
            for name in names:
                # The first round opens connections and loads modules.
                taken = statistics.median(one[name] for one in rounds[1:])
                to_kept, to_new = (
                    statistics.median(one[name] / one[peer] for one in rounds[1:])
                    for peer in (KEPT, NEW)
                )
                print(
                    f"{name + ', ' + way:38} {taken:7.0f} us a pair, {to_kept:.2f} times {KEPT}, "
                    f"{to_new:.2f} times {NEW}"
                )
                if name == OURS:
                    report_figure(f"create + retrieve, {way}", NEW, to_new, 1.12)
    here.send("stop")
    server.join(10)


if __name__ == "__main__":
    main()
