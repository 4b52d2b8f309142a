"""Every error this package raises, in one tree.

::

    RunwayError
    ├── ConfigurationError          a setting is missing or malformed
    │   └── MissingExtraError       an extra is not installed; an ImportError too
    ├── InvalidRequestError         refused locally; nothing was sent
    ├── APIError
    │   ├── APIConnectionError      no connection, or it broke
    │   │   └── APITimeoutError     the connection or the response took too long
    │   └── APIStatusError          the gateway refused or failed
    │       ├── BadRequestError
    │       ├── AuthenticationError
    │       ├── InsufficientQuotaError
    │       ├── PermissionDeniedError
    │       ├── NotFoundError
    │       ├── RateLimitError
    │       └── ServerError
    ├── ResponseDecodeError         a response of no documented shape
    ├── SubmissionUnknownError      a paid request of unknown outcome
    ├── BudgetExceededError         over a budget; nothing was sent
    ├── TaskError
    │   ├── TaskFailedError
    │   ├── TaskCancelledError
    │   ├── TaskTimeoutError        the wait ended; the task continues
    │   └── TaskNotFoundError
    └── DownloadError

An error that follows a submission carries the task's id as ``task_id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import field, frozen

from cometapi_runway._core.redaction import redact_text, safe_repr
from cometapi_runway._core.version import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    import httpx

    from cometapi_runway._core.raw_response import RawResponse
    from cometapi_runway._core.task import Task

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "ConfigurationError",
    "DownloadError",
    "InsufficientQuotaError",
    "InvalidRequestError",
    "Issue",
    "MissingExtraError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseDecodeError",
    "RunwayError",
    "ServerError",
    "SubmissionUnknownError",
    "TaskCancelledError",
    "TaskError",
    "TaskFailedError",
    "TaskNotFoundError",
    "TaskTimeoutError",
]

BudgetUnit: TypeAlias = Literal["USD", "tasks"]
"""What a budget limits: cost in US dollars, or the number of tasks."""
Delivery: TypeAlias = Literal["not_sent", "unknown"]
"""Whether a failed request can have reached the gateway."""


@frozen
class Issue:
    """One problem of a request.

    Attributes:
        path: JSON pointer into the body (``/character/uri``), or the name of the header or
            argument.
        rule: The broken rule: a JSON Schema keyword (``maximum``, ``required``, …) or the name
            of one of this package's own rules.
        value: The invalid value, or None if the value is missing.
        message: One sentence that names the field, the rule and the value.
        argument: The argument of ``create`` that sets the field, where there is one.
    """

    path: str
    rule: str
    value: object = field(repr=safe_repr)
    message: str
    argument: str | None = None

    def describe(self) -> str:
        """The message, after the argument's name if the field's name differs from it."""
        is_named = self.argument is None or self.argument in self.path.split("/")
        return self.message if is_named else f"{self.argument}: {self.message}"


class RunwayError(Exception):
    """Base of every error of this package.

    Attributes:
        task_id: The paid task that the error concerns, or None.
    """

    task_id: str | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Supports pickling; by default it would call the constructor with the message alone."""
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[RunwayError], args: tuple[object, ...]) -> RunwayError:
    error = kind.__new__(kind)
    error.args = args
    return error


class ConfigurationError(RunwayError):
    """A setting is missing or malformed; the message names it and where it comes from.

    Attributes:
        setting: The name of the setting (``"api_key"``, ``"journal"``, …), or None where the
            error concerns no single setting.
        is_missing: Whether the setting has no value at all.
    """

    def __init__(
        self, message: str, *, setting: str | None = None, is_missing: bool = False
    ) -> None:
        self.setting = setting
        self.is_missing = is_missing
        super().__init__(message)


class MissingExtraError(ConfigurationError, ModuleNotFoundError):
    """An extra of this package is not installed; the message says how to install it.

    Attributes:
        extra: The extra.
        library: The package of it that is missing.
    """

    def __init__(self, extra: str, library: str, *, setting: str | None = None) -> None:
        self.extra = extra
        self.library = library
        super().__init__(
            f"the extra {extra!r} is not installed: {self.command} ({library} is missing)",
            setting=setting,
            is_missing=True,
        )
        # For code that reads it from any `ImportError`.
        self.name = library

    @property
    def command(self) -> str:
        """The command that installs the extra."""
        return f"pip install '{DISTRIBUTION}[{self.extra}]'"


