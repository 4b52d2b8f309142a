"""Pauses between the attempts of a submission."""

from __future__ import annotations

from random import Random

from tests.cases import each_case

from cometapi_runway._flows.backoff import Backoff, FlowClock

from ..support.submissions import MOST


class TestPacing:
    @each_case("seed", range(5))
    def test_jitter_is_full_and_capped(self, seed: int) -> None:
        backoff = Backoff(Random(seed))
        for tries in range(1, 80):
            ceiling = min(8.0, 0.5 * 2.0 ** (tries - 1))
            assert 0 <= backoff.pause(tries) <= ceiling
        drawn = [backoff.pause(6) for _ in range(400)]
        assert min(drawn) < 0.5
        assert max(drawn) > 7.5

    def test_patience_does_not_overflow(self) -> None:
        assert Backoff(MOST).pause(10**9) == 8.0

    def test_a_nap_counts_though_the_clock_stood_still(self) -> None:
        watch = FlowClock(10.0)
        watch.add_sleep(5.0, 10.0)
        assert watch.now == 15.0
        watch.advance_to(12.0)
        assert watch.now == 15.0
        watch.add_sleep(1.0, 30.0)
        assert watch.now == 30.0
