"""Every setting of the simulator, with its default."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict

from attrs import converters, field, frozen, validators

from cometapi_runway.simulator._clock import SimClock
from cometapi_runway.simulator._responses.refusals import Envelope, MissingForm
from cometapi_runway.simulator._responses.shapes import ResponseShapes, ShapeName
from cometapi_runway.simulator._rules.faults import Fault
from cometapi_runway.simulator._rules.outcomes import Outcome

if TYPE_CHECKING:
    from cometapi_runway.validation import Contract

MEDIA_URL: Final = "http://media.simulator.test"
"""The default origin of output files: a host name that never resolves."""

PRICES: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "text_to_image": Decimal("0.32"),
        "act_one": Decimal("0.40"),
    }
)
"""US dollars by resource, where CometAPI's model pages state a price for one request."""

FICTIONAL_PRICE: Final = Decimal("0.50")
"""US dollars for every other resource. Invented: no page states a price for those."""


@frozen(kw_only=True)
class Timings:
    """Durations in seconds on the simulator's clock.

    Attributes:
        invisible: From the creation of a task until reads find it.
        pending: In the queue.
        running: From start to end.
        spread: Share by which each of these three varies in both directions, drawn from the seed.
        concurrency: Tasks that run at the same time; others wait as THROTTLED. None for no limit.
        url_lifetime: How long an output URL is valid. Runway documents 24 to 48 hours.
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
"""Timings with which every task has succeeded by the first poll."""


def _parse_shape(shape: ResponseShapes | ShapeName) -> ResponseShapes:
    return shape if isinstance(shape, ResponseShapes) else ResponseShapes.from_name(shape)


def _parse_keys(keys: Collection[str] | None) -> frozenset[str] | None:
    if keys is None:
        return None
    return frozenset((keys,) if isinstance(keys, str) else keys)


def _freeze_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(faults)


def _freeze_outcomes(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(outcomes)


def _parse_prices(prices: Mapping[str, Decimal | float | str]) -> Mapping[str, Decimal]:
    return {**PRICES, **{name: _parse_dollars(price) for name, price in prices.items()}}


def _parse_dollars(amount: Decimal | float | str) -> Decimal:
    try:
        dollars = Decimal(str(amount))
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite():
        raise ValueError(f"not an amount of dollars: {amount!r}")
    return dollars


@frozen(kw_only=True)
class SimulatorSettings:
    """A simulator's settings. All are optional.

    Attributes:
        seed: The seed of ids, durations and request ids.
        clock: The clock; real time by default.
        shape: The shape of responses: a name (``raw``, ``wrapped``, ``mixed``, ``by_state``,
            ``legacy``, ``blog``), or a `ResponseShapes`.
        keys: The API keys that are accepted; None accepts any that is not empty.
        faults: What goes wrong, by rule.
        outcomes: How tasks end, by rule.
        timings: Durations.
        missing: The form of ``task_not_exist``: ``"400"``, ``"404"``, ``"200"``, ``"status"`` or
            ``"compat"``.
        errors: The error envelope of refusals: ``"platform"``, ``"task"`` or ``"compat"``, which
            applies to the compatibility routes only.
        media_url: Origin of output files, such as ``http://127.0.0.1:8081``.
        balance: US dollars in the account; None for no limit.
        prices: US dollars by resource, in addition to `PRICES`.
        deliver_callbacks: Whether callbacks are sent. They are sent to loopback addresses only.
        remembered_requests: How many requests the log keeps, the latest ones.
        contract: The contract to serve; None for the packaged one.
    """

    seed: int = 0
    clock: SimClock = field(factory=SimClock.real)
    shape: ResponseShapes = field(default=ResponseShapes(), converter=_parse_shape)
    keys: frozenset[str] | None = field(default=None, converter=_parse_keys, repr=False)
    faults: tuple[Fault, ...] = field(default=(), converter=_freeze_faults)
    outcomes: tuple[Outcome, ...] = field(default=(), converter=_freeze_outcomes)
    timings: Timings = field(factory=Timings)
    missing: MissingForm = "400"
    errors: Envelope = "platform"
    media_url: str = MEDIA_URL
    balance: Decimal | None = field(default=None, converter=converters.optional(_parse_dollars))
    prices: Mapping[str, Decimal] = field(default=MappingProxyType({}), converter=_parse_prices)
    deliver_callbacks: bool = False
    remembered_requests: int = field(default=10_000, validator=validators.ge(1))
    contract: Contract | None = field(default=None, repr=False)


class Options(TypedDict, total=False):
    """The fields of `SimulatorSettings` as keyword arguments."""

    seed: int
    clock: SimClock
    shape: ResponseShapes | ShapeName
    keys: Collection[str] | None
    faults: Sequence[Fault]
    outcomes: Sequence[Outcome]
    timings: Timings
    missing: MissingForm
    errors: Envelope
    media_url: str
    balance: Decimal | float | str | None
    prices: Mapping[str, Decimal | float | str]
    deliver_callbacks: bool
    remembered_requests: int
    contract: Contract | None
