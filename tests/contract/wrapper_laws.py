"""What must hold between a contract and the wrapper's two clients, for every operation.

Like `laws`, this knows no operation by name; which resource serves which is read off the clients.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from cometapi_runway._core.json_values import JSON
from cometapi_runway.errors import APIStatusError, InvalidRequestError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Operation
from cometapi_runway.validation import resolve_reference as resolve

from . import laws
from .breaches import Breach, as_test, named
from .bridge import squeeze
from .compare import differences
from .laws import Bench, Call
from .shrink import shrink
from .st import Drawn
from .wire import Sent, complaints, read_back
from .wrapped import Outcome, Wrapped, keywords, resources

_BEFORE = 'wrapper_laws.prepare(bench, bench.contract.operation("{}"))'
# What the pages' samples of an answer that went well have for a code.
_WENT_WELL = (200, "200", "success")


def serves(wrapped: Wrapped, way: str, operation: Operation) -> list[tuple[str, Signature]]:
    """The resources of one client that an operation is reached through."""
    every = resources(wrapped.clients[way])
    return [(name, one) for name, one in every if one.operation == operation.id]


def prepare(bench: Bench, operation: Operation) -> None:
    """Have the wire answer with a task: the first value drawn for success that tells of one."""
    response = laws.success(operation)
    drawn = bench.source.right(response.schema)
    body = next((one.value for one in drawn if _tells_of_a_task(one.value, created=True)), None)
    assert body is not None, f"{operation.id}: no answer was drawn that tells of a task"
    bench.answer_with(int(response.status), body)


def sayable(bench: Bench, signature: Signature) -> list[Call]:
    """The drawn calls that a resource is meant for: its own request, in its own words.

    Two resources may share an operation; each is asked for the bodies of its own model.
    """
    operation = bench.contract.operation(signature.operation)
    is_own = laws.is_right(bench.contract, own_schema(signature))
    return [call for call in laws.calls(bench.source, operation)
            if is_own(call.arguments["body"]) and said(bench, signature, call)]  # fmt: skip


def own_schema(signature: Signature) -> dict[str, JSON]:
    """The schema of the model that a resource makes."""
    model = signature.build.__annotations__["return"].rpartition(".")[2]
    return {"$ref": f"#/components/schemas/{model}"}


def forbidden(bench: Bench, signature: Signature) -> list[Drawn]:
    """Bodies that are wrong for a resource, and for its operation however they are taken."""
    drawn = (one for one in bench.source.wrong(own_schema(signature))
             if isinstance(one.value, dict))  # fmt: skip
    return [one for one in drawn if bench.contract.check_body(signature.operation, one.value)]


def said(bench: Bench, signature: Signature, call: Call) -> dict[str, Any] | None:
    """A drawn call as a caller would write it; None where the resource has no words for it."""
    given = keywords(bench.contract, signature, call.arguments["body"])
    if given is not None:
        given["runway_version"] = call.arguments.get("header", {}).get("X-Runway-Version")
    return given


def check_create(bench: Bench, wrapped: Wrapped, way: str, name: str, call: Call) -> list[str]:
    """What is asked of a resource is what it sends, once, and valid."""
    signature = dict(resources(wrapped.clients[way]))[name]
    operation = bench.contract.operation(signature.operation)
    given = said(bench, signature, call)
    if given is None:
        return []
    outcome = wrapped.create(way, name, given)
    if outcome.error is not None:
        return [f"refused: {type(outcome.error).__name__}: {outcome.error}"]
    if len(outcome.sent) != 1:
        return [f"{len(outcome.sent)} requests were sent instead of one"]
    sent = outcome.sent[0]
    found = complaints(bench.contract, operation, sent)
    found += _changed(bench, operation, signature, call, sent)
    if not found:
        bench.ledger.called(operation, sent, "wrapper")
    return found


def _changed(
    bench: Bench, operation: Operation, signature: Signature, call: Call, sent: Sent
) -> Iterator[str]:
    """How a request differs from what was asked; a resource may fill in its own arguments."""
    back = read_back(bench.contract, operation, sent)
    asked, body = call.arguments["body"], back["body"]
    arguments = {squeeze(name) for name in signature.parameters}
    yield from differences(asked, {key: value for key, value in body.items() if key in asked})
    yield from (f"/{key}: not asked, sent" for key in body
                if key not in asked and squeeze(key) not in arguments)  # fmt: skip
    headers = call.arguments.get("header", {})
    kept = {name: value for name, value in back["header"].items() if name in headers}
    yield from (f"header {one[1:]}" for one in differences(headers, kept))


def create_breach(bench: Bench, wrapped: Wrapped, way: str, name: str, call: Call) -> Breach:
    """A call that breaks a law, with its body made small."""
    operation = bench.contract.operation(dict(resources(wrapped.clients[way]))[name].operation)
    fits = laws.is_right(bench.contract, operation.body_schema)

    def check(body: JSON) -> list[str]:
        return check_create(bench, wrapped, way, name, Call({**call.arguments, "body": body}, ""))

    body = shrink(call.arguments["body"], lambda body: fits(body) and bool(check(body)))
    arguments = {**call.arguments, "body": body}
    return Breach(
        operation.id, f"{name}.create, {way}", tuple(check(body)), call.origin,
        json.dumps(arguments), _curl(bench),
        as_test(f"{name} {way}", "bench, wrapped",
                _BEFORE.format(operation.id) + '\ncall = laws.Call(arguments, "made small")',
                f'wrapper_laws.check_create(bench, wrapped, "{way}", "{name}", call)',
                arguments=arguments),
    )  # fmt: skip


def check_refusal(
    bench: Bench, wrapped: Wrapped, way: str, name: str, body: Mapping[str, JSON]
) -> list[str]:
    """A body that the contract forbids is refused by the name of the field, or made good."""
    signature = dict(resources(wrapped.clients[way]))[name]
    operation = bench.contract.operation(signature.operation)
    given = keywords(bench.contract, signature, body)
    if given is None:
        # A required argument is missing: give what there is, all the same.
        given = _what_there_is(signature, body)
    try:
        outcome = wrapped.create(way, name, given)
    except Exception as error:  # outside the tree: that is the finding
        return [f"{type(error).__name__}: {error}"]
    if outcome.sent:
        return _let_through(bench, operation, body, outcome)
    if not isinstance(outcome.error, InvalidRequestError):
        return [f"not refused but {outcome.kind}: {outcome.error}"]
    blamed = {_top(issue.path) for issue in bench.contract.check_body(operation.id, body)}
    blamed |= {squeeze(argument) for argument in signature.required - given.keys()}
    named = {_top(issue.path) for issue in outcome.error.issues}
    if not named & blamed:
        return [f"the refusal names {named}, the contract blames {blamed}: {outcome.error}"]
    return [f"{one.message!r} does not name {one.path}" for one in outcome.error.issues
            if _top(one.path) not in squeeze(one.message)]  # fmt: skip


def _let_through(
    bench: Bench, operation: Operation, body: Mapping[str, JSON], outcome: Outcome
) -> list[str]:
    """What was left out, or None, may have been filled in: then what was sent is valid."""
    judged = (complaints(bench.contract, operation, sent) for sent in outcome.sent)
    found = [complaint for one in judged for complaint in one]
    given = [one for one in bench.contract.check_body(operation.id, body)
             if one.rule != "required" and one.value is not None]  # fmt: skip
    return found + [f"was sent: {one.message}" for one in given]


def refusal_breach(bench: Bench, wrapped: Wrapped, way: str, name: str, drawn: Drawn) -> Breach:
    """A forbidden body that was not refused as it should be, made small."""
    operation = bench.contract.operation(dict(resources(wrapped.clients[way]))[name].operation)
    fits = laws.is_right(bench.contract, operation.body_schema)

    def check(body: JSON) -> list[str]:
        return check_refusal(bench, wrapped, way, name, body)

    body = shrink(drawn.value, lambda body: isinstance(body, dict) and not fits(body)
                  and bool(check(body)))  # fmt: skip
    bench.wire.last = None
    return Breach(
        operation.id, f"{name}.create, {way}", tuple(check(body)), drawn.origin, json.dumps(body),
        _curl(bench),
        as_test(f"{name} {way} refuses", "bench, wrapped", _BEFORE.format(operation.id),
                f'wrapper_laws.check_refusal(bench, wrapped, "{way}", "{name}", body)',
                body=body),
    )  # fmt: skip


def _what_there_is(signature: Signature, body: Mapping[str, JSON]) -> dict[str, JSON]:
    values = {squeeze(key): value for key, value in body.items() if value is not None}
    return {n: values[squeeze(n)] for n in signature.parameters if squeeze(n) in values}


def _top(path: str) -> str:
    """The field of the body that a path is about, whichever way it is spelt."""
    return squeeze(path.lstrip("/").split("/")[0])


@cache
def ask(
    bench: Bench, wrapped: Wrapped, operation: Operation, way: str
) -> dict[str, Callable[[], Outcome]]:
    """Each way there is to have this operation answered, with the first right call."""
    ways: dict[str, Callable[[], Outcome]] = {}
    if operation.resource in {"tasks", "feed"}:
        ways["read"] = lambda: wrapped.read(way, operation.resource, "task-1")
    for name, signature in serves(wrapped, way, operation):
        body = sayable(bench, signature)[0].arguments["body"]
        given = keywords(bench.contract, signature, body)
        ways[f"{name}.create"] = lambda name=name, given=given: wrapped.create(way, name, given)
    return ways


def check_understood(
    bench: Bench, wrapped: Wrapped, operation: Operation, way: str, how: str,
    status: int, body: JSON,
) -> list[str]:  # fmt: skip
    """A documented answer becomes a task that says the same, or the error that it documents."""
    bench.answer_with(status, body)
    try:
        outcome = ask(bench, wrapped, operation, way)[how]()
    except Exception as error:  # outside the tree: that is the finding
        return [f"{type(error).__name__}: {error}"]
    found = _misread(status, body, outcome, created=how != "read")
    if not found:
        content = json.dumps(body).encode()
        bench.ledger.answered(operation, status, "application/json", content, "wrapper")
    return found


def understood_breach(
    bench: Bench, wrapped: Wrapped, operation: Operation, way: str, how: str,
    status: int, drawn: Drawn,
) -> Breach:  # fmt: skip
    """An answer that was not understood, made small."""
    fits = laws.is_right(bench.contract, operation.response(status).schema)

    def check(body: JSON) -> list[str]:
        return check_understood(bench, wrapped, operation, way, how, status, body)

    body = shrink(drawn.value, lambda body: fits(body) and bool(check(body)))
    others = (one.value for one in bench.source.right(operation.response(status).schema))
    found = named(check(body), body, others, lambda body: fits(body) and not check(body))
    return Breach(
        operation.id, f"{how}, {way}", found, f"answer {status} by {drawn.origin}",
        f"HTTP {status} {json.dumps(body)}", _curl(bench),
        as_test(f"{operation.id} {how} {way} answered {status}", "bench, wrapped",
                f'operation = bench.contract.operation("{operation.id}")',
                f'wrapper_laws.check_understood(\n    bench, wrapped, operation, "{way}", "{how}", '
                f"{status}, answer\n)", answer=body),
    )  # fmt: skip


def _misread(status: int, body: JSON, outcome: Outcome, *, created: bool) -> list[str]:
    """What is wrong about how an answer was understood."""
    if status >= 300:
        return [] if _tells_status(outcome.error, status) else [f"{outcome.kind} for {status}"]
    if not _tells_of_a_task(body, created=created):
        return []
    if outcome.task is None:
        return [f"not understood: {outcome.kind}: {outcome.error}"]
    found = [] if outcome.task.raw == body else ["raw is not the answer"]
    if outcome.task.progress is not None and not 0 <= outcome.task.progress <= 1:
        found.append(f"progress {outcome.task.progress} is out of range")
    return found


def _tells_status(error: BaseException | None, status: int) -> bool:
    """Whether an error, or the one it was raised from, carries the status."""
    while error is not None:
        if isinstance(error, APIStatusError) and error.status_code == status:
            return True
        error = error.__cause__
    return False


def _tells_of_a_task(body: JSON, *, created: bool) -> bool:
    """Whether an answer names a task and says how it stands, or that it has just been created."""
    layers = [body]
    while isinstance(layers[-1], dict) and isinstance(layers[-1].get("data"), dict):
        layers.append(layers[-1]["data"])
    if not all(isinstance(layer, dict) for layer in layers):
        return False
    named = any(_text(layer.get(key)) for layer in layers for key in ("id", "task_id"))
    stated = any(_text(layer.get("status")) for layer in layers)
    accepted = body.keys() == {"id"} or (created and body.get("code") in _WENT_WELL)
    return named and (stated or accepted)


def _text(value: JSON) -> bool:
    return isinstance(value, str) and value.strip() != ""


def check_question(
    bench: Bench, wrapped: Wrapped, operation: Operation, way: str, task_id: str
) -> list[str]:
    """A question about a task is sent once, as asked, and valid."""
    outcome = wrapped.read(way, operation.resource, task_id)
    if len(outcome.sent) != 1:
        return [f"{len(outcome.sent)} requests were sent instead of one: {outcome.error}"]
    sent = outcome.sent[0]
    found = complaints(bench.contract, operation, sent)
    back = read_back(bench.contract, operation, sent)
    if task_id not in {*back["path"].values(), *(back.get("body") or {}).values()}:
        found.append(f"asked about {task_id!r}, sent {sent.url}")
    if not found:
        bench.ledger.called(operation, sent, "wrapper")
    return found


def question_breach(
    bench: Bench, wrapped: Wrapped, operation: Operation, way: str, call: Call
) -> Breach:
    """A question about a task that was not sent as asked."""
    task_id = asked_id(bench, operation, call)
    found = check_question(bench, wrapped, operation, way, task_id)
    return Breach(
        operation.id, way, tuple(found), call.origin, f"task id {task_id!r}", _curl(bench),
        as_test(f"{operation.id} {way}", "bench, wrapped",
                f'operation = bench.contract.operation("{operation.id}")\n'
                "wrapper_laws.prepare(bench, operation)",
                f'wrapper_laws.check_question(bench, wrapped, operation, "{way}", task_id)',
                task_id=task_id),
    )  # fmt: skip


def asked_id(bench: Bench, operation: Operation, call: Call) -> str:
    """The one thing a question about a task must say: its id, in the path or in the body."""
    if "path" in call.arguments:
        (value,) = call.arguments["path"].values()
        return value
    (name,) = resolve(bench.contract.document, operation.body_schema)["required"]
    return call.arguments["body"][name]


def _curl(bench: Bench) -> str:
    return bench.wire.last.curl() if bench.wire.last else ""
