"""Parses a JavaScript sample into the request of its one call of fetch, without running it.

Supports the expressions that samples consist of: literals, templates, objects, arrays, sums, names
with such a value, and `JSON.stringify`. Anything else is an error.
"""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import define, field

from ..drivers.request_capture import SentRequest
from .sample_requests import PLACEHOLDER, UnsupportedSampleError, make_request

_TOKEN = re.compile(
    r"""(?P<gap>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_$][\w$]*)
      | (?P<mark>=>|\.\.\.|===|!==|==|!=|\?\.|&&|\|\||[{}()\[\].,:;+*/=<>!?-])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_WORDS = {"true": True, "false": False, "null": None}


def parse_javascript(source: str) -> SentRequest:
    """Parse the one request of a sample.

    Raises:
        UnsupportedSampleError: it has no single call of fetch, or uses unsupported syntax.
    """
    tokens = _tokens(source)
    starts = [at for at, token in enumerate(tokens) if token == ("name", "fetch")]
    if len(starts) != 1:
        raise UnsupportedSampleError(f"{len(starts)} calls of fetch, expected one")
    reader = _Reader(tokens)
    reader.learn_names()
    reader.at = starts[0] + 1
    url, *rest = reader.listed("(", ")")
    options = rest[0] if rest else {}
    method = options.get("method", "GET")
    return make_request(method, url, options.get("headers", {}), options.get("body"), is_json=False)


def _tokens(source: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise UnsupportedSampleError(f"{source[at : at + 20]!r} is not supported")
        if match.lastgroup and match.lastgroup != "gap":
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


@define
class _Reader:
    tokens: list[tuple[str, str]]
    at: int = 0
    names: dict[str, Any] = field(factory=dict)

    def learn_names(self) -> None:
        """Evaluate the assignments of `const`, `let` and `var` that have a plain value."""
        for index, (_, word) in enumerate(self.tokens[:-3]):
            if word in {"const", "let", "var"} and self.tokens[index + 2] == ("mark", "="):
                self.at = index + 3
                try:
                    self.names[self.tokens[index + 1][1]] = self.value()
                except UnsupportedSampleError:
                    continue  # the response, or another value that is never sent

    def value(self) -> Any:
        """Evaluate one expression."""
        found = self._one()
        while self._skip("+"):
            found = f"{found}{self._one()}"
        return found

    def listed(self, start: str, end: str) -> list[Any]:
        """Evaluate comma-separated expressions between brackets."""
        self._expect(start)
        found: list[Any] = []
        while not self._skip(end):
            found.append(self.value())
            if not self._skip(","):
                self._expect(end)
                break
        return found

    def _one(self) -> Any:
        kind, word = self._next()
        if kind == "text":
            return _template(word) if word[0] == "`" else _unquote(word)
        if kind == "number":
            return json.loads(word)
        if word in _WORDS:
            return _WORDS[word]
        if word == "{":
            return self._object()
        if word == "[":
            self.at -= 1
            return self.listed("[", "]")
        if kind == "name":
            return self._name(word)
        raise UnsupportedSampleError(f"{word!r} is not supported")

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._skip("}"):
            kind, word = self._next()
            key = _unquote(word) if kind == "text" else word
            if kind not in {"text", "name", "number"}:
                raise UnsupportedSampleError(f"{word!r} is not a field name")
            found[key] = self.value() if self._skip(":") else self._known(key)
            if not self._skip(","):
                self._expect("}")
                break
        return found

    def _name(self, word: str) -> Any:
        path = word
        while self._skip("."):
            path += f".{self._next()[1]}"
        if path == "JSON.stringify":
            (value, *_) = self.listed("(", ")")
            return json.dumps(value)
        if path.startswith("process.env"):
            return PLACEHOLDER
        return self._known(path)

    def _known(self, name: str) -> Any:
        if name not in self.names:
            raise UnsupportedSampleError(f"{name} is not supported")
        return self.names[name]

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise UnsupportedSampleError("unexpected end of the sample")
        self.at += 1
        return self.tokens[self.at - 1]

    def _skip(self, mark: str) -> bool:
        there = self.tokens[self.at : self.at + 1] == [("mark", mark)]
        self.at += there
        return there

    def _expect(self, mark: str) -> None:
        if not self._skip(mark):
            found = self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"
            raise UnsupportedSampleError(f"expected {mark}, found {found}")


def _unquote(word: str) -> str:
    def escape(match: re.Match[str]) -> str:
        return _ESCAPES.get(match[1], match[1])

    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), word[1:-1])
    return re.sub(r"\\(.)", escape, plain, flags=re.DOTALL)


def _template(word: str) -> str:
    return re.sub(r"\$\{[^{}]*\}", PLACEHOLDER, _unquote(word))