class InvalidRequestError(RunwayError):
    """The contract forbids the request. It was not sent.

    Attributes:
        issues: The problems found, at least one.
    """

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = tuple(issues)
        head = f"{len(self.issues)} problems; nothing was sent:\n  " if len(issues) > 1 else ""
        super().__init__(head + "\n  ".join(issue.describe() for issue in self.issues))


class APIError(RunwayError):
    """A request was attempted and brought no usable response."""


class APIConnectionError(APIError):
    """The gateway could not be reached, or the connection broke.

    Attributes:
        delivery: ``"not_sent"`` if the request provably never left (connection or TLS
            failure, no free connection); ``"unknown"`` if the gateway may have acted on it.
        is_permanent: Whether no later attempt can succeed: an invalid certificate or URL, or a
            proxy that refuses.
        partial_response: What arrived of the response before the connection broke, or None.
    """

    def __init__(
        self, message: str, *, delivery: Delivery = "unknown", is_permanent: bool = False
    ) -> None:
        self.delivery: Delivery = delivery
        self.is_permanent = is_permanent
        self.partial_response: RawResponse | None = None
        super().__init__(message)


class APITimeoutError(APIConnectionError):
    """A connection or a response took longer than allowed."""


class APIStatusError(APIError):
    """The gateway responded with a refusal or a failure.

    Attributes:
        status_code: HTTP status; 200 if the failure came inside a successful response.
        code: The gateway's own code as text (``"quota_not_enough"``), or None.
        message: The gateway's message.
        request_id: The gateway's request id, which CometAPI sends inside the message, or None.
        raw_response: The response as read, or None.
        retry_after: Seconds the gateway asks to wait, or None.
    """

    def __init__(
        self,
        status_code: int,
        code: str | None = None,
        message: str = "",
        request_id: str | None = None,
        response: httpx.Response | None = None,
        *,
        retry_after: float | None = None,
        hint: str = "",
    ) -> None:
        self.status_code = status_code
        self.code = code
        self.message = message
        self.request_id = request_id
        self._response = response
        self.raw_response: RawResponse | None = None
        self.retry_after = retry_after
        label = f"HTTP {status_code}" + (f", code {code}" if code else "")
        text = f"{label}: {message}" if message else label
        if request_id and request_id not in message:
            text += f" (request id: {request_id})"
        super().__init__(f"{text}. {hint}" if hint else text)

    @property
    def response(self) -> httpx.Response | None:
        """The response, detached from its connection and from the request, which held the key."""
        raw = self.raw_response
        if self._response is None and raw is not None and raw.to_httpx is not None:
            self._response = raw.to_httpx(raw)
        return self._response


class BadRequestError(APIStatusError):
    """The gateway rejected the request as malformed or unacceptable."""


class AuthenticationError(APIStatusError):
    """The key is missing, malformed, or not valid (HTTP 401)."""


class InsufficientQuotaError(APIStatusError):
    """The account's or the key's balance does not cover the request."""


class PermissionDeniedError(APIStatusError):
    """The key may not do this (HTTP 403)."""


class NotFoundError(APIStatusError):
    """The path or the task is not known to the gateway."""


class RateLimitError(APIStatusError):
    """Too many requests (HTTP 429); `retry_after` says how long to wait, if known."""


class ServerError(APIStatusError):
    """The gateway or the provider behind it failed (HTTP 499 and 5xx)."""


class ResponseDecodeError(RunwayError):
    """A response that is not JSON, or of no documented shape.

    Attributes:
        status_code: HTTP status of the response, or None if unknown.
        body: The start of the response's body, as text.
    """

    def __init__(self, message: str, *, status_code: int | None = None, body: str = "") -> None:
        self.status_code = status_code
        self.body = body
        super().__init__(message)


