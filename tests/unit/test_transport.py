"""Between a call and httpx: what is added, what is bounded, and how a failure is told."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    RunwayClient,
    ServerError,
    SubmissionUnknownError,
    TaskTimeoutError,
)
from cometapi_runway import _settings as settings
from cometapi_runway._core.clock import AsyncSystemClock, SystemClock

from .support.both_clients import ASSETS, ID, KEY, ClientHarness
from .support.fault_table import ACCEPTED, DONE, NOT_SENT, RUNNING, TRANSPORT_ERRORS, page, platform
from .support.scripted_transport import Failure, Reply, json_reply


def retrieve(harness: ClientHarness, client: Any = None) -> Any:
    return harness.run((client or harness.client).tasks.retrieve(ID))


class TestFailures:
    @pytest.mark.parametrize("kind", TRANSPORT_ERRORS, ids=lambda kind: kind.__name__)
    def test_say_whether_the_request_can_have_arrived(
        self, kind: type[httpx.TransportError], harness: ClientHarness
    ) -> None:
        harness.respond_with(Failure(kind, words="the words of httpx"))
        with pytest.raises(APIConnectionError, match="the words of httpx") as caught:
            retrieve(harness)
        error = caught.value
        assert error.delivery == ("not_sent" if kind in NOT_SENT else "unknown")
        assert isinstance(error, APITimeoutError) == issubclass(kind, httpx.TimeoutException)
        assert isinstance(error.__cause__, kind)
        assert f"GET /runwayml/v1/tasks/{ID}" in str(error)

    @pytest.mark.parametrize(
        "kind", [httpx.StreamError, httpx.StreamConsumed, httpx.StreamClosed, OSError, UnicodeError]
    )
    def test_of_a_transport_of_the_callers_own_are_told_too(
        self, kind: Any, harness: ClientHarness
    ) -> None:
        def handle(_: httpx.Request) -> httpx.Response:
            raise kind("odd") if kind in {httpx.StreamError, OSError, UnicodeError} else kind()

        client = harness.new(transport=httpx.MockTransport(handle))
        with pytest.raises(APIConnectionError):
            retrieve(harness, client)

    def test_that_have_no_words_are_called_by_name(self, harness: ClientHarness) -> None:
        harness.respond_with(Failure(httpx.ReadError, words=""))
        with pytest.raises(APIConnectionError, match="ReadError"):
            retrieve(harness)

    def test_of_decoding_are_failures_of_the_connection(self, harness: ClientHarness) -> None:
        harness.respond_with(Reply(200, b"not gzip at all", {"content-encoding": "gzip"}))
        with pytest.raises(APIConnectionError) as caught:
            retrieve(harness)
        assert caught.value.delivery == "unknown"
        with pytest.raises(SubmissionUnknownError):
            harness.create()

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int, harness: ClientHarness) -> None:
        """A POST would become a GET, or be sent twice; and the key would go along."""
        harness.respond_with(
            Reply(status, b"", {"location": "https://elsewhere.example/"}), ACCEPTED
        )
        with pytest.raises(APIStatusError, match="not followed"):
            harness.create()
        assert len(harness.network.sent) == 1


class TestRequests:
    def test_every_one_has_its_timeouts(self, harness: ClientHarness) -> None:
        seen: list[dict[str, float]] = []

        def network(request: httpx.Request) -> Reply:
            seen.append(dict(request.extensions["timeout"]))
            return ACCEPTED if request.method == "POST" else DONE

        harness.network.respond_by(network)
        harness.create()
        retrieve(harness, harness.new(timeout=3))
        assert seen == [
            {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0},
            {"connect": 3.0, "read": 3.0, "write": 3.0, "pool": 3.0},
        ]

    def test_each_client_carries_its_own_key(self, harness: ClientHarness) -> None:
        harness.respond_with(RUNNING)
        retrieve(harness)
        retrieve(harness, harness.new("sk-another-0123456789"))
        keys = [one.headers["authorization"] for one in harness.network.sent]
        assert keys == [f"Bearer {KEY}", "Bearer sk-another-0123456789"]

    def test_no_cookie_is_kept(self, harness: ClientHarness) -> None:
        harness.respond_with(
            json_reply({"id": ID, "status": "RUNNING"}, headers={"set-cookie": "a=b; Path=/"})
        )
        retrieve(harness)
        retrieve(harness)
        assert "cookie" not in harness.network.sent[1].headers

    def test_a_proxy_of_the_environment_is_not_told_of_with_a_transport(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        harness.respond_with(RUNNING)
        assert retrieve(harness, harness.new()).status == "RUNNING"


class Drip(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes byte by byte, each soon enough for httpx."""

    def __init__(self, harness: ClientHarness, content: bytes, pause: float) -> None:
        self._twin = harness
        self._content = content
        self._pause = pause

    def __iter__(self) -> Iterator[bytes]:
        for byte in self._content:
            self._twin.clock.sleep(self._pause)  # type: ignore[unused-coroutine] # of this kind
            yield bytes([byte])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for byte in self._content:
            await asyncio.sleep(self._pause)
            yield bytes([byte])


