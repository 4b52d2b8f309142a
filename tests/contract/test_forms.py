"""Unions are told apart by what is in them, and nothing is made an object that is none."""

from __future__ import annotations

import typing

from . import laws
from .bridge import misfit
from .compare import differences
from .forms import check_mixed, check_odd, mixed, paired, spoken


def test_a_field_of_another_form_beside_it_changes_nothing(bench, operation):
    call = laws.calls(bench.source, operation)[0]
    tried = 0
    for response in spoken(operation):
        for body in mixed(bench.contract, bench.source, response.schema):
            for status in laws.statuses(operation, response):
                tried += 1
                bench.answer_with(status, body)
                found = check_mixed(bench.bridge, operation, call.arguments, body)
                assert not found, f"{operation.id}: HTTP {status} with {body}: {found}"
    assert tried > 50


def test_an_answer_that_is_no_object_is_not_made_one(bench, operation):
    """A list of pairs is what Python makes a dictionary of without being asked."""
    call = laws.calls(bench.source, operation)[0]
    for response in spoken(operation):
        bodies = [other for one in bench.source.few(response.schema)
                  for other in paired(bench.contract, response.schema, one.value)]  # fmt: skip
        for status in laws.statuses(operation, response):
            for body in bodies:
                bench.answer_with(status, body)
                found = check_odd(bench.bridge, operation, call.arguments, body)
                assert not found, f"{operation.id}: HTTP {status} with {body}: {found}"


def test_a_forbidden_answer_is_refused_or_kept(bench, operation):
    call = laws.calls(bench.source, operation)[0]
    for response in spoken(operation):
        status = next(laws.statuses(operation, response))
        for one in bench.source.wrong(response.schema):
            bench.answer_with(status, one.value)
            found = check_odd(bench.bridge, operation, call.arguments, one.value)
            assert not found, f"{operation.id}: HTTP {status} with {one.value}: {found}"


def test_a_body_that_is_read_is_the_body_that_was_made(bench, posting):
    """Both roads to a request model, its constructor and `from_dict`, lead to the same one."""
    hint = body_hint(bench, posting)
    for call in laws.calls(bench.source, posting):
        body = call.arguments["body"]
        made = bench.bridge.build(hint, body)
        read = type(made).from_dict(body)
        found = [*differences(body, read.to_dict()), *laws.hidden(bench, read),
                 *misfit(bench.bridge, hint, read)]  # fmt: skip
        assert (read, found) == (made, []), f"{posting.id}: {body}"


def body_hint(bench, operation):
    return typing.get_type_hints(bench.bridge.module(operation).sync)["body"]
