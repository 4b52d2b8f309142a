"""``validate`` and ``contract``, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import (
    get_client_resource,
    list_client_resources,
)

from .terminal import Terminal


def test_validate_works_offline(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY")
    resource = get_client_resource("character_performance")
    Path("good.json").write_text(json.dumps(resource.example))
    Path("bad.json").write_text(json.dumps({**resource.example, "seed": -1, "bodyControll": True}))

    good = run("validate", "good.json")
    named = run("validate", "good.json", "--operation", "character-performance")
    other = run("validate", "good.json", "--operation", "video-upscale")
    bad = run("validate", "bad.json")
    nothing = run("validate", "good.json", "--operation", "charakter-performance")
    Path("deep.json").write_text('{"a":' * 100_000)
    deep = run("validate", "deep.json")

    assert good.out == named.out == "valid for character-performance\n"
    assert other.code == bad.code == ExitCode.REFUSED
    assert "good.json is not valid for video-upscale (upscale_a_video)\n" in other.err
    assert "\n       /videoUri is required" in other.err
    assert "bad.json is not valid for character-performance (control_a_character)\n" in bad.err
    assert "\n       /seed must be at least 0" in bad.err
    assert "\n       /bodyControll: " in bad.err
    assert "--" not in other.err.splitlines()[1] + bad.err.splitlines()[1]
    assert "did you mean 'bodyControl'?" in bad.err
    assert "sent" not in bad.err
    assert nothing.code == deep.code == ExitCode.USAGE
    assert "character-performance" in nothing.err
    assert "deep.json is not JSON: nested too deeply" in deep.err


def test_validate_reports_issues_as_json(run: Terminal) -> None:
    resource = get_client_resource("character_performance")
    Path("good.json").write_text(json.dumps(resource.example))
    Path("bad.json").write_text(json.dumps({**resource.example, "expressionIntensity": 9}))

    (good,) = run("validate", "good.json", "--format", "json").results
    (bad,) = run("validate", "bad.json", "--format", "json").progress

    named = {"resource": "character_performance", "operation": "control_a_character"}
    assert named.items() <= good.items()
    assert named.items() <= bad.items()
    (issue,) = bad["issues"]
    assert (issue["path"], issue["rule"]) == ("/expressionIntensity", "maximum")
    assert issue["message"] in bad["details"]
    assert bad["message"] == "bad.json is not valid for character-performance (control_a_character)"


@pytest.mark.parametrize("resource", list_client_resources(), ids=lambda one: one.python_name)
def test_validate_accepts_operation_ids(run: Terminal, resource: Any) -> None:
    Path("body.json").write_text("{}")

    result = run("validate", "body.json", "--operation", resource.operation.id)

    assert result.code == ExitCode.REFUSED
    assert f"({resource.operation.id})" in result.err


def test_validate_chooses_the_better_of_two_that_share_an_operation(run: Terminal) -> None:
    shared = [one for one in list_client_resources() if one.operation.variants and one.example]
    assert len(shared) >= 2
    for one in shared:
        Path("body.json").write_text(json.dumps(one.example))
        result = run("validate", "body.json", "--operation", one.operation.id)
        assert result.out == f"valid for {' '.join(one.command_words)}\n"


def test_contract_shows_its_pages(run: Terminal) -> None:
    result = run("contract")
    (facts,) = run("contract", "--format", "json").results

    assert "POST /runwayml/v1/character_performance" in result.out
    made = next(one for one in facts["operations"] if one["id"] == "control_a_character")
    assert made["pages"][0]["obtained"] == "page"
    assert len(facts["sha256"]) == 64
