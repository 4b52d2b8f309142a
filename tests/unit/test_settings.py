"""Where settings come from, and which values are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, ConfigurationError, RunwayClient, Task
from cometapi_runway import _settings as settings
from cometapi_runway._core.secret import Secret
from cometapi_runway._settings import FINAL_POLL_TIMEOUT, Settings, resolve_settings
from cometapi_runway.batch import _options as batch_options

from .support.both_clients import ID, KEY, ClientHarness
from .support.scripted_transport import json_reply

GATEWAY = "https://gateway.example"
ENVIRONMENT = {
    "COMETAPI_KEY": "sk-from-the-environment",
    "COMETAPI_RUNWAY_BASE_URL": GATEWAY,
    "COMETAPI_RUNWAY_VERSION": "2025-01-01",
}


class TestPrecedence:
    def test_defaults(self) -> None:
        assert resolve_settings(KEY, environ={}) == Settings(
            Secret(KEY), "https://api.cometapi.com", "2024-11-06", 60.0, True
        )

    def test_the_environment_comes_before_the_default(self) -> None:
        key, found = Secret("sk-from-the-environment"), resolve_settings(environ=ENVIRONMENT)
        assert found == Settings(key, GATEWAY, "2025-01-01", 60.0, True)

    def test_the_argument_comes_before_the_environment(self) -> None:
        given = {"base_url": "https://argument.example", "runway_version": "2026-02-02"}
        found = resolve_settings(KEY, **given, timeout=5, validate=False, environ=ENVIRONMENT)
        assert found == Settings(Secret(KEY), "https://argument.example", "2026-02-02", 5.0, False)

    @pytest.mark.parametrize("blank", ["", " ", "\t\n"])
    def test_a_blank_variable_is_not_set(self, blank: str) -> None:
        environment = dict.fromkeys(ENVIRONMENT, blank)
        assert resolve_settings(KEY, environ=environment) == resolve_settings(KEY, environ={})
        with pytest.raises(ConfigurationError, match="COMETAPI_KEY"):
            resolve_settings(environ=environment)

    def test_blanks_around_a_variable_are_dropped(self) -> None:
        padded = {name: f"  {value}\n" for name, value in ENVIRONMENT.items()}
        assert resolve_settings(environ=padded) == resolve_settings(environ=ENVIRONMENT)

    def test_the_variable_of_the_gateways_own_sdk_is_not_read(self) -> None:
        """It carries a /v1 suffix, under which the Runway routes do not live."""
        elsewhere = {"COMETAPI_BASE_URL": "https://api.cometapi.com/v1"}
        assert resolve_settings(KEY, environ=elsewhere).base_url == "https://api.cometapi.com"

    @pytest.mark.parametrize("kind", [RunwayClient, AsyncRunwayClient])
    def test_clients_read_the_process_environment(
        self, kind: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        assert kind().settings == resolve_settings(environ=ENVIRONMENT)

    def test_a_trailing_slash_makes_no_difference(self, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING"}))
        for base in (GATEWAY, f"{GATEWAY}/", f"{GATEWAY}//"):
            harness.run(harness.new(base_url=base).tasks.retrieve(ID))
        assert {str(one.url) for one in harness.network.sent} == {
            f"{GATEWAY}/runwayml/v1/tasks/{ID}"
        }

    def test_a_gateway_may_live_under_a_path(self, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID, "status": "RUNNING"}))
        for path in ("/proxy/comet", "/proxyX"):
            harness.run(harness.new(base_url=f"{GATEWAY}{path}/").tasks.retrieve(ID))
            assert harness.network.sent[-1].url.path == f"{path}/runwayml/v1/tasks/{ID}"


class TestBadValues:
    @each_case("form", ["argument", "secret", "variable"])
    @each_case(
        "key",
        [
            "sk marker",
            "sk-marker\n",
            "sk-märker",
            "sk-marker\0",
            "sk-marker sk-marker",
            "\x7fmarker",
        ],
    )
    def test_a_key_that_cannot_be_sent_is_not_shown(self, key: str, form: str) -> None:
        forms: dict[str, Any] = {
            "argument": {"api_key": key},
            "secret": {"api_key": Secret(key)},
            "variable": {"environ": {"COMETAPI_KEY": f"x{key}x"}},
        }
        with pytest.raises(ConfigurationError) as caught:
            resolve_settings(**forms[form])
        source = "the environment variable COMETAPI_KEY" if form == "variable" else "api_key"
        assert str(caught.value).startswith(f"{source} ")
        assert "rker" not in str(caught.value)

    @pytest.mark.parametrize("key", ["", "  ", None])
    def test_no_key_says_how_to_give_one(self, key: str | None) -> None:
        with pytest.raises(ConfigurationError, match=r"api_key or .* COMETAPI_KEY"):
            resolve_settings(key, environ={})

    @pytest.mark.parametrize("key", [7, b"sk-marker", ["sk-marker"]])
    def test_a_key_of_another_type_is_not_shown(self, key: Any) -> None:
        with pytest.raises(ConfigurationError, match="api_key must be a string") as caught:
            resolve_settings(key, environ={})
        assert "marker" not in str(caught.value)

    @each_case(
        "address",
        [
            "",
            "api.cometapi.com",
            "ftp://api.cometapi.com",
            "https://",
            "https:///path",
            "https://[::1",
            "https://x:99999",
            "https://x:0",
            "https://x?key=secret",
            "https://user:secret@x",
            "https://x#part",
            "https://a b",
            " https://x",
            "https://x\ny",
            "https://\0",
            5,
            b"https://x",
        ],
    )
    def test_an_invalid_address_is_refused(self, address: Any) -> None:
        with pytest.raises(ConfigurationError, match="base_url must be an") as caught:
            resolve_settings(KEY, base_url=address, environ={})
        assert "secret" not in str(caught.value)

    @each_case(
        ("address", "is_shown"),
        [
            ("", True),
            ("nonsense", True),
            ("x" * 16, True),
            ("x" * 17, False),
            ("sk-marker", False),
            ("api.cometapi.com", True),
            ("gateway/path", True),
            ("ftp:gateway", True),
            ("me@api.cometapi.com", False),
            ("api.cometapi.com?key", False),
            ("api.cometapi.com#key", False),
        ],
    )
    def test_an_address_is_shown_unless_it_may_be_a_key(self, address: str, is_shown: bool) -> None:
        with pytest.raises(ConfigurationError) as caught:
            resolve_settings(KEY, base_url=address, environ={})
        shown = repr(address) if is_shown else "another text (not shown)"
        assert str(caught.value).endswith(f"without query or user, got {shown}")

    @pytest.mark.parametrize(
        ("variable", "wrong", "rule"),
        [
            ("COMETAPI_RUNWAY_BASE_URL", "localhost:8000", "an http"),
            ("COMETAPI_RUNWAY_VERSION", "a\nb", "a header value"),
            ("COMETAPI_RUNWAY_CAPTURE", "a\0b", "a folder"),
        ],
    )
    def test_the_variable_is_named_where_a_value_came_from_it(
        self, variable: str, wrong: str, rule: str
    ) -> None:
        message = f"^the environment variable {variable} must be {rule}"
        with pytest.raises(ConfigurationError, match=message):
            resolve_settings(KEY, environ={variable: wrong})

    @each_case("kind", [RunwayClient, AsyncRunwayClient])
    @each_case("address", ["https://ü..example", "https://\u2603\u200d.example"])
    def test_an_address_that_httpx_will_not_take(self, kind: Any, address: str) -> None:
        with pytest.raises(ConfigurationError, match="base_url"):
            kind(KEY, base_url=address)

    @each_case("version", ["", "2024\n11", "é", " ", 20241106])
    def test_a_version_that_cannot_be_sent(self, version: Any) -> None:
        with pytest.raises(ConfigurationError, match="runway_version must be"):
            resolve_settings(KEY, runway_version=version, environ={})

    @each_case("seconds", [0, -1, float("nan"), float("inf"), "60", None, True, [60]])
    def test_an_invalid_timeout_is_refused(self, seconds: Any) -> None:
        with pytest.raises(ConfigurationError, match="timeout must be"):
            resolve_settings(KEY, timeout=seconds, environ={})


@each_case(
    ("arguments", "setting", "is_missing"),
    [
        ({"api_key": ""}, "api_key", True),
        ({"api_key": "two words"}, "api_key", False),
        ({"api_key": 5}, "api_key", False),
        ({"api_key": KEY, "base_url": "nonsense"}, "base_url", False),
        ({"api_key": KEY, "runway_version": "\n"}, "runway_version", False),
        ({"api_key": KEY, "timeout": 0}, "timeout", False),
        ({"api_key": KEY, "timeout": "9"}, "timeout", False),
        ({"api_key": KEY, "validate": 1}, "validate", False),
    ],
)
def test_an_error_names_its_setting(
    arguments: dict[str, Any], setting: str, is_missing: bool
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_settings(**arguments, environ={})
    assert (caught.value.setting, caught.value.is_missing) == (setting, is_missing)


def test_an_error_about_the_journal_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as unreadable:
        RunwayClient(KEY, journal=tmp_path)
    with RunwayClient(KEY) as client, pytest.raises(ConfigurationError) as missing:
        client.journal.tasks()
    assert (unreadable.value.setting, unreadable.value.is_missing) == ("journal", False)
    assert (missing.value.setting, missing.value.is_missing) == ("journal", True)


def test_the_key_is_in_no_representation(harness: ClientHarness) -> None:
    client = harness.client
    shown = [
        client,
        client.settings,
        client.api,
        client.session.driver,
        client.tasks,
        client.journal,
    ]
    shown += [client.character_performance, client.bind(Task(ID, "PENDING"))]
    for one in shown:
        assert KEY not in repr(one)
        assert KEY not in str(one)


def test_a_representation_says_which_gateway() -> None:
    with RunwayClient(KEY, base_url=GATEWAY) as client:
        assert repr(client) == f"RunwayClient(base_url='{GATEWAY}')"
        assert GATEWAY in repr(client.api)
    assert repr(AsyncRunwayClient(KEY, base_url=GATEWAY)) == (
        f"AsyncRunwayClient(base_url='{GATEWAY}')"
    )


def test_the_numbers_that_other_rules_lean_on() -> None:
    """Runway asks clients for 5 s between polls; a last look must not outlast a poll's interval."""
    assert settings.POLL_INTERVAL >= 5
    assert FINAL_POLL_TIMEOUT < settings.POLL_INTERVAL
    assert settings.CONNECT_TIMEOUT < settings.REQUEST_TIMEOUT
    assert settings.SUBMIT_BUDGET > settings.CONNECT_TIMEOUT


def test_the_page_on_settings_has_the_limits_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
    table = page.partition("\n## Times and limits\n")[2].partition("\n## ")[0]
    shown = [line.split(" | ")[1] for line in table.splitlines() if line.startswith("| ")][2:]
    seconds = [
        settings.REQUEST_TIMEOUT,
        settings.CONNECT_TIMEOUT,
        settings.SUBMIT_BUDGET,
        settings.WAIT_TIMEOUT,
        batch_options.WAIT_TIMEOUT,
        settings.POLL_INTERVAL,
        settings.NOT_FOUND_GRACE,
        settings.LOST_AFTER,
        settings.OUTPUT_LIFETIME,
        settings.JOURNAL_TIMEOUT,
        settings.JOURNAL_READ_TIMEOUT,
        settings.DOWNLOAD_BUDGET,
    ]
    counts = [settings.PARALLEL_DOWNLOADS, settings.MAX_IN_FLIGHT]
    assert [_parse_seconds(text) for text in shown[: len(seconds)]] == seconds
    assert [int(text) for text in shown[len(seconds) : -1]] == counts
    assert shown[-1] == f"{settings.MAX_RESPONSE_BYTES / 2**20:g} MiB"


def _parse_seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"s": 1, "h": 3600}[unit]
