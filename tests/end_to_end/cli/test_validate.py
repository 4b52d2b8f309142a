"""``validate`` and ``contract``, offline."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cometapi_runway._capture._recorder import ResponseRecorder
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import __version__
from cometapi_runway.cli._commands.contract import _compute_digest, _describe_operation
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import (
    get_client_resource,
    list_client_resources,
)
from cometapi_runway.validation import contract

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
    for page in (page for one in facts["operations"] for page in one["pages"]):
        line = f"  {page['obtained']:<12}  {page['source'].rpartition('/')[2]}"
        assert line in result.out.splitlines()
    resources = {one["id"]: one["resources"] for one in facts["operations"]}
    for operation in contract().operations:
        expected = list(operation.variants) or [operation.resource]
        assert resources[operation.id] == expected
    assert len(facts["sha256"]) == 64
    about: Any = contract().document["info"]
    head = f"{about['title']}, version {about['version']}, in cometapi-runway {__version__}"
    assert result.out.splitlines()[:2] == [head, f"sha256 {facts['sha256']}"]
    text = '{"a":["é"],"b":{"c":1,"d":2}}'
    digest = _compute_digest({"b": {"d": 2, "c": 1}, "a": ["é"]})
    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_drift_groups_captured_responses(run: Terminal, tmp_path: Path) -> None:
    recorder = ResponseRecorder(tmp_path, Secret("sk-drift-0123456789"))
    headers = {"content-type": "application/json"}
    for status in ("RUNNING", "PENDING"):
        body = json.dumps({"id": "x", "status": status, "credits": 5, "cost": 6}).encode()
        response = RawResponse("GET", "/", 200, headers, body)
        recorder.record("runway_to_get_task_details", response)
    (tmp_path / "other.toml").write_text("", "utf-8")

    result = run("contract", "drift", str(tmp_path))
    assert "field /credits is not documented" in result.out
    assert "2 shapes: " in result.out
    assert '- target: "$.components.schemas.Task"' in result.out
    assert "other.toml holds no captured response" in result.err

    (facts,) = run("contract", "drift", str(tmp_path), "--format", "json").results
    found = [(one["rule"], one["path"], len(one["files"])) for one in facts["drifts"]]
    assert sorted(found) == [("field", "/cost", 2), ("field", "/credits", 2)]
    for one in facts["drifts"]:
        assert (one["operation"], one["status"]) == ("runway_to_get_task_details", 200)
        assert f"HTTP 200: {one['description']}\n  2 shapes: " in result.out
        assert one["value"] == ""
        assert one["remedy"].splitlines()[0] in result.out
    # A blank line between two.
    assert len(re.findall(r"(?:\A|\n\n)GET /\S+, HTTP 200: ", result.out)) == 2


def test_drift_of_an_empty_folder_and_of_none(run: Terminal, tmp_path: Path) -> None:
    assert "nothing in" in run("contract", "drift", str(tmp_path)).out
    refused = run("contract", "drift", str(tmp_path / "none"))
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ({"source": "https://h.test/a/b.md", "obtained": "page"}, "  page          b.md"),
        ({"source": "b.md"}, "  unknown       b.md"),
        ({"one": {"obtained": "page"}}, "  page          unknown"),
    ],
)
def test_what_a_page_does_not_say_is_unknown(page: Any, line: str) -> None:
    made: Any = SimpleNamespace(method="POST", path="/made/up", document={"x-page": page})
    assert _describe_operation(made) == f"\nPOST /made/up\n{line}"
