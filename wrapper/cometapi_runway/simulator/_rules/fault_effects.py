"""What each kind of fault does to a reply."""

from __future__ import annotations

import math
from collections.abc import Callable
from email.utils import formatdate
from typing import Final, TypeAlias

import attrs
from attrs import frozen

from cometapi_runway.simulator._clock import LAST
from cometapi_runway.simulator._responses.refusals import (
    Refusal,
    status_phrase,
    write_platform_refusal,
)
from cometapi_runway.simulator._responses.reply import Reply, html_reply
from cometapi_runway.simulator._rules.faults import Fault, Kind


@frozen
class FaultContext:
    """What a fault needs to know about the request.

    Attributes:
        now: The current time in Unix seconds.
        request_id: The request id in the gateway's error messages.
    """

    now: float
    request_id: str


def apply_fault(fault: Fault, reply: Reply, context: FaultContext) -> Reply:
    """Returns what is sent instead of a reply."""
    return _EFFECTS[fault.kind](fault, reply, context)


def _reply_status(fault: Fault, _: Reply, context: FaultContext) -> Reply:
    status = fault.status or 500
    if fault.body is not None:
        return Reply(status, (("Content-Type", "text/plain"), *fault.headers), fault.body.encode())
    refusal = Refusal(status, fault.message, fault.code, headers=fault.headers)
    return write_platform_refusal(refusal, context.request_id)


def _reply_html(fault: Fault, _reply: Reply, _: FaultContext) -> Reply:
    status = fault.status or 502
    return html_reply(f"{status} {status_phrase(status)}", status, fault.headers)


def _reply_rate_limit(fault: Fault, _: Reply, context: FaultContext) -> Reply:
    headers = fault.headers
    if fault.retry_after is not None:
        pace = _format_retry_after(fault.retry_after, fault.as_date, context.now)
        headers += (("Retry-After", pace),)
    refusal = Refusal(429, "too many requests", headers=headers)
    return write_platform_refusal(refusal, context.request_id)


def _format_retry_after(seconds: float, as_date: bool, now: float) -> str:
    # An HTTP date has whole seconds; rounding down would allow a retry too early.
    moment = min(math.ceil(now + seconds), LAST)
    return formatdate(moment, usegmt=True) if as_date else f"{seconds:g}"


def _change_content_type(fault: Fault, reply: Reply, _: FaultContext) -> Reply:
    others = tuple(pair for pair in reply.headers if pair[0].lower() != "content-type")
    return attrs.evolve(reply, headers=(("Content-Type", fault.body or "text/plain"), *others))


_Effect: TypeAlias = Callable[[Fault, Reply, FaultContext], Reply]

_EFFECTS: Final[dict[Kind, _Effect]] = {
    "status": _reply_status,
    "html": _reply_html,
    "rate_limit": _reply_rate_limit,
    "reset": lambda _fault, reply, _: attrs.evolve(reply, drop="before"),
    "cut": lambda _fault, reply, _: attrs.evolve(reply, drop="midway"),
    "truncate": lambda _fault, reply, _: attrs.evolve(
        reply, body=reply.body[: len(reply.body) // 2]
    ),
    "empty": lambda _fault, reply, _: attrs.evolve(reply, body=b""),
    "content_type": _change_content_type,
    "hang": lambda fault, reply, _: attrs.evolve(reply, delay=fault.seconds),
    "drip": lambda fault, reply, _: attrs.evolve(reply, drip=fault.seconds),
    # These two change the moment that a read observes, before the reply is made.
    "repeat": lambda _fault, reply, _: reply,
    "stale": lambda _fault, reply, _: reply,
}
