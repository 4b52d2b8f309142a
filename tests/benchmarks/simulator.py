"""Throughput and memory of the simulator, compared with minimal fakes in the same run.

Requests: creates and polls over loopback, on 16 persistent connections, one server process each.
The peer is a bare Starlette application on the same server and protocol. It reads the body and
returns a constant: no validation, no state, no charges, no media URLs.

Tasks: 100,000 of them created in process. The peer is a dict of id to parsed request body, the
minimum that a hand-written fake stores.

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

from _results import report_figure

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway.simulator import (  # noqa: E402 - the path is set above
    Gateway,
    SimClock,
    SimulatorServer,
    Timings,
)

T = TypeVar("T")

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
TASKS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
CONNECTIONS = 16
ROUNDS = 3
MIN_RATE = 500

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
RESPONSE = {
    "id": "d0658ae1-bbdd-4adc-aaba-fd8070e14d79",
    "status": "RUNNING",
    "createdAt": "2026-05-01T12:47:47.351Z",
    "progress": 0.5,
}


def simulator(pipe: Connection) -> None:
    """Serve the simulator until the pipe receives a message."""
    with SimulatorServer(timings=Timings(invisible=0)) as server:
        pipe.send(server.base_url)
        pipe.recv()


def bare(pipe: Connection) -> None:
    """Serve the peer until the pipe receives a message."""
    import threading

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from uvicorn.protocols.http.h11_impl import H11Protocol

    async def echo(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse(RESPONSE)

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


def serialize_request(method: str, path: str, body: bytes = b"") -> bytes:
    """Serialize a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in HEADERS)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "\r\n")).encode() + body


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Send a request and return the body of the response."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return await reader.readexactly(size)


async def flood(base_url: str, requests: Iterator[bytes]) -> list[bytes]:
    """Send all requests over a few connections; return the bodies of the responses."""
    host, port = base_url.removeprefix("http://").split(":")
    responses: list[bytes] = []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for request in requests:
            responses.append(await send(reader, writer, request))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return responses


def measure_rates(base_url: str) -> tuple[float, float]:
    """Return creates and polls per second."""
    start = time.perf_counter()
    create = serialize_request("POST", CREATE, BODY)
    responses = asyncio.run(flood(base_url, iter([create] * REQUESTS)))
    creates = REQUESTS / (time.perf_counter() - start)
    ids = [json.loads(body)["id"] for body in responses]
    polls = iter([serialize_request("GET", READ + task_id) for task_id in ids])
    start = time.perf_counter()
    asyncio.run(flood(base_url, polls))
    return creates, REQUESTS / (time.perf_counter() - start)


def print_request_figures() -> None:
    """Print requests per second of both servers, in alternating rounds."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[tuple[float, float]]] = {"simulator": [], "bare Starlette": []}
    for _ in range(ROUNDS):
        for name, serve in (("simulator", simulator), ("bare Starlette", bare)):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs,), daemon=True)
            process.start()
            base_url = ours.recv()
            found[name].append(measure_rates(base_url))
            ours.send("stop")
            process.join(timeout=10)
    for index, kind in enumerate(("creates", "polls")):
        ours_s, peer_s = ([one[index] for one in rounds] for rounds in found.values())
        ratio = statistics.median(a / b for a, b in zip(ours_s, peer_s, strict=True))
        median = statistics.median(ours_s)
        print(f"simulator       {kind:8} {median:9,.0f} requests/s"
              f"   {'met' if median >= MIN_RATE else 'MISSED'}: at least {MIN_RATE}")  # fmt: skip
        print(f"bare Starlette  {kind:8} {statistics.median(peer_s):9,.0f} requests/s"
              f"   the simulator reaches {ratio:.0%} of it")  # fmt: skip
        report_figure(f"simulator, time of {kind}", "bare Starlette", 1 / ratio)


def measure(work: Callable[[], T]) -> tuple[float, float, T]:
    """Return the seconds of a function, the MB that its result holds, and the result."""
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


def print_task_figures() -> None:
    """Print time and memory of many tasks."""

    def ours() -> Gateway:
        gateway = Gateway(clock=SimClock.manual())
        for _ in range(TASKS):
            assert gateway.handle("POST", CREATE, HEADERS, BODY).status == 200
        return gateway

    def peer() -> dict[str, object]:
        return {str(uuid.uuid4()): json.loads(BODY) for _ in range(TASKS)}

    seconds, held, gateway = measure(ours)
    least_seconds, least_held, _ = measure(peer)
    print(f"simulator       {TASKS:,} tasks created in {seconds:6.1f} s, held in {held:6.1f} MB"
          f"   ({seconds / TASKS * 1e6:.0f} us, {held / TASKS * 1e6:.0f} bytes each)")  # fmt: skip
    print(f"dict of bodies  {TASKS:,} tasks created in {least_seconds:6.1f} s, held in"
          f" {least_held:6.1f} MB   the simulator needs {held / least_held:.1f} times"
          " its memory")  # fmt: skip
    report_figure("simulator, memory of tasks", "dict of their bodies", held / least_held)
    print_poll_figures(gateway)


def print_poll_figures(gateway: Gateway) -> None:
    """Print whether a poll among many tasks takes longer than one among few."""
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
    report_figure(f"simulator, poll among {TASKS:,} tasks", "among 100", cost[1] / cost[0])


if __name__ == "__main__":
    print_request_figures()
    print_task_figures()
