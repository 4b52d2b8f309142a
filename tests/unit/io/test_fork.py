"""A forked child shares no connection, lock or poll with its parent."""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.wire_server import Connection, WireServer

from cometapi_runway import RunwayClient
from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._io import deadlines

from ..support.both_clients import KEY

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def in_child(work: Callable[[], Any]) -> Any:
    """The result of some work in a forked child, as JSON."""
    readable, writable = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork with threads, which is what prefork servers do.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            result = json.dumps(work())
        except BaseException as error:
            result = json.dumps(f"{type(error).__name__}: {error}")
        os.write(writable, result.encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as stream:
        result = stream.read()
    os.waitpid(child, 0)
    return json.loads(result)


def own_task(connection: Connection) -> None:
    """Answer every poll with the state of the task that it is about."""
    while request := connection.read_request():
        task_id = request.split(b" ")[1].rpartition(b"/")[2]
        connection.respond(200, b'{"id":"' + task_id + b'","status":"RUNNING"}')


def test_a_child_opens_connections_of_its_own() -> None:
    with WireServer(own_task) as server, RunwayClient(KEY, base_url=server.base_url) as client:
        client.tasks.retrieve("before")
        assert server.connections == 1
        assert in_child(lambda: client.tasks.retrieve("child").id) == "child"
        assert server.connections == 2
        assert client.tasks.retrieve("after").id == "after"
        assert server.connections == 2


def test_a_child_has_a_client_of_its_own_unless_its_parent_has_closed_it() -> None:
    client = RunwayClient(KEY)
    transport = client.session.driver.transport
    inherited = transport._client
    assert in_child(lambda: transport._client is inherited) is False
    client.close()
    assert in_child(lambda: transport._client is inherited) is True


def test_a_child_closes_its_copies_of_the_connections_and_not_the_parents() -> None:
    def list_open(numbers: list[int]) -> list[int]:
        return [number for number in numbers if Path(f"/dev/fd/{number}").exists()]

    with WireServer(own_task) as server, RunwayClient(KEY, base_url=server.base_url) as client:
        client.tasks.retrieve("before")
        sockets = [one.get_extra_info("socket").fileno() for one in deadlines._streams]
        numbers = [number for number in sockets if number >= 0]
        assert list_open(numbers) == numbers != []
        assert in_child(lambda: list_open(numbers)) == []
        assert client.tasks.retrieve("after").id == "after"
        assert server.connections == 1


def test_parent_and_children_get_their_own_responses() -> None:
    with WireServer(own_task) as server, RunwayClient(KEY, base_url=server.base_url) as client:
        client.tasks.retrieve("warm-up")

        def work(name: str) -> list[str]:
            return [client.tasks.retrieve(f"{name}-{number}").id for number in range(10)]

        results: dict[str, Any] = {}
        threads = [
            threading.Thread(
                target=lambda name=name: results.update({name: in_child(lambda: work(name))})
            )
            for name in ("a", "b", "c")
        ]
        for thread in threads:
            thread.start()
        results["parent"] = work("parent")
        for thread in threads:
            thread.join(30)
    assert results == {
        name: [f"{name}-{number}" for number in range(10)] for name in ("a", "b", "c", "parent")
    }


def test_a_lock_that_is_held_at_the_fork_hangs_no_child() -> None:
    with WireServer(own_task) as server, RunwayClient(KEY, base_url=server.base_url) as client:
        client.tasks.retrieve("warm-up")
        driver = client.session.driver
        slots = [driver.transport._slots.acquire() for _ in range(32)]
        with driver.polls._lock:
            for _ in range(3):
                assert "TaskTimeoutError" in in_child(
                    lambda: client.tasks.wait("child", timeout=0, interval=0.01).id
                )
        assert all(slots)


def test_objects_that_are_gone_are_not_reset() -> None:
    class Counting:
        resets = 0

        def reset_after_fork(self) -> None:
            Counting.resets += 1

    kept, gone = Counting(), Counting()
    register_fork_aware(kept)
    register_fork_aware(gone)
    del gone
    assert sys.getrefcount(kept) < 10
    assert in_child(lambda: Counting.resets) == 1
    assert Counting.resets == 0
