"""No evidence and no row holds a secret, wherever in a response one stands."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import NoReturn

import pytest
from tests.cases import each_case

from cometapi_runway._capture._redact import EXAMPLE_URL
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import __version__
from cometapi_runway._live_check import _evidence
from cometapi_runway._live_check._evidence import (
    Evidence,
    make_question_fields,
    make_response_fields,
)
from cometapi_runway._live_check._questions import Reply, make_questions
from cometapi_runway._live_check._verdicts import describe_expectation, describe_reply, judge
from cometapi_runway.validation import contract

from ..capture.test_secrets import BODIES, KEY, make_response, make_secrets

QUESTIONS = make_questions(contract(), "2024-11-06")
GATEWAY = f"https://user:password@gateway.example:8443/{KEY}/?token={KEY}"


@each_case("seed", range(5))
def test_no_evidence_holds_a_secret(seed: int, tmp_path: Path) -> None:
    dice = Random(seed)
    found = make_secrets(dice)
    evidence = Evidence(tmp_path, Secret(KEY), GATEWAY, 1_780_000_000.0)
    shown: list[str] = []
    for shape in BODIES:
        question = dice.choice(QUESTIONS)
        reply = Reply(make_response(shape, dice, found), None, dice.random() * 9)
        findings = judge(contract(), question, reply, is_readable=dice.random() < 0.5)
        evidence.add(question, reply, findings)
        assert reply.response is not None
        evidence.record(question.operation.id, reply.response)
        shown += [describe_reply(reply), *(one.detail for one in findings)]
    evidence.write()

    files = [*tmp_path.rglob("*.toml"), evidence.file]
    assert len(files) > 10
    # The client hides its own key in a response before anything else sees it.
    shown = [Secret(KEY).hide_in_text(text) for text in shown]
    for text in [*shown, *(file.read_text("utf-8") for file in files)]:
        for secret in [*found, "password", "token="]:
            pieces = [secret, *(secret[i : i + 12] for i in range(8, len(secret) - 12, 12))]
            assert not [piece for piece in pieces if piece in text], text
        assert "zanzibar" not in text
    assert evidence.file.stat().st_mode & 0o077 == 0
    assert json.loads(evidence.file.read_text("utf-8"))["gateway"] == "gateway.example"


def test_a_row_has_the_question_and_what_came_of_it() -> None:
    question = QUESTIONS[0]
    reply = Reply(make_response(BODIES[0], Random(1), make_secrets(Random(1))), None, 1.234)
    fields = make_question_fields(question, reply, [])
    response = fields.pop("response")
    assert fields == {
        "question": question.text, "method": question.method, "path": question.operation.path,
        "headers": list(question.headers), "operation": question.operation.id,
        "expected": describe_expectation(question), "came": describe_reply(reply),
        "verdicts": ["as expected"], "details": [], "seconds": 1.23,
    }  # fmt: skip
    assert reply.response is not None
    assert response == make_response_fields(reply.response)
    assert make_question_fields(question, Reply(None, None, 0), [])["response"] is None


def test_the_file_has_what_was_asked_and_what_came(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, Secret(KEY), GATEWAY, 1_780_000_000.25)
    assert evidence.file == tmp_path / "live-20260528T202640Z.json"
    read = next(one for one in QUESTIONS if one.is_read)
    method = next(one for one in QUESTIONS if not one.is_read)
    new = RawResponse("", "", 418, {"location": "/secret"}, b"tea")
    for question, reply in ((read, Reply(new)), (read, Reply()), (method, Reply(new))):
        evidence.add(question, reply, judge(contract(), question, reply))
    assert [evidence.is_new("o", new) for _ in range(2)] == [True, False]
    evidence.record(read.operation.id, RawResponse("", "", 200, {}, b'{"status": "NEW"}'))
    evidence.record("o", RawResponse("", "", 200, {}, "余额".encode()))
    evidence.spent = {"operation": "o"}
    evidence.write()

    assert KEY not in repr(evidence)
    assert "gateway.example" not in repr(evidence)
    text = evidence.file.read_text("utf-8")
    assert text.startswith('{\n  "program": "')
    assert text.endswith('"body": "[hidden] 余额"\n    }\n  ]\n}\n')
    content = json.loads(text)
    asked = content.pop("questions")
    assert content == {
        "program": f"cometapi-runway {__version__}",
        "contract": contract().document["info"]["version"],  # type: ignore[call-overload,index]
        "gateway": "gateway.example",
        "at": "2026-05-28T20:26:40+00:00",
        "spent": {"operation": "o"},
        "responses": [
            {
                "operation": read.operation.id,
                "status": 200,
                "headers": {},
                "body": {"status": "NEW"},
            },
            {"operation": "o", "status": 200, "headers": {}, "body": "[hidden] 余额"},
        ],
    }
    assert list(content) == ["program", "contract", "gateway", "at", "spent", "responses"]
    response = {"status": 418, "headers": {"location": EXAMPLE_URL}, "body": "[hidden]"}
    assert [one["response"] for one in asked] == [response, None, response]
    assert [one["verdicts"] for one in asked[:2]] == [
        ["other code", "content type", "new status"],
        ["no answer"],
    ]
    assert [one["question"] for one in asked] == [read.text, read.text, method.text]
    # A response to a method that the contract does not have is none to the operation.
    assert len(list(tmp_path.rglob("*.toml"))) == 2


def test_what_cannot_be_redacted_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> NoReturn:
        raise RecursionError

    response = make_response(BODIES[0], Random(1), make_secrets(Random(1)))
    monkeypatch.setattr(_evidence, "redact_response", fail)
    assert make_response_fields(response) == {
        "status": response.status,
        "headers": {},
        "body": "[hidden]",
    }
