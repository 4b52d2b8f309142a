"""The names in errors that programs compare: each is a known one, whichever test raises it."""

from __future__ import annotations

from typing import Any

import pytest

_SETTINGS = frozenset(
    {
        # Arguments of the clients, of journals and budgets.
        *("api_key", "base_url", "runway_version", "timeout", "validate"),
        *("transport", "journal", "budget", "prices", "capture"),
        # Arguments of batches, and options of their commands.
        *("name", "output", "data", "database", "manifest", "operation", "rate", "halt", "set"),
        *("interval", "polling", "concurrency", "attempts", "batch"),
    }
)
_RULES = frozenset(
    {
        # JSON Schema's.
        *("type", "required", "enum", "const", "pattern", "format", "not", "oneOf", "anyOf"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "contains"),
        *("minProperties", "maxProperties", "additionalProperties", "propertyNames"),
        *("falseSchema", "minBytes", "maxBytes"),
        # JSON's and HTTP's.
        *("json", "utf-8", "unicode", "nul", "finite", "duplicate-key", "empty", "wire", "framing"),
        *("server", "userinfo", "method", "path", "template", "encoded-slash", "dot-segment"),
        *("content-type", "body-not-allowed", "repeated", "security", "header name"),
        *("header value", "reserved", "operation", "gateway"),
        # Those of arguments, settlements and batches.
        *("unknown", "by name", "one of", "readable", "idempotency", "unique", "state"),
        *("in progress", "length", "printable", "characters", "inside", "name", "exists"),
        *("csv", "cells", "torn", "leak"),
    }
)


def check_names(patch: pytest.MonkeyPatch) -> None:
    """Let every `ConfigurationError` and every `Issue` be checked when it is made."""
    from cometapi_runway.errors import ConfigurationError, Issue

    init_error, init_issue = ConfigurationError.__init__, Issue.__init__

    def check_error(self: ConfigurationError, *arguments: Any, **options: Any) -> None:
        init_error(self, *arguments, **options)
        if self.setting is not None and self.setting not in _SETTINGS:
            raise AssertionError(f"there is no setting {self.setting!r}")

    def check_issue(self: Issue, *arguments: Any, **options: Any) -> None:
        init_issue(self, *arguments, **options)
        if self.rule not in _RULES:
            raise AssertionError(f"there is no rule {self.rule!r}")

    patch.setattr(ConfigurationError, "__init__", check_error)
    patch.setattr(Issue, "__init__", check_issue)
