"""Each class of exception that a clause names is one that can arrive there."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway._flows.steps import Exists, Sleep
from cometapi_runway._flows.wait_queue import Wait
from cometapi_runway._io import fetch, http_client
from cometapi_runway._io.async_driver import _finish_in_thread
from cometapi_runway._io.async_file_client import AsyncFileClient
from cometapi_runway._io.exception_mapping import map_closed_client
from cometapi_runway._io.file_client import check_port
from cometapi_runway._io.scheduler import Scheduler
from cometapi_runway._io.slots import Slot
from cometapi_runway.errors import APITimeoutError, ConfigurationError
from cometapi_runway.journal import StorageError
from cometapi_runway.resources._client_journal import GatewayJournal

from ..support.both_clients import BASE, ID


def test_a_file_that_cannot_be_looked_at_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It vanished, or what holds it did."""
    monkeypatch.setattr(fetch, "has_file", lambda _: True)
    (tmp_path / "file").touch()
    for name in ("gone", "file/below"):
        step = Exists(tmp_path / name, tmp_path / "a.part")
        fetch.look_for_file(step)
        assert (step.found, step.size, step.error) == (False, 0, None)


def test_a_place_outlasts_an_interruption_of_its_return() -> None:
    returned: list[Slot] = []

    def put(slot: Slot) -> None:
        if not returned:
            returned.append(slot)
            raise KeyboardInterrupt
        returned.append(slot)

    free: Any = SimpleNamespace(put=put)
    slot = Slot(free)
    with pytest.raises(KeyboardInterrupt):
        slot.__del__()
    assert len(returned) == 2
    for one in returned:
        one._free = None


@each_case("failure", [KeyboardInterrupt(), SystemExit(), ValueError(), None])
def test_whatever_ends_a_workers_step_reaches_the_caller(failure: BaseException | None) -> None:
    driver = SimpleNamespace(do=Mock(side_effect=failure), clock=SimpleNamespace(now=lambda: 0.0))
    scheduler: Any = SimpleNamespace(driver=driver, _finished_steps=queue.SimpleQueue())
    wait = Wait(ID, Mock(), Sleep(1.0))
    Scheduler._run_step(scheduler, wait)
    assert scheduler._finished_steps.get_nowait() == (wait, failure)


def test_a_cancellation_waits_for_the_thread_and_is_not_replaced() -> None:
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        go_on.wait(5)
        ended.set()
        raise OSError("the disk is full")

    async def cancel() -> None:
        call = asyncio.ensure_future(_finish_in_thread(work))
        await asyncio.to_thread(started.wait, 5)
        call.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not call.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert ended.is_set()

    asyncio.run(cancel())


def test_a_silent_host_of_a_file_is_named_by_its_time() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10)
        raise AssertionError

    async def ask() -> None:
        async with AsyncFileClient(httpx.MockTransport(hang)).open("https://a.example", {}, 0.01):
            pass

    with pytest.raises(APITimeoutError, match=r"no response within 0\.01 s"):
        asyncio.run(ask())


def test_only_a_closed_client_says_that_it_is_closed() -> None:
    client = httpx.Client()
    with pytest.raises(RuntimeError, match="other"), map_closed_client(client):
        raise RuntimeError("other")
    client.close()
    with pytest.raises(ConfigurationError, match="closed"), map_closed_client(client):
        raise RuntimeError("closed")


@each_case("error", [ImportError("socksio"), OSError("no file"), ValueError("proxy"), OSError()])
def test_an_environment_that_httpx_cannot_use_is_a_setting(error: Exception) -> None:
    with pytest.raises(ConfigurationError) as caught:
        http_client._create(Mock(side_effect=error))
    reason = str(error) or "OSError"
    assert str(caught.value) == f"cannot create an HTTP client: {reason}"
    assert caught.value.__context__ is None


def test_an_address_in_the_environment_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        http_client._create(Mock(side_effect=httpx.InvalidURL("secret")))
    assert str(caught.value) == (
        "cannot create an HTTP client: one of the environment variables HTTP_PROXY, HTTPS_PROXY, "
        "ALL_PROXY and NO_PROXY holds a malformed URL"
    )
    with pytest.raises(TypeError):
        http_client._create(Mock(side_effect=TypeError))


def test_an_address_that_httpx_cannot_parse_is_a_setting() -> None:
    settings: Any = SimpleNamespace(base_url="https://a:b", timeout=1.0)
    with pytest.raises(ConfigurationError, match="base_url cannot be sent to: ") as caught:
        http_client.gateway_client_options(settings, {}, httpx.MockTransport(Mock()))
    assert caught.value.setting == "base_url"
    assert isinstance(caught.value.__cause__, httpx.InvalidURL)


def test_no_error_of_the_journal_keeps_a_download_from_its_start(tmp_path: Path) -> None:
    for error in (StorageError("locked"), ConfigurationError("unreadable")):
        store = Mock(write=Mock(side_effect=error))
        GatewayJournal(store, BASE).request_output(ID, tmp_path)
        assert store.write.call_count == 1
    broken = GatewayJournal(Mock(write=Mock(side_effect=ZeroDivisionError)), BASE)
    with pytest.raises(ZeroDivisionError):
        broken.request_output(ID, tmp_path)


@each_case(("port", "is_there"), [(0, False), (1, True), (65_535, True), (65_536, False)])
def test_a_port_that_does_not_exist_is_refused(port: int, is_there: bool) -> None:
    request: Any = SimpleNamespace(url=SimpleNamespace(port=port))
    with contextlib.nullcontext() if is_there else pytest.raises(httpx.InvalidURL, match="port"):
        check_port(request)
