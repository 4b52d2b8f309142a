"""The simulator on sockets."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.process_lines import read_line

from cometapi_runway.simulator import Fault, SimClock, SimulatorServer, When, run
from cometapi_runway.simulator._server import server as server_module

from .decoding import decode
from .helpers import BODY, EXACT, HEADERS

PATH = "/runwayml/v1/character_performance"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(clock=SimClock.manual(), timings=EXACT) as running:
        yield running


@pytest.fixture
def api(server: SimulatorServer) -> Iterator[httpx.Client]:
    server.gateway.reset()
    with httpx.Client(base_url=server.base_url, headers=dict(HEADERS), timeout=10) as client:
        yield client


def finished(server: SimulatorServer, api: httpx.Client) -> str:
    task_id = str(api.post(PATH, json=BODY).json()["id"])
    server.gateway.clock.advance(60)
    return task_id


def test_from_request_to_file(server: SimulatorServer, api: httpx.Client) -> None:
    task_id = finished(server, api)
    (url,) = api.get(f"/runwayml/v1/tasks/{task_id}").json()["output"]
    assert url.startswith(server.media_url)
    assert urlsplit(server.media_url).port != urlsplit(server.base_url).port
    _, tags = decode(httpx.get(url).content)
    assert tags["comment"] == task_id
    assert server.gateway.leaked_keys == ()


@pytest.mark.parametrize(
    ("name", "origin"),
    [(("127.0.0.1", 80), "http://127.0.0.1:80"), (("::1", 80, 0, 0), "http://[::1]:80")],
)
def test_an_origin_has_the_address_that_it_listens_at(name: tuple[Any, ...], origin: str) -> None:
    listening: Any = SimpleNamespace(getsockname=lambda: name)
    assert server_module._origin(listening) == origin


def test_the_port_selects_the_origin_whatever_the_host_name(
    server: SimulatorServer, api: httpx.Client
) -> None:
    finished(server, api)
    (task_id,) = server.gateway.tasks
    url = httpx.URL(str(server.gateway.output_url(task_id)))
    assert httpx.get(url.copy_with(host="localhost")).status_code == 200
    assert api.get("/nowhere", headers={"Host": url.netloc.decode()}).status_code == 403


def test_responses_do_not_wait_for_a_delayed_ack(api: httpx.Client) -> None:
    began = time.monotonic()
    for _ in range(50):
        api.get("/runwayml/v1/tasks/x")
    # With Nagle's algorithm, each of the fifty requests takes 40 ms longer.
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_a_reset_is_a_tcp_reset(
    server: SimulatorServer, api: httpx.Client, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.gateway.faults.add(Fault(kind, acted=True, when=When(nth=1)))
    with pytest.raises(httpx.ReadError, match=r"(?i)reset|forcibly"):
        api.post(PATH, json=BODY)
    assert len(server.gateway.tasks) == 1
    # The server continues, and the client opens another connection.
    assert api.post(PATH, json=BODY).status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_half_a_body_arrives_before_the_connection_breaks(
    server: SimulatorServer, api: httpx.Client
) -> None:
    server.gateway.faults.add(Fault("cut"))
    received: list[bytes] = []
    with api.stream("GET", "/nowhere") as answer:
        size = int(answer.headers["content-length"])
        with pytest.raises(httpx.ReadError):
            received.extend(answer.iter_raw())
    assert sum(map(len, received)) == size // 2


def test_a_truncated_body_is_complete_for_http(server: SimulatorServer, api: httpx.Client) -> None:
    server.gateway.faults.add(Fault("truncate", when=When("tasks", nth=2)))
    task_id = finished(server, api)
    whole, cut = (api.get(f"/runwayml/v1/tasks/{task_id}") for _ in range(2))
    assert cut.content == whole.content[: len(whole.content) // 2]


def test_a_client_timeout_frees_the_server(server: SimulatorServer, api: httpx.Client) -> None:
    server.gateway.faults.add(Fault("hang", seconds=1e6, when=When(nth=1)))
    with pytest.raises(httpx.ReadTimeout):
        api.get("/runwayml/v1/tasks/x", timeout=0.05)
    assert api.get("/runwayml/v1/tasks/x").status_code == 400


def test_a_drip_delivers_the_whole_body(server: SimulatorServer, api: httpx.Client) -> None:
    server.gateway.faults.add(Fault("drip", seconds=16))
    done = threading.Event()

    def move() -> None:
        # Repeatedly, because the test cannot see when the drip begins to wait.
        while not done.wait(0.02):
            server.gateway.clock.advance(16)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        assert api.get("/nowhere").text.endswith("</html>\n")
    finally:
        done.set()
        mover.join()


def test_protocol_errors_of_a_client_do_not_stop_the_server(
    server: SimulatorServer, api: httpx.Client
) -> None:
    address = urlsplit(server.base_url)
    with socket.create_connection((str(address.hostname), address.port or 0)) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        assert b"400" in raw.recv(1000)
    with socket.create_connection((str(address.hostname), address.port or 0)) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert api.get("/nowhere").status_code == 404


def test_a_port_in_use_is_an_error_and_leaves_none_open(server: SimulatorServer) -> None:
    taken = urlsplit(server.media_url).port or 0
    with pytest.raises(OSError, match="use"):
        SimulatorServer(port=taken)
    with pytest.raises(OSError, match="use"):
        SimulatorServer(media_port=taken)


@pytest.mark.parametrize("name", ["port", "media_port"])
def test_the_error_names_the_port_in_use(server: SimulatorServer, name: Any) -> None:
    taken = urlsplit(server.base_url).port
    with pytest.raises(OSError, match=f"127.0.0.1:{taken}"):
        SimulatorServer(**{name: taken})


def test_closing_is_quick_and_final() -> None:
    began = time.monotonic()
    with SimulatorServer() as server, httpx.Client(base_url=server.base_url) as client:
        assert client.get("/_simulator/clock").json()["rate"] == 1
        assert server.status_url == f"{server.base_url}/_simulator/"
    assert time.monotonic() - began < 5
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.base_url)
    SimulatorServer().close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_a_signal_and_gives_signals_back(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[SimulatorServer] = []
    waits: list[bool] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout != 1.0:
                return super().wait(timeout)
            waits.append(self.is_set())
            return len(waits) == 3

    def on_ready(server: SimulatorServer) -> None:
        served.append(server)
        # Free ports are never those of the system.
        assert all(urlsplit(url).port > 1023 for url in (server.base_url, server.media_url))  # type: ignore[operator] # each has one
        assert httpx.get(f"{server.base_url}/_simulator/clock").json()["rate"] == 0
        signal.raise_signal(number)

    known = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    fakes = SimpleNamespace(Event=Stop, Thread=threading.Thread)
    monkeypatch.setattr(server_module, "threading", fakes)
    run(on_ready=on_ready, clock=SimClock.manual())
    assert waits == [True] * 3
    assert not served[0]._thread.is_alive()
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == known
    with pytest.raises(OSError, match="use"), SimulatorServer() as other:
        run(port=urlsplit(other.base_url).port or 0)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == known


def test_run_serves_until_sigterm() -> None:
    program = (
        "from cometapi_runway.simulator import run\n"
        "run(on_ready=lambda server: print(server.base_url, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        url = read_line(process).strip()
        assert httpx.get(f"{url}/_simulator/state").status_code == 200
        process.terminate()
        assert process.wait(10) == 0


def test_the_simulator_imports_no_client_code() -> None:
    program = (
        "import sys, cometapi_runway.simulator\n"
        "known = ('httpx', 'httpcore', 'cometapi_runway_api', 'cometapi_runway._client',\n"
        "         'cometapi_runway._core.task', 'cometapi_runway._io.transport',\n"
        "         'cometapi_runway._flows')\n"
        "print([name for name in known if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
