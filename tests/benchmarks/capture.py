"""CPU time that capture adds to ordinary polls, over a loopback connection.

The server is a process of its own, whose time is not counted. 10,000 polls of known shape, each
with its own task and values, are made by a client that captures and by one that does not, in
rotating order, and ratios are computed per round. Nothing may be written, and it may take 1.02
times as long.

    python tests/benchmarks/capture.py [ROUNDS] [POLLS]
"""

from __future__ import annotations

import gc
import itertools
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from _results import report_figure

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway import RunwayClient  # noqa: E402  the path is set above

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
POLLS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
MAX_RATIO = 1.02
IDS = [str(uuid.uuid4()) for _ in range(100)]
_numbers = itertools.count()


class Gateway(BaseHTTPRequestHandler):
    """Responds with a task that has another progress each time."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Respond to a poll."""
        task = {"id": self.path.rpartition("/")[2], "status": "RUNNING"}
        task["createdAt"] = "2026-01-01T00:00:00Z"
        body = json.dumps({**task, "progress": next(_numbers) % 1000 / 1000}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def measure(client: RunwayClient, polls: int) -> float:
    """Return the microseconds of one poll."""
    start = time.process_time()
    for number in range(polls):
        client.tasks.retrieve(IDS[number % len(IDS)])
    return (time.process_time() - start) / polls * 1e6


def main() -> None:
    """Print the times and their ratio."""
    folder = Path(tempfile.mkdtemp()) / "captured"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    process = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    process.start()
    clients = {
        is_on: RunwayClient(
            "sk-benchmark",
            base_url=f"http://127.0.0.1:{server.server_port}",
            capture=folder if is_on else None,
        )
        for is_on in (False, True)
    }
    times: dict[bool, list[float]] = {False: [], True: []}
    gc.disable()
    for number in range(ROUNDS + 2):
        for is_on in (False, True) if number % 2 else (True, False):
            times[is_on].append(measure(clients[is_on], POLLS // ROUNDS))
        gc.collect()
    ratios = [on / off for off, on in zip(times[False][2:], times[True][2:], strict=True)]
    ratio = statistics.median(ratios)
    off, on = (statistics.median(times[is_on]) for is_on in (False, True))
    print(f"off {off:7.1f} us   on {on:7.1f} us")
    verdict = "within" if ratio <= MAX_RATIO else "ABOVE"
    print(f"capture: {ratio:.3f} times a poll, {verdict} {MAX_RATIO}")
    report_figure("poll with capture", "poll without", ratio, MAX_RATIO)
    process.terminate()
    print("files written:", len(list(folder.rglob("*"))))


if __name__ == "__main__":
    main()
