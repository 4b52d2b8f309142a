"""Invalid requests are rejected before they are sent, and the error names the field."""

from __future__ import annotations

import re

import pytest

from cometapi_runway.errors import InvalidRequestError

from .checks.failures import raise_failures
from .checks.wrapper_checks import (
    check_refusal,
    create_arguments,
    expressible_requests,
    invalid_bodies,
    refusal_failure,
    resources_for,
    respond_with_task,
)
from .drivers.request_capture import parameter_schema
from .drivers.wrapper_driver import CLIENT_KINDS

SENDABLE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_invalid_arguments_are_rejected_by_name(harness, wrapper, creating, client_kind):
    respond_with_task(harness, creating)
    for name, signature in resources_for(wrapper, client_kind, creating):
        invalid = invalid_bodies(harness, signature)
        assert len(invalid) > 10, f"{creating.id}: only {len(invalid)} invalid requests were drawn"
        raise_failures(
            refusal_failure(harness, wrapper, client_kind, name, drawn)
            for drawn in invalid
            if check_refusal(harness, wrapper, client_kind, name, drawn.value)
        )


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_ids_that_change_the_route_are_rejected(harness, wrapper, reading, client_kind):
    invalid_ids = [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a b",
        "%2e%2e",
        "é",
        "a\n",
        "/",
    ]
    if schema := parameter_schema(reading, "path"):
        drawn = [one.value for one in harness.source.invalid(schema) if isinstance(one.value, dict)]
        invalid_ids += [one for value in drawn for one in value.values() if len(value) == 1]
    respond_with_task(harness, reading)
    for task_id in invalid_ids:
        outcome = wrapper.retrieve(client_kind, reading.resource, task_id)
        assert outcome.sent == [], f"{reading.id}: the id {task_id!r} was sent"
        assert isinstance(outcome.error, InvalidRequestError), (reading.id, task_id, outcome.error)
        assert [issue.path for issue in outcome.error.issues] == ["task_id"]
        assert "task_id" in str(outcome.error)


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_unsendable_header_values_are_rejected(harness, wrapper, creating, client_kind):
    values = [one.value for one in harness.source.valid({"type": "string"}, 200)]
    unsendable = [value for value in values if not SENDABLE.fullmatch(value)]
    unsendable += ["a\r\nEvil: 1", "a\nb", "\0", " a", "a ", "caf\u00e9", "\x7f"]
    respond_with_task(harness, creating)
    for name, signature in resources_for(wrapper, client_kind, creating):
        arguments = create_arguments(
            harness, signature, expressible_requests(harness, signature)[0]
        )
        for value in unsendable:
            for extra in ({"extra_headers": {"X-Note": value}}, {"runway_version": value}):
                if value == "" and "runway_version" in extra:
                    continue  # an empty version means the default of the client
                outcome = wrapper.create(client_kind, name, {**arguments, **extra})
                field = "X-Runway-Version" if "runway_version" in extra else "X-Note"
                assert outcome.sent == [], f"{creating.id}: {field}: {value!r} was sent"
                assert isinstance(outcome.error, InvalidRequestError), (extra, outcome.error)
                assert field in str(outcome.error)
