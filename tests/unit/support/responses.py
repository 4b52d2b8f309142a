"""Builds a received response, and the error that it means."""

from __future__ import annotations

import json
from typing import Any

from cometapi_runway import errors
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.read_response import find_error
from cometapi_runway._io.http_client import to_httpx_response

from .flow_runner import WALL_CLOCK_START
from .scripted_transport import Reply


def got(
    body: Any = b"",
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> RawResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"content-type": "application/json", **(headers or {})}
    return RawResponse(
        method, "/runwayml/v1/tasks/1", status, told, content, WALL_CLOCK_START, to_httpx_response
    )


def as_answer(reply: Reply) -> RawResponse:
    return got(reply.content, reply.status, headers=dict(reply.headers))


def error_of(body: Any, status: int, **more: Any) -> errors.APIStatusError:
    error = find_error(got(body, status, **more))
    assert error is not None
    return error


def platform(message: str, code: Any = "", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "comet_api_error", "code": code, **more}}


def family(code: Any, message: str = "no") -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}
