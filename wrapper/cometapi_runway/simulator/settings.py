"""Everything that can be set about a simulator, with its defaults."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict

from attrs import converters, field, frozen, validators

from cometapi_runway.simulator.clock import SimClock
from cometapi_runway.simulator.faults import Fault
from cometapi_runway.simulator.ledger import PRICES
from cometapi_runway.simulator.lifecycle import SUCCESS, Ending
from cometapi_runway.simulator.refusals import Envelope, Missing
from cometapi_runway.simulator.rules import When
from cometapi_runway.simulator.shapes import Answers, ShapeName

if TYPE_CHECKING:
    from cometapi_runway.validation import Contract

MEDIA_URL: Final = "http://media.simulator.test"
"""Where outputs are served unless told otherwise: an origin that no resolver will ever find."""


@frozen(kw_only=True)
class Timings:
    """How long things take, in seconds on the simulator's clock.

    Attributes:
        invisible: From the creation of a task until reads know it.
        pending: In the queue.
        running: At work.
        spread: Share by which each of the three may be longer or shorter, drawn from the seed.
        concurrency: Tasks that may run at once, further ones being THROTTLED; None for any
            number.
        url_lifetime: How long an output's address is good for. Runway speaks of a day or two.
    """

    invisible: float = field(default=1.5, validator=validators.ge(0.0))
    pending: float = field(default=2.0, validator=validators.ge(0.0))
    running: float = field(default=8.0, validator=validators.ge(0.0))
    spread: float = field(default=0.25, validator=[validators.ge(0.0), validators.lt(1.0)])
    concurrency: int | None = field(default=None, validator=validators.optional(validators.ge(1)))
    url_lifetime: float = field(
        default=86_400.0, validator=[validators.ge(0.0), validators.lt(math.inf)]
    )


INSTANT: Final = Timings(invisible=0, pending=0, running=0)
"""Every task has succeeded by the first poll."""


@frozen
class Outcome:
    """A rule that says how tasks end. Without one they succeed.

    Attributes:
        ending: How.
        when: Which creations are meant.
    """

    ending: Ending = SUCCESS
    when: When = field(factory=When)


def _answers(shape: Answers | ShapeName) -> Answers:
    return shape if isinstance(shape, Answers) else Answers.named(shape)


def _keys(keys: Collection[str] | None) -> frozenset[str] | None:
    if keys is None:
        return None
    return frozenset((keys,) if isinstance(keys, str) else keys)


def _faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(faults)


def _outcomes(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(outcomes)


def _prices(more: Mapping[str, Decimal | float | str]) -> Mapping[str, Decimal]:
    return {**PRICES, **{name: _dollars(price) for name, price in more.items()}}


def _dollars(amount: Decimal | float | str) -> Decimal:
    try:
        dollars = Decimal(str(amount))
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite():
        raise ValueError(f"not an amount of dollars: {amount!r}")
    return dollars


@frozen(kw_only=True)
class Settings:
    """A simulator's settings. All are optional.

    Attributes:
        seed: What ids, durations and request ids are drawn from.
        clock: The time; a real clock unless given.
        shape: How answers are written: a name of `shapes`, or each kind of answer on its own.
        keys: The keys that are accepted; None for any that is not empty.
        faults: What goes wrong, by rule.
        outcomes: How tasks end, by rule.
        timings: How long things take.
        missing: How ``task_not_exist`` is said.
        errors: Which of the gateway's error envelopes refusals of a request use; ``"compat"``
            concerns the compatibility routes alone.
        media_url: Origin of output files, such as ``http://127.0.0.1:8081``.
        balance: US dollars in the account, or None for no end of them.
        prices: US dollars by resource, on top of the known ones.
        deliver_callbacks: Whether callbacks are really sent, and to loopback addresses only.
        remembered_requests: How many requests the log keeps, the latest ones.
        contract: The contract to serve; None for the packaged one.
    """

    seed: int = 0
    clock: SimClock = field(factory=SimClock.real)
    shape: Answers = field(default=Answers(), converter=_answers)
    keys: frozenset[str] | None = field(default=None, converter=_keys, repr=False)
    faults: tuple[Fault, ...] = field(default=(), converter=_faults)
    outcomes: tuple[Outcome, ...] = field(default=(), converter=_outcomes)
    timings: Timings = field(factory=Timings)
    missing: Missing = "400"
    errors: Envelope = "platform"
    media_url: str = MEDIA_URL
    balance: Decimal | None = field(default=None, converter=converters.optional(_dollars))
    prices: Mapping[str, Decimal] = field(default=MappingProxyType({}), converter=_prices)
    deliver_callbacks: bool = False
    remembered_requests: int = field(default=10_000, validator=validators.ge(1))
    contract: Contract | None = field(default=None, repr=False)


class Options(TypedDict, total=False):
    """The fields of `Settings` as keyword arguments, for the functions that take them."""

    seed: int
    clock: SimClock
    shape: Answers | ShapeName
    keys: Collection[str] | None
    faults: Sequence[Fault]
    outcomes: Sequence[Outcome]
    timings: Timings
    missing: Missing
    errors: Envelope
    media_url: str
    balance: Decimal | float | str | None
    prices: Mapping[str, Decimal | float | str]
    deliver_callbacks: bool
    remembered_requests: int
    contract: Contract | None
