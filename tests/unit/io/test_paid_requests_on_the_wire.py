"""A paid request is on the wire once, whatever the server does, and no id that arrived is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case
from tests.wire_server import Connection, WireServer

from cometapi_runway import APIStatusError, SubmissionUnknownError
from cometapi_runway.journal import Journal

from ..support.both_clients import ID, MODES, Mode
from ..support.real_clients import call, create, error_of

TARGETS = (
    "about:blank",
    "https:login",
    "localhost:8080/x",
    "https://xn--/x",
    "https://xn--a.example/",
    "http://[::1",
    "http://[1::2::3]/",
    "//",
    "///x",
    "https://",
    "http://a:b/",
    "http://host:99999999/",
    "https://ex ample.com/",
    "mailto:someone@example.com",
    "javascript:alert(1)",
    "/relative",
    "https://example.com/elsewhere",
)
BODY = f'{{"id":"{ID}"}}'.encode()


@each_case("mode", MODES)
@each_case("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_sent_once_whatever_its_target(mode: Mode, status: int) -> None:
    for target in TARGETS:

        def redirect(connection: Connection, target: str = target) -> None:
            while connection.read_request():
                connection.respond(status, b"", f"Location: {target}")

        with WireServer(redirect) as server:
            error = error_of(mode, server.base_url, create, timeout=5)
        assert len(server.requests) == 1, target
        assert isinstance(error, APIStatusError), target
        assert error.status_code == status
        assert "not sent" not in str(error)


def head(size: int, status: int = 200) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def then_reset(data: bytes) -> Callable[[Connection], None]:
    def converse(connection: Connection) -> None:
        connection.read_request()
        connection.send(data)
        connection.wait(0.05)
        connection.reset()

    return converse


def then_close(data: bytes) -> Callable[[Connection], None]:
    def converse(connection: Connection) -> None:
        connection.read_request()
        connection.send(data)

    return converse


CHUNKED = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
WITHOUT_ID = {
    "closed at once": then_close(b""),
    "reset at once": then_reset(b""),
    "half a status line": then_close(b"HTTP/1.1 20"),
    "half the headers": then_reset(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "no body": then_close(head(40)),
    "no HTTP": then_close(b"220 smtp ready\r\n\r\n"),
}
LOST = {
    "length too long": then_close(head(len(BODY) + 9) + BODY),
    "reset after the body": then_reset(head(len(BODY) + 1) + BODY),
    "last chunk missing": then_close(CHUNKED + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n"),
    "one byte not UTF-8": then_close(head(len(BODY) + 10) + BODY[:-1] + b',"a":"\xff"}  '[:11]),
    "something after the JSON": then_close(head(len(BODY) + 3) + BODY + b"}}x"),
    "a number too long": then_close(
        head(len(BODY) + 5005) + BODY[:-1] + b',"n":' + b"9" * 5000 + b"}"
    ),
    "HTTP 500": then_close(head(len(BODY), 500) + BODY),
    "HTTP 504": then_close(head(len(BODY), 504) + BODY),
    "HTTP 400": then_close(head(len(BODY), 400) + BODY),
    "HTTP 303": then_close(head(len(BODY), 303) + BODY),
    "HTTP 429": then_close(head(len(BODY), 429) + BODY),
}


@each_case("mode", MODES)
@each_case("case", WITHOUT_ID)
def test_a_lost_response_is_one_request_of_unknown_outcome(mode: Mode, case: str) -> None:
    with WireServer(WITHOUT_ID[case]) as server:
        error = error_of(mode, server.base_url, create, timeout=5)
    assert isinstance(error, SubmissionUnknownError)
    assert error.task_id is None
    assert len(server.requests) == 1


@each_case("mode", MODES)
@each_case("case", LOST)
def test_an_id_that_arrived_is_kept(mode: Mode, case: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with WireServer(LOST[case]) as server:
        error = error_of(mode, server.base_url, create, timeout=5, journal=path)
    assert isinstance(error, SubmissionUnknownError)
    assert error.task_id == ID
    assert ID in str(error)
    assert len(server.requests) == 1
    journal = Journal(path)
    (record,) = journal.tasks()
    assert (record.state, record.task_id) == ("UNKNOWN", ID)
    journal.close()


class KeptAlive:
    """Answers each request with its number, and sends more than it should after each."""

    def __init__(self, surplus: bytes) -> None:
        self.surplus = surplus
        self.ids = iter(f"task-{number}" for number in range(100))

    def __call__(self, connection: Connection) -> None:
        while connection.read_request():
            body = f'{{"id":"{next(self.ids)}"}}'.encode()
            connection.send(head(len(body)) + body + self.surplus)


@each_case("mode", MODES)
def test_polls_share_a_connection(mode: Mode) -> None:
    def answer(connection: Connection) -> None:
        while connection.read_request():
            connection.respond(200, b'{"id":"a","status":"RUNNING"}')

    def poll(client: Any) -> Any:
        if mode == "blocking":
            return [client.tasks.retrieve("a").status for _ in range(3)]

        async def run() -> list[str]:
            return [(await client.tasks.retrieve("a")).status for _ in range(3)]

        return run()

    with WireServer(answer) as server:
        assert call(mode, server.base_url, poll) == ["RUNNING"] * 3
    assert server.connections == 1


STALE = head(14) + b'{"id":"stale"}'
LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"


@each_case("mode", MODES)
@each_case("surplus", [STALE, LATE, b"x"])
def test_bytes_after_a_response_reach_no_later_request(mode: Mode, surplus: bytes) -> None:
    def create_three(client: Any) -> Any:
        if mode == "blocking":
            return [create(client).id for _ in range(3)]

        async def run() -> list[str]:
            return [(await create(client)).id for _ in range(3)]

        return run()

    with WireServer(KeptAlive(surplus)) as server:
        assert call(mode, server.base_url, create_three, timeout=5) == [
            "task-0",
            "task-1",
            "task-2",
        ]
    assert server.connections == 3


@pytest.mark.parametrize("mode", MODES)
def test_a_poll_about_another_task_brings_no_state(mode: Mode) -> None:
    """A proxy or a broken gateway may mix responses up."""
    bodies = iter(
        [
            b'{"id":"another","status":"FAILED","failure":"not ours"}',
            b'{"code":"success","data":{"task_id":"another","status":"SUCCESS"}}',
            b'{"id":"TASK-1","status":"SUCCEEDED","output":["https://e.com/a.mp4"]}',
        ]
    )

    def converse(connection: Connection) -> None:
        while connection.read_request():
            connection.respond(200, next(bodies))

    with WireServer(converse) as server:
        task = call(
            mode,
            server.base_url,
            lambda client: client.tasks.wait("task-1", timeout=5, interval=0.01),
        )
    assert task.output == ("https://e.com/a.mp4",)
    assert len(server.requests) == 3
