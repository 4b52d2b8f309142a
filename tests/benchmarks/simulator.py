"""What the simulator bears, beside the least that any fake could do, in the same run.

Requests: creates and polls over loopback, on 16 connections that stay open, from one server
process each. The peer is a bare Starlette application under the same server and protocol, which
reads the body and answers with a constant: no validation, no state, no charge, no media address.

Tasks: 100,000 of them made in process. The peer is a dict that keeps each request's parsed body
under an id, which is what a hand-written fake would hold.

    python tests/benchmarks/simulator.py [REQUESTS] [TASKS]
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import socket
import statistics
import sys
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway.simulator import (  # noqa: E402 - the path is set above
    Gateway,
    SimClock,
    SimulatorServer,
    Timings,
)

T = TypeVar("T")

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
TASKS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
CONNECTIONS = 16
ROUNDS = 3
BAR = 500

CREATE = "/runwayml/v1/character_performance"
READ = "/runwayml/v1/tasks/"
BODY = json.dumps({
    "character": {"type": "image", "uri": "https://example.com/face.png"},
    "reference": {"type": "video", "uri": "https://example.com/performance.mp4"},
    "model": "act_two",
    "ratio": "1280:720",
    "seed": 42,
}).encode()  # fmt: skip
HEADERS = (
    ("Host", "127.0.0.1"),
    ("Accept", "*/*"),
    ("User-Agent", "benchmark"),
    ("Authorization", "Bearer a-key"),
    ("X-Runway-Version", "2024-11-06"),
    ("Content-Type", "application/json"),
)
ANSWER = {
    "id": "d0658ae1-bbdd-4adc-aaba-fd8070e14d79",
    "status": "RUNNING",
    "createdAt": "2026-05-01T12:47:47.351Z",
    "progress": 0.5,
}


def simulator(pipe: Connection) -> None:
    """Serves the simulator until told to stop."""
    with SimulatorServer(timings=Timings(invisible=0)) as server:
        pipe.send(server.base_url)
        pipe.recv()


def bare(pipe: Connection) -> None:
    """Serves the peer until told to stop."""
    import threading

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from uvicorn.protocols.http.h11_impl import H11Protocol

    async def echo(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse(ANSWER)

    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=H11Protocol, ws="none", lifespan="off", access_log=False, log_config=None
        )
    )
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    pipe.send(f"http://127.0.0.1:{listening.getsockname()[1]}")
    pipe.recv()


def message(method: str, path: str, body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in HEADERS)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "\r\n")).encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Sends a request and reads its answer's body."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return await reader.readexactly(size)


async def flood(base_url: str, requests: Iterator[bytes]) -> list[bytes]:
    """Sends all requests over a few connections; returns the answers' bodies."""
    host, port = base_url.removeprefix("http://").split(":")
    answers: list[bytes] = []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for request in requests:
            answers.append(await ask(reader, writer, request))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return answers


def rates(base_url: str) -> tuple[float, float]:
    """Creates and polls a second."""
    start = time.perf_counter()
    create = message("POST", CREATE, BODY)
    answers = asyncio.run(flood(base_url, iter([create] * REQUESTS)))
    made = REQUESTS / (time.perf_counter() - start)
    ids = [json.loads(answer)["id"] for answer in answers]
    polls = iter([message("GET", READ + task_id) for task_id in ids])
    start = time.perf_counter()
    asyncio.run(flood(base_url, polls))
    return made, REQUESTS / (time.perf_counter() - start)


def requests_figures() -> None:
    """Prints requests per second of both servers, in alternating rounds."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[tuple[float, float]]] = {"simulator": [], "bare Starlette": []}
    for _ in range(ROUNDS):
        for name, serve in (("simulator", simulator), ("bare Starlette", bare)):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs,), daemon=True)
            process.start()
            base_url = ours.recv()
            found[name].append(rates(base_url))
            ours.send("stop")
            process.join(timeout=10)
    for index, kind in enumerate(("creates", "polls")):
        ours_s, peer_s = ([one[index] for one in rounds] for rounds in found.values())
        ratio = statistics.median(a / b for a, b in zip(ours_s, peer_s, strict=True))
        median = statistics.median(ours_s)
        print(f"simulator       {kind:8} {median:9,.0f} requests/s"
              f"   {'met' if median >= BAR else 'MISSED'}: bar {BAR}")  # fmt: skip
        print(f"bare Starlette  {kind:8} {statistics.median(peer_s):9,.0f} requests/s"
              f"   the simulator reaches {ratio:.0%} of it")  # fmt: skip


def measured(work: Callable[[], T]) -> tuple[float, float, T]:
    """Seconds that a piece of work takes, MB that its result holds, and the result."""
    gc.collect()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    gc.collect()
    tracemalloc.start()
    result = work()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    return seconds, held, result


def tasks_figures() -> None:
    """Prints what many tasks cost."""

    def ours() -> Gateway:
        gateway = Gateway(clock=SimClock.manual())
        for _ in range(TASKS):
            assert gateway.handle("POST", CREATE, HEADERS, BODY).status == 200
        return gateway

    def peer() -> dict[str, object]:
        return {str(uuid.uuid4()): json.loads(BODY) for _ in range(TASKS)}

    seconds, held, gateway = measured(ours)
    least_seconds, least_held, _ = measured(peer)
    print(f"simulator       {TASKS:,} tasks made in {seconds:6.1f} s, held in {held:6.1f} MB"
          f"   ({seconds / TASKS * 1e6:.0f} us, {held / TASKS * 1e6:.0f} bytes each)")  # fmt: skip
    print(f"dict of bodies  {TASKS:,} tasks made in {least_seconds:6.1f} s, held in"
          f" {least_held:6.1f} MB   the simulator needs {held / least_held:.1f} times"
          " its memory")  # fmt: skip
    polls_figures(gateway)


def polls_figures(gateway: Gateway) -> None:
    """Prints whether a poll among many tasks costs more than one among few."""
    few = Gateway(clock=SimClock.manual())
    for _ in range(100):
        few.handle("POST", CREATE, HEADERS, BODY)
    cost: list[float] = []
    for each in (few, gateway):
        each.clock.advance(3600)
        start = time.perf_counter()
        open_left = each.open_tasks
        settled = time.perf_counter() - start
        assert not open_left
        ids = list(each.tasks)[-100:]
        start = time.perf_counter()
        for task_id in ids * 20:
            assert each.handle("GET", READ + task_id, HEADERS).status == 200
        cost.append((time.perf_counter() - start) / (len(ids) * 20))
    print(f"all of them ending at once   {settled:8.2f} s")
    print(f"a poll among {TASKS:,} tasks {cost[1] * 1e6:8.0f} us"
          f"   {cost[1] / cost[0]:.2f} times one among 100")  # fmt: skip


if __name__ == "__main__":
    requests_figures()
    tasks_figures()
