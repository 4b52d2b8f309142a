"""Classify a response: a failure of one of the known forms, or a JSON object to parse.

One classifier for every error form that the gateway's pages, its open-source relatives and its
users show: the platform envelope ``{"error": {...}}``, the task family's
``{"code", "message", "data"}``, the older ``{"code", "msg"}``, Runway's own ``{"error": "text"}``,
a failure inside HTTP 200, HTML pages, redirects and empty bodies.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from html import unescape

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text, parse_json
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import redact_text, redact_url
from cometapi_runway._core.task import TASK_NOT_EXIST
from cometapi_runway._flows.response_layers import ResponseLayers
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

FETCH_FAILED = "fail_to_fetch_task"
"""With this code the gateway passes on the provider's status: a 401 then concerns the gateway's own
key, not the caller's."""

_SUCCESS_CODES = frozenset({"success", "ok", "200", "0", ""})
_BY_CODE: dict[str, type[APIStatusError]] = {
    TASK_NOT_EXIST: NotFoundError,
    "quota_not_enough": InsufficientQuotaError,
    "insufficient_quota": InsufficientQuotaError,
    "insufficient_user_quota": InsufficientQuotaError,
    "pre_consume_token_quota_failed": InsufficientQuotaError,
    "invalid_api_key": AuthenticationError,
    "callback_url_empty": BadRequestError,
    "reference_images_empty": BadRequestError,
    # Observed with HTTP 500; CometAPI's error page calls it a malformed request.
    "invalid_request": BadRequestError,
    # Observed with HTTP 503: no channel serves the model, so no provider was called.
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
# Codes that CometAPI's Runway pages name without saying which field holds them.
_ERROR_CODE_IN_TEXT = re.compile(
    rf"\b({TASK_NOT_EXIST}|callback_url_empty|reference_images_empty)\b", re.I
)
_NOT_EXIST_PATTERN = re.compile(rb"\b" + TASK_NOT_EXIST.encode() + rb"\b", re.I)
_NOT_EXIST_BYTES = TASK_NOT_EXIST.encode()
_TITLE = re.compile(r"<title[^<>]*>([^<]+)</title", re.I)
_QUOTA_WORDS = re.compile("quota|balance|额度|余额", re.I)
_REQUEST_ID = re.compile(r"request id:\s*([\w-]{4,})", re.I)
# Sent by the gateway's open-source relative; CometAPI's pages only show it inside the message.
_REQUEST_ID_HEADERS = ("x-oneapi-request-id", "x-request-id")
_MAX_RETRY_AFTER = 86400.0
_MAX_QUOTE = 300
_MAX_MESSAGE = 1200


def parse_response(response: RawResponse) -> ResponseLayers:
    """Parse a successful response into layers.

    Raises:
        APIStatusError: The response is a failure, by its status or by its content.
        ResponseDecodeError: Its status is a success, and its body is not a JSON object.
    """
    body, problem = _parse_body(response)
    error = _find_error(response, body)
    if error is not None:
        raise error
    if body is None:
        raise ResponseDecodeError(
            f"{response.method} {response.url} returned HTTP {response.status} with {problem}",
            status_code=response.status,
            body=_quote(_decode_start(response.body)),
        )
    return body


def find_error(response: RawResponse) -> APIStatusError | None:
    """The error that a response represents, or None."""
    return _find_error(response, _parse_body(response)[0])


def _find_error(response: RawResponse, body: ResponseLayers | None) -> APIStatusError | None:
    if 200 <= response.status < 300 and not _is_failure_body(response.body, body):
        return None
    return _build_error(response, {} if body is None else body.payload)


def _parse_body(response: RawResponse) -> tuple[ResponseLayers | None, str]:
    """The body as a JSON object in layers, or what it is instead."""
    if not response.body.strip():
        return None, "an empty body"
    try:
        payload = as_object(parse_json(response.body))
    except ValueError:
        kind = response.headers.get("content-type", "no content type").split(";")[0]
        return None, f"a body that is not JSON ({kind}, {count_noun(len(response.body), 'byte')})"
    if payload is None:
        return None, "JSON that is not an object"
    return ResponseLayers.split(payload), ""


def _is_failure_body(content: bytes, body: ResponseLayers | None) -> bool:
    """Whether a body with an HTTP 2xx status is a failure all the same."""
    if body is not None and (_is_plain_task(content, body.payload) or body.has_task_state):
        # A task's state counts, whatever the envelope's code says.
        return False
    if _says_not_exist(content):
        return True
    if body is None or body.task_id is not None:
        return False
    if body.payload.get("error") or str(body.payload.get("status")).lower() == "error":
        return True
    code = body.payload.get("code")
    return code is not None and str(code).lower() not in _SUCCESS_CODES


def _is_plain_task(content: bytes, payload: Object) -> bool:
    """Whether a response has Runway's own shape, as most have, and so cannot be a failure."""
    if "code" in payload or "error" in payload or _NOT_EXIST_BYTES in content.lower():
        return False
    status = payload.get("status")
    return not isinstance(status, str) or status.lower() != "error"


def _says_not_exist(content: bytes) -> bool:
    # The pattern alone takes ten times as long to find nothing in a large body.
    return _NOT_EXIST_BYTES in content.lower() and bool(_NOT_EXIST_PATTERN.search(content))


def _build_error(response: RawResponse, payload: Object) -> APIStatusError:
    code, message = _parse_code_and_message(payload)
    if (code or "").lower() in _SUCCESS_CODES and _says_not_exist(response.body):
        code = TASK_NOT_EXIST
    shown = redact_text(message[:_MAX_MESSAGE]) or _describe_response(response)
    kind = _choose_error_class(response.status, code, message)
    error = kind(
        response.status,
        code,
        shown,
        _find_request_id(response, message),
        retry_after=_parse_retry_after(response),
        hint=_HINTS.get(kind, ""),
    )
    error.raw_response = response
    return error


def _parse_code_and_message(payload: Object) -> tuple[str | None, str]:
    inner = payload.get("error")
    layer = as_object(inner) or payload
    texts = (layer.get("message"), layer.get("msg"), inner, payload.get("detail"))
    message = next((text for text in map(as_text, texts) if text), "")
    code = _parse_code(layer.get("code"))
    match = _ERROR_CODE_IN_TEXT.search(message)
    if match and (code or "").lower() not in _BY_CODE:
        # More specific than a number or than FETCH_FAILED.
        code = match.group().lower()
    return code, message


def _parse_code(value: JSON) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return as_text(str(value))


def _choose_error_class(status: int, code: str | None, message: str) -> type[APIStatusError]:
    known = _BY_CODE.get((code or "").lower())
    if known is not None:
        return known
    if (code or "").lower() == FETCH_FAILED and status in {401, 402, 403}:
        return APIStatusError
    # Inside HTTP 200 the older routes put an HTTP status into `code`.
    if 200 <= status < 300 and code and code.isascii() and code.isdecimal():
        status = int(code) if len(code) == 3 else status
    if status in {401, 402, 403} and _QUOTA_WORDS.search(message):
        return InsufficientQuotaError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return BadRequestError
    return ServerError if 500 <= status < 600 else APIStatusError


def _find_request_id(response: RawResponse, message: str) -> str | None:
    """The request id; the last one if several gateways in a chain have added theirs."""
    found = _REQUEST_ID.findall(message)
    if found:
        return str(found[-1])
    return next((v for name in _REQUEST_ID_HEADERS if (v := response.headers.get(name))), None)


def _describe_response(response: RawResponse) -> str:
    """A message for a response that has none."""
    if 300 <= response.status < 400:
        target = redact_url(response.headers.get("location", "nowhere"))
        return f"redirected to {target}; not followed, check base_url"
    if not response.body.strip():
        return "empty body"
    text = _decode_start(response.body)
    title = _TITLE.search(text)
    # The title is the only informative part of a gateway's error page.
    return f'a page titled "{_quote(unescape(title[1]))}"' if title else _quote(text)


def _decode_start(body: bytes) -> str:
    return body[:_MAX_MESSAGE].decode("utf-8", "replace")


def _quote(body: str) -> str:
    text = redact_text(" ".join(body.split()))
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"


def _parse_retry_after(response: RawResponse) -> float | None:
    """Seconds to wait, from the delta form or the date form of ``Retry-After``."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.replace(".", "", 1).isdecimal() and text.isascii():
        return min(float(text), _MAX_RETRY_AFTER)
    until = parse_http_date(text)
    if until is None:
        return None
    # The gateway's own clock, if the response has a Date: the local one may be minutes off.
    now = parse_http_date(response.headers.get("date", ""))
    return min(max(0.0, until - (response.received_at if now is None else now)), _MAX_RETRY_AFTER)


def parse_http_date(text: str) -> float | None:
    """Parse an HTTP date into Unix seconds; None if it is malformed.

    The zone ``-0000`` means UTC (RFC 5322, 3.3). Python parses it into a time without a zone, which
    `timestamp` would take for local time.
    """
    try:
        time = parsedate_to_datetime(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
