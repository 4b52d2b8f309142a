"""What can be called: each operation of the generated client, each resource of the wrapper.

A door calls its function in every flavour there is and expects the same of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol
from zlib import crc32

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._settings import DEFAULT_RUNWAY_VERSION
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Operation
from cometapi_runway.validation import resolve_reference as resolve

from .. import laws
from ..bridge import FLAVOURS, squeeze, to_json
from ..compare import differences
from ..wire import Sent, complaints, read_back
from ..wrapped import WAYS, Outcome, Wrapped, keywords, property_names, resources


@frozen
class Verdict:
    """What became of one call.

    Attributes:
        kind: ``same`` (sent as asked), ``refused`` (nothing was sent), ``changed`` (the asking
            broke the contract, and something else was sent) or ``different``.
        words: why, for people.
        answer: what the client made of the documented success.
    """

    kind: str
    words: str = ""
    answer: JSON = None


class Door(Protocol):
    """One function of the client."""

    @property
    def prefix(self) -> str:
        """Where the mirror puts it, before the operation's own path."""
        ...

    @property
    def operation(self) -> Operation:
        """The operation of the contract that it serves."""
        ...

    def described(self, document: Object) -> dict[str, JSON]:
        """The operation object with what a caller of this function can and must say."""
        ...

    def drive(self, call: laws.Call, blamed: list[str]) -> Iterator[Verdict]:
        """Call every flavour with the same arguments.

        Args:
            call: the arguments.
            blamed: what the description of this door holds against them; a client that passes
                such a fault on adds none of its own.
        """
        ...


@frozen(eq=False)
class Generated:
    """An operation of the generated client, in its four flavours."""

    bench: laws.Bench
    operation: Operation
    prefix: str = "/generated"

    def described(self, document: Object) -> dict[str, JSON]:
        """As in the contract: the generated function asks for the same."""
        return dict(self.operation.document)

    def drive(self, call: laws.Call, blamed: list[str]) -> Iterator[Verdict]:
        """Call sync, sync_detailed, asyncio and asyncio_detailed."""
        success = laws.success(self.operation)
        drawn = [one.value for one in self.bench.source.right(success.schema or {})]
        self.bench.answer_with(int(success.status), _one_of(drawn, call))
        for flavour in FLAVOURS:
            yield self._call(flavour, call, blamed)

    def _call(self, flavour: str, call: laws.Call, blamed: list[str]) -> Verdict:
        self.bench.wire.take()
        try:
            result = self.bench.bridge.call(self.operation, flavour, call.arguments)
        except Exception as error:  # any kind is a refusal, as long as nothing was sent
            words = f"{flavour}: {type(error).__name__}: {error}"
            return Verdict("different" if self.bench.wire.take() else "refused", words)
        found = laws.check_sent(self.bench.contract, self.operation, call, self.bench.wire.take())
        parsed = result.parsed if flavour.endswith("detailed") else result
        faults = [one for one in found if one not in blamed]
        if blamed and faults:
            # It checks nothing: an object where a list belongs becomes an empty list.
            return Verdict("changed", f"{flavour}: {faults}")
        return _verdict(flavour, faults, to_json(parsed))


