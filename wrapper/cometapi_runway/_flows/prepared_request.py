"""A request to the gateway as a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from attrs import field, frozen

from cometapi_runway._core.json_values import Object
from cometapi_runway._core.redaction import redact_headers


def _no_headers() -> dict[str, str]:
    return {}


@frozen
class PreparedRequest:
    """One HTTP request to the gateway, complete except for the API key.

    Attributes:
        operation: The operation's id in the contract.
        method: HTTP method.
        url: Path from the gateway's root.
        headers: Header fields in addition to the client's own.
        body: JSON body, or None.
    """

    operation: str
    method: str
    url: str
    headers: Mapping[str, str] = field(
        factory=_no_headers, repr=lambda h: repr(redact_headers(h.items()))
    )
    body: Object | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        """Digest of operation and body, the same for equal requests in every process."""
        text = json.dumps([self.operation, self.body], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
