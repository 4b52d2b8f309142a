"""Every default and every environment variable of the library."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen

from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import redact_url, safe_repr
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import ConfigurationError

KEY_VARIABLE = "COMETAPI_KEY"
# Not COMETAPI_BASE_URL: CometAPI's own SDK expects a /v1 suffix there, and the Runway routes are
# not under /v1.
BASE_URL_VARIABLE = "COMETAPI_RUNWAY_BASE_URL"
VERSION_VARIABLE = "COMETAPI_RUNWAY_VERSION"
CLEAR_TEXT_VARIABLE = "COMETAPI_RUNWAY_ALLOW_CLEAR_TEXT"
"""Set to ``1``, it allows an ``http://`` gateway on another machine, which sends the key
unencrypted. Without it only loopback addresses may be ``http://``."""
CAPTURE_VARIABLE = "COMETAPI_RUNWAY_CAPTURE"

DEFAULT_BASE_URL = "https://api.cometapi.com"
# The only value that any CometAPI page names.
DEFAULT_RUNWAY_VERSION = "2024-11-06"

REQUEST_TIMEOUT = 60.0
"""Seconds for one request, from the first byte sent to the last byte read."""
CONNECT_TIMEOUT = 10.0
"""Seconds to open a connection, within `REQUEST_TIMEOUT`."""
WAIT_TIMEOUT = 600.0
"""Default timeout of `wait` in seconds; the official SDK's figure."""
POLL_INTERVAL = 5.0
"""Seconds between two polls of one task, the minimum that Runway asks for."""
POLL_JITTER = 0.2
"""Fraction of the interval by which a poll may come later, so that many waits spread out."""
NOT_FOUND_GRACE = 120.0
"""Seconds after creation in which ``task_not_exist`` counts as a delay. CometAPI's pages speak of
seconds, callers of the gateway have seen minutes."""
LOST_AFTER = 48 * 3600.0
"""Seconds after creation in which the journal counts a task as unfinished that the gateway does not
know. The key may belong to another account, in which the task can still be retrieved; Runway keeps
the output for 24 to 48 hours."""
OUTPUT_LIFETIME = 7 * 86_400.0
"""Seconds in which the journal offers a task whose output is still to be saved. Runway keeps output
files for a day or two; CometAPI names no figure."""
JOURNAL_TIMEOUT = 2.0
"""Seconds to wait for the lock of another process on the journal, where no deadline is nearer. An
entry that is not written by then is kept in memory, so that a locked journal delays no result."""
JOURNAL_READ_TIMEOUT = 10.0
"""Seconds to wait for that lock when the journal is opened or listed."""
IN_FLIGHT_LIMIT = 3600.0
"""Seconds in which a submission counts as being sent by the process that recorded it, if that still
runs. No request takes nearly as long."""
RECALL_TIMEOUT = 1.0
"""Seconds to look up a task's route in the journal before it is polled."""
SUBMIT_BUDGET = 30.0
"""Seconds in which a paid request is retried that provably never arrived or met a rate limit."""
FIRST_KEY_PAUSE = 0.05
LONGEST_KEY_PAUSE = 1.0
"""Seconds between two looks at a request with the same idempotency key that is being sent."""
DOWNLOAD_BUDGET = 120.0
"""Seconds without a new byte after which a download fails."""
DOWNLOAD_TIMEOUT = 30.0
"""Seconds without a byte after which one connection of a download is closed."""
PARALLEL_DOWNLOADS = 4
"""Outputs of one task that are downloaded at once."""
FINAL_POLL_TIMEOUT = 1.0
"""Seconds that the last poll of a wait may take at its deadline."""
MAX_IN_FLIGHT = 32
"""Concurrent requests of one client. In httpx 0.28 the CPU time for the pool's queue grows with the
square of the connections: with 1,000 concurrent requests none completed, and a limit of 48 cost six
times the CPU per request of a limit of 32, which reuses every connection."""
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""Bytes of an API response that are read at most; a larger body is no API response."""

LOCK_WAIT_SLICE = 1.0
"""Seconds of one wait for a lock or thread: Windows delivers Ctrl-C only after it."""
MAX_SECONDS = 2_147_483
"""Longest time in seconds that locks and C libraries accept: 31 bits of milliseconds, 24 days."""

HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
"""A header value that every server accepts: visible ASCII, with blanks and tabs in between only."""


@frozen
class Settings:
    """The settings of one client.

    Attributes:
        api_key: The CometAPI key, which no representation shows.
        base_url: The gateway's URL without a trailing slash.
        runway_version: The value of the ``X-Runway-Version`` header.
        timeout: Seconds for one request.
        validate: Whether requests are checked against the contract before they are sent.
        allow_clear_text: Whether the gateway may be an ``http://`` URL on another machine.
        capture: The folder for responses whose shape the contract lacks, or None.
    """

    api_key: Secret = field(repr=False)
    base_url: str
    runway_version: str
    timeout: float
    validate: bool
    allow_clear_text: bool = False
    capture: Path | None = None

    @property
    def host(self) -> str:
        """The gateway's host, as logs name it."""
        return urlsplit(self.base_url).hostname or ""


