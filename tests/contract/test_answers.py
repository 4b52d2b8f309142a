"""Every documented answer of every operation is parsed without loss: the generated client."""

from __future__ import annotations

import json

import pytest

from . import laws
from .bridge import FLAVOURS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_documented_answers_are_parsed_without_loss(bench, operation, flavour):
    call = laws.calls(bench.source, operation)[0]

    def failures():
        for status, drawn in answers(bench, operation):
            try:
                found = laws.check_answer(bench, operation, flavour, status, drawn.value, call)
            except Exception as error:  # whatever it is, it is the finding
                found = [f"{type(error).__name__}: {error}"]
            if found:
                yield f"status {status}, {drawn.origin}: {json.dumps(drawn.value)[:600]}", found

    laws.report(operation, flavour, failures())


def answers(bench, operation):
    for response in operation.responses:
        if response.schema is None:
            continue
        for status in laws.statuses(operation, response):
            for drawn in bench.source.right(response.schema):
                yield status, drawn


def test_an_answer_for_every_documented_status_was_drawn(bench, operation):
    drawn = {status for status, _ in answers(bench, operation)}
    documented = {int(one.status) for one in operation.responses if one.status.isdigit()}
    assert documented <= drawn
