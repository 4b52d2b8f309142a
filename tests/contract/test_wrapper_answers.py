"""Whatever the gateway answers, the wrapper ends in a task or in its own error tree."""

from __future__ import annotations

import pytest

from cometapi_runway.errors import RunwayError, SubmissionUnknownError

from . import laws
from .breaches import report
from .wrapped import WAYS
from .wrapper_laws import ask, check_understood, understood_breach

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


@pytest.mark.parametrize("way", WAYS)
def test_documented_answers_are_understood(bench, wrapped, operation, way):
    ways = ask(bench, wrapped, operation, way)
    assert ways, f"{operation.id}: the {way} client never asks it"
    for how in ways:
        report(understood_breach(bench, wrapped, operation, way, how, status, drawn)
               for status, drawn in laws.answers(bench.source, operation)
               if check_understood(bench, wrapped, operation, way, how, status, drawn.value)
               )  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", BODIES)
def test_what_no_page_documents_ends_in_the_error_tree(bench, wrapped, operation, way, body):
    media_type, content = BODIES[body]
    documented = [int(one.status) for one in operation.responses if one.status.isdigit()]
    for status in (*documented, *UNDOCUMENTED):
        bench.answer_with_bytes(status, media_type, content)
        for how, call in ask(bench, wrapped, operation, way).items():
            outcome = call()
            assert isinstance(outcome.error, RunwayError), (
                f"{operation.id} ({how}, {way}): HTTP {status} with {body} became {outcome.kind}"
            )
        if body == "html":  # which is a documented answer where a page names text/html
            bench.ledger.answered(operation, status, media_type, content, "wrapper")


@pytest.mark.parametrize("way", WAYS)
def test_a_paid_request_that_may_have_worked_is_not_sent_again(bench, wrapped, creating, way):
    for status in (200, 408, 500, 502, 503, 504, 520, 524, 599):
        bench.answer_with_bytes(status, *BODIES["html"])
        for how, call in ask(bench, wrapped, creating, way).items():
            outcome = call()
            assert len(outcome.sent) == 1, f"{creating.id} ({how}): HTTP {status} was sent again"
            assert isinstance(outcome.error, SubmissionUnknownError), (status, outcome.error)


def test_both_clients_understand_the_same(bench, wrapped, operation):
    for status, drawn in laws.answers(bench.source, operation):
        bench.answer_with(status, drawn.value)
        blocking, awaiting = (ask(bench, wrapped, operation, way) for way in WAYS)
        assert blocking.keys() == awaiting.keys()
        for how, call in blocking.items():
            # The same dice for both: how often a 429 is tried again is a matter of jitter.
            for way in WAYS:
                wrapped.clients[way].session.rng.seed(status)
            one, other = call(), awaiting[how]()
            assert (one.kind, len(one.sent)) == (other.kind, len(other.sent)), (
                f"{operation.id} ({how}): {one.kind} and {other.kind} for {status} {drawn.value}"
            )
