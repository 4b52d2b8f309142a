"""What is asked is what is sent, and what is sent is valid: the generated client."""

from __future__ import annotations

import pytest

from . import laws
from .breaches import report
from .bridge import FLAVOURS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_asked_is_sent(bench, operation, flavour):
    laws.prepare(bench, operation)
    calls = laws.calls(bench.source, operation)
    report(laws.call_breach(bench, operation, flavour, call) for call in calls
           if laws.check_call(bench, operation, flavour, call))  # fmt: skip


def test_every_documented_argument_can_be_given(bench, operation):
    """A parameter that the generator dropped would be in no call, and no call would miss it."""
    asked = {(place, name) for call in laws.calls(bench.source, operation)
             for place in laws.PLACES for name in call.arguments.get(place, {})}  # fmt: skip
    declared = {(one.location, one.name) for one in operation.parameters}
    assert asked == declared
