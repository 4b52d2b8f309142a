"""The settings file: what it may hold, and what it must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.settings_file import SETTING_NAMES, load_settings_file
from cometapi_runway.cli._options.shared import ConnectionOptions
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal import Journal

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    file = tmp_path / "config.toml"
    monkeypatch.setenv(paths.SETTINGS_FILE_VARIABLE, str(file))

    def save(text: str) -> Path:
        file.write_text(text)
        return file

    return save


def test_without_a_file_there_are_no_settings(write: Write) -> None:
    assert load_settings_file() == {}


def test_settings_have_the_names_of_the_options(write: Write) -> None:
    write('[cometapi-runway]\noutput = "videos"\nbase_url = "https://example.com"\ntimeout = 9\n')

    assert load_settings_file() == {
        "output": "videos",
        "base-url": "https://example.com",
        "timeout": 9,
    }


@pytest.mark.parametrize("name", ["key", "api_key", "COMETAPI_KEY", "token", "authorization"])
def test_a_key_is_refused_and_not_shown(write: Write, name: str) -> None:
    file = write(f'[cometapi-runway]\n{name} = "sk-very-secret"\n')

    with pytest.raises(UsageError, match=name) as caught:
        load_settings_file()

    assert str(file) in str(caught.value)
    assert "COMETAPI_KEY" in caught.value.advice
    assert "sk-very-secret" not in f"{caught.value}{caught.value.advice}"


def test_a_key_outside_the_table_is_refused_as_well(write: Write) -> None:
    write('COMETAPI_KEY = "sk-very-secret"\n')

    with pytest.raises(UsageError, match="COMETAPI_KEY") as caught:
        load_settings_file()

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
def test_an_error_names_the_problem(write: Write, text: str, advice: str) -> None:
    write(text)

    with pytest.raises(UsageError) as caught:
        load_settings_file()

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
        ('max-cost = "9"', "max-cost must be a number, got text", "max-cost = 1.5"),
        ("max-tasks = 1.5", "max-tasks must be a whole number, got a number", "max-tasks = 9"),
        ("max-tasks = true", "max-tasks must be a whole number, got true or false", "= 9"),
        ("budget_scope = 1", "budget_scope must be text, got a whole number", 'budget_scope = "…"'),
        ('prices = "file"', "prices must be a table, got text", "as [cometapi-runway.prices]"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(
    write: Write, line: str, words: str, advice: str
) -> None:
    file = write(f"[cometapi-runway]\n{line}\n")

    with pytest.raises(UsageError) as caught:
        load_settings_file()

    assert str(caught.value) == f"{file}: {words}"
    assert caught.value.advice.startswith("write it as ")
    assert caught.value.advice.endswith(advice)


def test_every_setting_is_accepted(write: Write) -> None:
    values: dict[str, object] = {
        **dict.fromkeys(("output", "base-url", "runway-version", "journal", "budget-scope"), '"x"'),
        **dict.fromkeys(("timeout", "interval", "request-timeout", "max-cost", "max-tasks"), "9"),
        **dict.fromkeys(("overwrite", "debug", "no-journal"), "true"),
        "format": '"json"',
        "polling": '"fixed"',
        "prices": "{text_to_image = 0.32, compat.act_one = 1}",
    }
    write("[cometapi-runway]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()))

    assert load_settings_file().keys() == values.keys() == set(SETTING_NAMES)


def test_a_folder_in_place_of_the_file_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.SETTINGS_FILE_VARIABLE, str(tmp_path))

    with pytest.raises(UsageError, match="cannot read"):
        load_settings_file()


def test_default_paths_follow_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.SETTINGS_FILE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")

    assert paths.get_settings_file_path().name == "config.toml"
    assert "cometapi-runway" in paths.get_settings_file_path().parts
    journal = paths.get_default_journal_path()
    assert (journal.parent.name, journal.name) == ("cometapi-runway", "journal.sqlite3")


def test_the_journal_can_be_set_or_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "get_default_journal_path", lambda: Path("/data/journal.sqlite3"))

    for default in (None, "", ".", Path()):
        location = ConnectionOptions(journal=default).journal_location
        assert location == Path("/data/journal.sqlite3")
    for file in ("mine", Path("mine")):
        assert ConnectionOptions(journal=file).journal_location == Path("mine")
        assert ConnectionOptions(journal=file, no_journal=True).journal_location is None
    for url in ("sqlite:///mine", "postgresql://me@host/db"):
        assert ConnectionOptions(journal=url).journal_location == url


SECRET = "s3cret-word"


@each_case(
    ("url", "shown"),
    [
        (f"postgresql://me:{SECRET}@host:5433/db", "postgresql://me@host:5433/db"),
        (f"postgresql://me:{SECRET}#x@host/db", "postgresql://me@host/db"),
        (f"postgresql://me:{SECRET}?x@host/db", "postgresql://me@host/db"),
        (f"postgresql://me:@host/db?password={SECRET}", "postgresql://me@host/db"),
        (
            f"postgres:///db?host=/run/pg&sslmode=require&passfile={SECRET}",
            "postgres:///db?host=/run/pg&sslmode=require",
        ),
        (f"postgresql://me:{SECRET}/x@host/db", "[hidden]"),
        (f"postgresql://me:x@{SECRET}@host/db", "postgresql://host/db"),
        ("sqlite:///mine", "sqlite:///mine"),
        ("mine", "mine"),
    ],
)
def test_a_repeated_command_never_shows_the_password_of_a_journal(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    monkeypatch.delenv(paths.JOURNAL_VARIABLE, raising=False)
    options = ConnectionOptions(journal=url)

    assert options.journal_name == shown
    assert options.options_to_repeat == options.journal_options == ("--journal", shown)
    monkeypatch.setenv(paths.JOURNAL_VARIABLE, url)
    assert options.options_to_repeat == ()


@pytest.mark.parametrize(
    "rest", [f"me:{SECRET}/x@h/d", f"me:x@{SECRET}@h/d", f"h/d?user=a@{SECRET}"]
)
def test_a_url_is_refused_whose_password_ends_nowhere_certain(rest: str) -> None:
    with pytest.raises(ConfigurationError, match="must be written as %2F and %40") as caught:
        Journal(f"postgresql://{rest}")

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("rest", [f"me:{SECRET}@h/d", f"h/d?password={SECRET}", f"me:{SECRET}/@h"])
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_journals_password_in_the_file_is_refused_and_not_shown(
    write: Write, rest: str, scheme: str
) -> None:
    file = write(f'[cometapi-runway]\njournal = "{scheme}://{rest}"\n')

    with pytest.raises(UsageError, match="journal holds a password") as caught:
        load_settings_file()

    assert str(file) in str(caught.value)
    assert "PGPASSWORD" in caught.value.advice
    assert SECRET not in f"{caught.value}{caught.value.advice}"
    write('[cometapi-runway]\njournal = "postgresql://me@h/d?sslmode=require"\n')
    assert load_settings_file()


def test_a_follow_up_command_repeats_what_the_environment_does_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", "https://here.example")
    monkeypatch.delenv(paths.JOURNAL_VARIABLE, raising=False)

    assert ConnectionOptions(base_url="https://here.example").options_to_repeat == ()
    assert ConnectionOptions(
        base_url="https://other.example", journal=Path("mine")
    ).options_to_repeat == (
        "--base-url",
        "https://other.example",
        "--journal",
        "mine",
    )
