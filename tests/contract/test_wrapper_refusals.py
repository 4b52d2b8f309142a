"""A bad request never leaves the wrapper, and the refusal names the field."""

from __future__ import annotations

import re

import pytest

from cometapi_runway.errors import InvalidRequestError

from . import laws
from .breaches import report
from .wrapped import WAYS
from .wrapper_laws import (
    check_refusal,
    forbidden,
    prepare,
    refusal_breach,
    said,
    sayable,
    serves,
)

SENDABLE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


@pytest.mark.parametrize("way", WAYS)
def test_invalid_arguments_are_refused_by_name(bench, wrapped, creating, way):
    prepare(bench, creating)
    for name, signature in serves(wrapped, way, creating):
        wrong = forbidden(bench, signature)
        assert len(wrong) > 10, f"{creating.id}: only {len(wrong)} invalid requests were drawn"
        report(refusal_breach(bench, wrapped, way, name, drawn) for drawn in wrong
               if check_refusal(bench, wrapped, way, name, drawn.value))  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_ids_that_would_reach_another_route_are_refused(bench, wrapped, reading, way):
    wrongs = ["", ".", "..", "../x", "a/b", "a\\b", "a?b", "a#b", "a b", "%2e%2e", "é", "a\n", "/"]
    if schema := laws.place_schema(reading, "path"):
        drawn = [one.value for one in bench.source.wrong(schema) if isinstance(one.value, dict)]
        wrongs += [one for value in drawn for one in value.values() if len(value) == 1]
    prepare(bench, reading)
    for task_id in wrongs:
        outcome = wrapped.read(way, reading.resource, task_id)
        assert outcome.sent == [], f"{reading.id}: the id {task_id!r} was sent"
        assert isinstance(outcome.error, InvalidRequestError), (reading.id, task_id, outcome.error)
        assert [issue.path for issue in outcome.error.issues] == ["task_id"]
        assert "task_id" in str(outcome.error)


@pytest.mark.parametrize("way", WAYS)
def test_header_values_that_no_wire_carries_are_refused(bench, wrapped, creating, way):
    values = [one.value for one in bench.source.right({"type": "string"}, 200)]
    unsendable = [value for value in values if not SENDABLE.fullmatch(value)]
    unsendable += ["a\r\nEvil: 1", "a\nb", "\0", " a", "a ", "caf\u00e9", "\x7f"]
    prepare(bench, creating)
    for name, signature in serves(wrapped, way, creating):
        given = said(bench, signature, sayable(bench, signature)[0])
        for value in unsendable:
            for extra in ({"extra_headers": {"X-Note": value}}, {"runway_version": value}):
                if value == "" and "runway_version" in extra:
                    continue  # an empty version is none given: the client's own is sent
                outcome = wrapped.create(way, name, {**given, **extra})
                field = "X-Runway-Version" if "runway_version" in extra else "X-Note"
                assert outcome.sent == [], f"{creating.id}: {field}: {value!r} was sent"
                assert isinstance(outcome.error, InvalidRequestError), (extra, outcome.error)
                assert field in str(outcome.error)
