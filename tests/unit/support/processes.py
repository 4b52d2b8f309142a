"""Other processes that share a journal."""

from __future__ import annotations

import contextlib
import os
import signal
import traceback
from collections.abc import Iterator
from typing import Any

import httpx
from attrs import define

from cometapi_runway import RunwayClient

from .both_clients import ASSETS, ID, KEY
from .journals import Location


@define
class SendingProcess:
    """A process that has sent a paid request and waits for the response.

    Attributes:
        pid: Its number.
    """

    pid: int
    _release: int
    _has_ended: bool = False

    def answer(self) -> None:
        """Let the response arrive, and wait for the end of the process."""
        os.write(self._release, b"x")
        self._end()

    def kill(self) -> None:
        """End it without letting it write anything more."""
        if not self._has_ended:
            os.kill(self.pid, signal.SIGKILL)
            self._end()

    def _end(self) -> None:
        os.waitpid(self.pid, 0)
        self._has_ended = True


@contextlib.contextmanager
def sending_process(location: Location, **arguments: Any) -> Iterator[SendingProcess]:
    """Another process that is in the middle of a create."""
    ready, is_ready = os.pipe()
    released, release = os.pipe()

    def respond(_: httpx.Request) -> httpx.Response:
        os.write(is_ready, b"x")
        os.read(released, 1)
        return httpx.Response(200, json={"id": ID})

    pid = os.fork()
    if pid == 0:
        try:
            transport = httpx.MockTransport(respond)
            with RunwayClient(KEY, journal=location, transport=transport) as client:
                client.character_performance.create(**{**ASSETS, **arguments})
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(is_ready)
    os.close(released)
    process = SendingProcess(pid, release)
    try:
        assert os.read(ready, 1) == b"x", "the process has ended"
        yield process
    finally:
        process.kill()
        os.close(ready)
        os.close(release)