def dripping(harness: ClientHarness, pause: float) -> Any:
    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip(harness, DONE.content, pause))

    return harness.new(transport=httpx.MockTransport(handle), timeout=10)


class TestBounds:
    def test_an_answer_that_drips_is_bounded_as_a_whole(self, harness: ClientHarness) -> None:
        """httpx counts from byte to byte, and would wait for minutes."""
        with pytest.raises(APITimeoutError, match="had not ended after 10 s"):
            retrieve(harness, dripping(harness, 1.0))
        assert 10 <= harness.time <= 11

    def test_an_answer_that_is_only_slow_is_read(self, harness: ClientHarness) -> None:
        assert retrieve(harness, dripping(harness, 0.05)).status == "SUCCEEDED"

    def test_a_wait_ends_in_time_though_every_answer_drips(self, harness: ClientHarness) -> None:
        with pytest.raises(TaskTimeoutError):
            harness.run(dripping(harness, 1.0).tasks.wait(ID, timeout=25))
        assert harness.time <= 26 + 1

    def test_an_answer_that_is_no_answer_is_not_read_to_its_end(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "MAX_RESPONSE_BYTES", 100_000)
        harness.respond_with(Reply(200, b" " * 1_000_000))
        with pytest.raises(APIConnectionError, match="larger than 100000 bytes"):
            retrieve(harness)

    def test_no_more_are_in_flight_than_the_pool_can_bear(self) -> None:
        harness = ClientHarness("awaiting")
        busy, most = 0, 0

        async def handle(_: httpx.Request) -> httpx.Response:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.01)
            busy -= 1
            return httpx.Response(200, content=RUNNING.content)

        client = harness.new(transport=httpx.MockTransport(handle))

        async def burst() -> list[Any]:
            return await asyncio.gather(*(client.tasks.retrieve(f"task-{n}") for n in range(200)))

        assert len(harness.run(burst())) == 200
        assert most == settings.MAX_IN_FLIGHT
        harness.close()

    def test_a_place_that_does_not_come_free_means_not_sent(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So a create call behind it may be tried again."""
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 0)
        crowded = harness.new(timeout=0.01)
        with pytest.raises(APITimeoutError, match="no free connection") as caught:
            retrieve(harness, crowded)
        assert caught.value.delivery == "not_sent"
        assert harness.network.sent == []


class TestThreads:
    def test_one_client_serves_many(self) -> None:
        def handle(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"id": request.headers["x-number"]})

        with RunwayClient(KEY, transport=httpx.MockTransport(handle)) as client:

            def create(number: int) -> str:
                headers = {"X-Number": f"task-{number}"}
                task = client.character_performance.create(**ASSETS, extra_headers=headers)
                return task.id

            with ThreadPoolExecutor(8) as pool:
                ids = list(pool.map(create, range(200)))
        assert ids == [f"task-{number}" for number in range(200)]

    def test_the_gate_holds_threads_back_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 2)
        lock, count = threading.Lock(), {"busy": 0, "most": 0}

        def handle(_: httpx.Request) -> httpx.Response:
            with lock:
                count["busy"] += 1
                count["most"] = max(count["most"], count["busy"])
            time.sleep(0.002)
            with lock:
                count["busy"] -= 1
            return httpx.Response(200, content=RUNNING.content)

        transport = httpx.MockTransport(handle)
        with RunwayClient(KEY, transport=transport) as client, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: client.tasks.retrieve(f"t{n}"), range(24)))
        assert count["most"] == 2


class TestEcho:
    """Some gateways quote the key that they refuse."""

    def test_the_key_is_taken_out_of_what_came(self, harness: ClientHarness) -> None:
        harness.respond_with(platform(401, f"Invalid Token {KEY}"))
        with pytest.raises(AuthenticationError, match=r"Invalid Token \[hidden\]") as caught:
            retrieve(harness)
        assert caught.value.response is not None
        assert KEY not in caught.value.response.text

    def test_and_of_the_header_fields(self, harness: ClientHarness) -> None:
        quoting = {"x-quoted": f"for {KEY}!", "x-request-id": KEY, "location": f"/login?k={KEY}"}
        for status in (302, 401):
            harness.respond_with(Reply(status, b"", quoting))
            with pytest.raises(APIStatusError) as caught:
                retrieve(harness)
            response = caught.value.response
            assert response is not None
            assert response.headers["x-quoted"] == "for [hidden]!"
            said = [str(caught.value), repr(vars(caught.value)), str(caught.value.request_id)]
            assert KEY not in " ".join([*said, *response.headers.values()])

    def test_and_of_what_a_task_holds(self, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING", "note": KEY}))
        assert KEY not in str(retrieve(harness).raw)

    @pytest.mark.parametrize("key", ["sk-abc", "sk-abcd"])
    def test_a_short_key_is_one(self, key: str, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING", "note": key}))
        assert key not in str(retrieve(harness, harness.new(key)).raw)

    def test_a_key_of_a_few_letters_is_a_tests_own(self, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING", "note": "task"}))
        assert retrieve(harness, harness.new("ta")).raw["note"] == "task"


class TestClocks:
    def test_functions_are_looked_up_when_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr(time, "sleep", slept.append)
        monkeypatch.setattr(time, "monotonic", lambda: 42.0)
        clock = SystemClock()
        clock.sleep(5)
        assert (slept, clock.now()) == ([5], 42.0)

    def test_and_so_are_those_of_asyncio(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []

        async def note(seconds: float) -> None:
            slept.append(seconds)

        monkeypatch.setattr(asyncio, "sleep", note)
        clock = AsyncSystemClock()
        asyncio.run(clock.sleep(5))
        assert slept == [5]
        assert clock.now() <= time.monotonic()

    def test_a_program_that_patches_sleep_reaches_its_deadline(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        polls: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            polls.append(request)
            return httpx.Response(200, content=RUNNING.content)

        with RunwayClient(KEY, transport=httpx.MockTransport(handle)) as client:
            started = time.monotonic()
            with pytest.raises(TaskTimeoutError):
                client.tasks.wait(ID)
            assert time.monotonic() - started < 30
        # Jitter is real here: an interval is 5 to 6 s.
        assert 101 <= len(polls) <= 121


def test_the_generated_client_does_not_wait_for_ever() -> None:
    """Its own default is no timeout at all."""
    with RunwayClient(KEY, timeout=7) as client:
        assert client.api.get_httpx_client().timeout == httpx.Timeout(7, connect=7)


@pytest.mark.parametrize("status", [500, 520, 524, 599])
def test_a_status_that_python_does_not_know_is_told(status: int, harness: ClientHarness) -> None:
    harness.respond_with(page(status))
    with pytest.raises(ServerError) as caught:
        retrieve(harness)
    assert caught.value.status_code == status


class TestCertificates:
    """Authorities are loaded once, since that takes longer than all else of a client."""

    @staticmethod
    def authorities(monkeypatch: pytest.MonkeyPatch, used: list[Any]) -> None:
        class Noted(httpx.HTTPTransport):
            def __init__(self, verify: Any = True, **more: Any) -> None:
                used.append(verify)
                super().__init__(verify=verify, **more)

        monkeypatch.setattr("httpx._client.HTTPTransport", Noted)

    def test_are_shared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        used: list[Any] = []
        self.authorities(monkeypatch, used)
        for _ in range(2):
            with RunwayClient(KEY), RunwayClient(KEY, base_url="https://gateway.example"):
                pass
        assert len({id(one) for one in used if isinstance(one, ssl.SSLContext)}) == 1
        assert all(one.verify_mode is ssl.CERT_REQUIRED and one.check_hostname for one in used)

    def test_follow_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A company's own authority is named there, perhaps after the first client was made."""
        used: list[Any] = []
        self.authorities(monkeypatch, used)
        RunwayClient(KEY).close()
        own = tmp_path / "authority.pem"
        own.write_bytes(Path(certifi.where()).read_bytes().partition(b"\n\n")[0])
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        RunwayClient(KEY).close()
        counts = [one.cert_store_stats()["x509_ca"] for one in used]
        assert counts[0] > counts[-1] == 1
