"""Every response, however damaged, is a payload or an error of the package."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway import errors
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway.errors import RunwayError

from ..support.both_clients import ID
from ..support.flow_runner import WALL_CLOCK_START
from ..support.responses import got, platform
from ..support.strategies import deterministic, json_values


def outcome(answer: RawResponse) -> object:
    try:
        return parse_response(answer)
    except RunwayError as error:
        return error


def understood(answer: RawResponse) -> None:
    """Read it; only errors of the tree may come out, and they can be printed."""
    found = outcome(answer)
    if isinstance(found, RunwayError):
        str(found).encode()
    if isinstance(found, errors.APIStatusError):
        assert found.retry_after is None or 0 <= found.retry_after <= 86400


@deterministic
@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "content-type", "location", "x-request-id"]),
        st.text(st.characters(max_codepoint=255), max_size=30),
        max_size=4,
    ),
)
def test_every_body_is_a_payload_or_an_error_of_the_package(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    understood(RawResponse("GET", "/x", status, headers, body, WALL_CLOCK_START))


@deterministic
@given(cut=st.integers(0, 400), status=st.sampled_from([200, 400, 500]))
def test_every_truncated_body_is_a_payload_or_an_error_of_the_package(
    cut: int, status: int
) -> None:
    whole = json.dumps({**platform("x" * 40), "data": {"id": ID, "output": ["https://a.b/c"] * 9}})
    understood(got(whole.encode()[:cut], status))
