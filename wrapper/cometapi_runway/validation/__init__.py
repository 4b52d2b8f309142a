"""Checks requests and responses against the contract.

The client calls it before it sends a paid request, the simulator before it handles one, and the
tests after they record one. It reads nothing but an OpenAPI document and checks nothing but bytes
and JSON. It must not import the client that it checks, nor httpx.

    >>> from cometapi_runway.validation import contract
    >>> contract().check_body("control_a_character", {"model": "act_two"})
    (Issue(path='/character', rule='required', ...), ...)

Inside, `_contract` is the entry. `_document` reads a contract into operations, `_routes` matches
request lines, `_requests` and `_parameters` check what goes over the wire, `_strict_json` and
`_schemas` check bodies, `_responses` names what the contract lacks of a response, `_messages`
writes the findings, `_references` follows ``$ref``.
"""

from cometapi_runway.validation._contract import Contract, contract
from cometapi_runway.validation._document import HEADER_NAME, Operation, Parameter, Response
from cometapi_runway.validation._json_types import ContractError
from cometapi_runway.validation._references import follow_pointer, make_pointer, resolve_reference
from cometapi_runway.validation._responses import STATUS_FIELDS, ShapeDifference
from cometapi_runway.validation._strict_json import check_json

__all__ = [
    "HEADER_NAME",
    "STATUS_FIELDS",
    "Contract",
    "ContractError",
    "Operation",
    "Parameter",
    "Response",
    "ShapeDifference",
    "check_json",
    "contract",
    "follow_pointer",
    "make_pointer",
    "resolve_reference",
]
