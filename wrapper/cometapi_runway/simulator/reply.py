"""What the simulator answers, as a value: an HTTP answer and how it travels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON

Drop: TypeAlias = Literal["before", "midway"]

JSON_TYPE: Final = "application/json"
HTML_TYPE: Final = "text/html; charset=utf-8"
HTML_START: Final = b"<!DOCTYPE html>"


@frozen
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        headers: Header fields, without those that describe the framing.
        body: The whole body.
        delay: Seconds (on the simulator's clock) before the first byte.
        drip: Seconds that the body takes to arrive, in small pieces; 0 for at once.
        drop: Where the connection is reset: before the first byte, or in the middle of the body;
            None for an answer that arrives.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0
    drip: float = 0.0
    drop: Drop | None = None

    def header(self, name: str) -> str | None:
        """The first header field of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> JSON:
        """The body, read as JSON.

        Raises:
            ValueError: It is not JSON.
        """
        value: JSON = json.loads(self.body)
        return value


def json_reply(value: JSON, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An answer with a JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, (("Content-Type", JSON_TYPE), *headers), body)


def html_reply(title: str, status: int, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An answer with an HTML page, such as a proxy in front of the gateway gives."""
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, (("Content-Type", HTML_TYPE), *headers), HTML_START + page.encode())
