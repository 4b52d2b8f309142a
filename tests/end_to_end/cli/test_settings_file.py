"""The settings file, and what overrides it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    Gateway,
    SimulatorServer,
)

from .terminal import CREATE, KEY, Terminal


def test_options_override_the_environment_and_it_overrides_the_settings_file(
    run: Terminal, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("config.toml").write_text(
        '[cometapi-runway]\nrunway-version = "from-file"\nbase-url = "http://127.0.0.1:1"\n'
    )

    assert "X-Runway-Version: from-file" in run(*CREATE, "--dry-run").out
    assert server.base_url in run(*CREATE, "--dry-run").out
    monkeypatch.setenv("COMETAPI_RUNWAY_VERSION", "from-environment")
    assert "X-Runway-Version: from-environment" in run(*CREATE, "--dry-run").out
    result = run(*CREATE, "--dry-run", "--runway-version", "from-option")
    assert "X-Runway-Version: from-option" in result.out


def test_the_settings_file_sets_folder_and_format(run: Terminal, gateway: Gateway) -> None:
    Path("config.toml").write_text(
        '[cometapi-runway]\noutput = "videos"\nformat = "json"\ninterval = 0.01\n'
    )

    result = run(*CREATE)

    assert result.code == ExitCode.SUCCESS, result.err
    assert result.results[0]["path"].startswith("videos/")


def test_a_setting_of_the_wrong_type_is_refused_even_if_overridden(
    run: Terminal, gateway: Gateway, tmp_path: Path
) -> None:
    Path("config.toml").write_text("[cometapi-runway]\nbase-url = 3\n")

    result = run(*CREATE, "--no-wait")

    assert result.code == ExitCode.USAGE
    assert f"{tmp_path / 'config.toml'}: base-url must be text" in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)], ids=str)
def test_help_names_the_settings_file_and_what_overrides_it(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("COMETAPI_RUNWAY_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))

    result = run(*words)

    assert result.code == ExitCode.SUCCESS
    shown = " ".join(result.out.split())
    assert "~/settings/cometapi-runway/config.toml" in shown
    assert "options override the environment, which overrides this file" in shown
    assert "config.toml" not in run("tasks", "--help").out


def test_usage_errors_use_the_format_of_the_settings_file(run: Terminal) -> None:
    Path("config.toml").write_text('[cometapi-runway]\nformat = "json"\n')

    assert run("tasks", "wiat").progress[0]["event"] == "error"
    assert run("tasks", "wiat", "--format", "text").err.startswith("error: ")


def test_a_key_in_the_settings_file_is_refused(run: Terminal, gateway: Gateway) -> None:
    Path("config.toml").write_text(f'[cometapi-runway]\nkey = "{KEY}"\n')

    result = run(*CREATE)

    assert result.code == ExitCode.USAGE
    assert "COMETAPI_KEY" in result.err
    assert gateway.requests == ()
