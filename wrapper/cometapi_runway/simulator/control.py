"""The control API under ``/_simulator/``: look at the state and change it while it runs.

==========================  ===================================================================
``GET /``                   a status page for people
``GET /state``              everything at a glance
``GET /tasks``              tasks, newest first (``?limit=``, 100 unless given)
``GET /tasks/{id}``         one task
``POST /tasks/{id}/cancel`` cancel it
``GET /requests``           requests, newest first (``?limit=``)
``GET /charges``            the ledger
``GET /callbacks``          callbacks that have come due
``GET /leaks``              downloads that carried credentials
``GET /faults``             the rules in force; ``POST`` adds one or a list; ``DELETE`` drops all
``POST /outcomes``          a rule for how tasks end; ``DELETE`` drops all
``GET /clock``              the time; ``POST {"advance": seconds}`` moves it
``POST /reset``             start anew
==========================  ===================================================================

It has no key: the simulator holds nothing worth one, and listens on loopback only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qs

import attrs
from attrs import frozen

from cometapi_runway._core.json_values import as_object, parse_json
from cometapi_runway.simulator import shapes
from cometapi_runway.simulator.faults import fault_from_json, fault_to_json
from cometapi_runway.simulator.lifecycle import CANCELLED, SUCCESS, Ending, failed
from cometapi_runway.simulator.reply import Reply, json_reply
from cometapi_runway.simulator.requests import Request
from cometapi_runway.simulator.rules import When, from_json
from cometapi_runway.simulator.settings import Outcome

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON, Object
    from cometapi_runway.simulator.gateway import Gateway
    from cometapi_runway.simulator.requests import RequestRecord
    from cometapi_runway.simulator.tasks import SimulatedTask

PREFIX: Final = "/_simulator"

_SHOWN: Final = 100
_PAGE: Final = "status_page.html"
# The page brings all it needs along, so nothing else may be loaded into it.
_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:"
)


class ControlError(ValueError):
    """A request to the control API that cannot be carried out."""


@frozen
class Control:
    """Answers the control API of one gateway.

    Attributes:
        gateway: The gateway.
    """

    gateway: Gateway

    def is_meant(self, url: str) -> bool:
        """Whether an address, from its path on, belongs to the control API."""
        path = url.partition("?")[0]
        return path == PREFIX or path.startswith(PREFIX + "/")

    def handle(
        self, method: str, url: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Reply:
        """Answers a request; what cannot be done is said in ``{"error": text}``."""
        request = Request.read(method, url, headers, body)
        segments = tuple(request.path.removeprefix(PREFIX).strip("/").split("/"))
        actions = _ACTIONS.get((segments[0], len(segments)))
        if actions is None or segments[2:] not in ((), ("cancel",)):
            return json_reply({"error": f"there is no {request.path}"}, 404)
        action = actions.get(method)
        if action is None:
            allow = (("Allow", ", ".join(actions)),)
            return json_reply({"error": f"{method} is not possible here"}, 405, allow)
        try:
            return action(self.gateway, _Call(request, segments))
        except KeyError as error:
            return json_reply({"error": f"there is no task {error.args[0]}"}, 404)
        except ValueError as error:
            return json_reply({"error": str(error)}, 400)


@frozen
class _Call:
    request: Request
    segments: tuple[str, ...]

    @property
    def limit(self) -> int:
        given = parse_qs(self.request.query).get("limit", [str(_SHOWN)])[0]
        if not given.isdecimal():
            raise ControlError(f"limit must be a whole number, got {given!r}")
        return min(int(given), sys.maxsize)

    @property
    def body(self) -> JSON:
        return parse_json(self.request.body)

    @property
    def object(self) -> Object:
        value = as_object(self.body)
        if value is None:
            raise ControlError("the body must be a JSON object")
        return value


_Action: TypeAlias = Callable[["Gateway", _Call], Reply]


def _page(_gateway: Gateway, _call: _Call) -> Reply:
    content = files(__package__ or "").joinpath(_PAGE).read_bytes()
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", _PAGE_POLICY),
        ("Cache-Control", "no-store"),
    )
    return Reply(200, headers, content)


def _state(gateway: Gateway, call: _Call) -> Reply:
    ledger = gateway.ledger
    left = None if ledger.balance is None else str(ledger.balance - ledger.total)
    state: dict[str, JSON] = {
        "clock": _clock_json(gateway),
        "totals": {
            "tasks": len(gateway.tasks),
            "open": gateway.open_tasks,
            "requests": gateway.received,
            "charged": str(ledger.total),
            "left": left,
            "leaks": len(gateway.leaked_keys),
        },
        "tasks": _tasks_json(gateway, call.limit),
        "requests": _requests_json(gateway, call.limit),
        "charges": _charges_json(gateway, call.limit),
        "faults": [fault_to_json(fault) for fault in gateway.faults.rules],
        "outcomes": [_outcome_json(outcome) for outcome in gateway.outcomes.rules],
    }
    return json_reply(state)


def _tasks(gateway: Gateway, call: _Call) -> Reply:
    return json_reply({"tasks": _tasks_json(gateway, call.limit)})


def _task(gateway: Gateway, call: _Call) -> Reply:
    return json_reply(_task_json(gateway, gateway.tasks[call.segments[1]]))


def _cancel(gateway: Gateway, call: _Call) -> Reply:
    gateway.cancel(call.segments[1])
    return _task(gateway, call)


def _requests(gateway: Gateway, call: _Call) -> Reply:
    return json_reply({"requests": _requests_json(gateway, call.limit)})


def _charges(gateway: Gateway, call: _Call) -> Reply:
    total = str(gateway.ledger.total)
    return json_reply({"total": total, "charges": _charges_json(gateway, call.limit)})


def _callbacks(gateway: Gateway, _: _Call) -> Reply:
    due: list[JSON] = [
        {
            "task_id": callback.task_id,
            "url": callback.url,
            "at": callback.at,
            "body": gateway.callback_body(callback.task_id),
        }
        for callback in gateway.callbacks
    ]
    return json_reply({"callbacks": due})


def _leaks(gateway: Gateway, _: _Call) -> Reply:
    leaks: list[JSON] = [
        {"at": leak.at, "path": leak.path, "header": leak.header} for leak in gateway.leaked_keys
    ]
    return json_reply({"leaks": leaks})


def _faults(gateway: Gateway, _: _Call) -> Reply:
    return json_reply({"faults": [fault_to_json(fault) for fault in gateway.faults.rules]})


def _add_faults(gateway: Gateway, call: _Call) -> Reply:
    body = call.body
    rules = body if isinstance(body, list) else [body]
    objects = [found for rule in rules if (found := as_object(rule)) is not None]
    if len(objects) < len(rules):
        raise ControlError("a fault is a JSON object")
    gateway.faults.add(*map(fault_from_json, objects))
    return _faults(gateway, call)


def _drop_faults(gateway: Gateway, call: _Call) -> Reply:
    gateway.faults.replace(())
    return _faults(gateway, call)


def _outcomes(gateway: Gateway, _: _Call) -> Reply:
    return json_reply({"outcomes": [_outcome_json(rule) for rule in gateway.outcomes.rules]})


def _add_outcome(gateway: Gateway, call: _Call) -> Reply:
    fields = dict(call.object)
    ending = _ending(fields.pop("status", "FAILED"), fields.pop("code", "INTERNAL"))
    place = from_json(When, fields, beside=("status", "code"))
    gateway.outcomes.add(Outcome(ending, place))
    return _outcomes(gateway, call)


def _ending(status: JSON, code: JSON) -> Ending:
    if code is not None and not isinstance(code, str):
        raise ControlError(f"code must be text or null, got {code!r}")
    endings = {"SUCCEEDED": SUCCESS, "CANCELLED": CANCELLED, "FAILED": failed(code)}
    if not isinstance(status, str) or status not in endings:
        raise ControlError(f"status must be one of {', '.join(endings)}, got {status!r}")
    return endings[status]


def _drop_outcomes(gateway: Gateway, call: _Call) -> Reply:
    gateway.outcomes.replace(())
    return _outcomes(gateway, call)


def _clock(gateway: Gateway, _: _Call) -> Reply:
    return json_reply(_clock_json(gateway))


def _advance(gateway: Gateway, call: _Call) -> Reply:
    seconds = call.object.get("advance")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ControlError(f"advance must be a number of seconds, got {seconds!r}")
    gateway.clock.advance(seconds)
    return _clock(gateway, call)


def _reset(gateway: Gateway, _: _Call) -> Reply:
    gateway.reset()
    return Reply(204)


def _clock_json(gateway: Gateway) -> JSON:
    now = gateway.clock.now()
    return {"now": now, "text": shapes.timestamp(now), "rate": gateway.clock.rate}


def _tasks_json(gateway: Gateway, limit: int) -> list[JSON]:
    return [_task_json(gateway, task) for task in gateway.latest(limit)]


def _task_json(gateway: Gateway, task: SimulatedTask) -> JSON:
    view = gateway.view(task.id)
    return {
        "id": task.id,
        "operation": task.operation.id,
        "resource": task.resource,
        "created": task.created,
        "visible": view.is_visible,
        "status": view.status,
        "progress": view.progress,
        "failure_code": view.ending.failure_code if view.ending else None,
        "output": gateway.output_url(task.id),
        "polls": task.polls,
        "price": str(task.price),
        "body": task.body,
    }


def _requests_json(gateway: Gateway, limit: int) -> list[JSON]:
    return [_request_json(record) for record in islice(reversed(gateway.requests), limit)]


def _request_json(record: RequestRecord) -> JSON:
    return {
        "number": record.number,
        "at": record.at,
        "origin": record.origin,
        "method": record.method,
        "path": record.path,
        "headers": [[name, value] for name, value in record.headers],
        "body": record.json,
        "operation": record.operation,
        "task_id": record.task_id,
        "status": record.status,
        "fault": record.fault,
    }


def _charges_json(gateway: Gateway, limit: int) -> list[JSON]:
    return [
        attrs.asdict(line) | {"amount": str(line.amount)}
        for line in islice(reversed(gateway.charges), limit)
    ]


def _outcome_json(outcome: Outcome) -> JSON:
    when = {key: value for key, value in attrs.asdict(outcome.when).items() if value is not None}
    return {"status": outcome.ending.status, "code": outcome.ending.failure_code} | when


_ACTIONS: Final[dict[tuple[str, int], dict[str, _Action]]] = {
    ("", 1): {"GET": _page},
    ("state", 1): {"GET": _state},
    ("tasks", 1): {"GET": _tasks},
    ("tasks", 2): {"GET": _task},
    ("tasks", 3): {"POST": _cancel},
    ("requests", 1): {"GET": _requests},
    ("charges", 1): {"GET": _charges},
    ("callbacks", 1): {"GET": _callbacks},
    ("leaks", 1): {"GET": _leaks},
    ("faults", 1): {"GET": _faults, "POST": _add_faults, "DELETE": _drop_faults},
    ("outcomes", 1): {"GET": _outcomes, "POST": _add_outcome, "DELETE": _drop_outcomes},
    ("clock", 1): {"GET": _clock, "POST": _advance},
    ("reset", 1): {"POST": _reset},
}
