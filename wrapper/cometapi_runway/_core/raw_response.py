"""One HTTP response as a value, independent of the HTTP library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    import httpx


@frozen
class RawResponse:
    """One HTTP response, completely read.

    Attributes:
        method: The request's method.
        url: The request's URL, without query.
        status: HTTP status.
        headers: Header fields, to be looked up in lower case.
        body: The decoded body.
        received_at: Wall-clock time in Unix seconds; a ``Retry-After`` date is read against it
            if the response has no ``Date``.
        to_httpx: Builds the HTTP library's own response object from this one, or None.
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: float = 0.0
    to_httpx: Callable[[RawResponse], httpx.Response] | None = field(
        default=None, repr=False, eq=False
    )
