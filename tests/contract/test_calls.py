"""What is asked is what is sent, and what is sent is valid: the generated client."""

from __future__ import annotations

import json

import pytest

from . import laws
from .bridge import FLAVOURS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_asked_is_sent(bench, operation, flavour):
    laws.prepare(bench, operation)

    def failures():
        for call in laws.calls(bench.source, operation):
            if found := laws.check_call(bench, operation, flavour, call):
                yield explain(bench, operation, flavour, call), found

    laws.report(operation, flavour, failures())


def explain(bench, operation, flavour, call):
    """How the call was drawn, a smaller one that fails as well, and both as pasteable text."""

    def fails(body):
        other = laws.Call({**call.arguments, "body": body}, "")
        return bool(laws.check_call(bench, operation, flavour, other))

    lines = [f"arguments {json.dumps(call.arguments)[:600]}", f"drawn: {call.origin}"]
    if operation.body_schema is not None:
        small = bench.source.shrink(operation.body_schema, "right", fails)
        lines.append(f"smallest body that fails: {json.dumps(small)}")
    bench.wire.take()
    bench.bridge.call(operation, flavour, call.arguments)
    return "\n  ".join([*lines, *(sent.curl()[:800] for sent in bench.wire.take())])


def test_every_documented_argument_can_be_given(bench, operation):
    """A parameter that the generator dropped would be in no call, and no call would miss it."""
    asked = {(place, name) for call in laws.calls(bench.source, operation)
             for place in laws.PLACES for name in call.arguments.get(place, {})}  # fmt: skip
    declared = {(one.location, one.name) for one in operation.parameters}
    assert asked == declared
