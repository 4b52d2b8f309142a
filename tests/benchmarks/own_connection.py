"""What it costs that every paid request has a connection of its own.

A server in another process responds immediately on loopback, in clear text. Per round, each client
creates the same tasks: this package, bare httpx on a connection that is kept alive, and bare httpx
with a new connection for every request. Ratios are computed per round. Over TLS and a real network,
a new connection costs two round trips more; the figure here is what the client itself adds.

    python tests/benchmarks/own_connection.py [ROUNDS] [CREATES]
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import httpx
from _results import report_figure

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "wrapper"), str(ROOT / "generated")]

from tests.wire_server import Connection, WireServer  # noqa: E402  as above

from cometapi_runway import RunwayClient  # noqa: E402  the path is set above

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
CREATES = int(sys.argv[2]) if len(sys.argv) > 2 else 60
VIDEO = "https://example.com/clip.mp4"
PATH = "/runwayml/v1/video_upscale"
BODY = {"model": "upscale_v1", "videoUri": VIDEO}
HEADERS = {"Authorization": "Bearer sk-benchmark", "X-Runway-Version": "2024-11-06"}


def serve(pipe: Pipe) -> None:
    """Respond to creates until the other end of the pipe says stop."""

    def converse(connection: Connection) -> None:
        while connection.read_request():
            connection.respond(200, b'{"id":"d0658ae1-bbdd-4adc-aaba-fd8070e14d79"}')

    with WireServer(converse) as server:
        pipe.send(server.base_url)
        pipe.recv()


def measure(create: Callable[[], object]) -> float:
    """Return the microseconds of one create, wall-clock."""
    start = time.perf_counter()
    for _ in range(CREATES):
        create()
    return (time.perf_counter() - start) / CREATES * 1e6


def run(base_url: str) -> dict[str, list[float]]:
    """Return each client's figures, one per round."""
    single_use = httpx.Limits(max_keepalive_connections=0)
    kept = httpx.Client(base_url=base_url, headers=HEADERS)
    new = httpx.Client(base_url=base_url, headers=HEADERS, limits=single_use)
    ours = RunwayClient("sk-benchmark", base_url=base_url)
    creates: dict[str, Callable[[], object]] = {
        "bare httpx, kept alive": lambda: kept.post(PATH, json=BODY).json()["id"],
        "bare httpx, new connection": lambda: new.post(PATH, json=BODY).json()["id"],
        "cometapi-runway": lambda: ours.video_upscale.create(video_uri=VIDEO).id,
    }
    figures: dict[str, list[float]] = {name: [] for name in creates}
    with kept, new, ours:
        for create in creates.values():
            create()
        for number in range(ROUNDS):
            names = list(creates)
            for name in names[number % 3 :] + names[: number % 3]:
                figures[name].append(measure(creates[name]))
    return figures


def main() -> None:
    """Print each client's median, and its ratio to bare httpx on a kept connection."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    figures = run(here.recv())
    here.send("stop")
    server.join(10)
    base = figures["bare httpx, kept alive"]
    for name, values in figures.items():
        ratios = [value / kept for value, kept in zip(values, base, strict=True)]
        print(
            f"{name:28} {statistics.median(values):7.0f} us per create, "
            f"{statistics.median(ratios):.2f} times bare httpx on a kept connection"
        )
    ours, new = figures["cometapi-runway"], figures["bare httpx, new connection"]
    ratio = statistics.median(one / other for one, other in zip(ours, new, strict=True))
    report_figure("create on a connection of its own", "bare httpx, new connection", ratio)


if __name__ == "__main__":
    main()
