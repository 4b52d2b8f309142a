"""A gateway that repeats secrets, and calls that fail in every way.

One marker stands for key, picture and signature.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from attrs import frozen

from cometapi_runway import AsyncRunwayClient, RunwayClient, RunwayError, Task

from .both_clients import ID, Mode

MARKER = "MARKERMARKER"
KEY = f"sk-{MARKER}-0123456789"
PICTURE = f"data:image/png;base64,{MARKER * 40}"
CLIP = f"https://user:{MARKER}@assets.example/clip.mp4?sig={MARKER}#{MARKER}"


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


def fetch(client: Any, folder: Path) -> Any:
    output = f"{client.settings.base_url}/file.mp4?_jwt={MARKER}"
    return client.bind(Task(ID, "SUCCEEDED", output=(output,))).download(folder)


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