def resolve_settings(
    api_key: str | Secret | None = None,
    *,
    base_url: str | None = None,
    runway_version: str | None = None,
    timeout: float = REQUEST_TIMEOUT,
    validate: bool = True,
    capture: str | PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Resolve every setting: the argument, else the environment variable, else the default.

    An environment variable is stripped, and a blank one counts as not set.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    key, key_source = _pick_key(api_key, environ)
    url, url_source = _pick("base_url", base_url, BASE_URL_VARIABLE, environ, DEFAULT_BASE_URL)
    version, version_source = _pick(
        "runway_version", runway_version, VERSION_VARIABLE, environ, DEFAULT_RUNWAY_VERSION
    )
    allow_clear_text = _read_variable(CLEAR_TEXT_VARIABLE, environ) == "1"
    capture_source = "capture"
    if capture is None:
        capture = _read_variable(CAPTURE_VARIABLE, environ) or None
        capture_source = f"the environment variable {CAPTURE_VARIABLE}"
    # The checks may raise, and a traceback with locals shows the arguments.
    del api_key, environ
    return Settings(
        api_key=_check_key(key, key_source),
        base_url=_check_base_url(url, url_source, key),
        runway_version=_check_version(version, version_source, key),
        timeout=check_seconds("timeout", timeout),
        validate=_check_flag("validate", validate),
        allow_clear_text=allow_clear_text,
        capture=_check_folder(capture, capture_source, key),
    )


def check_clear_text(settings: Settings) -> None:
    """Check that the key does not leave this machine unencrypted.

    Raises:
        ConfigurationError: The gateway is an ``http://`` URL on a host other than loopback, and
            the environment does not allow it.
    """
    parts = urlsplit(settings.base_url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not _is_loopback(host) and not settings.allow_clear_text:
        raise ConfigurationError(
            f"base_url {redact_url(settings.base_url)} would send the key unencrypted: use "
            f"https://, or set the environment variable {CLEAR_TEXT_VARIABLE}=1 to allow it",
            setting="base_url",
        )


def _is_loopback(host: str) -> bool:
    # RFC 6761 reserves these names for loopback.
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_seconds(name: str, value: float) -> float:
    """Return a timeout in seconds, above zero.

    Raises:
        ConfigurationError: The value is not a number, not finite, or not above zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(
            f"{name} must be a number of seconds, got {safe_repr(value)}", setting=name
        )
    if not 0 < value < math.inf or value > MAX_SECONDS:
        raise ConfigurationError(
            f"{name} must be above 0 and at most {MAX_SECONDS} seconds, got {safe_repr(value)}",
            setting=name,
        )
    return float(value)


def _check_flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{name} must be True or False, got {safe_repr(value)}", setting=name
        )
    return value


def _pick(
    name: str,
    argument: str | None,
    variable: str,
    environ: Mapping[str, str] | None,
    default: str = "",
) -> tuple[str, str]:
    """The value and its source."""
    if argument is not None:
        return argument, name
    value = _read_variable(variable, environ)
    return (value, f"the environment variable {variable}") if value else (default, name)


def _read_variable(variable: str, environ: Mapping[str, str] | None) -> str:
    return (os.environ if environ is None else environ).get(variable, "").strip()


def _pick_key(
    argument: str | Secret | None, environ: Mapping[str, str] | None
) -> tuple[Secret, str]:
    """The key and its source."""
    if isinstance(argument, Secret):
        return argument, "api_key"
    text, source = _pick("api_key", argument, KEY_VARIABLE, environ)
    return Secret(text), source


def _check_key(key: Secret, source: str) -> Secret:
    # The value is never shown: it may be a valid key with one character too many. It is not a
    # local variable either, because a traceback with locals would show it.
    if not isinstance(key.reveal(), str):
        raise ConfigurationError(
            f"{source} must be a string, got {type(key.reveal()).__name__}", setting="api_key"
        )
    if not key.reveal().strip():
        raise ConfigurationError(
            f"no CometAPI key: pass api_key or set the environment variable {KEY_VARIABLE}",
            setting="api_key",
            is_missing=True,
        )
    if not HEADER_VALUE.fullmatch(key.reveal()) or re.search(r"\s", key.reveal()):
        raise ConfigurationError(
            f"{source} cannot be sent as a key: it contains a space, a line break or a character "
            f"outside ASCII ({count_noun(len(key.reveal()), 'character')}; not shown)",
            setting="api_key",
        )
    return key


def _check_no_key(value: object, source: str, setting: str, key: Secret) -> None:
    """Check that a setting that is shown and stored does not contain the key."""
    if isinstance(value, str) and key.hide_in_text(value) != value:
        raise ConfigurationError(
            f"{source} contains the API key, which belongs into api_key only (not shown)",
            setting=setting,
        )


def _check_base_url(value: str, source: str, key: Secret) -> str:
    _check_no_key(value, source, "base_url", key)
    if not _is_base_url(value):
        raise ConfigurationError(
            f"{source} must be an http(s) URL without query or user, got {_url_repr(value)}",
            setting="base_url",
        )
    return value.rstrip("/")


def _is_base_url(value: str) -> bool:
    if value == DEFAULT_BASE_URL:
        return True
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        # urlsplit strips line breaks, which httpx rejects; httpx percent-encodes spaces.
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
        # Raises for what no resolver accepts: an empty label, or one that is too long.
        (host or "").encode("idna")
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username
    return parts.scheme in {"http", "https"} and bool(host) and port != 0 and not extra


def _url_repr(value: object) -> str:
    # A user, a query or a fragment may hold a secret. Without the marks of a URL it may be a key in
    # the wrong argument, unless it is a short word.
    if not isinstance(value, str):
        return type(value).__name__
    is_word = re.fullmatch("[A-Za-z]{0,16}", value)
    is_url = re.search("[.:/]", value) and not re.search("[@?#]", value)
    return repr(value) if is_word or is_url else "another text (not shown)"


def _check_folder(value: str | PathLike[str] | None, source: str, key: Secret) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | PathLike) or not str(value).strip() or "\0" in str(value):
        raise ConfigurationError(
            f"{source} must be a folder, got {safe_repr(value)}", setting="capture"
        )
    _check_no_key(str(value), source, "capture", key)
    return Path(value)


def _check_version(value: str, source: str, key: Secret) -> str:
    _check_no_key(value, source, "runway_version", key)
    if not isinstance(value, str) or not HEADER_VALUE.fullmatch(value):
        raise ConfigurationError(
            f"{source} must be a header value such as {DEFAULT_RUNWAY_VERSION}, "
            f"got {safe_repr(value)}",
            setting="runway_version",
        )
    return value
