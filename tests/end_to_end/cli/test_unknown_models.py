"""A model that no page names is sent, after a warning on standard error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources import _unknown_models
from cometapi_runway.simulator import Gateway

from .terminal import CLIP, Terminal

UPSCALE = ("video-upscale", "--video-uri", CLIP)
WARNING = (
    "warning: video_upscale: the model {model} is not known; the gateway may not have it. "
    "Known: upscale_v1 (documented: CometAPI's page)\n"
)


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_unknown_models, "_warned", {})


@pytest.mark.parametrize("model", [(), ("--model", "upscale_v1")], ids=["default", "given"])
def test_a_known_model_causes_no_warning(
    run: Terminal, gateway: Gateway, model: tuple[str, ...]
) -> None:
    result = run(*UPSCALE, *model, "--no-wait")

    assert result.code == ExitCode.SUCCESS
    assert "not known" not in result.err
    assert len(gateway.charges) == 1


def test_an_unknown_model_is_sent_and_warned_of_once(run: Terminal, gateway: Gateway) -> None:
    results = [run(*UPSCALE, "--model", "upscale_v9", "--no-wait") for _ in range(2)]

    assert [one.code for one in results] == [ExitCode.SUCCESS] * 2
    warning = WARNING.format(model="upscale_v9")
    assert [one.err.count(warning) for one in results] == [1, 0]
    assert len(gateway.charges) == 2
    assert warning not in results[0].out


def test_a_dry_run_warns_before_anything_is_paid(run: Terminal, gateway: Gateway) -> None:
    result = run(*UPSCALE, "--model", "upscale_v8", "--dry-run")

    assert WARNING.format(model="upscale_v8") in result.err
    assert not gateway.charges


def test_the_check_of_a_batch_warns_once_for_many_rows(run: Terminal) -> None:
    rows = [{"id": name, "video_uri": CLIP, "model": "upscale_v7"} for name in "abc"]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))

    result = run("batch", "check", "rows.jsonl", "--operation", "video_upscale")

    assert result.code == ExitCode.SUCCESS
    assert result.err.count(WARNING.format(model="upscale_v7")) == 1