@frozen(eq=False)
class Creating:
    """A resource of the wrapper, in both clients."""

    bench: laws.Bench
    wrapped: Wrapped
    name: str
    signature: Signature
    operation: Operation
    answers: list[JSON] = field(init=False)

    @answers.default
    def _accepted(self) -> list[JSON]:
        """Of the documented answers, those that name a task; a refusal may come as a success."""
        success = laws.success(self.operation)
        calls = (one.arguments["body"] for one in laws.calls(self.bench.source, self.operation))
        said = (keywords(self.bench.contract, self.signature, body) for body in calls)
        given = next(one for one in said if one is not None)
        found = []
        for drawn in self.bench.source.right(success.schema or {}):
            answer = _with_id(drawn.value, "task-1")
            self.bench.answer_with(int(success.status), answer)
            if self.wrapped.create("blocking", self.name, given).task is not None:
                found.append(drawn.value)
        return found

    @property
    def prefix(self) -> str:
        """Two resources may share one operation, so the name is part of it."""
        return f"/wrapper/{self.name}"

    def described(self, document: Object) -> dict[str, JSON]:
        """What has a default in Python need not be said, the version least of all."""
        schema = dict(self._schema(document))
        wanted = {squeeze(name) for name in self.signature.required}
        schema["required"] = [one for one in property_names(document, schema)
                              if squeeze(one) in wanted]  # fmt: skip
        parameters = [
            {"name": one.name, "in": "header", "required": False, "schema": one.schema}
            for one in self.operation.parameters_in("header")
        ]
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        return {**self.operation.document, "parameters": parameters, "requestBody": body}

    def _schema(self, document: Object) -> Object:
        """The body's; of an operation that several resources share, this resource's branch."""
        variant = self.operation.variants.get(self.name.rpartition(".")[2])
        if variant is not None:
            found: Object = document["components"]["schemas"][variant]
            return found
        return resolve(document, self.operation.body_schema)

    def drive(self, call: laws.Call, blamed: list[str]) -> Iterator[Verdict]:
        """Call the resource's `create` on the blocking and on the awaiting client."""
        body = call.arguments["body"]
        if not isinstance(body, dict):
            yield Verdict("refused", "arguments have names, and this body has none")
            return
        success = laws.success(self.operation)
        self.bench.answer_with(int(success.status), _one_of(self.answers, call))
        given = keywords(self.bench.contract, self.signature, body)
        if given is None:
            # An argument is missing: give what there is, and be told which.
            values = {squeeze(key): value for key, value in body.items() if value is not None}
            names = self.signature.parameters
            given = {name: values[squeeze(name)] for name in names if squeeze(name) in values}
        given["runway_version"] = call.arguments["header"].get("X-Runway-Version")
        for way in WAYS:
            yield self._judge(way, call, blamed, self.wrapped.create(way, self.name, given))

    def _judge(self, way: str, call: laws.Call, blamed: list[str], outcome: Outcome) -> Verdict:
        if outcome.task is None or len(outcome.sent) != 1:
            return _failed(way, outcome)
        header = {"X-Runway-Version": DEFAULT_RUNWAY_VERSION, **call.arguments["header"]}
        meant = laws.Call({**call.arguments, "header": header}, call.origin)
        broken = complaints(self.bench.contract, self.operation, outcome.sent[0])
        if blamed and not broken:
            return Verdict("changed", f"{way}: was asked for {blamed}")
        faults = [one for one in broken if one not in blamed]
        faults += self._unlike(meant, outcome.sent[0])
        return _verdict(way, faults, dict(outcome.task.raw))

    def _unlike(self, call: laws.Call, sent: Sent) -> Iterator[str]:
        back = read_back(self.bench.contract, self.operation, sent)
        asked, body = call.arguments["body"], back["body"]
        yield from differences(asked, {key: body[key] for key in body if key in asked})
        yield from differences(call.arguments["header"], back["header"])
        arguments = {squeeze(name) for name in self.signature.parameters}
        for key in body:
            if key not in asked and squeeze(key) not in arguments:
                yield f"/{key}: not asked, sent"


