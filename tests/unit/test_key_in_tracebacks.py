"""The key is in nothing that a traceback with local variables or an object browser shows.

attrs fields are read past `__repr__`, and httpcore and h11 hold the bytes of a request in local
variables. So every situation fails once for each client, and everything reachable is shown.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import html
import inspect
import json
import logging
import pickle
import ssl
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpcore
import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, ConfigurationError, RunwayClient, Task
from cometapi_runway._core.redaction import HIDDEN
from cometapi_runway._core.secret import Secret
from cometapi_runway._io import key_protection
from cometapi_runway._io.key_protection import hide_key_in_errors
from cometapi_runway_api.api.official import runway_to_get_task_details

from ..wire_server import Connection, WireServer
from .support.both_clients import ASSETS, ID, KEY
from .support.shown_locals import show_error, show_object

KINDS = [RunwayClient, AsyncRunwayClient]
MARKER = KEY[3:]
HOST = "https://gateway.example"


def run(kind: Any, call: Callable[[Any], Any], **options: Any) -> Any:
    """The result of a call of a client that is closed afterwards."""
    if kind is RunwayClient:
        with RunwayClient(KEY, **options) as client:
            return call(client)

    async def awaiting() -> Any:
        async with AsyncRunwayClient(KEY, **options) as client:
            result = call(client)
            return await result if inspect.isawaitable(result) else result

    return asyncio.run(awaiting())


def fail(kind: Any, call: Callable[[Any], Any], **options: Any) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - KeyboardInterrupt included
        run(kind, call, **options)
    return caught.value


def assert_hidden(text: str) -> None:
    for form in (MARKER, MARKER.encode().hex(), base64.b64encode(MARKER.encode()).decode()):
        start = text.find(form)
        assert start < 0, text[max(start - 300, 0) : start + 100]


@pytest.mark.parametrize("kind", KINDS)
class TestConstructorsThatRaise:
    @pytest.mark.parametrize(
        "options",
        [
            {"transport": object()},
            {"journal": Path(__file__).parent},
            # The password in a database's URL is as secret as the key.
            {"journal": f"mysql://me:{KEY}@host/x"},
            {"journal": f"postgresql://me:{KEY}@127.0.0.1:nonsense/x"},
            {"journal": f"postgresql://me:{KEY}/{KEY}@127.0.0.1/x"},
            {"journal": f"postgresql://me:{KEY}@127.0.0.1/x", "timeout": 0},
            {"journal": f"postgresql://me:{KEY}@127.0.0.1/x", "budget": "none"},
            {"base_url": "nonsense"},
            {"base_url": "https://ü..example"},
            {"base_url": "http://gateway.example"},
            {"runway_version": "\n"},
            {"timeout": 0},
            {"validate": "no"},
            {"api_key": f"{KEY} {KEY}"},
            {"api_key": f"{KEY}\n"},
            {"api_key": KEY.encode()},
            {"api_key": [KEY]},
        ],
        ids=lambda options: f"{next(iter(options))}-{type(next(iter(options.values()))).__name__}",
    )
    @pytest.mark.parametrize("source", ["argument", "environment"])
    def test_a_bad_setting(
        self, kind: Any, options: dict[str, Any], source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = {"api_key": KEY} if source == "argument" else {}
        monkeypatch.setenv("COMETAPI_KEY", KEY)
        error = catch(kind, {**key, **options})
        assert isinstance(error, ConfigurationError)
        assert_hidden(show_error(error))

    @pytest.mark.parametrize("value", ["gopher://me:pw@proxy.example:70", "http://me:pw@x:port"])
    def test_a_bad_proxy(self, kind: Any, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", value)
        error = catch(kind, {"api_key": KEY})
        assert isinstance(error, ConfigurationError)
        assert_hidden(show_error(error))

    def test_a_half_built_client_has_a_representation(self, kind: Any) -> None:
        assert repr(kind.__new__(kind)) == f"{kind.__name__}(base_url='')"


def catch(kind: Any, options: dict[str, Any]) -> BaseException:
    """What a constructor raises, without this module's own frames, which hold the key."""
    try:
        kind(**options)
    except ConfigurationError as error:
        trace = error.__traceback__
        return error.with_traceback(trace and trace.tb_next)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "path",
    [
        "client",
        "client.settings",
        "client.api",
        "client.session",
        "client.session.driver",
        "client._transport",
        "client._transport._files",
        "client.tasks",
        "client.compat.tasks",
        "client.journal",
        "client.character_performance",
        "client.api.with_timeout(None)",
        "client.api.with_headers({'a': 'b'})",
        "client.api.get_httpx_client()",
        "client.api.get_async_httpx_client()",
        "client.bind(task)",
    ],
)
def test_no_object_browser_shows_the_key(kind: Any, path: str) -> None:
    client = kind(KEY, transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    client.api.get_httpx_client()
    value = eval(path, {"client": client, "task": Task(ID, "PENDING")})  # noqa: S307 - own texts
    assert_hidden(show_object(value))
    if path.startswith("client.api."):
        # Some of its methods change it.
        assert_hidden(show_object(client.api))


@each_case("kind", KINDS)
@each_case("change", ["", ".with_timeout(None)", ".with_headers({'x-a': 'b'})"])
def test_the_generated_client_sends_the_key(kind: Any, change: str) -> None:
    sent: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"id": ID, "status": "RUNNING"})

    def call(client: Any) -> Any:
        api = eval(f"client.api{change}", {"client": client})  # noqa: S307 - own texts
        if kind is RunwayClient:
            return runway_to_get_task_details.sync_detailed(ID, client=api)
        return runway_to_get_task_details.asyncio_detailed(ID, client=api)

    run(kind, call, transport=httpx.MockTransport(respond))
    assert sent[0].headers["Authorization"] == f"Bearer {KEY}"


