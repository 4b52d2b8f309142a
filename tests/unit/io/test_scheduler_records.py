"""A task that has ended is yielded although every worker waits for a poll that hangs."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from cometapi_runway import RunwayClient
from cometapi_runway import _settings as settings

from ..support.both_clients import KEY
from ..support.many_waits import OUTPUT


def test_a_record_does_not_stand_in_line_behind_polls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAX_IN_FLIGHT", 2)
    released, hanging = threading.Event(), threading.Semaphore(0)

    def handle(request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[1]
        if task_id == "done":
            # Answers once another poll hangs and a third one is in line.
            hanging.acquire(timeout=10)
            return httpx.Response(200, json={"id": "done", "status": "SUCCEEDED", "output": OUTPUT})
        hanging.release()
        released.wait(10)
        return httpx.Response(200, json={"id": task_id, "status": "RUNNING"})

    with RunwayClient(
        KEY, transport=httpx.MockTransport(handle), journal=tmp_path / "journal"
    ) as client:
        completed = client.tasks.as_completed(["done", "one", "two", "three"], timeout=3)
        try:
            assert next(completed).id == "done"
            assert not released.is_set()
        finally:
            released.set()
            completed.close()
