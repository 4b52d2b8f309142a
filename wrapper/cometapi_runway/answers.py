"""What the gateway's answers mean, before anybody looks for a task in them.

One classifier for every error form that the gateway's pages, its open-source relatives and its
callers show: the platform envelope ``{"error": {...}}``, the task family's
``{"code", "message", "data"}``, the older ``{"code", "msg"}``, Runway's own ``{"error": "text"}``,
a failure inside HTTP 200, HTML pages, redirects and empty bodies. It knows nothing of httpx.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from html import unescape

from attrs import field, frozen

from cometapi_runway import jsonvalue, redaction, task
from cometapi_runway.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InsufficientQuotaError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ResponseDecodeError,
    ServerError,
)
from cometapi_runway.jsonvalue import JSON, Object, as_object, as_text

FETCH_FAILED = "fail_to_fetch_task"
"""The gateway passes on the provider's status under this code; a 401 then is about the gateway's
own key, not the caller's."""

_SUCCESS_CODES = frozenset({"success", "ok", "200", "0", ""})
_BY_CODE: dict[str, type[APIStatusError]] = {
    task.NOT_EXIST: NotFoundError,
    "quota_not_enough": InsufficientQuotaError,
    "insufficient_quota": InsufficientQuotaError,
    "insufficient_user_quota": InsufficientQuotaError,
    "pre_consume_token_quota_failed": InsufficientQuotaError,
    "invalid_api_key": AuthenticationError,
    "callback_url_empty": BadRequestError,
    "reference_images_empty": BadRequestError,
    # Observed as HTTP 500: CometAPI's error page says that it is a malformed request.
    "invalid_request": BadRequestError,
    # Observed as HTTP 503: the distributor has no channel for the model and never asks one.
    "model_not_found": BadRequestError,
}
_BY_STATUS: dict[int, type[APIStatusError]] = {
    401: AuthenticationError,
    402: InsufficientQuotaError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
    499: ServerError,
}
_HINTS: dict[type[APIStatusError], str] = {
    AuthenticationError: "Check the CometAPI key",
    InsufficientQuotaError: "Top up the account, or raise this key's own quota",
}
# Words that Runway pages name without saying where in an answer they stand.
_TOKEN = re.compile(rf"\b({task.NOT_EXIST}|callback_url_empty|reference_images_empty)\b", re.I)
_UNKNOWN_TASK = re.compile(rb"\b" + task.NOT_EXIST.encode() + rb"\b", re.I)
_NOT_EXIST = task.NOT_EXIST.encode()
_TITLE = re.compile(r"<title[^<>]*>([^<]+)</title", re.I)
_MONEY = re.compile("quota|balance|额度|余额", re.I)
_REQUEST_ID = re.compile(r"request id:\s*([\w-]{4,})", re.I)
# The gateway's open-source relative sends it; CometAPI's pages only show it inside the message.
_REQUEST_ID_HEADERS = ("x-oneapi-request-id", "x-request-id")
_LONGEST_PAUSE = 86400.0
_LONGEST_QUOTE = 300
_LONGEST_MESSAGE = 1200


@frozen
class Answer:
    """One HTTP answer, read to its end.

    Attributes:
        method: The request's method.
        url: The request's address, without query.
        status: HTTP status.
        headers: Header fields, to be looked up in lower case.
        body: The decoded body.
        received: Wall-clock time in Unix seconds, to read a ``Retry-After`` date against where
            the answer itself does not tell the time.
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received: float = 0.0


def read(answer: Answer) -> Object:
    """The JSON object of an answer that is no failure.

    Raises:
        APIStatusError: The answer is a failure, by its status or by its content.
        ResponseDecodeError: It claims success and is not a JSON object.
    """
    payload, problem = _payload(answer)
    error = _failure(answer, payload)
    if error is not None:
        raise error
    if payload is None:
        raise ResponseDecodeError(
            f"{answer.method} {answer.url} answered HTTP {answer.status} with {problem}",
            status_code=answer.status,
            body=_quote(_opening(answer.body)),
        )
    return payload


def failure(answer: Answer) -> APIStatusError | None:
    """The error that an answer stands for, or None."""
    return _failure(answer, _payload(answer)[0])


def _failure(answer: Answer, payload: Object | None) -> APIStatusError | None:
    if 200 <= answer.status < 300 and not _says_failure(answer.body, payload):
        return None
    return _error(answer, payload or {})


def _payload(answer: Answer) -> tuple[Object | None, str]:
    """The body as a JSON object, or what it is instead."""
    if not answer.body.strip():
        return None, "an empty body"
    try:
        payload = as_object(jsonvalue.parse(answer.body))
    except ValueError:
        kind = answer.headers.get("content-type", "no content type").split(";")[0]
        return None, f"a body that is not JSON ({kind}, {len(answer.body)} bytes)"
    return payload, "JSON that is not an object"


def _says_failure(body: bytes, payload: Object | None) -> bool:
    """Whether a body under HTTP 2xx is a failure all the same."""
    if payload is not None and _is_plain(body, payload):
        return False
    if payload is not None and task.carries_state(payload):
        # Then the task's state counts, whatever the envelope's code says.
        return False
    if _UNKNOWN_TASK.search(body):
        return True
    if payload is None or task.names_task(payload):
        return False
    if payload.get("error") or str(payload.get("status")).lower() == "error":
        return True
    code = payload.get("code")
    return code is not None and str(code).lower() not in _SUCCESS_CODES


def _is_plain(body: bytes, payload: Object) -> bool:
    """Whether an answer is of Runway's own shape, as most are, and cannot be a failure."""
    if "code" in payload or "error" in payload or _NOT_EXIST in body.lower():
        return False
    status = payload.get("status")
    return not isinstance(status, str) or status.lower() != "error"


