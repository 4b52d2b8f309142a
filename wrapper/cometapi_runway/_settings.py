"""Every default and every environment variable of the library, once."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from attrs import field, frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.errors import ConfigurationError

KEY_VARIABLE = "COMETAPI_KEY"
# Not COMETAPI_BASE_URL: CometAPI's own SDK gives that one a /v1 suffix, under which the Runway
# routes do not live.
BASE_URL_VARIABLE = "COMETAPI_RUNWAY_BASE_URL"
VERSION_VARIABLE = "COMETAPI_RUNWAY_VERSION"

DEFAULT_BASE_URL = "https://api.cometapi.com"
# The only value that any CometAPI page names.
DEFAULT_RUNWAY_VERSION = "2024-11-06"

REQUEST_TIMEOUT = 60.0
"""Seconds for one request, from the first byte sent to the last byte read."""
CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made, within `REQUEST_TIMEOUT`."""
WAIT_TIMEOUT = 600.0
"""Seconds that `wait` takes unless told otherwise; the official SDK's figure."""
POLL_INTERVAL = 5.0
"""Seconds between two polls of one task: the least that Runway asks clients to keep."""
POLL_JITTER = 0.2
"""Part of the interval by which a poll may come later, so that many waiters spread out."""
NOT_FOUND_GRACE = 120.0
"""Seconds after creation in which ``task_not_exist`` is believed to be a delay. CometAPI speaks
of seconds, callers of its gateway have seen minutes."""
LOST_AFTER = 48 * 3600.0
"""Seconds after creation in which the journal counts a task that the gateway does not know as
unfinished. The key may be of another account than the task, which could still be fetched; Runway
keeps its output for 24 to 48 hours."""
OUTPUT_LIFETIME = 7 * 86_400.0
"""Seconds for which an output that was to be saved is asked for; Runway's addresses, and what is
behind them, last for a day or two, and CometAPI names no figure."""
SUBMIT_BUDGET = 30.0
"""Seconds in which a request that provably never arrived, or was refused with a pace, is
submitted again."""
DOWNLOAD_BUDGET = 120.0
"""Seconds without a new byte after which a download is given up."""
DOWNLOAD_TIMEOUT = 30.0
"""Seconds without a byte after which one connection of a download is given up."""
PARALLEL_DOWNLOADS = 4
"""Outputs of one task that are fetched at once."""
FINAL_POLL_TIMEOUT = 1.0
"""Seconds that the last poll of a wait may take when its deadline has come."""
MAX_IN_FLIGHT = 32
"""Requests at once over one client. The time that httpx 0.28's pool spends on its own queue grows
with the square of its connections: of 1,000 at once none came home, behind a gate of 48 each cost
six times the CPU of one behind a gate of 32, which reuses every connection."""
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""Bytes of one API answer that are read before it is given up as not being one."""

LOCK_WAIT_SLICE = 1.0
"""Seconds of one wait for a thread: on Windows, Ctrl-C comes after it and not in the middle."""
MAX_SECONDS = 2_147_483
"""Seconds that C libraries and locks can count: 24 days, in milliseconds of 31 bits."""

_HEADER_VALUE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")


@frozen
class Settings:
    """The settings of one client.

    Attributes:
        api_key: The CometAPI key; never part of the representation.
        base_url: The gateway's address without a trailing slash.
        runway_version: The value of the ``X-Runway-Version`` header.
        timeout: Seconds for one request.
        validate: Whether requests are checked against the contract before they are sent.
    """

    api_key: str = field(repr=False)
    base_url: str
    runway_version: str
    timeout: float
    validate: bool


def resolve_settings(
    api_key: str | None = None,
    *,
    base_url: str | None = None,
    runway_version: str | None = None,
    timeout: float = REQUEST_TIMEOUT,
    validate: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settle every setting: argument first, then environment, then default.

    A blank environment variable counts as not set, and blanks around a value are dropped.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    env = os.environ if environ is None else environ
    return Settings(
        api_key=_key(*_pick("api_key", api_key, KEY_VARIABLE, env)),
        base_url=_base_url(*_pick("base_url", base_url, BASE_URL_VARIABLE, env, DEFAULT_BASE_URL)),
        runway_version=_version(
            *_pick("runway_version", runway_version, VERSION_VARIABLE, env, DEFAULT_RUNWAY_VERSION)
        ),
        timeout=check_seconds("timeout", timeout),
        validate=_switch(validate),
    )


def check_seconds(name: str, value: float) -> float:
    """A number of seconds above zero.

    Raises:
        ConfigurationError: It is not a number, not finite, or not above zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = safe_repr(value)
        raise ConfigurationError(f"{name} must be a number of seconds, got {shown}", setting=name)
    if not 0 < value < math.inf or value > MAX_SECONDS:
        raise ConfigurationError(
            f"{name} must be above 0 and at most {MAX_SECONDS} seconds, got {value!r}",
            setting=name,
        )
    return float(value)


def _switch(value: bool) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"validate must be True or False, got {safe_repr(value)}", setting="validate"
        )
    return value


def _pick(
    name: str, argument: str | None, variable: str, env: Mapping[str, str], default: str = ""
) -> tuple[str, str]:
    """The value and the name of where it comes from."""
    if argument is not None:
        return argument, name
    value = env.get(variable, "").strip()
    return (value, f"the environment variable {variable}") if value else (default, name)


def _key(value: str, source: str) -> str:
    # The value itself is never shown: it may be a good key with one character too many.
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{source} must be a string, got {type(value).__name__}", setting="api_key"
        )
    if not value.strip():
        raise ConfigurationError(
            f"no CometAPI key: pass api_key or set the environment variable {KEY_VARIABLE}",
            setting="api_key",
            is_missing=True,
        )
    if not _HEADER_VALUE.fullmatch(value) or " " in value:
        raise ConfigurationError(
            f"{source} cannot be sent as a key: it holds a space, a line break or a character "
            f"outside ASCII ({len(value)} characters; not shown)",
            setting="api_key",
        )
    return value


def _base_url(value: str, source: str) -> str:
    if not _is_address(value):
        raise ConfigurationError(
            f"{source} must be an http(s) address without query or user, got {_shown(value)}",
            setting="base_url",
        )
    return value.rstrip("/")


def _is_address(value: str) -> bool:
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        # urlsplit strips what httpx refuses, and httpx quotes what no host has.
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
        # What no resolver takes: an empty label, or one that is too long.
        (host or "").encode("idna")
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username
    return parts.scheme in {"http", "https"} and bool(host) and port != 0 and not extra


def _shown(value: object) -> str:
    # An address with a user or a query may carry a secret in it.
    text = repr(value)
    return text if "@" not in text and "?" not in text else "one that has (not shown)"


def _version(value: str, source: str) -> str:
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise ConfigurationError(
            f"{source} must be a header value such as {DEFAULT_RUNWAY_VERSION}, got {value!r}",
            setting="runway_version",
        )
    return value
