"""A request to the gateway as a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._core.redaction import redact_headers


def find_model(body: JSON) -> str | None:
    """The model that a request's body asks for, or None."""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else None


@frozen(weakref_slot=False)
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
        factory=dict[str, str], repr=lambda h: repr(redact_headers(h.items()))
    )
    body: Object | None = field(default=None, repr=False)

    @property
    def model(self) -> str | None:
        """The model that it asks for, or None."""
        return find_model(self.body)

    @property
    def fingerprint(self) -> str:
        """Digest of operation and body, the same for equal requests in every process."""
        text = json.dumps([self.operation, self.body], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
