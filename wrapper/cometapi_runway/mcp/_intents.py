"""Planned requests, kept in one file each so that a restarted server can submit them.

They are not in the journal, because nothing of them is paid for, and because they hold what it
must not: data URIs whole. A file is readable by its owner only, and is removed when its task
is on record, or after a week.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from pathlib import Path
from typing import Final

from attrs import field, frozen

from cometapi_runway._core.json_values import Object, as_object, as_text, parse_json
from cometapi_runway.errors import ConfigurationError

_ID: Final = re.compile(r"[0-9a-f]{16}")
_SUFFIX: Final = ".json"
_LIFETIME: Final = 7 * 86_400.0


def _draw_id() -> str:
    return secrets.token_hex(8)


@frozen
class Intent:
    """A planned request.

    Attributes:
        resource: The name of the resource that creates the task.
        gateway: The gateway that it is planned for.
        body: The whole body that is sent.
        id: Its id, which makes the idempotency key.
    """

    resource: str
    gateway: str
    body: Object = field(repr=False)
    id: str = field(factory=_draw_id)


def make_idempotency_key(intent_id: str) -> str:
    """The idempotency key under which an intent is submitted."""
    return f"mcp-{intent_id}"


@frozen
class IntentStore:
    """A folder of intents, which several servers may share.

    Attributes:
        folder: The folder; created with the first intent.
    """

    folder: Path

    def save(self, intent: Intent) -> None:
        """Write an intent.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        content = {"resource": intent.resource, "gateway": intent.gateway, "body": intent.body}
        path = self._path(intent.id)
        unfinished = path.with_suffix(".part")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.touch(mode=0o600)
            unfinished.write_bytes(json.dumps(content).encode())
            unfinished.replace(path)
        except OSError as error:
            raise ConfigurationError(
                f"cannot keep the plan in {self.folder}: {error.strerror}", setting="journal"
            ) from error

    def load(self, intent_id: str) -> Intent | None:
        """Read an intent; None if there is none of that id, or its file is damaged."""
        if not _ID.fullmatch(intent_id):
            return None
        try:
            content = as_object(parse_json(self._path(intent_id).read_bytes())) or {}
        except (OSError, ValueError):
            return None
        resource, gateway = as_text(content.get("resource")), as_text(content.get("gateway"))
        body = as_object(content.get("body"))
        if resource is None or gateway is None or body is None:
            return None
        return Intent(resource, gateway, body, intent_id)

    def remove(self, intent_id: str) -> None:
        """Remove an intent. A file that cannot be removed now is removed as an old one."""
        with contextlib.suppress(OSError):
            self._path(intent_id).unlink()

    def remove_old(self) -> None:
        """Remove intents older than a week, also those of other servers."""
        oldest = time.time() - _LIFETIME
        for path in self.folder.glob(f"*{_SUFFIX}"):
            # Another server may remove it at the same time.
            with contextlib.suppress(OSError):
                if _ID.fullmatch(path.stem) and path.stat().st_mtime < oldest:
                    path.unlink()

    def _path(self, intent_id: str) -> Path:
        return self.folder / f"{intent_id}{_SUFFIX}"
