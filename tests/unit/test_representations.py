"""Representations and tracebacks hold no secret."""

from __future__ import annotations

import io
import traceback
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import Task
from cometapi_runway._flows.download import DownloadRequest, download
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway._flows.steps import Fetch
from cometapi_runway._flows.submit import submit
from cometapi_runway._flows.wait import retrieve, wait
from cometapi_runway.errors import ResponseDecodeError

from .support.both_clients import ID
from .support.flow_runner import POLL, FlowRunner, submit_request, wait_request
from .support.scripted_transport import json_reply
from .support.secret_cases import KEY, MARKER, PICTURE
from .support.virtual_time import FixedJitter


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
            ResponseLayers.split({"data": {"output": [signed]}}),
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
            assert "request = " in inner
            assert MARKER not in inner

    @pytest.mark.parametrize("body", [{"id": ID}, {"id": "another", "status": "RUNNING"}])
    def test_of_a_traceback_of_a_response_that_is_no_answer(self, body: dict[str, Any]) -> None:
        signed = f"https://cdn.example/x.mp4?_jwt={MARKER}"
        polled = retrieve(POLL, Task(ID, "RUNNING"), timeout=1.0)
        reply = json_reply({**body, "output": [signed]})
        with pytest.raises(ResponseDecodeError) as caught:
            FlowRunner().run(polled, reply)
        report = io.StringIO()
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).print(
            file=report
        )
        inner = report.getvalue().partition("in retrieve")[2]
        assert "in _read_task" in inner
        assert MARKER not in inner
