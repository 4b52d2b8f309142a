"""The state of a gateway as JSON, for the control API and the status page."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import attrs

from cometapi_runway.simulator._responses.shapes import format_timestamp
from cometapi_runway.simulator._rules.json_rules import fault_to_json, outcome_to_json

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.simulator._gateway.gateway import Gateway
    from cometapi_runway.simulator._gateway.request_log import RequestRecord
    from cometapi_runway.simulator._gateway.tasks import SimulatedTask


def write_state(gateway: Gateway, limit: int) -> JSON:
    """Writes everything that the status page shows; lists have at most ``limit`` items."""
    return {
        "clock": write_clock(gateway),
        "totals": _write_totals(gateway),
        "tasks": write_tasks(gateway, limit),
        "requests": write_requests(gateway, limit),
        "charges": write_charges(gateway, limit),
        "faults": [fault_to_json(fault) for fault in gateway.faults.active_rules],
        "outcomes": [outcome_to_json(outcome) for outcome in gateway.outcomes.active_rules],
    }


def _write_totals(gateway: Gateway) -> JSON:
    ledger = gateway.ledger
    left = None if ledger.balance is None else str(ledger.balance - ledger.total)
    return {
        "tasks": len(gateway.tasks),
        "open": gateway.open_tasks,
        "requests": gateway.received,
        "charged": str(ledger.total),
        "left": left,
        "leaks": len(gateway.leaked_keys),
    }


def write_clock(gateway: Gateway) -> JSON:
    """Writes the time and the rate of the clock."""
    now = gateway.clock.now()
    return {"now": now, "text": format_timestamp(now), "rate": gateway.clock.rate}


def write_tasks(gateway: Gateway, limit: int) -> list[JSON]:
    """Writes the newest tasks, newest first."""
    return [write_task(gateway, task) for task in gateway.latest(limit)]


def write_task(gateway: Gateway, task: SimulatedTask) -> JSON:
    """Writes a task with its current state."""
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


def write_requests(gateway: Gateway, limit: int) -> list[JSON]:
    """Writes the latest requests, newest first."""
    return [_write_request(record) for record in islice(reversed(gateway.requests), limit)]


def _write_request(record: RequestRecord) -> JSON:
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


def write_charges(gateway: Gateway, limit: int) -> list[JSON]:
    """Writes the latest charges and refunds, newest first."""
    return [
        attrs.asdict(line) | {"amount": str(line.amount)}
        for line in islice(reversed(gateway.charges), limit)
    ]


def write_callbacks(gateway: Gateway) -> list[JSON]:
    """Writes the callbacks that are due, with their bodies."""
    return [
        {
            "task_id": callback.task_id,
            "url": callback.url,
            "at": callback.at,
            "body": gateway.callback_body(callback.task_id),
        }
        for callback in gateway.callbacks
    ]


def write_leaks(gateway: Gateway) -> list[JSON]:
    """Writes the downloads that carried credentials."""
    return [
        {"at": leak.at, "path": leak.path, "header": leak.header} for leak in gateway.leaked_keys
    ]


def write_faults(gateway: Gateway) -> list[JSON]:
    """Writes the faults, with those that cannot apply any more."""
    return [fault_to_json(fault) for fault in gateway.faults.rules]


def write_outcomes(gateway: Gateway) -> list[JSON]:
    """Writes the outcomes, with those that cannot apply any more."""
    return [outcome_to_json(outcome) for outcome in gateway.outcomes.rules]
