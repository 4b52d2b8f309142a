"""The simulator under load: requests a second over loopback, and the weight of many tasks.

The load comes from another process, over connections that stay open. The peer is a bare Starlette
route under the same uvicorn that answers every request with one constant: what is left of the
ratio is what checking against the contract, logging and charging cost.

    python tests/benchmarks/simulator.py [REQUESTS] [TASKS]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cometapi_runway.simulator import Gateway, SimClock, SimulatorServer
from cometapi_runway.validation import contract

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 6000
TASKS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
CONNECTIONS = 8
GOAL = 500
JSON = "application/json"

OPERATION = contract().operation("control_a_character")
(EXAMPLE,) = OPERATION.document["requestBody"]["content"]["application/json"]["examples"].values()
BODY = json.dumps(EXAMPLE["value"]).encode()
HEADERS = [
    ("Host", "127.0.0.1"),
    ("Authorization", "Bearer a-key"),
    ("X-Runway-Version", "2024-11-06"),
]
JSON_BODY = [*HEADERS, ("Content-Type", JSON)]


def raw(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


CREATE = raw("POST", OPERATION.path, JSON_BODY, BODY)
POLL = raw("GET", "/runwayml/v1/tasks/3d957031-9a2a-45e2-9dc7-bc8513059c50", HEADERS, b"")
MIXES = {"create": [CREATE], "poll": [POLL], "create, then four polls": [CREATE, *[POLL] * 4]}


async def worker(port: int, mix: list[bytes], count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(count):
        writer.write(mix[number % len(mix)])
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    writer.close()


def load(port: int, mix: list[bytes]) -> float:
    """Loads a server and returns the requests it answered in a second."""

    async def all_workers() -> None:
        each = REQUESTS // CONNECTIONS
        await asyncio.gather(*(worker(port, mix, each) for _ in range(CONNECTIONS)))

    began = time.perf_counter()
    asyncio.run(all_workers())
    return REQUESTS / (time.perf_counter() - began)


@contextmanager
def bare() -> Iterator[int]:
    """The peer; its port."""

    async def constant(request: Request) -> Response:
        await request.body()
        return Response(b'{"id":"3d957031-9a2a-45e2-9dc7-bc8513059c50"}', media_type=JSON)

    app = Starlette(routes=[Route("/{rest:path}", constant, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None, ws="none"))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def measure_requests(other: Executor) -> None:
    print(f"{'requests a second':28}{'simulator':>10}{'bare route':>12}{'ratio':>7}")
    with SimulatorServer() as server, bare() as peer:
        port = urlsplit(server.base_url).port or 0
        for name, mix in MIXES.items():
            # Alternately, so that a busy moment of the machine meets both; the best of three.
            pairs = [
                (other.submit(load, port, mix).result(), other.submit(load, peer, mix).result())
                for _ in range(3)
            ]
            ours, theirs = (max(found) for found in zip(*pairs, strict=True))
            print(f"{name:28}{ours:10.0f}{theirs:12.0f}{ours / theirs:7.2f}")
            assert ours >= GOAL, f"{name}: {ours:.0f} requests a second, not {GOAL}"


def resident() -> float:
    """Megabytes that the process has used at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_tasks() -> None:
    gateway = Gateway(clock=SimClock.manual())
    before = resident()
    began = time.perf_counter()
    for _ in range(TASKS):
        gateway.handle("POST", OPERATION.path, JSON_BODY, BODY)
    made = time.perf_counter() - began
    weight = resident() - before
    ids = list(gateway.tasks)
    gateway.clock.advance(5)
    began = time.perf_counter()
    for task_id in ids:
        gateway.handle("GET", f"/runwayml/v1/tasks/{task_id}", HEADERS)
    polled = time.perf_counter() - began
    gateway.clock.advance(3600)
    began = time.perf_counter()
    assert gateway.open_tasks == 0
    settled = time.perf_counter() - began
    print(f"{TASKS} tasks held: {weight:.0f} MB, {weight / TASKS * 1e6:.0f} bytes each")
    print(f"in process: {TASKS / made:.0f} creates/s, {TASKS / polled:.0f} polls/s")
    print(f"all of them ended at once: {settled * 1000:.0f} ms")


if __name__ == "__main__":
    measure_tasks()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        measure_requests(executor)
