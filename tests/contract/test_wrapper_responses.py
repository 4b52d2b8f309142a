"""Every response, documented or not, becomes a task or a `RunwayError`."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway.errors import RunwayError, SubmissionUnknownError

from .checks.failures import raise_failures
from .checks.harness import valid_responses
from .checks.wrapper_checks import (
    check_understood,
    entry_points,
    find_disagreement,
    interpret,
    understanding_failure,
)
from .drivers.wrapper_driver import CLIENT_KINDS

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>\xe9</body></html>"
BODIES = {
    "html": ("text/html", HTML),
    "empty": ("application/json", b""),
    "blank": ("application/json", b" \n"),
    "truncated": ("application/json", b'{"id": "d0658ae1-bbdd", "status": "SUCC'),
    "list": ("application/json", b"[]"),
    "null": ("application/json", b"null"),
    "text": ("application/json", b'"task_not_exist"'),
    "number": ("application/json", b"520"),
    "an empty object": ("application/json", b"{}"),
    "latin-1": ("application/json; charset=latin-1", '{"error": "caf\u00e9"}'.encode("latin-1")),
    "deep": ("application/json", b"[" * 100_000),
}
# Statuses of Cloudflare, statuses unknown to Python, and undocumented 2xx and 3xx.
UNDOCUMENTED = (204, 299, 302, 304, 402, 408, 418, 422, 425, 451, 499, 520, 521, 522, 523, 524,
                525, 526, 527, 529, 530, 561, 599, 600, 999)  # fmt: skip


def test_documented_responses_are_understood(harness, wrapper, operation):
    sync, async_ = (entry_points(harness, wrapper, operation, one) for one in CLIENT_KINDS)
    assert sync, f"{operation.id}: no client sends it"
    assert sync.keys() == async_.keys()
    for entry in sync:
        raise_failures(
            understanding_failure(harness, wrapper, operation, entry, status, drawn)
            for status, drawn in valid_responses(harness.source, operation)
            if check_understood(harness, wrapper, operation, entry, status, drawn.value)
        )


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
@each_case("body", BODIES)
def test_undocumented_responses_raise_a_runway_error(
    harness, wrapper, operation, client_kind, body
):
    media_type, content = BODIES[body]
    documented = [int(one.status) for one in operation.responses if one.status.isdigit()]
    for status in (*documented, *UNDOCUMENTED):
        harness.respond_with_bytes(status, media_type, content)
        for entry, call in entry_points(harness, wrapper, operation, client_kind).items():
            outcome = call()
            assert isinstance(outcome.error, RunwayError), (
                f"{operation.id} ({entry}, {client_kind}): HTTP {status}, {body}: {outcome.kind}"
            )
        if body == "html":  # a documented response where a page declares text/html
            harness.coverage.record_response(operation, status, media_type, content, "wrapper")


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_a_paid_request_of_unknown_outcome_is_not_repeated(harness, wrapper, creating, client_kind):
    for status in (200, 408, 500, 502, 503, 504, 520, 524, 599):
        harness.respond_with_bytes(status, *BODIES["html"])
        for entry, call in entry_points(harness, wrapper, creating, client_kind).items():
            outcome = call()
            assert len(outcome.sent) == 1, f"{creating.id} ({entry}): HTTP {status} was sent again"
            assert isinstance(outcome.error, SubmissionUnknownError), (status, outcome.error)


def test_both_clients_interpret_the_state_of_another_task_alike(harness, wrapper, reading):
    for status, drawn in valid_responses(harness.source, reading):
        found = find_disagreement(
            interpret(harness, wrapper, reading, "retrieve", status, drawn.value)
        )
        assert not found, f"{reading.id}: {found} for {status} {drawn.value}"
