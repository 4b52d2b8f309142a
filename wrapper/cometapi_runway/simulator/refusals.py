"""How the gateway says no: its two error envelopes, its codes, and HTML for a wrong path.

CometAPI documents one envelope for the platform (``{"error": {...}}``); its task routes belong to
a family of gateways that answer ``{"code", "message", "data"}``. Which of them a Runway route
uses is documented nowhere, so the simulator can use either. In 2024 the compatibility routes said
no under HTTP 200, which it can do as well.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from cometapi_runway.simulator.reply import Reply, html_reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cometapi_runway.errors import Issue

Envelope: TypeAlias = Literal["platform", "task", "compat"]
Missing: TypeAlias = Literal["400", "404", "200", "status", "compat"]

TASK_NOT_EXIST: Final = "task_not_exist"
_INVALID: Final = "invalid_request"
_PLATFORM_TYPE: Final = "comet_api_error"

# The two fields whose absence has a code of its own on CometAPI's pages.
_OWN_CODES: Final = {
    "/callback_url": "callback_url_empty",
    "/referenceImages": "reference_images_empty",
}
_ABSENT: Final = frozenset(("required", "minLength", "minItems"))


@frozen
class Problem:
    """A refusal before it has a form.

    Attributes:
        status: HTTP status.
        message: The gateway's words.
        code: The gateway's code; the platform often leaves it empty.
        param: The field or header that is at fault.
        headers: More header fields.
    """

    status: int
    message: str
    code: str = ""
    param: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def phrase(status: int) -> str:
    """The usual words for a status; a general one for those that proxies made up."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def platform_reply(problem: Problem, request_id: str) -> Reply:
    """A refusal in the platform's envelope, which holds the request id in its message only."""
    error = {
        "message": f"{problem.message} (request id: {request_id})",
        "type": _PLATFORM_TYPE,
        "param": problem.param,
        "code": problem.code,
    }
    return json_reply({"error": error}, problem.status, problem.headers)


def task_reply(problem: Problem) -> Reply:
    """A refusal in the envelope of the task routes."""
    body = {"code": problem.code, "message": problem.message, "data": None}
    return json_reply(body, problem.status, problem.headers)


def compat_reply(problem: Problem) -> Reply:
    """A refusal as the compatibility routes gave it in 2024: HTTP 200, the status in the body."""
    return json_reply({"code": problem.status, "msg": problem.code or problem.message})


def reply(problem: Problem, envelope: Envelope, request_id: str) -> Reply:
    """A refusal in one of the envelopes."""
    if envelope == "task":
        return task_reply(problem)
    if envelope == "compat":
        return compat_reply(problem)
    return platform_reply(problem, request_id)


def unauthorised() -> Problem:
    """The key is missing, malformed or not valid: HTTP 401, without a code."""
    return Problem(401, "invalid token")


def out_of_quota() -> Problem:
    """The balance does not cover the request: HTTP 403."""
    return Problem(403, "user quota is not enough", "quota_not_enough")


def invalid(issues: Sequence[Issue]) -> Problem:
    """The request breaks the contract: HTTP 400, for the first of the issues."""
    for issue in issues:
        if issue.path in _OWN_CODES and issue.rule in _ABSENT:
            code = _OWN_CODES[issue.path]
            return Problem(400, code, code, issue.path)
    first = issues[0]
    return Problem(400, first.message, _INVALID, first.path)


def wrong_method(allowed: Sequence[str]) -> Problem:
    """The path exists, the method does not: HTTP 405 with ``Allow``."""
    return Problem(405, "method not allowed", _INVALID, headers=(("Allow", ", ".join(allowed)),))


def wrong_path(clean: str | None) -> Reply:
    """An unknown path: HTML, never JSON; a redirect where only slashes are wrong.

    Args:
        clean: The path that was probably meant, if there is one.
    """
    if clean is not None:
        return html_reply("Moved Permanently", 301, (("Location", clean),))
    return html_reply("404 page not found", 404)


def missing(form: Missing) -> Reply:
    """A task that is not known, or not yet.

    The pages name the token ``task_not_exist`` and neither status nor body. The forms are those
    that have been read off gateways of this family and off CometAPI's own blog.

    Args:
        form: ``"400"`` and ``"200"``: the task envelope under that status; ``"404"``: Runway's
            own ``{"error"}``; ``"status"``: HTTP 200 with the token in place of a status;
            ``"compat"``: HTTP 200 with ``code`` and ``msg``.
    """
    if form == "404":
        return json_reply({"error": TASK_NOT_EXIST}, 404)
    if form == "compat":
        return compat_reply(Problem(400, TASK_NOT_EXIST, TASK_NOT_EXIST))
    if form == "status":
        return json_reply({"status": TASK_NOT_EXIST})
    return task_reply(Problem(int(form), TASK_NOT_EXIST, TASK_NOT_EXIST))
