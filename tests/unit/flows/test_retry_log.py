"""What the log says about retries."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._flows.download import _describe_cause
from cometapi_runway._flows.retry_log import RetryLog, describe_cause
from cometapi_runway._flows.steps import Fetch


@each_case(
    ("error", "cause"),
    [
        (errors.RateLimitError(429), "the rate is limited (HTTP 429)"),
        (errors.ServerError(502, None, "secret"), "HTTP 502"),
        (errors.APITimeoutError("secret", delivery="unknown"), "no response in time"),
        (errors.APITimeoutError("secret", delivery="not_sent"), "not reachable"),
        (errors.APIConnectionError("secret", delivery="not_sent"), "not reachable"),
        (errors.APIConnectionError("secret", delivery="unknown"), "the connection broke"),
        (errors.ResponseDecodeError("secret"), "a response of no known shape"),
        (errors.RunwayError("secret"), "no usable response"),
    ],
)
def test_a_cause_is_a_kind_without_what_a_server_wrote(
    error: errors.RunwayError, cause: str
) -> None:
    assert describe_cause(error) == cause


@each_case(
    ("result", "cause"),
    [
        ({"status": 502}, "HTTP 502"),
        ({"status": 206, "offset": 5}, "HTTP 206 that breaks off before its end"),
        (
            {"error": errors.APIConnectionError("secret", delivery="unknown")},
            "the connection broke",
        ),
    ],
)
def test_the_cause_of_a_broken_download(result: dict[str, Any], cause: str) -> None:
    fetch = Fetch("https://o.example/a", PartialFile(Path("a.part")), False, 1.0, **result)
    assert _describe_cause(fetch) == cause


def test_only_a_new_cause_is_explained() -> None:
    log = RetryLog()
    assert log.explain("poll 1", "HTTP 502", 59.6) == (
        "poll 1 failed: HTTP 502; retrying for up to 60 s"
    )
    assert log.explain("poll 2", "HTTP 502", 55.0) == ""
    assert log.explain("poll 3", "HTTP 503", math.inf, "nothing was sent") == (
        "poll 3 failed: HTTP 503; retrying without a limit (nothing was sent)"
    )
    assert log.explain("poll 4", "HTTP 502", math.inf) == (
        "poll 4 failed: HTTP 502; retrying without a limit"
    )
