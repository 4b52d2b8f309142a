"""One marker as key, as picture and as signature: whatever goes wrong, nobody gets to read it.

Over a real socket, since httpx's and httpcore's own log lines are part of what must not tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import json
import logging
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from attrs import frozen

from cometapi_runway import AsyncRunwayClient, RunwayClient, RunwayError, Task
from cometapi_runway._core.redaction import (
    redact_headers,
    redact_json,
    redact_text,
    redact_url,
    strip_payloads,
)
from cometapi_runway._flows import DownloadRequest, download, submit, wait
from cometapi_runway._flows.steps import Fetch, PreparedRequest
from cometapi_runway._io import file_client
from cometapi_runway._io.http_logs import redact_http_logs
from cometapi_runway.errors import Issue

from .support.both_clients import ID, MODES, Mode
from .support.flow_runner import POLL, submit_request, wait_request
from .support.virtual_time import FixedJitter

MARKER = "MARKERMARKER"
KEY = f"sk-{MARKER}-0123456789"
PICTURE = f"data:image/png;base64,{MARKER * 40}"
CLIP = f"https://user:{MARKER}@assets.example/clip.mp4?sig={MARKER}#{MARKER}"
ASSETS = {"character": PICTURE, "reference": f"https://assets.example/clip.mp4?sig={MARKER}"}


class Handler(BaseHTTPRequestHandler):
    """A gateway that repeats all it is told, in every way there is to go wrong."""

    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.say(self.server.creates, self.rfile.read(length).decode())

    def do_GET(self) -> None:
        if self.path.startswith("/file"):
            self.say(self.server.serves, "")
        elif self.path.startswith("/moved"):
            self.answer(200, b"video", "video/mp4")
        else:
            self.say(self.server.polls, "")

    def say(self, what: str, body: str) -> None:
        told = f"{self.headers.get('Authorization', '')} {body} {self.server.output}"
        getattr(self, f"say_{what}")(told)

    def say_accepted(self, _: str) -> None:
        self.answer(200, json.dumps({"id": ID}).encode())

    def say_done(self, _: str) -> None:
        task = {"id": ID, "status": "SUCCEEDED", "output": [self.server.output]}
        self.answer(200, json.dumps(task).encode())

    def say_failed(self, told: str) -> None:
        task = {"id": ID, "status": "FAILED", "failure": f"cannot read {told}"}
        self.answer(200, json.dumps(task).encode())

    def say_refused(self, told: str, status: int = 400) -> None:
        error = {"message": f"{told} (request id: 20260101abc)", "code": "invalid_request"}
        self.answer(status, json.dumps({"error": error}).encode())

    def say_unauthorised(self, told: str) -> None:
        self.say_refused(told, 401)

    def say_busy(self, told: str) -> None:
        self.say_refused(told, 429)

    def say_family(self, told: str) -> None:
        self.answer(403, json.dumps({"code": "forbidden", "message": told}).encode())

    def say_page(self, told: str, status: int = 502) -> None:
        self.answer(status, f"<html><body>{told}</body></html>".encode(), "text/html")

    def say_page_as_success(self, told: str) -> None:
        self.say_page(told, 200)

    def say_expired(self, told: str) -> None:
        self.say_page(told, 403)

    def say_strange(self, told: str) -> None:
        self.answer(200, json.dumps({"hello": told}).encode())

    def say_redirect(self, _: str) -> None:
        self.answer(302, b"", location=f"/moved.mp4?sig={MARKER}")

    def say_nothing(self, _: str) -> None:
        self.close_connection = True

    def say_half(self, told: str) -> None:
        self.answer(200, told.encode(), length=len(told.encode()) + 9)
        self.close_connection = True

    def say_file(self, _: str) -> None:
        self.answer(200, b"video", "video/mp4")

    def answer(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        *,
        length: int | None = None,
        location: str | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Set-Cookie", f"session={MARKER}; Path=/")
        self.send_header("X-Echo", MARKER)
        self.send_header("Retry-After", "9999")
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the server's own log is not under test."""


