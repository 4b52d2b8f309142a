"""Values of any kind raise an error of the package."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import re
from types import MappingProxyType
from typing import Any

from tests.cases import each_case

from cometapi_runway import RunwayError

from ..support.both_clients import ASSETS, ClientHarness
from ..support.fault_table import ACCEPTED
from ..support.inputs import refused


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(3000):
        value = {"d": value}
    return value


STRANGE: dict[str, Any] = {
    "None": None,
    "bool": True,
    "nan": float("nan"),
    "infinity": float("inf"),
    "huge": 10**400,
    "bytes": b"x",
    "object": object(),
    "set": {1, 2},
    "surrogate": "\ud800",
    "surrogate inside": {"x": ["\ud800"]},
    "surrogate as a key": {"\ud800": 1},
    "keys of two kinds": {"a": 1, 2: 3},
    "an object inside": {"a": object()},
    "nan inside": [{"x": float("nan")}],
    "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "decimal": decimal.Decimal(1),
    "pattern": re.compile("x"),
    "function": _deep,
    "itself": _itself(),
    "range": range(3),
    "null byte": "a\0",
}


@each_case("validate", [True, False])
@each_case("name", STRANGE)
def test_every_value_is_sent_or_an_error_of_the_package(
    name: str, validate: bool, harness: ClientHarness
) -> None:
    """Every argument and option in turn is something that no request can hold, or can."""
    value = STRANGE[name]
    arguments = {*ASSETS, "model", "ratio", "seed", "body_control", "content_moderation"}
    options = {"runway_version", "timeout", "extra_headers", "extra_body"}
    harness.respond_with(ACCEPTED)
    for argument in arguments | options:
        with contextlib.suppress(RunwayError):
            harness.create(**{argument: value, "validate": validate})
    for one in harness.network.sent:
        assert isinstance(one.json, dict)


@each_case("validate", [True, False])
def test_nesting_without_end_is_refused(validate: bool, harness: ClientHarness) -> None:
    for argument in ("model", "ratio", "seed", "extra_body"):
        issues = refused(harness, **{argument: _deep(), "validate": validate})
        assert {issue.rule for issue in issues} == {"json"}


@each_case("validate", [True, False])
def test_an_integer_that_cannot_be_written_is_refused(
    validate: bool, harness: ClientHarness
) -> None:
    (issue,) = refused(harness, extra_body={"more": 10**5000}, validate=validate)
    assert (issue.path, issue.rule, issue.value) == ("/more", "json", "int")


def test_what_only_httpx_cannot_write_is_refused_as_the_contract_refuses_it(
    harness: ClientHarness,
) -> None:
    (issue,) = refused(harness, extra_body={"more": MappingProxyType({})}, validate=False)
    assert (issue.path, issue.rule) == ("", "json")
    assert issue.message.startswith("the body cannot be serialized to JSON: ")
