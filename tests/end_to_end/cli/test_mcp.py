"""``mcp`` is refused before it serves, in the words of every other command."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.cli._commands import mcp
from cometapi_runway.mcp import AgentTools

from .terminal import Terminal

REFUSALS = {
    "no folder": ((), "--output"),
    "no journal": (("--output", "out", "--no-journal"), "needs a journal"),
    "unknown operation": (("--output", "out", "--operations", "txt_to_image"), "text_to_image"),
    "malformed limit": (("--output", "out", "--max-cost", "much"), "must be US dollars"),
    "negative limit": (("--output", "out", "--max-tasks=-1"), "--max-tasks"),
    "unknown price": (
        ("--output", "out", "--max-cost", "1", "--operations", "text_to_image,video_upscale"),
        "--max-cost needs the price of video_upscale",
    ),
    "no prices": (("--output", "out", "--prices", "none.toml"), "none.toml cannot be read"),
    "no such extra": (("--output", "out"), "pip install 'cometapi-runway[mcp]'"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_wrong_option_is_refused(
    case: str, run: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, message = REFUSALS[case]
    if case == "no such extra":
        monkeypatch.delitem(sys.modules, "cometapi_runway.mcp", raising=False)
        monkeypatch.setitem(sys.modules, "mcp_types", None)
        for name in [one for one in sys.modules if one.startswith("cometapi_runway.mcp.")]:
            monkeypatch.delitem(sys.modules, name)
    result = run("mcp", *words)
    assert result.code == 2
    assert message in " ".join(result.err.split())
    assert not (tmp_path / "journal.sqlite3").exists()


def test_the_key_comes_from_the_environment(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY")
    result = run("mcp", "--output", "out")
    assert result.code == 2
    assert "COMETAPI_KEY is not set" in result.err


def test_the_session_has_what_the_options_say(
    run: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And SIGTERM, by which hosts end a server, interrupts it."""
    seen: list[Any] = []

    def serve(make_tools: Callable[[], AgentTools]) -> int:
        tools = make_tools()
        seen.extend([tools.options, tools.client.settings])
        before = signal.getsignal(signal.SIGTERM)
        assert callable(before)
        with pytest.raises(KeyboardInterrupt):
            before(signal.SIGTERM, None)
        return 2

    for count, note in ((0, ""), (1, "1 task continues at the gateway")):
        monkeypatch.setattr(mcp.server_module, "serve_stdio", lambda _, count=count: count)
        assert note in run("mcp", "--output", "out").err
        assert ("at the gateway" in run.history[-1].err) is bool(count)
    monkeypatch.setattr(mcp.server_module, "serve_stdio", serve)
    before = signal.getsignal(signal.SIGTERM)
    result = run(
        *("mcp", "--output", "out", "--interval", "7", "--operations", "text_to_image"),
        *("--base-url", "http://127.0.0.1:1", "--request-timeout", "9", "--budget-scope", "mine"),
    )
    assert signal.getsignal(signal.SIGTERM) is before
    assert result.code == 0
    assert "2 tasks continue at the gateway" in result.err
    options, settings = seen
    assert options.output.resolve() == tmp_path / "out"
    assert (options.scope, options.interval) == ("mine", 7)
    assert [one.name for one in options.resources] == ["text_to_image"]
    assert options.intents == tmp_path / "journal.sqlite3-intents"
    assert (settings.base_url, settings.timeout) == ("http://127.0.0.1:1", 9)
