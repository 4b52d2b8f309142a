"""Faults by rule: what goes wrong, where and how often, as data.

A rule names a kind of fault and the occurrences that it hits::

    Fault("reset", acted=True, when=When("control_a_character", nth=1))
    Fault("rate_limit", retry_after=2, when=When("tasks", first=3))
    Fault("truncate", when=When("download", every=2))

The kinds:

==============  ==============================================================================
``status``      an HTTP error with `code` and `message` in the gateway's envelope, or `body`
``html``        an HTML page under `status` (502 unless given)
``rate_limit``  HTTP 429 with ``Retry-After``: `retry_after` seconds, or as a date
``reset``       the connection is reset before the first byte of an answer
``cut``         the connection is reset in the middle of the body
``truncate``    half of the body, framed as if it were all of it
``empty``       no body
``content_type``  the right body under the wrong type (`body`, or ``text/plain``)
``hang``        `seconds` of silence, then the answer
``drip``        the body in small pieces over `seconds`
``repeat``      a poll gives what the poll before it gave, byte for byte
``stale``       a poll gives the state of `seconds` ago, so that states arrive out of order
==============  ==============================================================================

The first four refuse the request before the gateway acts on it; with ``acted=True`` it acts (and
charges) first, and the fault only hides the answer. All others act.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import attrs
from attrs import converters, field, frozen, validators

from cometapi_runway.simulator import refusals
from cometapi_runway.simulator.clock import LAST
from cometapi_runway.simulator.reply import Reply, html_reply
from cometapi_runway.simulator.rules import When, from_json

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON, Object

Kind: TypeAlias = Literal[
    "status",
    "html",
    "rate_limit",
    "reset",
    "cut",
    "truncate",
    "empty",
    "content_type",
    "hang",
    "drip",
    "repeat",
    "stale",
]

_REFUSING: Final[frozenset[Kind]] = frozenset(("status", "html", "rate_limit", "reset"))
_WHEN_KEYS: Final = frozenset(found.name for found in attrs.fields(When))

_FIELD: Final = re.compile(r"[!-9;-~]+: ?[\t -~]*")


def _duration(seconds: object) -> float:
    number = seconds if isinstance(seconds, int | float) else -1
    if isinstance(seconds, bool) or not 0 <= number < math.inf:
        raise ValueError(f"a fault takes 0 seconds or more, got {seconds!r}")
    return float(number)


def _pairs(fields: Mapping[str, str] | tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    try:
        pairs = tuple((str(name), str(value)) for name, value in dict(fields).items())
    except (TypeError, ValueError) as error:
        raise ValueError(f"headers must be names with their values, got {fields!r}") from error
    for name, value in pairs:
        if not _FIELD.fullmatch(f"{name}: {value}"):
            raise ValueError(f"not a header field: {name!r}: {value!r}")
    return pairs


@frozen(kw_only=True)
class Fault:
    """One rule of what goes wrong. See the module's text for the kinds.

    Attributes:
        kind: What goes wrong.
        when: Which occurrences are hit.
        acted: Whether the gateway acts on the request first. Only the kinds that refuse need it.
        status: HTTP status of ``status`` (500) and ``html`` (502).
        code: The gateway's error code in the body of ``status``.
        message: The text in the body of ``status``.
        body: The whole body of ``status``; the type of ``content_type``.
        headers: More header fields for ``status``, ``html`` and ``rate_limit``.
        seconds: How long ``hang`` and ``drip`` last, and how old ``stale`` is.
        retry_after: Seconds that ``rate_limit`` asks for; None for no ``Retry-After`` at all.
        as_date: Whether ``Retry-After`` is written as an HTTP date.
    """

    kind: Kind = field(kw_only=False, validator=validators.in_(get_args(Kind)))
    when: When = field(factory=When, validator=validators.instance_of(When))
    acted: bool = field(default=False, validator=validators.instance_of(bool))
    status: int | None = field(
        default=None,
        validator=validators.optional(
            validators.and_(validators.instance_of(int), validators.ge(200), validators.le(599))
        ),
    )
    code: str = field(default="", validator=validators.instance_of(str))
    message: str = field(default="simulated fault", validator=validators.instance_of(str))
    body: str | None = field(
        default=None, validator=validators.optional(validators.instance_of(str))
    )
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=_pairs)
    seconds: float = field(default=0.0, converter=_duration)
    retry_after: float | None = field(default=None, converter=converters.optional(_duration))
    as_date: bool = field(default=False, validator=validators.instance_of(bool))

    @property
    def prevents(self) -> bool:
        """Whether the gateway never gets to act on the request."""
        return self.kind in _REFUSING and not self.acted

    @property
    def repeats(self) -> bool:
        """Whether a poll is answered as the one before."""
        return self.kind == "repeat"

    def moment(self, now: float, last_read: float | None) -> float:
        """The moment that a poll sees, in Unix seconds.

        Args:
            now: The present.
            last_read: When the task was read before, if it was.
        """
        if self.repeats and last_read is not None:
            return last_read
        return now - self.seconds if self.kind == "stale" else now


def fault_from_json(fields: Object) -> Fault:
    """Reads a rule as the control API takes it: one flat object.

    The keys are those of `Fault` and of `When` together, for instance
    ``{"kind": "status", "status": 500, "operation": "tasks", "first": 2}``.

    Raises:
        ValueError: A key is unknown or a value is not allowed; the message names it.
    """
    when = {key: value for key, value in fields.items() if key in _WHEN_KEYS}
    rest = {key: value for key, value in fields.items() if key not in _WHEN_KEYS}
    if "kind" not in rest:
        raise ValueError(f"kind is missing; it is one of {', '.join(get_args(Kind))}")
    place = from_json(When, when)
    return from_json(Fault, rest, beside=_WHEN_KEYS, when=place)


def fault_to_json(fault: Fault) -> JSON:
    """A rule as the control API shows it: what differs from the defaults."""
    values = {**attrs.asdict(fault, recurse=False), **attrs.asdict(fault.when)}
    defaults = {found.name: found.default for found in (*attrs.fields(Fault), *attrs.fields(When))}
    shown = {name: value for name, value in values.items() if value != defaults[name]}
    del shown["when"]
    return shown | ({"headers": dict(fault.headers)} if fault.headers else {})


@frozen
class Scene:
    """What a fault needs to know to be acted out.

    Attributes:
        now: The time in Unix seconds.
        request_id: What the gateway calls the request in its error messages.
    """

    now: float
    request_id: str


def act_out(fault: Fault, reply: Reply, scene: Scene) -> Reply:
    """What is answered in place of ``reply``."""
    return _EFFECTS[fault.kind](fault, reply, scene)


def _status(fault: Fault, _: Reply, scene: Scene) -> Reply:
    status = fault.status or 500
    if fault.body is not None:
        return Reply(status, (("Content-Type", "text/plain"), *fault.headers), fault.body.encode())
    problem = refusals.Problem(status, fault.message, fault.code, headers=fault.headers)
    return refusals.platform_reply(problem, scene.request_id)


def _html(fault: Fault, _reply: Reply, _: Scene) -> Reply:
    status = fault.status or 502
    return html_reply(f"{status} {refusals.phrase(status)}", status, fault.headers)


def _rate_limit(fault: Fault, _: Reply, scene: Scene) -> Reply:
    headers = fault.headers
    if fault.retry_after is not None:
        headers += (("Retry-After", _pace(fault.retry_after, fault.as_date, scene.now)),)
    problem = refusals.Problem(429, "too many requests", headers=headers)
    return refusals.platform_reply(problem, scene.request_id)


def _pace(seconds: float, as_date: bool, now: float) -> str:
    # A date has whole seconds: rounded up, or the pace would be kept too early.
    moment = min(math.ceil(now + seconds), LAST)
    return formatdate(moment, usegmt=True) if as_date else f"{seconds:g}"


def _content_type(fault: Fault, reply: Reply, _: Scene) -> Reply:
    others = tuple(pair for pair in reply.headers if pair[0].lower() != "content-type")
    return attrs.evolve(reply, headers=(("Content-Type", fault.body or "text/plain"), *others))


_Effect: TypeAlias = Callable[[Fault, Reply, Scene], Reply]

_EFFECTS: Final[dict[Kind, _Effect]] = {
    "status": _status,
    "html": _html,
    "rate_limit": _rate_limit,
    "reset": lambda _fault, reply, _: attrs.evolve(reply, drop="before"),
    "cut": lambda _fault, reply, _: attrs.evolve(reply, drop="midway"),
    "truncate": lambda _fault, reply, _: attrs.evolve(
        reply, body=reply.body[: len(reply.body) // 2]
    ),
    "empty": lambda _fault, reply, _: attrs.evolve(reply, body=b""),
    "content_type": _content_type,
    "hang": lambda fault, reply, _: attrs.evolve(reply, delay=fault.seconds),
    "drip": lambda fault, reply, _: attrs.evolve(reply, drip=fault.seconds),
    # These two change what a read sees, which has happened by now.
    "repeat": lambda _fault, reply, _: reply,
    "stale": lambda _fault, reply, _: reply,
}
