"""A bad request never leaves the wrapper, and the refusal names the field."""

from __future__ import annotations

import re

import pytest

from cometapi_runway.errors import InvalidRequestError

from . import laws
from .bridge import squeeze
from .test_wrapper_calls import serves
from .wire import complaints
from .wrapped import WAYS, keywords

SENDABLE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


@pytest.mark.parametrize("way", WAYS)
def test_invalid_arguments_are_refused_by_name(bench, wrapped, creating, way):
    laws.prepare(bench, creating)
    for name, signature in serves(wrapped, way, creating):
        found = failures(bench, wrapped, way, name, signature)
        laws.report(creating, f"{name}.create, {way}", found)


def failures(bench, wrapped, way, name, signature):
    operation = bench.contract.operation(signature.operation)
    refused = 0
    for drawn in bench.source.wrong(operation.body_schema):
        if not isinstance(drawn.value, dict):
            continue
        given = keywords(bench.contract, signature, drawn.value)
        if given is None:
            # A required argument is missing: give what there is, all the same.
            given = what_there_is(signature, drawn.value)
        try:
            outcome = wrapped.create(way, name, given)
        except Exception as error:  # outside the tree: that is the finding
            yield where(name, given, drawn), [f"{type(error).__name__}: {error}"]
            continue
        refused += isinstance(outcome.error, InvalidRequestError)
        if found := wrong(bench, operation, drawn.value, outcome):
            yield where(name, given, drawn), found
    if refused < 10:
        yield f"{name}.create", [f"only {refused} invalid requests were tried"]


def what_there_is(signature, body):
    values = {squeeze(key): value for key, value in body.items() if value is not None}
    return {n: values[squeeze(n)] for n in signature.parameters if squeeze(n) in values}


def where(name, given, drawn):
    return f"{name}.create(**{given!r:.800})\n  drawn: {drawn.origin}"


def wrong(bench, operation, body, outcome):
    blamed = bench.contract.check_body(operation.id, body)
    if outcome.sent:
        # What was left out, or None, may have been filled in: then what was sent is valid.
        judged = (complaints(bench.contract, operation, sent) for sent in outcome.sent)
        found = [complaint for one in judged for complaint in one]
        given = [one for one in blamed if one.rule != "required" and one.value is not None]
        return found + [f"was sent: {one.message}" for one in given]
    if not isinstance(outcome.error, InvalidRequestError):
        return [f"not refused but {type(outcome.error).__name__}: {outcome.error}"]
    fields = {top(issue.path) for issue in blamed}
    named = {top(issue.path) for issue in outcome.error.issues}
    if not named & fields:
        return [f"the refusal names {named}, the contract blames {fields}: {outcome.error}"]
    return [f"{one.message!r} does not name {one.path}" for one in outcome.error.issues
            if top(one.path) not in squeeze(one.message)]  # fmt: skip


def top(path):
    """The field of the body that a path is about, whichever way it is spelt."""
    return squeeze(path.lstrip("/").split("/")[0])


@pytest.mark.parametrize("way", WAYS)
def test_ids_that_would_reach_another_route_are_refused(bench, wrapped, reading, way):
    wrongs = ["", ".", "..", "../x", "a/b", "a\\b", "a?b", "a#b", "a b", "%2e%2e", "é", "a\n", "/"]
    if schema := laws.place_schema(reading, "path"):
        drawn = [one.value for one in bench.source.wrong(schema) if isinstance(one.value, dict)]
        wrongs += [one for value in drawn for one in value.values() if len(value) == 1]
    laws.prepare(bench, reading)
    for task_id in wrongs:
        outcome = wrapped.read(way, reading.resource, task_id)
        assert outcome.sent == [], f"{reading.id}: the id {task_id!r} was sent"
        assert isinstance(outcome.error, InvalidRequestError), (reading.id, task_id, outcome.error)
        assert [issue.path for issue in outcome.error.issues] == ["task_id"]
        assert "task_id" in str(outcome.error)


@pytest.mark.parametrize("way", WAYS)
def test_header_values_that_no_wire_carries_are_refused(bench, wrapped, creating, way):
    body = laws.calls(bench.source, creating)[0].arguments["body"]
    values = [one.value for one in bench.source.right({"type": "string"}, 200)]
    unsendable = [value for value in values if not SENDABLE.fullmatch(value)]
    unsendable += ["a\r\nEvil: 1", "a\nb", "\0", " a", "a ", "caf\u00e9", "\x7f"]
    laws.prepare(bench, creating)
    for name, signature in serves(wrapped, way, creating):
        given = keywords(bench.contract, signature, body) or {}
        for value in unsendable:
            for extra in ({"extra_headers": {"X-Note": value}}, {"runway_version": value}):
                if value == "" and "runway_version" in extra:
                    continue  # an empty version is none given: the client's own is sent
                outcome = wrapped.create(way, name, {**given, **extra})
                field = "X-Runway-Version" if "runway_version" in extra else "X-Note"
                assert outcome.sent == [], f"{creating.id}: {field}: {value!r} was sent"
                assert isinstance(outcome.error, InvalidRequestError), (extra, outcome.error)
                assert field in str(outcome.error)
