"""Every documented answer of every operation is parsed without loss: the generated client."""

from __future__ import annotations

import pytest

from . import laws
from .breaches import report
from .bridge import FLAVOURS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_documented_answers_are_parsed_without_loss(bench, operation, flavour):
    call = laws.calls(bench.source, operation)[0]
    report(laws.answer_breach(bench, operation, flavour, status, drawn, call)
           for status, drawn in laws.answers(bench.source, operation)
           if laws.check_answer(bench, operation, flavour, status, drawn.value, call))  # fmt: skip


def test_an_answer_for_every_documented_status_was_drawn(bench, operation):
    drawn = {status for status, _ in laws.answers(bench.source, operation)}
    documented = {int(one.status) for one in operation.responses if one.status.isdigit()}
    assert documented <= drawn
