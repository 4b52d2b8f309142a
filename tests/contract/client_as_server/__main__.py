"""`python -m tests.contract.client_as_server`: the schemathesis command line against the client.

The server listens on a free loopback port; further arguments go to `schemathesis run`. The reports
are written to `.build/client-as-server`, and the exit status is that of schemathesis. With
`--serve` the command only listens, for another tester.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import uvicorn

from cometapi_runway._core.task import Route
from cometapi_runway.validation import contract

from ..checks.harness import open_harness
from ..drivers.wrapper_driver import WrapperDriver
from ..generation import value_source
from .app import DOCUMENT_PATH, ClientServer
from .endpoints import make_endpoints

PACKAGE = "cometapi_runway_api"
CONFIG = Path(__file__).with_name("schemathesis.toml")
REPORTS = Path(__file__).parents[3] / ".build" / "client-as-server"
EXAMPLES = 50


@contextmanager
def run_server() -> Iterator[str]:
    """Run the server and yield its address."""
    document = contract().document
    source = value_source.ValueSource(document, value_source.KEPT_VALUES)
    with open_harness(document, PACKAGE, source) as harness:
        wrapper = WrapperDriver(harness.contract, harness.transport)
        app = ClientServer(
            harness.contract, make_endpoints(harness, wrapper, frozenset(get_args(Route)))
        )
        # asyncio disables Nagle's algorithm only for sockets created with IPPROTO_TCP; enabled, it
        # delays every response by 40 ms.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.bind(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()
        wrapper.close()


def command(address: str, extra: list[str]) -> list[str]:
    """The command line: all phases, and all checks that the configuration leaves enabled."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    return [
        *(program, "--config-file", str(CONFIG), "run", address + DOCUMENT_PATH),
        *("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(EXAMPLES)),
        *("--report", "junit,html", "--report-dir", str(REPORTS), "--continue-on-failure"),
        *extra,
    ]


def main(extra: list[str]) -> int:
    """Run schemathesis and return its exit status."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    with run_server() as address:
        if extra == ["--serve"]:
            print(f"{address}{DOCUMENT_PATH}", flush=True)
            while True:
                time.sleep(3600)
        return subprocess.run(command(address, extra), check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
