"""The gateway's refusals: its error envelopes, its codes, and HTML for an unknown path.

CometAPI documents one envelope for the platform (``{"error": {...}}``). Its task routes belong to
a family of gateways that reply ``{"code", "message", "data"}``. No page says which of them a
Runway route uses, so the simulator supports both. In 2024 the compatibility routes refused with
HTTP 200; the simulator supports that too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from cometapi_runway.simulator._responses.reply import Reply, html_reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cometapi_runway.errors import Issue

Envelope: TypeAlias = Literal["platform", "task", "compat"]
MissingForm: TypeAlias = Literal["400", "404", "200", "status", "compat"]

TASK_NOT_EXIST: Final = "task_not_exist"
_INVALID: Final = "invalid_request"
_PLATFORM_TYPE: Final = "comet_api_error"

# CometAPI's pages give the absence of these two fields a code of its own.
_FIELD_CODES: Final = {
    "/callback_url": "callback_url_empty",
    "/referenceImages": "reference_images_empty",
}
_ABSENCE_RULES: Final = frozenset(("required", "minLength", "minItems"))


@frozen
class Refusal:
    """A refusal, independent of the envelope it is written in.

    Attributes:
        status: HTTP status.
        message: The gateway's message.
        code: The gateway's code; the platform often leaves it empty.
        param: The field or header that is wrong.
        headers: Additional header fields.
    """

    status: int
    message: str
    code: str = ""
    param: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def status_phrase(status: int) -> str:
    """The reason phrase of a status; "Error" for those that proxies invented."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def write_refusal(refusal: Refusal, envelope: Envelope, request_id: str) -> Reply:
    """Writes a refusal in one of the envelopes."""
    if envelope == "task":
        return write_task_refusal(refusal)
    if envelope == "compat":
        return _write_compat_refusal(refusal)
    return write_platform_refusal(refusal, request_id)


def write_platform_refusal(refusal: Refusal, request_id: str) -> Reply:
    """Writes a refusal in the platform's envelope, whose message contains the request id."""
    error = {
        "message": f"{refusal.message} (request id: {request_id})",
        "type": _PLATFORM_TYPE,
        "param": refusal.param,
        "code": refusal.code,
    }
    return json_reply({"error": error}, refusal.status, refusal.headers)


def write_task_refusal(refusal: Refusal) -> Reply:
    """Writes a refusal in the envelope of the task routes."""
    body = {"code": refusal.code, "message": refusal.message, "data": None}
    return json_reply(body, refusal.status, refusal.headers)


def _write_compat_refusal(refusal: Refusal) -> Reply:
    # As in 2024: HTTP 200, with the status in the body.
    return json_reply({"code": refusal.status, "msg": refusal.code or refusal.message})


def refuse_key() -> Refusal:
    """The key is missing, malformed or not valid: HTTP 401, without a code."""
    return Refusal(401, "invalid token")


def refuse_quota() -> Refusal:
    """The balance does not cover the request: HTTP 403."""
    return Refusal(403, "user quota is not enough", "quota_not_enough")


def refuse_invalid(issues: Sequence[Issue]) -> Refusal:
    """The request breaks the contract: HTTP 400, for the first issue."""
    for issue in issues:
        if issue.path in _FIELD_CODES and issue.rule in _ABSENCE_RULES:
            code = _FIELD_CODES[issue.path]
            return Refusal(400, code, code, issue.path)
    first = issues[0]
    return Refusal(400, first.message, _INVALID, first.path)


def refuse_method(allowed: Sequence[str]) -> Refusal:
    """The path exists, but not for this method: HTTP 405 with ``Allow``."""
    return Refusal(405, "method not allowed", _INVALID, headers=(("Allow", ", ".join(allowed)),))


def reply_unknown_path(corrected: str | None) -> Reply:
    """Makes the reply to an unknown path: HTML, or a redirect if only the slashes are wrong.

    Args:
        corrected: The path with its slashes corrected, if that path exists.
    """
    if corrected is not None:
        return html_reply("Moved Permanently", 301, (("Location", corrected),))
    return html_reply("404 page not found", 404)


def reply_unknown_task(form: MissingForm) -> Reply:
    """Makes the reply for a task that does not exist, or is not visible yet.

    The pages name the code ``task_not_exist`` and give neither status nor body. These forms were
    observed on gateways of this family and on CometAPI's own blog.

    Args:
        form: ``"400"`` and ``"200"``: the task envelope under that status; ``"404"``: Runway's
            own ``{"error"}``; ``"status"``: HTTP 200 with the code in the field ``status``;
            ``"compat"``: HTTP 200 with ``code`` and ``msg``.
    """
    if form == "404":
        return json_reply({"error": TASK_NOT_EXIST}, 404)
    if form == "compat":
        return _write_compat_refusal(Refusal(400, TASK_NOT_EXIST, TASK_NOT_EXIST))
    if form == "status":
        return json_reply({"status": TASK_NOT_EXIST})
    return write_task_refusal(Refusal(int(form), TASK_NOT_EXIST, TASK_NOT_EXIST))
