"""An overlay action that `contract drift` suggests takes the difference in."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from cometapi_runway._capture import _recorder
from cometapi_runway._capture._drift import find_drift
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway.validation import Contract, contract
from contract_tools.build.overlays import apply_overlay, parse_overlay

from ..support import corpus
from .test_capture import CASES, READ, TASK, record, reply

HEAD = "overlay: '1.1.0'\ninfo:\n  title: 'x'\n  version: '1.0.0'\nactions:\n"


def take_in(remedy: str) -> Contract:
    document: Any = deepcopy(json.loads(json.dumps(contract().document)))
    apply_overlay(parse_overlay(HEAD + indent(remedy, "  ") + "\n", "remedy"), document)
    return Contract(document)


def test_every_suggested_action_takes_its_difference_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for operation, shape in CASES:
        record(tmp_path, operation, shape.arrived())
    drifts, unreadable = find_drift(tmp_path)
    actions = [one for one in drifts if one.remedy.startswith("- target")]
    assert not unreadable
    assert {one.difference.rule for one in actions} == {
        "status", "content-type", "field", "type", "word"
    }  # fmt: skip
    # One action for each place of the contract and kind of difference.
    places = {(one.difference.rule, one.difference.schema): one for one in actions}
    for drift in places.values():
        changed = take_in(drift.remedy)
        monkeypatch.setattr(_recorder, "contract", lambda changed=changed: changed)
        for file in drift.files:
            left = _recorder.compare_response(drift.operation, corpus.load(file).arrived())
            assert drift.difference not in left, drift.remedy


def test_a_remedy_word_by_word(tmp_path: Path) -> None:
    files = record(
        tmp_path,
        READ,
        reply({**TASK, "status": "NEW", "credits": 5, "id": 7}),
        RawResponse("GET", "/", 200, {}, b'{"id": "t", "status": "RUNNING"}'),
    )
    assert len(files) == 2
    drifts, _ = find_drift(tmp_path)
    found = {one.difference.rule: one.remedy for one in drifts}
    (json_file, bare_file) = (
        next(one.files[0].name for one in drifts if one.difference.rule == rule)
        for rule in ("word", "content-type")
    )
    task, evidence = "$.components.schemas.Task", f"Captured: {json_file}, application/json."
    sends = "Take in what the gateway sends:"
    assert found["word"] == (
        '- target: "$.components.schemas.KnownTaskStatus.enum"\n'
        f"  description: '{sends} /status has the word ''NEW'', which is not documented.'\n"
        f"  x-evidence: '{evidence}'\n"
        "  update: ['NEW']"
    )
    assert found["field"] == (
        f'- target: "{task}"\n'
        f"  description: '{sends} field /credits is not documented.'\n"
        f"  x-evidence: '{evidence}'\n"
        "  update: { properties: { 'credits': {} } }"
    )
    place = f"{task}.properties['id']"
    assert found["type"] == (
        f'- target: "{place}.type"\n'
        f"  description: '{sends} /id is integer, which is not documented.'\n"
        f"  x-evidence: '{evidence}'\n"
        "  remove: true\n"
        f'- target: "{place}"\n'
        f"  description: '{sends} /id is integer, which is not documented.'\n"
        f"  x-evidence: '{evidence}'\n"
        "  update: { type: ['string', 'integer'] }"
    )
    assert found["content-type"] == f"cp {tmp_path}/tasks/{bare_file} tests/data/corpus/tasks/"


def test_a_type_is_added_to_a_list_of_types(tmp_path: Path) -> None:
    record(tmp_path, READ, reply({**TASK, "failure": 7}))
    ((drift,), _) = find_drift(tmp_path)
    first, *_, last = drift.remedy.splitlines()
    target = "$.components.schemas.Task.properties['failure'].type"
    assert (first, last) == (f'- target: "{target}"', "  update: ['integer']")
    assert take_in(drift.remedy).resolve({"$ref": "#/components/schemas/Task"})["properties"][
        "failure"
    ]["type"] == ["string", "null", "integer"]


def test_other_differences_name_the_file_to_copy(tmp_path: Path) -> None:
    (file,) = record(tmp_path, READ, reply({"ok": True}))
    ((drift,), _) = find_drift(tmp_path)
    assert drift.remedy == f"cp {file} tests/data/corpus/errors/"


def test_a_hidden_name_is_never_suggested_for_the_contract(tmp_path: Path) -> None:
    record(tmp_path, READ, reply({**TASK, "it's a prompt": 1}))
    ((drift,), _) = find_drift(tmp_path)
    assert drift.remedy.startswith("cp ")
