"""The settings file: what it may hold, what it must not, and that it comes last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cometapi_runway.cli import config, places
from cometapi_runway.cli.endings import UsageError
from cometapi_runway.cli.options import Connection

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    file = tmp_path / "config.toml"
    monkeypatch.setenv(places.CONFIG_VARIABLE, str(file))

    def save(text: str) -> Path:
        file.write_text(text)
        return file

    return save


def test_no_file_is_no_settings(write: Write) -> None:
    assert config.load() == {}


def test_names_are_those_of_the_options(write: Write) -> None:
    write('[cometapi-runway]\noutput = "videos"\nbase_url = "https://example.com"\ntimeout = 9\n')

    assert config.load() == {"output": "videos", "base-url": "https://example.com", "timeout": 9}


@pytest.mark.parametrize("name", ["key", "api_key", "COMETAPI_KEY", "token", "authorization"])
def test_a_key_is_refused_and_not_shown(write: Write, name: str) -> None:
    file = write(f'[cometapi-runway]\n{name} = "sk-very-secret"\n')

    with pytest.raises(UsageError, match=name) as caught:
        config.load()

    assert str(file) in str(caught.value)
    assert "COMETAPI_KEY" in caught.value.advice
    assert "sk-very-secret" not in f"{caught.value}{caught.value.advice}"


def test_a_key_outside_the_table_is_refused_as_well(write: Write) -> None:
    write('COMETAPI_KEY = "sk-very-secret"\n')

    with pytest.raises(UsageError, match="COMETAPI_KEY") as caught:
        config.load()

    assert "environment" in caught.value.advice


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("[cometapi-runway]\noutptu = 'x'\n", "did you mean 'output'?"),
        ("[cometapi-runway]\nseed = 1\n", "use one of"),
        ("[cometapi_runway]\noutput = 'x'\n", "put settings under [cometapi-runway]"),
        ("cometapi-runway = 1\n", "begin the file with"),
        ("[cometapi-runway\n", "correct the file"),
    ],
)
def test_what_is_wrong_is_named(write: Write, text: str, advice: str) -> None:
    write(text)

    with pytest.raises(UsageError) as caught:
        config.load()

    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("line", "words", "advice"),
    [
        ("output = 3", "output must be text, got a whole number", 'output = "…"'),
        ("output = true", "output must be text, got true or false", 'output = "…"'),
        ("base-url = 3", "base-url must be text, got a whole number", 'base-url = "…"'),
        (
            "runway_version = 2024-11-06",
            "runway_version must be text, got a date or a time",
            '= "…"',
        ),
        ('journal = ["x"]', "journal must be text, got a list", 'journal = "…"'),
        ('timeout = "9"', "timeout must be a number, got text", "timeout = 1.5"),
        ("interval = true", "interval must be a number, got true or false", "interval = 1.5"),
        ("overwrite = 1", "overwrite must be true or false, got a whole number", "= true"),
        ('debug = "yes"', "debug must be true or false, got text", "debug = true"),
        ("[cometapi-runway.no-journal]", "no-journal must be true or false, got a table", "true"),
        ('format = "xml"', 'format must be "text" or "json", got text', 'format = "text"'),
        ("format = 3", 'format must be "text" or "json", got a whole number', 'format = "text"'),
    ],
)
def test_a_value_of_another_type_is_refused(
    write: Write, line: str, words: str, advice: str
) -> None:
    file = write(f"[cometapi-runway]\n{line}\n")

    with pytest.raises(UsageError) as caught:
        config.load()

    assert str(caught.value) == f"{file}: {words}"
    assert advice in caught.value.advice


def test_every_setting_can_be_given(write: Write) -> None:
    values: dict[str, object] = {
        **dict.fromkeys(("output", "base-url", "runway-version", "journal"), '"x"'),
        **dict.fromkeys(("timeout", "interval", "request-timeout"), "9"),
        **dict.fromkeys(("overwrite", "debug", "no-journal"), "true"),
        "format": '"json"',
    }
    write("[cometapi-runway]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()))

    assert config.load().keys() == values.keys() == set(config.NAMES)


def test_a_folder_in_its_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.CONFIG_VARIABLE, str(tmp_path))

    with pytest.raises(UsageError, match="cannot read"):
        config.load()


def test_the_usual_places_are_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.CONFIG_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")

    assert places.config().name == "config.toml"
    assert "cometapi-runway" in places.config().parts
    assert "cometapi-runway" in places.journal().parts


def test_the_record_can_be_named_or_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "journal", lambda: Path("/data/journal.sqlite3"))

    assert Connection().record == Path("/data/journal.sqlite3")
    assert Connection(journal=Path()).record == Path("/data/journal.sqlite3")
    assert Connection(journal=Path("mine")).record == Path("mine")
    assert Connection(journal=Path("mine"), no_journal=True).record is None


def test_a_command_to_go_on_with_repeats_what_the_environment_does_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", "https://here.example")
    monkeypatch.delenv(places.JOURNAL_VARIABLE, raising=False)

    assert Connection(base_url="https://here.example").words == ()
    assert Connection(base_url="https://other.example", journal=Path("mine")).words == (
        "--base-url",
        "https://other.example",
        "--journal",
        "mine",
    )
