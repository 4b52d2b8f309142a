"""Between a call and httpx: headers, failures and responses."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncRunwayClient,
    AuthenticationError,
    ConfigurationError,
    RunwayClient,
    ServerError,
    SubmissionUnknownError,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.steps import Send
from cometapi_runway._io import transport as transport_module

from ..support.both_clients import ASSETS, ID, KEY, ClientHarness
from ..support.fault_table import (
    ACCEPTED,
    DONE,
    NOT_SENT,
    RUNNING,
    TRANSPORT_ERRORS,
    page,
    platform,
)
from ..support.scripted_transport import Failure, Reply, json_reply
from ..support.transports import retrieve


class TestFailures:
    @each_case("kind", TRANSPORT_ERRORS, ids=lambda kind: kind.__name__)
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

    @each_case(
        "kind", [httpx.StreamError, httpx.StreamConsumed, httpx.StreamClosed, OSError, UnicodeError]
    )
    def test_of_a_custom_transport_are_mapped(self, kind: Any, harness: ClientHarness) -> None:
        def handle(_: httpx.Request) -> httpx.Response:
            raise kind("odd") if kind in {httpx.StreamError, OSError, UnicodeError} else kind()

        client = harness.new(transport=httpx.MockTransport(handle))
        with pytest.raises(APIConnectionError):
            retrieve(harness, client)

    def test_without_a_message_are_named_by_their_class(self, harness: ClientHarness) -> None:
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

    @each_case("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int, harness: ClientHarness) -> None:
        """A POST would become a GET, or be sent twice; and the key would go along."""
        harness.respond_with(
            Reply(status, b"", {"location": "https://elsewhere.example/"}), ACCEPTED
        )
        target = "redirected to https://elsewhere.example/; not followed"
        with pytest.raises(APIStatusError, match=target) as caught:
            harness.create()
        assert caught.value.response is not None
        assert caught.value.response.headers["location"] == "https://elsewhere.example/"
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

    def test_credentials_of_the_caller_do_not_replace_the_key(self, harness: ClientHarness) -> None:
        harness.respond_with(RUNNING)
        harness.client.session.driver.transport._client.auth = httpx.BasicAuth("u", "p")
        retrieve(harness)
        assert harness.network.sent[0].headers["authorization"] == f"Bearer {KEY}"

    def test_no_cookie_is_kept(self, harness: ClientHarness) -> None:
        harness.respond_with(
            json_reply({"id": ID, "status": "RUNNING"}, headers={"set-cookie": "a=b; Path=/"})
        )
        retrieve(harness)
        retrieve(harness)
        assert "cookie" not in harness.network.sent[1].headers

    def test_a_proxy_of_the_environment_is_not_mentioned_with_a_transport(
        self, harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        harness.respond_with(RUNNING)
        assert retrieve(harness, harness.new()).status == "RUNNING"


class TestEchoedKey:
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

    @each_case("key", ["sk-abc", "sk-abcd"])
    def test_a_short_key_is_redacted(self, key: str, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING", "note": key}))
        assert key not in str(retrieve(harness, harness.new(key)).raw)

    def test_a_key_of_a_few_letters_is_a_tests_own(self, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING", "note": "task"}))
        assert retrieve(harness, harness.new("ta")).raw["note"] == "task"


@each_case("status", [500, 520, 524, 599])
def test_a_status_unknown_to_python_is_reported(status: int, harness: ClientHarness) -> None:
    harness.respond_with(page(status))
    with pytest.raises(ServerError) as caught:
        retrieve(harness)
    assert caught.value.status_code == status


def test_a_client_that_is_closed_while_a_paid_request_waits_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = RunwayClient(KEY, base_url="http://127.0.0.1:9", journal=None)
    transport = client.session.driver.transport
    acquire = transport._slots.acquire

    def acquire_late(*timeout: float) -> Any:
        slot = acquire(*timeout)
        client.close()
        return slot

    monkeypatch.setattr(transport, "_slots", SimpleNamespace(acquire=acquire_late))
    with pytest.raises(ConfigurationError, match="closed"):
        client.character_performance.create(**ASSETS)
    # A paid request has a connection of its own, which no close would find.
    assert transport._single_use is None


def test_a_request_on_its_way_is_not_unsent() -> None:
    """An interruption may come at any moment, also before the attempt's end is noted."""
    seen: list[bool] = []
    for kind in (RunwayClient, AsyncRunwayClient):
        for is_paid in (False, True):
            step = Send(PreparedRequest("o", "POST", "/x"), 5.0, is_paid=is_paid)

            def handle(_: httpx.Request, step: Send = step) -> httpx.Response:
                seen.append(step.unsent)
                return httpx.Response(200, json={})

            client: Any = kind(KEY, transport=httpx.MockTransport(handle))
            sending = client.tasks._session.driver.transport.send(step)
            if inspect.isawaitable(sending):
                asyncio.run(sending)  # type: ignore[arg-type]
            assert step.unsent is False
    assert seen == [False] * 4


@each_case(
    ("length", "body", "is_complete"),
    [
        ("2", b"[]", True),
        ("3", b"[]", False),
        ("1", b"[", True),
        (None, b"[]", True),
        (None, b"[", False),
        ("two", b"[]", True),
    ],
)
def test_a_body_is_complete_by_its_length_or_else_its_json(
    length: str | None, body: bytes, is_complete: bool
) -> None:
    headers = {} if length is None else {"content-length": length}
    response = httpx.Response(200, headers=headers)
    assert transport_module._is_complete(response, bytearray(body)) is is_complete


class BrokenBody(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A response that breaks off, on a connection that httpx keeps."""

    is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"{"
        raise httpx.ReadError("broken")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx.ReadError("broken")

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def test_a_response_that_breaks_off_is_closed(harness: ClientHarness) -> None:
    body = BrokenBody()
    client = harness.new(transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=body)))
    with pytest.raises(APIConnectionError):
        harness.run(client.tasks.retrieve(ID))
    assert body.is_closed
