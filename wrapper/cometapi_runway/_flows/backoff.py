"""How long to wait before the next attempt, and the time as a flow sees it."""

from __future__ import annotations

from random import Random

from attrs import define, frozen

TRANSIENT_STATUSES = frozenset({408, 425, 429, 499})
"""HTTP 4xx after which the same read may succeed later. 499 is nginx's status for a client that has
disconnected, which the gateway passes on from a server behind it."""


@frozen
class Backoff:
    """Exponential backoff with full jitter: from 0 to a ceiling that doubles with every attempt.

    Attributes:
        rng: Source of the jitter.
        base: Ceiling of the first pause, in seconds.
        cap: Highest ceiling, in seconds.
    """

    rng: Random
    base: float = 0.5
    cap: float = 8.0

    def pause(self, attempts: int) -> float:
        """Seconds to wait after that many attempts, at least 1."""
        # The exponent is bounded because a long wait would overflow the float.
        return self.rng.uniform(0, min(self.cap, self.base * 2.0 ** min(attempts - 1, 30)))


@define(weakref_slot=False)
class FlowClock:
    """The current time, as far as the steps of a flow have reported it.

    A sleep counts in full even if the clock did not advance: a test that replaces `time.sleep` and
    nothing else must still reach its deadline.
    """

    now: float

    def advance_to(self, at: float) -> None:
        """Move to the time that the clock showed."""
        self.now = max(self.now, at)

    def add_sleep(self, seconds: float, at: float) -> None:
        """Add a sleep, after which the clock showed `at`."""
        self.now = max(self.now + seconds, at)
