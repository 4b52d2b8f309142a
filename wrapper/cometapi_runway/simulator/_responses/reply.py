"""An HTTP reply as a value, with the way it is delivered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import parse_json

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON

Drop: TypeAlias = Literal["before", "midway"]

JSON_TYPE: Final = "application/json"
HTML_TYPE: Final = "text/html; charset=utf-8"
HTML_START: Final = b"<!DOCTYPE html>"


@frozen
class Reply:
    """An HTTP reply.

    Attributes:
        status: HTTP status.
        headers: Header fields, without those for framing.
        body: The whole body.
        delay: Seconds before the first byte, on the simulator's clock.
        drip: Seconds over which the body is sent in small pieces; 0 sends it at once.
        drop: Where the connection is reset: before the first byte, or in the middle of the body;
            None for no reset.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0
    drip: float = 0.0
    drop: Drop | None = None

    def header(self, name: str) -> str | None:
        """The first header field of a name, ignoring case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> JSON:
        """Parses the body as JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return parse_json(self.body)


def json_reply(value: JSON, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Makes a reply with a JSON body."""
    return Reply(status, (("Content-Type", JSON_TYPE), *headers), dump_json(value))


def dump_json(value: JSON) -> bytes:
    """Serializes a JSON value compactly, as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def html_reply(title: str, status: int, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Makes a reply with an HTML page, as a proxy in front of the gateway sends it."""
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, (("Content-Type", HTML_TYPE), *headers), HTML_START + page.encode())
