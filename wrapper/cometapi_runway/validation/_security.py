"""Reads the security schemes of a contract, and checks the credentials of a request.

No message shows a credential, not even one that the operation does not ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation._json_types import ContractError, require_object, require_text
from cometapi_runway.validation._references import resolve_reference

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import Object
    from cometapi_runway.validation._document import Operation

Credentials: TypeAlias = Mapping[str, Mapping[str, list[str]]]
"""Location (``header``, ``query``, ``cookie``) to name to values; header names in lower case."""

_BEARER = re.compile(r"bearer +[\x21-\x7e]+", re.IGNORECASE)
_KEY = re.compile(r".*\S.*")
_LOCATIONS = {"header": "header", "query": "query parameter", "cookie": "cookie"}
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key")


@frozen
class SecurityScheme:
    """Where a request carries a key.

    Attributes:
        location: ``header``, ``query`` or ``cookie``.
        name: As the document spells it.
        is_bearer: Whether the value is ``Bearer`` and the key instead of the key alone.
    """

    location: str
    name: str
    is_bearer: bool = False

    @property
    def key(self) -> str:
        """Its name among the values of its location; header names in lower case."""
        return self.name.lower() if self.location == "header" else self.name

    def check(self, credentials: Credentials) -> Issue | None:
        """Return what is wrong with the key of a request; None if nothing is."""
        values = credentials[self.location].get(self.key, [])
        form = _BEARER if self.is_bearer else _KEY
        if values and form.fullmatch(values[0]):
            # Two different keys: which of them counts is the server's guess. A repeated
            # Authorization header is reported like every other header that stands once.
            if len(values) == 1 or self.is_bearer:
                return None
            reason = "is given more than once"
        elif any(values):
            reason = "is not 'Bearer' and a key" if self.is_bearer else "is blank"
        else:
            reason = "is required and missing"
        message = f"{_LOCATIONS[self.location]} {self.name} {reason} (security)"
        return Issue(self.name, "security", None, message)


def read_schemes(document: Object, operations: Iterable[Operation]) -> Mapping[str, SecurityScheme]:
    """Read the security schemes of a document, by name.

    Raises:
        ContractError: An operation needs a scheme that is missing, or a scheme is not supported.
    """
    components = require_object(document.get("components", {}))
    schemes = require_object(components.get("securitySchemes", {}))
    found = {
        name: _read_scheme(name, resolve_reference(document, scheme))
        for name, scheme in schemes.items()
    }
    for operation in operations:
        if missing := frozenset[str]().union(*operation.security) - found.keys():
            raise ContractError(f"{operation.id}: no security scheme {', '.join(sorted(missing))}")
    return found


def check_security(
    operation: Operation, schemes: Mapping[str, SecurityScheme], credentials: Credentials
) -> Iterator[Issue]:
    """Yield what the best alternative of an operation's security lacks.

    The best one lacks the fewest keys; among equals it is the first.
    """
    alternatives = [
        # Two bearer schemes are one header: what it lacks is reported once.
        [issue for scheme in dict.fromkeys(schemes[name] for name in sorted(choice))
         if (issue := scheme.check(credentials)) is not None]
        for choice in operation.security
    ]  # fmt: skip
    yield from min(alternatives, key=len, default=())


def collect_secrets(schemes: Mapping[str, SecurityScheme]) -> frozenset[tuple[str, str]]:
    """Return location and name of every value that may be a credential.

    All cookies are; they are not listed here.
    """
    usual = {("header", name) for name in _SECRET_HEADERS}
    return frozenset(usual | {(scheme.location, scheme.key) for scheme in schemes.values()})


def _read_scheme(name: str, raw: Object) -> SecurityScheme:
    kind, location = raw.get("type"), str(raw.get("in", ""))
    if (kind, str(raw.get("scheme", "")).lower()) == ("http", "bearer"):
        return SecurityScheme("header", "Authorization", is_bearer=True)
    if kind != "apiKey":
        # OAuth 2 and OpenID Connect need a dialogue before the request, TLS keys a connection.
        raise ContractError(
            f"security scheme {name} is not supported: only http bearer and apiKey are"
        )
    if location not in _LOCATIONS or not raw.get("name"):
        places = ", ".join(_LOCATIONS)
        raise ContractError(f"security scheme {name} must have a name and be in: {places}")
    return SecurityScheme(location, require_text(raw["name"]))
