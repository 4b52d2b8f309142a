"""Runway's video and image models behind the CometAPI gateway.

Importing this package imports no other module: every public name is imported at its first use.
"""

from cometapi_runway._core.version import __version__

# Type checkers take the name for true. `typing` has the same constant, and takes longer to import
# than everything else here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from cometapi_runway._async_client import AsyncRunwayClient
    from cometapi_runway._client import RunwayClient
    from cometapi_runway._core.task import Task, TaskStatus
    from cometapi_runway.errors import (
        APIConnectionError,
        APIError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        BudgetExceededError,
        ConfigurationError,
        DownloadError,
        InsufficientQuotaError,
        InvalidRequestError,
        Issue,
        MissingExtraError,
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
    from cometapi_runway.journal import Budget, Journal
    from cometapi_runway.resources._bound_task import AsyncBoundTask, BoundTask

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
    "Budget",
    "BudgetExceededError",
    "ConfigurationError",
    "DownloadError",
    "InsufficientQuotaError",
    "InvalidRequestError",
    "Issue",
    "Journal",
    "MissingExtraError",
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
    "TaskStatus",
    "TaskTimeoutError",
    "__version__",
]

_MODULES = {
    "AsyncBoundTask": "resources._bound_task",
    "AsyncRunwayClient": "_async_client",
    "BoundTask": "resources._bound_task",
    "Budget": "journal",
    "Journal": "journal",
    "RunwayClient": "_client",
    "Task": "_core.task",
    "TaskStatus": "_core.task",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - late, as everything else

    value: object = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