class Gateway(ThreadingHTTPServer):
    creates = "accepted"
    polls = "done"
    serves = "file"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def output(self) -> str:
        return f"{self.address}/file.mp4?_jwt={MARKER}"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Gateway(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Impatient:
    """Time that passes only by sleeping, so that budgets are spent at once."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class AsyncImpatient(Impatient):
    async def sleep(self, seconds: float) -> None:  # type: ignore[override] # the other kind
        self.time += seconds


@frozen
class Case:
    """What goes wrong, and the call that meets it."""

    name: str
    call: Callable[[Any, Path], Any]
    creates: str = "accepted"
    polls: str = "done"
    serves: str = "file"


def create(client: Any, _: Path) -> Any:
    return client.character_performance.create(**ASSETS)


def await_end(client: Any, _: Path) -> Any:
    return client.tasks.wait(ID, timeout=20)


def retrieve(client: Any, _: Path) -> Any:
    return client.tasks.retrieve(ID)


def fetch(client: Any, folder: Path) -> Any:
    output = f"{client.settings.base_url}/file.mp4?_jwt={MARKER}"
    return client.bind(Task(ID, "SUCCEEDED", output=(output,))).download(folder)


def invalid(client: Any, _: Path) -> Any:
    return client.character_performance.create(
        character=f"data:image/png;base64,{MARKER} {MARKER}",
        reference=CLIP,
        ratio=f"https://x.example/?{MARKER}",
        extra_headers={"Authorization": KEY},
    )


def invalid_body(client: Any, _: Path) -> Any:
    return client.character_performance.create(
        character={"type": "image", "uri": f"data:image/png;base64,{MARKER} {MARKER}"},
        reference=CLIP.replace("https", "http"),
        extra_body={"ratio": PICTURE, "seed": CLIP, "model": [PICTURE]},
    )


def invalid_header(client: Any, _: Path) -> Any:
    return client.character_performance.create(**ASSETS, extra_headers={"X-A": f"{MARKER}\n"})


def untellable(client: Any, _: Path) -> Any:
    return client.character_performance.create(
        character=f"https://a.example/x?sig={MARKER}", reference=CLIP
    )


SAYINGS = (
    "refused",
    "unauthorised",
    "busy",
    "family",
    "page",
    "page_as_success",
    "strange",
    "redirect",
    "nothing",
    "half",
    "failed",
)
CASES = (
    Case("create", create),
    Case("retrieve", retrieve),
    *(Case(f"create, {saying}", create, creates=saying) for saying in SAYINGS),
    Case("wait", await_end),
    *(Case(f"wait, {saying}", await_end, polls=saying) for saying in SAYINGS),
    *(Case(f"retrieve, {saying}", retrieve, polls=saying) for saying in SAYINGS),
    Case("download", fetch),
    *(
        Case(f"download, {saying}", fetch, serves=saying)
        for saying in (
            "refused",
            "page",
            "page_as_success",
            "expired",
            "redirect",
            "nothing",
            "half",
        )
    ),
    Case("download, expired, and the gateway ails", fetch, serves="expired", polls="page"),
    Case("invalid", invalid),
    Case("invalid body", invalid_body),
    Case("invalid header", invalid_header),
    Case("untellable", untellable),
)


GOOD = {
    "create",
    "create, failed",
    "retrieve",
    "retrieve, failed",
    "wait",
    "download",
    "download, redirect",
}


def outcome(
    mode: Mode, case: Case, gateway: Gateway, folder: Path, *, journal: bool = False
) -> Any:
    """What a call comes to, over a real socket: its result, or its error."""
    gateway.creates, gateway.polls, gateway.serves = case.creates, case.polls, case.serves
    clock = Impatient if mode == "blocking" else AsyncImpatient
    options: dict[str, Any] = {
        "base_url": gateway.address,
        "timeout": 5,
        "clock": clock(),
        "journal": folder / "journal.db" if journal else None,
    }
    # A context that loads no certificates is built at once.
    plain, awaitable = httpx.HTTPTransport(verify=False), httpx.AsyncHTTPTransport(verify=False)

    async def awaiting() -> Any:
        async with AsyncRunwayClient(KEY, transport=awaitable, **options) as client:
            result = case.call(client, folder)
            return await result if inspect.isawaitable(result) else result

    try:
        if mode == "awaiting":
            return asyncio.run(awaiting())
        with RunwayClient(KEY, transport=plain, **options) as client:
            return case.call(client, folder)
    except RunwayError as error:
        return error


def everything_said(result: Any) -> str:
    """All that a result or an error can be made to say."""
    said = [str(result), repr(result)]
    if isinstance(result, BaseException):
        said += traceback.format_exception(result)
        said += [f"{name}={value!r}" for name, value in vars(result).items() if name != "_response"]
        causes = [result.__cause__, result.__context__]
        said += [everything_said(cause) for cause in causes if cause is not None]
    said += [str(issue) for issue in getattr(result, "issues", ())]
    return "\n".join(said)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_tells(
    case: Case, mode: Mode, gateway: Gateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    result = outcome(mode, case, gateway, tmp_path)
    assert isinstance(result, RunwayError) != (case.name in GOOD), result
    assert MARKER not in everything_said(result)
    assert MARKER not in caplog.text
    if not case.name.startswith(("invalid", "untellable")):
        # The log was on, and of use.
        assert "cometapi_runway" in caplog.text or "httpcore" in caplog.text


def test_the_journal_keeps_neither_key_nor_picture(gateway: Gateway, tmp_path: Path) -> None:
    """Addresses it keeps whole: it exists so that a request can be repeated."""
    assets = {"character": PICTURE, "reference": "https://assets.example/clip.mp4"}
    cases = [
        Case("create", lambda client, _: client.character_performance.create(**assets)),
        Case("refused", lambda c, _: c.character_performance.create(**assets), creates="refused"),
        Case("lost", lambda c, _: c.character_performance.create(**assets), creates="page"),
        Case("failed", await_end, polls="failed"),
        Case("download", fetch),
    ]
    for case in cases:
        outcome("blocking", case, gateway, tmp_path, journal=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        dump = "\n".join(db.iterdump())
    assert ID in dump
    assert MARKER not in dump
    for file in tmp_path.glob("journal.db*"):
        assert MARKER.encode() not in file.read_bytes()


def test_the_log_would_tell_without_the_filter(
    gateway: Gateway,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the test above proves nothing."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(file_client, "redact_http_logs", contextlib.nullcontext)
    outcome("blocking", Case("download", fetch), gateway, tmp_path)
    assert MARKER in caplog.text


def test_lines_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with redact_http_logs():
        logging.getLogger("httpx").info("GET %s", "https://a.example/x?sig=1")
    logging.getLogger("httpx").info("GET %s", "https://b.example/x?sig=2")
    assert caplog.messages == ["GET https://a.example/x?[hidden]", "GET https://b.example/x?sig=2"]


@pytest.mark.parametrize(
    "line",
    [
        "receive_response_headers.complete return_value=(b'HTTP/1.1', 200, b'OK', [(b'a', b'b')])",
        "setup_socks5_connection.started stream=<x> host='h' port=1 auth=(b'user', b'pass')",
    ],
)
@pytest.mark.parametrize("name", ["connection", "http11", "http2", "proxy", "socks"])
def test_httpcore_does_not_say_what_came_back(
    line: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with redact_http_logs():
        logging.getLogger(f"httpcore.{name}").debug(line)
    (message,) = caplog.messages
    assert line.startswith(message)
    assert "b'" not in message


class TestRepresentations:
    def test_of_what_flows_work_with(self, tmp_path: Path) -> None:
        signed = f"https://cdn.example/x.mp4?_jwt={MARKER}"
        call = PreparedRequest(
            "op", "POST", "/x", {"Authorization": KEY, "X-A": MARKER}, {"a": PICTURE}
        )
        task = Task(ID, "SUCCEEDED", output=(signed,), raw={"output": [signed]})
        shown = [
            call,
            submit_request(call=call),
            wait_request(task=task, poll=call),
            task,
            Fetch(signed, tmp_path, resume=True, timeout=1.0),
            DownloadRequest(task, 0, tmp_path, POLL),
            Task(ID, "FAILED", failure=f"cannot read {signed}"),
        ]
        for one in shown:
            assert MARKER not in repr(one)
            assert MARKER not in str(one)

    @pytest.mark.parametrize("flow", ["submit", "wait", "download"])
    def test_of_a_traceback_with_its_locals(self, flow: str, tmp_path: Path) -> None:
        """As crash reporters print it: the flows' own frames hold nothing to read."""
        signed = f"https://cdn.example/x.mp4?_jwt={MARKER}"
        call = PreparedRequest("op", "POST", "/x", {}, {"a": PICTURE})
        task = Task(ID, "RUNNING", output=(signed,))
        running: Any = {
            "submit": submit(submit_request(call=call), started=0.0, rng=FixedJitter(0)),
            "wait": wait(wait_request(task=task), started=0.0, rng=FixedJitter(0)),
            "download": download(
                DownloadRequest(task, 0, tmp_path, POLL), started=0.0, rng=FixedJitter(0)
            ),
        }[flow]
        next(running)
        try:
            running.throw(ZeroDivisionError())
        except ZeroDivisionError as error:
            report = io.StringIO()
            traceback.TracebackException.from_exception(error, capture_locals=True).print(
                file=report
            )
            frames = report.getvalue().split("def test_of_a_traceback")[-1]
            inner = frames.partition("in submit")[2] or frames.partition(f"in {flow}")[2]
            assert "order" in inner or "watch" in inner
            assert MARKER not in inner


class TestRedaction:
    @pytest.mark.parametrize(
        ("address", "shown"),
        [
            ("https://h.example/a/b.mp4", "https://h.example/a/b.mp4"),
            ("https://h.example:8443/a?b=c#d", "https://h.example:8443/a?[hidden]"),
            ("https://u:p@h.example/a", "https://h.example/a"),
            ("https://h.example/a#token", "https://h.example/a"),
            ("https://H.example/", "https://H.example/"),
            ("HTTPS://u:p@H.example:443/a?b", "HTTPS://H.example:443/a?[hidden]"),
            (" https://h.example/", "https://h.example/"),
            ("data:image/png;base64,AAAA", "data:image/png;base64,[hidden] (26 characters)"),
            ("DATA:,x", "DATA:,[hidden] (7 characters)"),
            ("https://[broken", "[hidden]"),
            ("https://h.example:99999/a", "[hidden]"),
            ("/runwayml/v1/tasks/1?x=y", "/runwayml/v1/tasks/1"),
            ("?x=y", ""),
            ("//h.example/a?x=y", "/a"),
            ("mailto:someone@h.example?x=y", "someone@h.example"),
        ],
    )
    def test_addresses(self, address: str, shown: str) -> None:
        assert redact_url(address) == shown

    @pytest.mark.parametrize(
        "words",
        [
            f"see https://h.example/a?x={MARKER} for more",
            f"see 'https://h.example/a?x={MARKER}'",
            f'<a href="https://h.example/a?x={MARKER}">',
            f"HTTPS://H.EXAMPLE/?{MARKER}",
            f"got data:image/png;base64,{MARKER}==, sorry",
            f"got DATA:image/png;base64,{MARKER}",
            f'got data:image/png;name="a b",{MARKER}'.replace(" b", ""),
            f"data:,{MARKER}",
            f'{{"uri": "data:video/mp4;codecs=avc1;base64,{MARKER}"}}',
            f"https://u:{MARKER}@h.example/",
            f"https://[{MARKER}",
        ],
    )
    def test_text(self, words: str) -> None:
        assert MARKER not in redact_text(words)

    @pytest.mark.parametrize("words", ["", "plain words, nothing else", "metadata: a, b", "a,b"])
    def test_text_that_hides_nothing_is_kept(self, words: str) -> None:
        assert redact_text(words) == words

    def test_headers_are_shown_by_permission(self) -> None:
        shown = redact_headers(
            [("Content-Type", "a/b"), ("Authorization", KEY), ("X-New-Thing", MARKER)]
        )
        assert shown == {
            "Content-Type": "a/b",
            "Authorization": "[hidden]",
            "X-New-Thing": "[hidden]",
        }

    def test_values_keep_their_form(self) -> None:
        value = {"a": [PICTURE, 1, None, True], "b": {"c": CLIP}, "d": "x" * 5000}
        shown: Any = redact_json(value)
        assert MARKER not in json.dumps(shown)
        assert shown["a"][1:] == [1, None, True]
        assert shown["b"] == {"c": "https://assets.example/clip.mp4?[hidden]"}
        assert len(shown["d"]) < 2100

    def test_what_repeats_a_request_keeps_addresses(self) -> None:
        kept: Any = strip_payloads({"a": [PICTURE], "b": "https://a.example/x?sig=1"})
        assert MARKER not in json.dumps(kept)
        assert kept["b"] == "https://a.example/x?sig=1"


def test_an_issue_holds_its_value_but_does_not_say_it() -> None:
    issue = Issue("/x", "pattern", PICTURE, "/x: is wrong")
    assert issue.value == PICTURE
    assert MARKER not in repr(issue)
