"""The sample contract and requests to it.

The contract is made for these tests: it has every construct that validation supports and nothing of
the gateway. So a change of the real contract cannot hide a defect of the validation.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from attrs import evolve, field, frozen

from cometapi_runway.validation import Contract

DOCUMENT = yaml.safe_load(Path(__file__).with_name("sample_contract.yaml").read_text("utf-8"))
CONTRACT = Contract(DOCUMENT)
CLIPS = "https://api.example.com/v1/clips"
BODY = {"asset": {"type": "video", "uri": "https://cdn.example/a.mp4"}, "model": "fast"}
HEADERS = (
    ("Authorization", "Bearer sk-secret"),
    ("X-Version", "2024-11-06"),
    ("Content-Type", "application/json"),
)
SECRET = "sk-do-not-print"
MISSING = object()


@frozen
class Request:
    """A request that is valid unless a test changes it."""

    method: str = "POST"
    url: str = CLIPS
    headers: tuple[tuple[str, str], ...] = HEADERS
    content: bytes = field(factory=lambda: json.dumps(BODY).encode())
    operation_id: str | None = None

    def check(self):
        """Return its issues."""
        return CONTRACT.check_request(
            self.method, self.url, self.headers, self.content, operation_id=self.operation_id
        )


def post(**changes):
    """Return a POST of the sample body."""
    return evolve(Request(), **changes)


def get(url, **changes):
    """Return a GET without a body."""
    return evolve(Request("GET", url, (HEADERS[0],), b""), **changes)


def body(**changes):
    """Return a POST with changed fields; MISSING removes one."""
    merged = {name: value for name, value in {**BODY, **changes}.items() if value is not MISSING}
    return post(content=json.dumps(merged).encode())


def asset(**changes):
    """Return a POST with changed fields of its asset; MISSING removes one."""
    merged = {**BODY["asset"], **changes}
    return body(asset={name: value for name, value in merged.items() if value is not MISSING})


def header(name, *values):
    """Return a POST with other values of a header; without values it is removed."""
    others = tuple(pair for pair in HEADERS if pair[0].lower() != name.lower())
    return post(headers=others + tuple((name, value) for value in values))
