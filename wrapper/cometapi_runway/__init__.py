"""Runway's video and image models behind the CometAPI gateway.

Importing this package loads nothing but itself: every public name is fetched when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cometapi_runway._version import __version__

if TYPE_CHECKING:
    from cometapi_runway.bound import AsyncBoundTask, BoundTask
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient
    from cometapi_runway.errors import (
        APIConnectionError,
        APIError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        DownloadError,
        InsufficientQuotaError,
        InvalidRequestError,
        Issue,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        ResponseDecodeError,
        RunwayError,
        ServerError,
        SubmissionUnknownError,
        TaskCancelledError,
        TaskError,
        TaskFailedError,
        TaskNotFoundError,
        TaskTimeoutError,
    )
    from cometapi_runway.task import Task

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncBoundTask",
    "AsyncRunwayClient",
    "AuthenticationError",
    "BadRequestError",
    "BoundTask",
    "ConfigurationError",
    "DownloadError",
    "InsufficientQuotaError",
    "InvalidRequestError",
    "Issue",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseDecodeError",
    "RunwayClient",
    "RunwayError",
    "ServerError",
    "SubmissionUnknownError",
    "Task",
    "TaskCancelledError",
    "TaskError",
    "TaskFailedError",
    "TaskNotFoundError",
    "TaskTimeoutError",
    "__version__",
]

_ELSEWHERE = {
    "AsyncBoundTask": "bound",
    "AsyncRunwayClient": "client",
    "BoundTask": "bound",
    "RunwayClient": "client",
    "Task": "task",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