@frozen(eq=False)
class Reading:
    """The wrapper's question how a task stands, in both clients."""

    bench: laws.Bench
    wrapped: Wrapped
    operation: Operation
    answers: list[JSON] = field(init=False)

    @property
    def prefix(self) -> str:
        """Named as the wrapper names the route."""
        return f"/wrapper/{self.operation.resource}"

    @answers.default
    def _readable(self) -> list[JSON]:
        """Of the documented answers, those that tell of a task; the others are errors by right."""
        success = laws.success(self.operation)
        found = []
        for drawn in self.bench.source.right(success.schema or {}):
            self.bench.answer_with(int(success.status), drawn.value)
            if self.wrapped.read("blocking", self.operation.resource, "task-1").task is not None:
                found.append(drawn.value)
        return found

    def described(self, document: Object) -> dict[str, JSON]:
        """An id is all that can be said; the version is the client's own."""
        raw = dict(self.operation.document)
        raw["parameters"] = [
            {"name": one.name, "in": "path", "required": True, "schema": one.schema}
            for one in self.operation.parameters_in("path")
        ]
        if self.operation.body_schema is not None:
            schema = resolve(document, self.operation.body_schema)
            asked = {name: schema["properties"][name] for name in schema["required"]}
            only = {**schema, "properties": asked, "additionalProperties": False}
            body = {"required": True, "content": {"application/json": {"schema": only}}}
            raw["requestBody"] = body
        return raw

    def drive(self, call: laws.Call, blamed: list[str]) -> Iterator[Verdict]:
        """Ask about the id through the blocking and through the awaiting client."""
        task_id = self._id(call)
        if task_id is None:
            yield Verdict("refused", "nothing but an id can be asked about")
            return
        success = laws.success(self.operation)
        body = self.answers[crc32(task_id.encode("utf-8", "replace")) % len(self.answers)]
        self.bench.answer_with(int(success.status), _with_id(body, task_id))
        for way in WAYS:
            outcome = self.wrapped.read(way, self.operation.resource, task_id)
            yield self._judge(way, call, blamed, outcome)

    def _id(self, call: laws.Call) -> str | None:
        values = call.arguments["path"] or call.arguments.get("body")
        if not isinstance(values, dict) or len(values) != 1:
            return None
        (value,) = values.values()
        return value if isinstance(value, str) else None

    def _judge(self, way: str, call: laws.Call, blamed: list[str], outcome: Outcome) -> Verdict:
        if outcome.task is None or len(outcome.sent) != 1:
            return _failed(way, outcome)
        back = read_back(self.bench.contract, self.operation, outcome.sent[0])
        broken = complaints(self.bench.contract, self.operation, outcome.sent[0])
        faults = [one for one in broken if one not in blamed]
        faults += differences(call.arguments["path"], back["path"])
        faults += differences(call.arguments.get("body"), back.get("body"))
        return _verdict(way, faults, dict(outcome.task.raw))


def doors(bench: laws.Bench, wrapped: Wrapped, reads: frozenset[str]) -> tuple[Door, ...]:
    """Every function of both clients that serves an operation of the contract."""
    operations = {one.id: one for one in bench.contract.operations}
    found: list[Door] = [Generated(bench, one) for one in operations.values()]
    for name, signature in resources(wrapped.clients["blocking"]):
        found.append(Creating(bench, wrapped, name, signature, operations[signature.operation]))
    found += [Reading(bench, wrapped, one) for one in operations.values() if one.resource in reads]
    return tuple(found)


def _one_of(answers: list[JSON], call: laws.Call) -> JSON:
    """Another answer for other arguments, the same for the same."""
    number = crc32(repr(call.arguments).encode("utf-8", "replace"))
    return _with_id(answers[number % len(answers)], f"task-{number}")


def _with_id(answer: JSON, task_id: str) -> JSON:
    """The answer with an id that can be asked about: links lead from here to the questions."""
    if not isinstance(answer, dict):
        return answer
    named = {key: task_id for key in ("id", "task_id") if isinstance(answer.get(key), str)}
    return {**{key: _with_id(value, task_id) for key, value in answer.items()}, **named}


def _failed(way: str, outcome: Outcome) -> Verdict:
    words = f"{way}: {outcome.kind}, {len(outcome.sent)} sent: {outcome.error}"
    refused = isinstance(outcome.error, InvalidRequestError) and not outcome.sent
    return Verdict("refused" if refused else "different", words)


def _verdict(how: str, faults: list[str], answer: JSON) -> Verdict:
    if faults:
        return Verdict("different", f"{how}: " + "; ".join(faults[:5]))
    return Verdict("same", answer=answer)
