"""Whatever the gateway answers, the wrapper ends in a task or in its own error tree."""

from __future__ import annotations

import json

import pytest

from cometapi_runway.errors import APIStatusError, RunwayError, SubmissionUnknownError

from . import laws
from .test_answers import answers
from .test_wrapper_calls import serves
from .wrapped import WAYS, keywords

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
# Cloudflare's own, and others that Python has no name for; 2xx and 3xx that no page documents.
UNDOCUMENTED = (204, 299, 302, 304, 402, 408, 418, 422, 425, 451, 499, 520, 521, 522, 523, 524,
                525, 526, 527, 529, 530, 561, 599, 600, 999)  # fmt: skip


def ask(bench, wrapped, operation, way):
    """Each way there is to have this operation answered, with the first right call."""
    if operation.resource in {"tasks", "feed"}:
        yield "read", lambda: wrapped.read(way, operation.resource, "task-1")
    for name, signature in serves(wrapped, way, operation):
        bodies = (call.arguments["body"] for call in laws.calls(bench.source, operation))
        said = (keywords(bench.contract, signature, body) for body in bodies)
        given = next(one for one in said if one is not None)
        yield f"{name}.create", lambda name=name, given=given: wrapped.create(way, name, given)


@pytest.mark.parametrize("way", WAYS)
def test_documented_answers_are_understood(bench, wrapped, operation, way):
    def failures():
        for status, drawn in answers(bench, operation):
            bench.answer_with(status, drawn.value)
            for how, call in ask(bench, wrapped, operation, way):
                try:
                    found = misread(status, drawn.value, call())
                except Exception as error:  # outside the tree: that is the finding
                    found = [f"{type(error).__name__}: {error}"]
                if found:
                    where = f"{how}: status {status}, {drawn.origin}"
                    yield f"{where}: {json.dumps(drawn.value)[:600]}", found

    laws.report(operation, way, failures())


def misread(status, body, outcome):
    """What is wrong about how an answer was understood."""
    if status >= 300:
        return [] if tells_status(outcome.error, status) else [f"{outcome.kind} for {status}"]
    wanted = facts(body)
    if wanted is None:
        return []
    if outcome.task is None:
        return [f"not understood: {outcome.kind}: {outcome.error}"]
    found = [] if outcome.task.raw == body else ["raw is not the answer"]
    if outcome.task.progress is not None and not 0 <= outcome.task.progress <= 1:
        found.append(f"progress {outcome.task.progress} is out of range")
    return found


def tells_status(error, status):
    """Whether an error, or the one it was raised from, carries the status."""
    while error is not None:
        if isinstance(error, APIStatusError) and error.status_code == status:
            return True
        error = error.__cause__
    return False


def facts(body):
    """Whether an answer names a task and, if it is more than an id, a state."""
    layers = [body]
    while isinstance(layers[-1], dict) and isinstance(layers[-1].get("data"), dict):
        layers.append(layers[-1]["data"])
    if not all(isinstance(layer, dict) for layer in layers):
        return None
    named = any(said(layer.get(key)) for layer in layers for key in ("id", "task_id"))
    stated = any(said(layer.get("status")) for layer in layers)
    if not named or not (stated or body.keys() == {"id"}):
        return None
    return named


def said(value):
    return isinstance(value, str) and value.strip() != ""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", BODIES)
def test_what_no_page_documents_ends_in_the_error_tree(bench, wrapped, operation, way, body):
    media_type, content = BODIES[body]
    documented = [int(one.status) for one in operation.responses if one.status.isdigit()]
    for status in (*documented, *UNDOCUMENTED):
        bench.answer_with_bytes(status, media_type, content)
        for how, call in ask(bench, wrapped, operation, way):
            outcome = call()
            assert isinstance(outcome.error, RunwayError), (
                f"{operation.id} ({how}, {way}): HTTP {status} with {body} became {outcome.kind}"
            )


@pytest.mark.parametrize("way", WAYS)
def test_a_paid_request_that_may_have_worked_is_not_sent_again(bench, wrapped, creating, way):
    for status in (200, 408, 500, 502, 503, 504, 520, 524, 599):
        bench.answer_with_bytes(status, *BODIES["html"])
        for how, call in ask(bench, wrapped, creating, way):
            outcome = call()
            assert len(outcome.sent) == 1, f"{creating.id} ({how}): HTTP {status} was sent again"
            assert isinstance(outcome.error, SubmissionUnknownError), (status, outcome.error)


def test_both_clients_understand_the_same(bench, wrapped, operation):
    for status, drawn in answers(bench, operation):
        bench.answer_with(status, drawn.value)
        blocking, awaiting = (dict(ask(bench, wrapped, operation, way)) for way in WAYS)
        assert blocking.keys() == awaiting.keys()
        for how, call in blocking.items():
            # The same dice for both: how often a 429 is tried again is a matter of jitter.
            for way in WAYS:
                wrapped.clients[way].rng.seed(status)
            one, other = call(), awaiting[how]()
            assert (one.kind, len(one.sent)) == (other.kind, len(other.sent)), (
                f"{operation.id} ({how}): {one.kind} and {other.kind} for {status} {drawn.value}"
            )
