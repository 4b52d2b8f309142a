"""How long to wait before the next try."""

from __future__ import annotations

from random import Random

from attrs import define, frozen

TRANSIENT_STATUSES = frozenset({408, 425, 429, 499})
"""Refusals of the moment: the same read may succeed later. 499 is nginx's word for a client that
has gone, which a gateway passes on from behind it."""


@frozen
class Backoff:
    """Full jitter: anywhere between nothing and a ceiling that doubles with every try.

    Attributes:
        base: Ceiling of the first pause, in seconds.
        cap: Highest ceiling, in seconds.
        rng: Source of the jitter.
    """

    rng: Random
    base: float = 0.5
    cap: float = 8.0

    def pause(self, tries: int) -> float:
        """Seconds to wait after so many tries, counted from 1."""
        # The exponent is bounded, since a float overflows long before patience does.
        return self.rng.uniform(0, min(self.cap, self.base * 2.0 ** min(tries - 1, 30)))


@define
class FlowClock:
    """The current time, as far as a flow has been told.

    Sleeping counts in full even where the clock did not move: a program under test that replaces
    `time.sleep` and nothing else must still reach its deadline.
    """

    now: float

    def advance_to(self, at: float) -> None:
        """The clock showed `at`."""
        self.now = max(self.now, at)

    def add_sleep(self, seconds: float, at: float) -> None:
        """So many seconds were slept, and the clock showed `at` then."""
        self.now = max(self.now + seconds, at)
