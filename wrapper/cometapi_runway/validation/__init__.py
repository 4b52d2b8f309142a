"""A request judged against the contract: one piece of code, three users.

The client asks it before a paid request leaves, the simulator before it answers, and the tests
after they caught one. It reads nothing but the OpenAPI document and judges nothing but bytes and
JSON, so it stays independent of the client it judges; it neither needs nor imports httpx.

    >>> from cometapi_runway.validation import contract
    >>> contract().check_body("control_a_character", {"model": "act_two"})
    (Issue(path='/character', rule='required', ...), ...)

Three lines hold it together: ``_document`` reads a contract into operations, ``_schemas`` and
``_requests`` judge bodies and whole requests, ``_wording`` says what was found.
"""

from cometapi_runway.validation._contract import Contract, contract
from cometapi_runway.validation._document import (
    HEADER_NAME,
    ContractError,
    Operation,
    Parameter,
    Response,
)
from cometapi_runway.validation._json import irregular as check_json

__all__ = [
    "HEADER_NAME",
    "Contract",
    "ContractError",
    "Operation",
    "Parameter",
    "Response",
    "check_json",
    "contract",
]
