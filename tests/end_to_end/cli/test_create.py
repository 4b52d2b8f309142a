"""Create commands: from options or a file to saved files."""

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
from cometapi_runway.simulator import (
    Gateway,
)

from .terminal import CLIP, CREATE, FACE, QUICK, Terminal


def test_one_command_saves_a_file(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--expression-intensity", "5", "--output", "videos", *QUICK)

    (task_id,) = gateway.tasks
    assert result.code == ExitCode.SUCCESS
    assert result.out == f"videos/{task_id}.mp4\n"
    assert Path(result.out.strip()).stat().st_size > 1000
    assert f"submitted {task_id}" in result.err
    assert "SUCCEEDED" in result.err
    created = next(one for one in gateway.requests if one.method == "POST")
    assert json.loads(created.content)["expressionIntensity"] == 5
    assert len(gateway.charges) == 1
    assert gateway.leaked_keys == ()


def test_no_wait_prints_the_id_and_nothing_else_on_stdout(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--no-wait")

    assert result.code == ExitCode.SUCCESS
    assert result.out.split() == list(gateway.tasks)


def test_json_is_one_object_per_event(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--format", "json", *QUICK)

    (task_id,) = gateway.tasks
    (file,) = result.results
    assert (file["event"], file["task_id"]) == ("file", task_id)
    names = [event["event"] for event in result.progress]
    assert names == ["note", "submitted", "status", "downloaded"]
    assert result.progress[2]["status"] == "SUCCEEDED"
    # The address gives access to the file, and progress is often kept in logs.
    assert "_jwt" not in result.everything


def test_a_body_comes_from_a_file_and_options_change_it(run: Terminal, gateway: Gateway) -> None:
    resource = get_client_resource("character_performance")
    Path("body.json").write_text(json.dumps(resource.example))

    run("character-performance", "--json", "body.json", "--seed", "7", "--no-wait")

    sent = json.loads(gateway.requests[0].content)
    assert sent == {**resource.example, "seed": 7}


def test_a_body_comes_from_stdin(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    body = {
        "character": {"type": "image", "uri": FACE},
        "reference": {"type": "video", "uri": CLIP},
    }
    file = tmp_path / "stdin"
    file.write_text(json.dumps(body))
    with file.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        result = run("character-performance", "--json", "-", "--no-wait")

    assert result.code == ExitCode.SUCCESS
    assert json.loads(gateway.requests[0].content)["character"] == body["character"]


def test_a_local_image_is_embedded_in_the_request(run: Terminal, gateway: Gateway) -> None:
    Path("face.png").write_bytes(b"\x89PNG")

    result = run(
        "character-performance", "--character", "face.png", "--reference", CLIP, "--no-wait"
    )

    assert result.code == ExitCode.SUCCESS
    assert b"data:image/png" in gateway.requests[0].content


@pytest.mark.parametrize(
    "resource",
    [one for one in list_client_resources() if one.example],
    ids=lambda one: one.python_name,
)
def test_the_example_of_every_page_succeeds(resource: Any, run: Terminal, gateway: Gateway) -> None:
    Path("body.json").write_text(json.dumps(resource.example))

    result = run(*resource.command_words, "--json", "body.json", *QUICK)

    assert result.code == ExitCode.SUCCESS, result.err
    assert Path(result.out.strip()).exists()
