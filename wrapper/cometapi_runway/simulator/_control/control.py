"""The control API under ``/_simulator/``: reads and changes the state at run time.

==========================  ===================================================================
``GET /``                   the status page
``GET /state``              everything that the status page shows (``?limit=``)
``GET /tasks``              tasks, newest first (``?limit=``, by default 100)
``GET /tasks/{id}``         one task
``POST /tasks/{id}/cancel`` cancels it
``GET /requests``           requests, newest first (``?limit=``)
``GET /charges``            charges and refunds, newest first (``?limit=``)
``GET /callbacks``          callbacks that are due
``GET /leaks``              downloads that carried credentials
``GET /faults``             the faults; ``POST`` adds one or a list; ``DELETE`` removes all
``GET /outcomes``           the outcomes; ``POST`` adds one; ``DELETE`` removes all
``GET /clock``              the time; ``POST {"advance": seconds}`` moves it
``POST /reset``             deletes all tasks, requests and charges
==========================  ===================================================================

It needs no key: the simulator holds no secrets and listens on loopback only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qs

from attrs import frozen

from cometapi_runway._core.json_values import as_object, parse_json
from cometapi_runway.simulator._control import state_json
from cometapi_runway.simulator._gateway.request import SimulatedRequest
from cometapi_runway.simulator._responses.reply import HTML_TYPE, Reply, json_reply
from cometapi_runway.simulator._rules.json_rules import fault_from_json, outcome_from_json

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON, Object
    from cometapi_runway.simulator._gateway.gateway import Gateway

PREFIX: Final = "/_simulator"

_DEFAULT_LIMIT: Final = 100
_PAGE: Final = "status_page.html"
# The page is self-contained, so the browser may load nothing else into it.
_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:"
)


@frozen
class Control:
    """Handles the control API of one gateway.

    Attributes:
        gateway: The gateway.
    """

    gateway: Gateway

    def matches(self, url: str) -> bool:
        """Whether a URL without scheme and host belongs to the control API."""
        path = url.partition("?")[0]
        return path == PREFIX or path.startswith(PREFIX + "/")

    def handle(
        self, method: str, url: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Reply:
        """Handles a request; an error is explained as ``{"error": message}``."""
        request = SimulatedRequest.parse(method, url, headers, body)
        segments = tuple(request.path.removeprefix(PREFIX).strip("/").split("/"))
        actions = _ACTIONS.get((segments[0], len(segments)))
        if actions is None or segments[2:] not in ((), ("cancel",)):
            return json_reply({"error": f"unknown path {request.path}"}, 404)
        action = actions.get(method)
        if action is None:
            allow = (("Allow", ", ".join(actions)),)
            return json_reply({"error": f"{method} is not allowed for {request.path}"}, 405, allow)
        try:
            return action(self.gateway, _ControlRequest(request, segments))
        except KeyError as error:
            return json_reply({"error": f"there is no task {error.args[0]}"}, 404)
        except ValueError as error:
            return json_reply({"error": str(error)}, 400)


@frozen
class _ControlRequest:
    request: SimulatedRequest
    segments: tuple[str, ...]

    @property
    def limit(self) -> int:
        text = parse_qs(self.request.query).get("limit", [str(_DEFAULT_LIMIT)])[0]
        if not text.isdecimal():
            raise ValueError(f"limit must be a whole number, got {text!r}")
        # islice accepts no larger number.
        return min(int(text), sys.maxsize)

    @property
    def body(self) -> JSON:
        return parse_json(self.request.body)

    @property
    def object(self) -> Object:
        value = as_object(self.body)
        if value is None:
            raise ValueError("the body must be a JSON object")
        return value


_Action: TypeAlias = Callable[["Gateway", _ControlRequest], Reply]


def _get_page(_gateway: Gateway, _request: _ControlRequest) -> Reply:
    content = files(__package__ or "").joinpath(_PAGE).read_bytes()
    headers = (
        ("Content-Type", HTML_TYPE),
        ("Content-Security-Policy", _PAGE_POLICY),
        ("Cache-Control", "no-store"),
    )
    return Reply(200, headers, content)


def _get_state(gateway: Gateway, request: _ControlRequest) -> Reply:
    return json_reply(state_json.write_state(gateway, request.limit))


def _get_tasks(gateway: Gateway, request: _ControlRequest) -> Reply:
    return json_reply({"tasks": state_json.write_tasks(gateway, request.limit)})


def _get_task(gateway: Gateway, request: _ControlRequest) -> Reply:
    return json_reply(state_json.write_task(gateway, gateway.tasks[request.segments[1]]))


def _cancel_task(gateway: Gateway, request: _ControlRequest) -> Reply:
    gateway.cancel(request.segments[1])
    return _get_task(gateway, request)


def _get_requests(gateway: Gateway, request: _ControlRequest) -> Reply:
    return json_reply({"requests": state_json.write_requests(gateway, request.limit)})


def _get_charges(gateway: Gateway, request: _ControlRequest) -> Reply:
    total = str(gateway.ledger.total)
    return json_reply({"total": total, "charges": state_json.write_charges(gateway, request.limit)})


def _get_callbacks(gateway: Gateway, _: _ControlRequest) -> Reply:
    return json_reply({"callbacks": state_json.write_callbacks(gateway)})


def _get_leaks(gateway: Gateway, _: _ControlRequest) -> Reply:
    return json_reply({"leaks": state_json.write_leaks(gateway)})


def _get_faults(gateway: Gateway, _: _ControlRequest) -> Reply:
    return json_reply({"faults": state_json.write_faults(gateway)})


def _add_faults(gateway: Gateway, request: _ControlRequest) -> Reply:
    body = request.body
    rules = body if isinstance(body, list) else [body]
    objects = [found for rule in rules if (found := as_object(rule)) is not None]
    if len(objects) < len(rules):
        raise ValueError("a fault is a JSON object")
    gateway.faults.add(*map(fault_from_json, objects))
    return _get_faults(gateway, request)


def _remove_faults(gateway: Gateway, request: _ControlRequest) -> Reply:
    gateway.faults.replace(())
    return _get_faults(gateway, request)


def _get_outcomes(gateway: Gateway, _: _ControlRequest) -> Reply:
    return json_reply({"outcomes": state_json.write_outcomes(gateway)})


def _add_outcome(gateway: Gateway, request: _ControlRequest) -> Reply:
    gateway.outcomes.add(outcome_from_json(request.object))
    return _get_outcomes(gateway, request)


def _remove_outcomes(gateway: Gateway, request: _ControlRequest) -> Reply:
    gateway.outcomes.replace(())
    return _get_outcomes(gateway, request)


def _get_clock(gateway: Gateway, _: _ControlRequest) -> Reply:
    return json_reply(state_json.write_clock(gateway))


def _advance_clock(gateway: Gateway, request: _ControlRequest) -> Reply:
    seconds = request.object.get("advance")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError(f"advance must be a number of seconds, got {seconds!r}")  # noqa: TRY004
    gateway.clock.advance(seconds)
    return _get_clock(gateway, request)


def _reset(gateway: Gateway, _: _ControlRequest) -> Reply:
    gateway.reset()
    return Reply(204)


_ACTIONS: Final[dict[tuple[str, int], dict[str, _Action]]] = {
    ("", 1): {"GET": _get_page},
    ("state", 1): {"GET": _get_state},
    ("tasks", 1): {"GET": _get_tasks},
    ("tasks", 2): {"GET": _get_task},
    ("tasks", 3): {"POST": _cancel_task},
    ("requests", 1): {"GET": _get_requests},
    ("charges", 1): {"GET": _get_charges},
    ("callbacks", 1): {"GET": _get_callbacks},
    ("leaks", 1): {"GET": _get_leaks},
    ("faults", 1): {"GET": _get_faults, "POST": _add_faults, "DELETE": _remove_faults},
    ("outcomes", 1): {"GET": _get_outcomes, "POST": _add_outcome, "DELETE": _remove_outcomes},
    ("clock", 1): {"GET": _get_clock, "POST": _advance_clock},
    ("reset", 1): {"POST": _reset},
}