def _error(answer: Answer, payload: Object) -> APIStatusError:
    code, message = _code_and_message(payload)
    if (code or "").lower() in _SUCCESS_CODES and _UNKNOWN_TASK.search(answer.body):
        code = task.NOT_EXIST
    shown = redaction.text(message[:_LONGEST_MESSAGE]) or _describe(answer)
    kind = _kind(answer.status, code, message)
    error = kind(
        answer.status,
        code,
        shown,
        _request_id(answer, message),
        retry_after=_retry_after(answer),
        hint=_HINTS.get(kind, ""),
    )
    error.answer = answer
    return error


def _code_and_message(payload: Object) -> tuple[str | None, str]:
    inner = payload.get("error")
    layer = as_object(inner) or payload
    words = (layer.get("message"), layer.get("msg"), inner, payload.get("detail"))
    message = next((text for text in map(as_text, words) if text), "")
    code = _code(layer.get("code"))
    token = _TOKEN.search(message)
    if token and (code or "").lower() not in _BY_CODE:
        # It says more than a number does, or than that the gateway passes something on.
        code = token.group().lower()
    return code, message


def _code(value: JSON) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return as_text(str(value))


def _kind(status: int, code: str | None, message: str) -> type[APIStatusError]:
    known = _BY_CODE.get((code or "").lower())
    if known is not None:
        return known
    if (code or "").lower() == FETCH_FAILED and status in {401, 402, 403}:
        return APIStatusError
    # Inside HTTP 200 the older routes put an HTTP status into `code`.
    if 200 <= status < 300 and code and code.isdecimal():
        status = int(code) if len(code) == 3 else status
    if status in {401, 402, 403} and _MONEY.search(message):
        return InsufficientQuotaError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return BadRequestError
    return ServerError if 500 <= status < 600 else APIStatusError


def _request_id(answer: Answer, message: str) -> str | None:
    """The gateway's own request id: the last, where gateways stand behind one another."""
    found = _REQUEST_ID.findall(message)
    if found:
        return str(found[-1])
    return next((v for name in _REQUEST_ID_HEADERS if (v := answer.headers.get(name))), None)


def _describe(answer: Answer) -> str:
    """Words for an answer that has none of its own."""
    if 300 <= answer.status < 400:
        target = redaction.url(answer.headers.get("location", "nowhere"))
        return f"redirected to {target}; not followed, check base_url"
    if not answer.body.strip():
        return "empty body"
    text = _opening(answer.body)
    title = _TITLE.search(text)
    # The title is all that a person wants of a gateway's error page.
    return f'a page titled "{_quote(unescape(title[1]))}"' if title else _quote(text)


def _opening(body: bytes) -> str:
    return body[:_LONGEST_MESSAGE].decode("utf-8", "replace")


def _quote(body: str) -> str:
    text = redaction.text(" ".join(body.split()))
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait, from the delta form or the date form of ``Retry-After``."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.replace(".", "", 1).isdecimal() and text.isascii():
        return min(float(text), _LONGEST_PAUSE)
    until = http_date(text)
    if until is None:
        return None
    # By the gateway's own clock where it tells the time: ours may be minutes off.
    now = http_date(answer.headers.get("date", ""))
    return min(max(0.0, until - (answer.received if now is None else now)), _LONGEST_PAUSE)


def http_date(text: str) -> float | None:
    """An HTTP date as Unix seconds, or None where it is none.

    A zone of ``-0000`` means UTC that says nothing of the sender's place (RFC 5322, 3.3); Python
    reads it as a time without a zone, which would then be taken for a local one.
    """
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
