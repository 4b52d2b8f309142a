"""Decisions of a download that need no disk: what is complete, what went wrong, when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import fields
from tests.cases import each_case

from cometapi_runway._core.file_identity import FileIdentity
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._flows import download as flow
from cometapi_runway._flows import steps
from cometapi_runway._flows.steps import Fetch
from cometapi_runway._settings import DOWNLOAD_BUDGET
from cometapi_runway.errors import APIConnectionError, DownloadError

from ...support.both_clients import ID
from ...support.downloads import URL, VIDEO, finished
from ...support.fault_table import page
from ...support.flow_runner import POLL, FlowRunner
from ...support.scripted_transport import HANG, Event
from ...support.virtual_time import FixedJitter

ONE = '"one"'
TEXT = {"content-type": "Text/Plain; charset=utf-8"}
BROKEN = APIConnectionError("the connection broke")


def ended(**changes: Any) -> Fetch:
    """A request for a file after its response."""
    part = PartialFile(Path("a.part"))
    part.origin = FileIdentity(ONE, None)
    step = Fetch(URL, part, resume=True, timeout=1.0)
    for name, value in {"status": 200, "headers": VIDEO, "offset": 0, **changes}.items():
        assert hasattr(step, name)
        setattr(step, name, value)
    return step


def sized(size: int) -> dict[str, str]:
    return {**VIDEO, "content-length": str(size), "etag": ONE}


def past_end(size: int, etag: str = ONE) -> dict[str, str]:
    return {"content-range": f"bytes */{size}", "etag": etag}


@each_case(
    ("facts", "is_complete"),
    [
        ({"size": 1, "headers": sized(1)}, True),
        ({"size": 1}, True),
        ({"size": 0, "headers": sized(0)}, False),
        ({"size": 0}, False),
        ({"size": 1, "headers": sized(2)}, False),
        ({"size": 2, "headers": sized(1)}, False),
        ({"size": 1, "error": BROKEN}, False),
        ({"size": 1, "offset": None}, False),
        # A range without a total is of the bytes up to its end.
        ({"status": 206, "size": 2, "headers": {"content-range": "bytes 0-1/*"}}, True),
        ({"status": 206, "size": 1, "headers": {"content-range": "bytes 0-1/*"}}, False),
        # All bytes were there before, and the server says so.
        ({"status": 416, "offset": None, "size": 1, "headers": past_end(1)}, True),
        ({"status": 416, "offset": None, "size": 1, "headers": past_end(2)}, False),
        ({"status": 416, "offset": None, "size": 0, "headers": past_end(0)}, False),
        ({"status": 416, "offset": None, "size": 1, "headers": past_end(1, '"two"')}, False),
        ({"status": 416, "offset": None, "size": 1}, False),
    ],
)
def test_a_file_is_complete_when_it_has_what_was_announced(
    facts: dict[str, Any], is_complete: bool
) -> None:
    assert flow._is_complete(ended(**facts)) is is_complete


@each_case(
    ("facts", "problem"),
    [
        ({"headers": TEXT, "body_prefix": b"link  expired"},
         "HTTP 200 with text/plain: link expired"),
        ({"status": 206, "headers": TEXT}, "HTTP 206 with text/plain"),
        ({"headers": {"content-type": "text/" + "x" * 60}}, "HTTP 200 with text/" + "x" * 55),
        ({"status": 207, "headers": TEXT, "body_prefix": b"x"}, "HTTP 207, 0 bytes"),
        ({"size": 1}, "HTTP 200, 1 byte"),
        ({"size": 1, "error": BROKEN}, "the connection broke"),
    ],
)  # fmt: skip
def test_a_problem_is_what_came_instead_of_the_file(facts: dict[str, Any], problem: str) -> None:
    assert flow._describe_problem(ended(**facts)) == problem


@each_case(
    ("facts", "cause"),
    [
        ({"status": 503, "offset": None}, "HTTP 503"),
        ({"size": 1, "headers": sized(2)}, "HTTP 200 that breaks off before its end"),
        ({"size": 1, "error": BROKEN}, "the connection broke"),
    ],
)
def test_the_cause_in_the_log_has_no_text_of_a_server(facts: dict[str, Any], cause: str) -> None:
    assert flow._describe_cause(ended(**facts)) == cause


def test_a_step_says_nothing_before_it_is_carried_out() -> None:
    """What a driver sets is absent until then, and so is what most steps do not ask for."""
    for kind in (steps.Send, steps.Sleep, steps.Fetch, steps.Exists, steps.Publish, steps.Record):
        for field in fields(kind):
            if field.name != "timeout" and type(field.default).__name__ != "Factory":
                assert not field.default, (kind, field.name)
    assert Fetch(URL, PartialFile(Path("a.part")), resume=True, timeout=1.0).headers == {}


def refused(step: Fetch) -> None:
    step.status = 403


@each_case(
    ("event", "reason"),
    [
        (HANG, "no byte for 120 s (last: no answer)"),
        (page(401), "fresh URLs are refused as well (last: HTTP 403, 0 bytes)"),
    ],
)
def test_an_end_without_a_fresh_address_says_what_came_last(
    event: Event, reason: str, tmp_path: Path
) -> None:
    runner = FlowRunner(fetches=iter([refused] * 9))
    request = flow.DownloadRequest(
        finished("https://cdn.example/a"), 0, tmp_path, POLL, request_timeout=DOWNLOAD_BUDGET + 1
    )
    with pytest.raises(DownloadError) as caught:
        runner.run(flow.download(request, started=0.0, rng=FixedJitter(0.0)), event)
    assert str(caught.value) == f"output 1 of task {ID} (https://cdn.example/a): {reason}"
