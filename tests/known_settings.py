"""Every setting that an error names exists, in whichever test the error is raised."""

from __future__ import annotations

from typing import Any

import pytest

_SETTINGS = frozenset(
    {
        # Arguments of the clients, of journals and budgets.
        *("api_key", "base_url", "runway_version", "timeout", "max_connections", "validate"),
        *("allow_clear_text", "transport", "journal", "budget", "prices", "capture", "observer"),
        # Arguments of batches, and options of their commands.
        *("name", "output", "data", "database", "manifest", "operation", "rate", "halt", "set"),
        *("interval", "polling", "concurrency", "attempts", "batch"),
    }
)


def check_settings(patch: pytest.MonkeyPatch) -> None:
    """Let every `ConfigurationError` be checked when it is made."""
    from cometapi_runway.errors import ConfigurationError

    real = ConfigurationError.__init__

    def check(self: ConfigurationError, *arguments: Any, **options: Any) -> None:
        real(self, *arguments, **options)
        if self.setting is not None and self.setting not in _SETTINGS:
            raise AssertionError(f"there is no setting {self.setting!r}")

    patch.setattr(ConfigurationError, "__init__", check)