def retrieve(client: Any) -> Any:
    return client.tasks.retrieve(ID)


def create(client: Any) -> Any:
    return client.character_performance.create(**ASSETS)


def generated(client: Any) -> Any:
    if isinstance(client, RunwayClient):
        return runway_to_get_task_details.sync_detailed(ID, client=client.api)
    return runway_to_get_task_details.asyncio_detailed(ID, client=client.api)


def respond_with(*pieces: bytes) -> Callable[[Connection], None]:
    def serve(connection: Connection) -> None:
        if connection.read_request():
            for piece in pieces:
                connection.send(piece)

    return serve


def reset(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def error_body(quoted: str) -> bytes:
    body = f'{{"error": {{"message": "invalid key {quoted}", "code": "bad"}}}}'.encode()
    return b"HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


SITUATIONS: dict[str, Callable[[Connection], None]] = {
    "closed": respond_with(),
    "reset": reset,
    "illegal status line": respond_with(f"HTTP/1.1 {KEY}\r\n\r\n".encode()),
    "illegal header": respond_with(f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode()),
    "illegal chunk": respond_with(
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n\r\n".encode()
    ),
    "half a body": respond_with(
        f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{KEY}".encode(),
    ),
    "bad encoding": respond_with(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    ),
    "echo": respond_with(error_body(KEY)),
    "echo as reason": respond_with(f"HTTP/1.1 401 {KEY}\r\nContent-Length: 0\r\n\r\n".encode()),
    "echo in a header": respond_with(
        f"HTTP/1.1 302 X\r\nLocation: /{quote(KEY, safe='').replace('-', '%2d')}/\r\n"
        "Content-Length: 0\r\n\r\n".encode()
    ),
}


@each_case("kind", KINDS)
@each_case("call", [retrieve, create, generated])
@each_case("situation", SITUATIONS)
def test_no_failure_on_the_wire_shows_the_key(
    kind: Any,
    call: Callable[[Any], Any],
    situation: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("cometapi_runway._settings.SUBMIT_BUDGET", 0.0)
    with WireServer(SITUATIONS[situation]) as server:
        error = fail(kind, call, base_url=server.base_url, timeout=5)
    assert_hidden(show_error(error))
    assert "httpcore" in caplog.text
    assert_hidden(caplog.text)


class _FailingBackend(httpcore.MockBackend):
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return _FailingStream(self._error)


class _FailingStream(httpcore.MockStream):
    def __init__(self, error: BaseException) -> None:
        super().__init__([])
        self._error = error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # The frame of a caller's own code is left as it is.
        del buffer
        raise self._error

    def start_tls(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return self


class _AsyncFailingBackend(httpcore.AsyncMockBackend):
    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncFailingStream(self._error)


class _AsyncFailingStream(httpcore.AsyncMockStream):
    def __init__(self, error: BaseException) -> None:
        super().__init__([])
        self._error = error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        del buffer
        raise self._error

    async def start_tls(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return self


# Reading the certificates of the default one takes 50 ms, and the streams ignore it.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def failing_transport(kind: Any, error: BaseException) -> Any:
    """A network transport of httpx whose every write fails."""
    if kind is RunwayClient:
        transport = httpx.HTTPTransport(verify=False)
        pool = httpcore.ConnectionPool(TLS, network_backend=_FailingBackend(error))
        vars(transport)["_pool"] = pool
        return transport
    other = httpx.AsyncHTTPTransport(verify=False)
    pool_of_other = httpcore.AsyncConnectionPool(TLS, network_backend=_AsyncFailingBackend(error))
    vars(other)["_pool"] = pool_of_other
    return other


@each_case("kind", KINDS)
@each_case("call", [retrieve, create, generated])
@each_case(
    "error",
    [
        httpcore.ReadError(f"lost {KEY}"),
        OSError(5, KEY),
        RuntimeError("a bug"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_no_failure_while_sending_shows_the_key(
    kind: Any, call: Callable[[Any], Any], error: BaseException
) -> None:
    transport = failing_transport(kind, copy.copy(error))
    shown = fail(kind, call, base_url=HOST, transport=transport)
    assert_hidden(show_error(shown))


FORMS = {
    "JSON escapes": lambda key: "".join(f"\\u{ord(one):04x}" for one in key),
    "JSON escapes in capitals": lambda key: "".join(f"\\u{ord(one):04X}" for one in key),
    "one JSON escape": lambda key: key.replace("-", "\\u002d"),
    "JSON in JSON": lambda key: json.dumps(key.replace("-", "\\u002d"))[1:-1],
    "percent": lambda key: "".join(f"%{ord(one):02x}" for one in key),
    "percent twice": lambda key: "".join(f"%25{ord(one):02X}" for one in key),
    "HTML": lambda key: "".join(f"&#{ord(one)};" for one in key),
    "HTML in hexadecimal": lambda key: "".join(f"&#x{ord(one):X};" for one in key),
}


@each_case("kind", KINDS)
@each_case("form", FORMS)
def test_an_escaped_echo_of_the_key_is_hidden(kind: Any, form: str, tmp_path: Path) -> None:
    quoted = FORMS[form](KEY)
    response = httpx.Response(401, content=error_body(quoted).partition(b"\r\n\r\n")[2])
    error = fail(
        kind,
        create,
        transport=httpx.MockTransport(lambda _: response),
        journal=tmp_path / "journal.db",
    )
    assert HIDDEN in str(error)
    decoded = html.unescape(str(error))
    assert MARKER not in decoded
    assert quoted not in show_error(error)
    for file in tmp_path.iterdir():
        assert quoted.encode() not in file.read_bytes()
        assert KEY.encode() not in file.read_bytes()


class TestSecret:
    def test_it_reveals_its_text_to_code_only(self) -> None:
        secret = Secret(KEY)
        assert secret.reveal() == KEY
        assert_hidden(show_object(secret))
        assert f"{secret}" == HIDDEN

    def test_it_compares_by_value(self) -> None:
        assert Secret(KEY) == Secret(KEY) == copy.deepcopy(Secret(KEY))
        assert Secret(KEY) != Secret(KEY[:-1])
        assert Secret(KEY) != KEY
        assert len({Secret(KEY), Secret(KEY)}) == 1

    def test_it_cannot_be_pickled(self) -> None:
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            pickle.dumps(Secret(KEY))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
    def test_wide_encodings(self, encoding: str) -> None:
        shown = Secret(KEY).hide_in(f"the key {KEY}".encode(encoding)).decode(encoding)
        assert shown == f"the key {HIDDEN}"

    def test_a_slash_and_other_marks(self) -> None:
        secret = Secret("a/b.c+d==")
        assert secret.hide_in(b'{"a": "a\\/b.c+d=="}') == b'{"a": "[hidden]"}'
        assert secret.hide_in(b"a%2Fb.c%2bd%3D= a/bXc+d== %41") == b"[hidden] a/bXc+d== %41"

    def test_a_short_key_is_left(self) -> None:
        assert Secret("short").hide_in(b"shorter") == b"shorter"
        assert Secret("longer").hide_in(b"longer%20than") == b"[hidden]%20than"


class TestKeyInAnotherSetting:
    @each_case(
        "options",
        [
            {"base_url": f"https://gateway.example/#{KEY}"},
            {"base_url": f"https://gateway.example/{KEY}"},
            {"base_url": f"https://gateway.example/{KEY}/v1"},
            {"base_url": f"https://gateway.example/{quote(KEY).replace('-', '%2D')}"},
            {"base_url": f"https://{KEY}@gateway.example"},
            {"base_url": f"https://gateway.example?key={KEY}"},
            {"base_url": f"ftp://gateway.example/{KEY}"},
            {"base_url": KEY},
            {"runway_version": KEY},
        ],
    )
    def test_it_is_refused_and_not_shown(self, options: dict[str, str]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            RunwayClient(KEY, **options)  # type: ignore[arg-type] # by name
        assert caught.value.setting == next(iter(options))
        assert MARKER not in str(caught.value)

    @each_case("base_url", [f"https://gateway.example/#{KEY}", KEY, f"https:/#{KEY}", f"{KEY}@x"])
    def test_another_key_in_the_base_url_is_not_shown(self, base_url: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            RunwayClient("sk-another-key", base_url=base_url)
        assert MARKER not in str(caught.value)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY", raising=False)


def test_the_members_of_a_group_are_cleaned() -> None:
    """anyio raises groups, and each member has a traceback of its own."""
    inner = OSError(5, KEY)
    with pytest.raises(ExceptionGroup) as caught, hide_key_in_errors(Secret(KEY)):
        raise ExceptionGroup("connecting", [ValueError("x"), inner])
    assert MARKER not in str(caught.value.exceptions[1])
    assert str(inner) == f"[Errno 5] {HIDDEN}"


def test_each_error_of_a_chain_is_cleaned_once_even_of_a_circle() -> None:
    first, second, third = ValueError("1"), ValueError("2"), ExceptionGroup("3", [OSError()])
    first.__cause__, second.__context__, third.__cause__ = second, third, first
    second.__cause__ = third
    found = list(islice(key_protection._iterate_chain(first), 9))
    assert sorted(map(id, found)) == sorted(map(id, (first, second, third, *third.exceptions)))


def test_a_suspended_generator_of_the_caller_goes_on() -> None:
    """Clearing its frame would end it."""

    def caller() -> Iterator[int]:
        try:
            raise ValueError("x")  # noqa: TRY301 - the generator is to be in the traceback
        except ValueError as error:
            yield 1
            with pytest.raises(RuntimeError), hide_key_in_errors(Secret(KEY)):
                raise RuntimeError("y") from error
        yield 2

    assert list(caller()) == [1, 2]


@each_case(
    ("name", "is_cleared"),
    [
        *((name, True) for name in ("httpx", "httpcore", "h11", "anyio", "httpx._client")),
        *((f"cometapi_runway._io.{name}", True)
          for name in ("async_transport", "deadlines", "transport")),
        *((name, False) for name in ("httpx2", "app.httpx", "cometapi_runway._flows.submit")),
    ],
)  # fmt: skip
def test_the_frames_of_whatever_holds_the_bytes_of_a_request_are_cleared(
    name: str, is_cleared: bool
) -> None:
    module: dict[str, Any] = {"__name__": name}
    exec("def send(data): raise ValueError", module)  # noqa: S102 - a function of that module
    with pytest.raises(ValueError) as caught, hide_key_in_errors(Secret(KEY)):  # noqa: PT011
        module["send"](KEY)
    assert (caught.traceback[-1].frame.raw.f_locals == {}) is is_cleared
