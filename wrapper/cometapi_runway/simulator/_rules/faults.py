"""Faults: what goes wrong, where and how often, as data.

A fault has a kind and the occurrences that it applies to::

    Fault("reset", acted=True, when=When("control_a_character", nth=1))
    Fault("rate_limit", retry_after=2, when=When("tasks", first=3))
    Fault("truncate", when=When("download", every=2))

The kinds:

==============  ==============================================================================
``status``      an HTTP error with `code` and `message` in the gateway's envelope, or with `body`
``html``        an HTML page under `status` (502 unless given)
``rate_limit``  HTTP 429 with ``Retry-After``: `retry_after` in seconds, or as a date
``reset``       the connection is reset before the first byte of the response
``cut``         the connection is reset in the middle of the body
``truncate``    half of the body, framed as if it were complete
``empty``       no body
``content_type``  the right body with the wrong type (`body`, or ``text/plain``)
``hang``        `seconds` of silence, then the response
``drip``        the body in small pieces over `seconds`
``repeat``      a poll returns the same bytes as the poll before it
``stale``       a poll returns the state of `seconds` ago, so states arrive out of order
==============  ==============================================================================

The first four stop the request before the gateway acts on it. With ``acted=True`` it acts (and
charges) first, and the fault only replaces the response. It always acts with the other kinds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from attrs import converters, field, frozen, validators

from cometapi_runway.simulator._rules.rule_book import When

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

_BLOCKING: Final[frozenset[Kind]] = frozenset(("status", "html", "rate_limit", "reset"))
# A token of RFC 9110, and ASCII without blanks around it: h11 sends no other header field.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"([!-~]([\t -~]*[!-~])?)?")


def _parse_duration(seconds: object) -> float:
    is_boolean = isinstance(seconds, bool)
    if isinstance(seconds, int | float) and not is_boolean and 0 <= seconds < math.inf:
        return float(seconds)
    raise ValueError(f"a fault takes 0 seconds or more, got {seconds!r}")


def _parse_headers(
    fields: Mapping[str, str] | tuple[tuple[str, str], ...],
) -> tuple[tuple[str, str], ...]:
    try:
        pairs = tuple((str(name), str(value)) for name, value in dict(fields).items())
    except (TypeError, ValueError) as error:
        raise ValueError(f"headers must be names with their values, got {fields!r}") from error
    for name, value in pairs:
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise ValueError(f"not a header field: {name!r}: {value!r}")
    return pairs


@frozen(kw_only=True)
class Fault:
    """A rule for what goes wrong. See the module's docstring for the kinds.

    Attributes:
        kind: What goes wrong.
        when: The occurrences that it applies to.
        acted: Whether the gateway acts on the request first; for the first four kinds.
        status: HTTP status of ``status`` (500) and ``html`` (502).
        code: The gateway's error code in the body of ``status``.
        message: The text in the body of ``status``.
        body: The whole body of ``status``; the type of ``content_type``.
        headers: Additional header fields for ``status``, ``html`` and ``rate_limit``.
        seconds: How long ``hang`` and ``drip`` last, and the age of the state for ``stale``.
        retry_after: Seconds in ``Retry-After`` of ``rate_limit``; None for no such header.
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
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=_parse_headers)
    seconds: float = field(default=0.0, converter=_parse_duration)
    retry_after: float | None = field(default=None, converter=converters.optional(_parse_duration))
    as_date: bool = field(default=False, validator=validators.instance_of(bool))

    @property
    def blocks(self) -> bool:
        """Whether the gateway does not act on the request."""
        return self.kind in _BLOCKING and not self.acted

    @property
    def repeats(self) -> bool:
        """Whether a poll gets the same response as the one before."""
        return self.kind == "repeat"

    def observed_at(self, now: float, last_read: float | None) -> float:
        """The moment whose state a poll returns, in Unix seconds.

        Args:
            now: The current time.
            last_read: When the task was last read; None if never.
        """
        if self.repeats and last_read is not None:
            return last_read
        return now - self.seconds if self.kind == "stale" else now
