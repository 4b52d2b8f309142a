"""The server in its thread: how it ends, and what Ctrl-C leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from cometapi_runway._settings import LOCK_WAIT_SLICE
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.mcp import _server
from cometapi_runway.mcp._agent_tools import AgentTools


class Tools:
    """The tools of a session in which three tasks continue."""

    is_finished = False
    client = contextlib.nullcontext()

    async def finish_submissions(self) -> None:
        await asyncio.sleep(0)
        self.is_finished = True

    async def count_unfinished(self) -> int:
        assert self.is_finished, "a request that is being sent may become a task"
        return 3


@pytest.mark.parametrize("error", [ConfigurationError("no journal"), SystemExit(3)])
def test_tools_that_cannot_be_made_end_it(error: BaseException) -> None:
    def make_tools() -> AgentTools:
        raise error

    with pytest.raises(type(error)) as raised:
        _server.serve_stdio(make_tools)
    assert raised.value is error


def test_ctrl_c_before_it_serves_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    monkeypatch.setattr(
        _server._StdioServer, "run", lambda _: threads.append(threading.current_thread())
    )
    monkeypatch.setattr(_server, "wait", interrupt)
    assert _server.serve_stdio(lambda: pytest.fail("made by its thread only")) == 0
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon, "it may wait for input for ever"
    assert threads[0].name == "cometapi-runway mcp"


def test_what_continues_when_the_input_ends_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def stdio_server() -> AsyncIterator[tuple[str, str]]:
        yield ("received", "sent")

    async def run(*arguments: str) -> None:
        assert arguments == ("received", "sent", "options")

    server = SimpleNamespace(run=run, create_initialization_options=lambda: "options")
    monkeypatch.setattr(_server, "stdio_server", stdio_server)
    monkeypatch.setattr(_server, "make_server", lambda _: server)
    assert _server.serve_stdio(Tools) == 3  # type: ignore[arg-type, return-value]


def test_ctrl_c_is_noticed_on_windows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it does not end a wait that has no time limit."""
    limits = []

    def wait(_: object, timeout: float | None = None) -> SimpleNamespace:
        limits.append(timeout)
        return SimpleNamespace(done=True)

    def make_tools() -> AgentTools:
        raise SystemExit(3)

    monkeypatch.setattr(_server, "wait", wait)
    with pytest.raises(SystemExit):
        _server.serve_stdio(make_tools)
    assert limits == [LOCK_WAIT_SLICE]


def test_ctrl_c_waits_for_what_is_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    ready, over = threading.Event(), threading.Event()

    def run(server: _server._StdioServer) -> None:
        async def serve() -> None:
            server._serving = (asyncio.get_running_loop(), Tools())  # type: ignore[assignment]
            ready.set()
            await asyncio.to_thread(over.wait, 10)

        asyncio.run(serve())

    def wait(*_: object, **__: object) -> None:
        assert ready.wait(10)
        interrupt()

    monkeypatch.setattr(_server._StdioServer, "run", run)
    monkeypatch.setattr(_server, "wait", wait)
    try:
        assert _server.serve_stdio(lambda: pytest.fail("made by its thread only")) == 3
    finally:
        over.set()


def test_what_ctrl_c_waits_for_is_known_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = Tools()
    server = _server._StdioServer(lambda: tools)  # type: ignore[arg-type, return-value]
    seen = []

    def stdio_server() -> None:
        seen.append(server._serving)
        raise ZeroDivisionError

    monkeypatch.setattr(_server, "stdio_server", stdio_server)
    server.run()
    with pytest.raises(ZeroDivisionError):
        server.ended.result(0)
    ((loop, known),) = seen
    assert isinstance(loop, asyncio.AbstractEventLoop)
    assert known is tools


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
