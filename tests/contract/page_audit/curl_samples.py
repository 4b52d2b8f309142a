"""Parses a curl command into the request it sends."""

from __future__ import annotations

import shlex

from attrs import define, field

from ..drivers.request_capture import SentRequest
from .sample_requests import UnsupportedSampleError, make_request

_DATA = ("-d", "--data", "--data-raw", "--data-ascii", "--data-binary")
_IGNORED = frozenset({"-s", "-S", "-sS", "-L", "-i", "-f", "--silent", "--show-error", "--location",
                     "--fail", "--include", "--compressed"})  # fmt: skip


@define
class _Command:
    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(factory=dict)
    data: list[str] = field(factory=list)
    is_json: bool = False


def parse_curl(source: str) -> SentRequest:
    """Parse one command.

    Raises:
        UnsupportedSampleError: it is not a curl command, or has an unsupported option.
    """
    words = shlex.split(source.replace("\\\n", " "), comments=True)
    if not words or words[0] != "curl":
        raise UnsupportedSampleError("the sample does not begin with curl")
    command = _Command()
    rest = iter(words[1:])
    for word in rest:
        _take(command, word, rest)
    if not command.url:
        raise UnsupportedSampleError("the command has no URL")
    body = "&".join(command.data) or None
    method = command.method or ("POST" if body else "GET")
    headers = command.headers
    if body and not {name.lower() for name in headers} & {"content-type"}:
        kind = "json" if command.is_json else "x-www-form-urlencoded"
        headers = {**headers, "Content-Type": f"application/{kind}"}
    return make_request(method, command.url, headers, body, is_json=False)


def _take(command: _Command, word: str, rest) -> None:
    name, joined, value = word.partition("=") if word.startswith("--") else (word, "", "")
    if name in _IGNORED:
        return
    if not word.startswith("-"):
        command.url = word
        return
    value = value if joined else next(rest, "")
    if name in {"-X", "--request"}:
        command.method = value
    elif name == "--url":
        command.url = value
    elif name in {"-H", "--header"}:
        key, _, content = value.partition(":")
        command.headers[key.strip()] = content.strip()
    elif name in _DATA or name == "--json":
        command.data.append(value)
        command.is_json = name == "--json"
    else:
        raise UnsupportedSampleError(f"curl option {name} is not supported")