class SubmissionUnknownError(RunwayError):
    """A paid request was sent once, and it is unknown whether the gateway accepted it.

    This package never repeats the request, because a repetition could be charged again. The cause
    is chained as ``__cause__``.

    Attributes:
        operation: The operation's id in the contract.
        fingerprint: Digest of operation and body, to find the request in the journal.
        seed: The seed that was sent, or None; a task created with it can be recognised.
        request_id: The gateway's request id if the failed response has one, else None.
        elapsed: Seconds from sending to failure.
        key: The submission's key in the journal, for ``client.journal.settle``; None without a
            journal.
        idempotency_key: The caller's key for the request, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        fingerprint: str,
        seed: int | None = None,
        request_id: str | None = None,
        elapsed: float = 0.0,
        key: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self.operation = operation
        self.fingerprint = fingerprint
        self.seed = seed
        self.request_id = request_id
        self.elapsed = elapsed
        self.key = key
        self.idempotency_key = idempotency_key
        super().__init__(message)


class BudgetExceededError(RunwayError):
    """A paid request would exceed the client's budget. It was not sent.

    Attributes:
        limit: The budget's limit: US dollars as a `decimal.Decimal`, or a number of tasks.
        spent: How much of it is spent or reserved, by every process with the same journal.
        price: US dollars that the request costs, or None if its price is not known.
        unit: What the limit is about.
        scope: The budget's scope.
    """

    def __init__(
        self,
        limit: Decimal | int,
        spent: Decimal | int,
        price: Decimal | None = None,
        *,
        unit: BudgetUnit = "USD",
        scope: str = "default",
    ) -> None:
        self.limit = limit
        self.spent = spent
        self.price = price
        self.unit: BudgetUnit = unit
        self.scope = scope
        if unit == "tasks":
            text = f"{spent} of {limit} tasks are spent or reserved"
        else:
            text = f"{spent} of {limit} USD are spent or reserved and the request costs {price}"
        super().__init__(f"budget {scope!r}: {text}; nothing was sent")


class TaskError(RunwayError):
    """A task has no output, or not yet.

    Attributes:
        task_id: The task's id.
        task_details: The task as last seen, or None if it never was.
    """

    def __init__(
        self, task_id: str, task_details: Task | None = None, message: str | None = None
    ) -> None:
        self.task_id = task_id
        self.task_details = task_details
        super().__init__(message or f"task {task_id}: {type(self).__doc__}")


class TaskFailedError(TaskError):
    """The task ended without output.

    Attributes:
        failure_code: Runway's dotted code, or None if the response has none.
        can_retry: Whether the same request may succeed later, by Runway's table of failure
            codes; None if unknown. A repetition is a new task and is charged again.
        advice: What to do, in one sentence.
    """

    def __init__(
        self, task_id: str, task_details: Task | None = None, message: str | None = None
    ) -> None:
        self.failure_code = task_details.failure_code if task_details else None
        # Late: most programs see no failed task.
        from cometapi_runway._core.failure_codes import (  # noqa: PLC0415
            explain_failure,
            has_runway_failure,
        )

        by_runway = task_details is not None and has_runway_failure(task_details.raw)
        explanation = explain_failure(self.failure_code, by_runway=by_runway)
        self.can_retry = explanation.can_retry
        self.advice = explanation.advice
        if message is None:
            code = f" ({self.failure_code})" if self.failure_code else ""
            failure = task_details.failure if task_details else None
            reason = redact_text(failure or "the gateway gives no reason").rstrip(".")
            message = f"task {task_id} failed{code}: {reason}. {self.advice}"
        super().__init__(task_id, task_details, message)


class TaskCancelledError(TaskError):
    """The task was cancelled."""


class TaskTimeoutError(TaskError):
    """The wait ended before the task, which continues and can be waited for again."""


class TaskNotFoundError(TaskError):
    """The gateway does not know the task."""


class DownloadError(RunwayError):
    """An output could not be downloaded to disk.

    Attributes:
        url: The output's URL without its query, which may hold a signature.
    """

    def __init__(self, message: str, *, url: str = "", task_id: str | None = None) -> None:
        self.url = url
        self.task_id = task_id
        super().__init__(message)
