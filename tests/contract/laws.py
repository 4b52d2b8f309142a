"""What must hold between a contract and a client generated from it, for every operation.

The laws know no operation by name. A test module states which contract and which package; adding
an operation to the contract puts it under all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import attrs
import httpx
from attrs import evolve, field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, Response
from cometapi_runway.validation._schemas import compile_schema

from . import bridge as bridges
from .breaches import Breach, as_test, named
from .compare import differences
from .facets import Thorough
from .forms import misplaced
from .ledger import Ledger
from .shrink import shrink
from .st import Drawn
from .wire import PLACES, Sent, Wire, complaints, place_schema, read_back

# What a header can carry; a contract that says only "string" allows more than a wire does.
_SENDABLE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")


@frozen
class Call:
    """Arguments for one operation, by place, and how they were drawn."""

    arguments: dict[str, JSON]
    origin: str


@frozen(eq=False)
class Bench:
    """A contract, the client generated from it, the wire between them, and what was exercised."""

    contract: Contract
    source: Thorough
    wire: Wire
    bridge: bridges.Bridge
    ledger: Ledger
    script: list[httpx.Response] = field(factory=list)

    def answer_with(self, status: int, body: JSON) -> None:
        """What the wire answers from now on."""
        # Spelt here and not by httpx, which refuses half surrogate pairs that JSON can escape.
        self.answer_with_bytes(status, "application/json", json.dumps(body).encode())

    def answer_with_bytes(self, status: int, media_type: str, content: bytes) -> None:
        """What the wire answers from now on, byte for byte."""
        headers = {"Content-Type": media_type}
        self.script[:] = [httpx.Response(status, headers=headers, content=content)]


@contextmanager
def bench(document: Object, package: str, source: Thorough | None = None) -> Iterator[Bench]:
    """Set up one contract and the package generated from it."""
    contract = Contract(document)
    script: list[httpx.Response] = []

    def answer(_: httpx.Request) -> httpx.Response:
        told = script[0]
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    wire = Wire(answer)
    bridge = bridges.Bridge(contract, package, wire.transport())
    try:
        yield Bench(contract, source or Thorough(document), wire, bridge, Ledger(contract), script)
    finally:
        bridge.close()


@cache
def calls(source: Thorough, operation: Operation) -> tuple[Call, ...]:
    """Right calls of an operation: each value drawn for each place is in at least one."""
    parts: dict[str, list[Drawn]] = {}
    for place in PLACES:
        if schema := place_schema(operation, place):
            drawn = (_as_text_would(one) for one in source.right(schema))
            parts[place] = [one for one in drawn if _sendable(place, one)]
    if operation.body_schema is not None:
        parts["body"] = list(source.right(operation.body_schema))
    most = max((len(values) for values in parts.values()), default=1)
    every = [_combined(parts, index) for index in range(most)]
    if "body" in parts and not operation.body_required:
        bare = {place: values for place, values in parts.items() if place != "body"}
        every.append(_combined(bare, 0))
    return tuple(every)


def _combined(parts: dict[str, list[Drawn]], index: int) -> Call:
    chosen = {place: values[index % len(values)] for place, values in parts.items()}
    origin = "; ".join(f"{place} by {drawn.origin}" for place, drawn in chosen.items())
    return Call({place: drawn.value for place, drawn in chosen.items()}, origin)


def _sendable(place: str, drawn: Drawn) -> bool:
    values = drawn.value.values() if isinstance(drawn.value, dict) else ()
    return place != "header" or all(_SENDABLE.fullmatch(str(value)) for value in values)


def _as_text_would(drawn: Drawn) -> Drawn:
    # A body may spell a whole number 59.0; in an address it must read 59.
    assert isinstance(drawn.value, dict)
    return evolve(drawn, value={name: _whole(value) for name, value in drawn.value.items()})


def _whole(value: JSON) -> JSON:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def success(operation: Operation) -> Response:
    """The documented answer to a call that went well."""
    good = (one for one in operation.responses if one.status.startswith("2"))
    return next(good)


def prepare(bench: Bench, operation: Operation) -> None:
    """Have the wire answer with the first value drawn for success."""
    response = success(operation)
    assert response.schema is not None, f"{operation.id} documents no JSON for {response.status}"
    bench.answer_with(int(response.status), bench.source.right(response.schema)[0].value)


@cache
def answers(source: Thorough, operation: Operation) -> tuple[tuple[int, Drawn], ...]:
    """Every documented JSON answer with the values drawn for it.

    Where several statuses have one form, the first gets all of its values and each other one
    enough of them to exercise every facet: a dozen refusals share an envelope.
    """
    found: list[tuple[int, Drawn]] = []
    seen: set[str] = set()
    for response in operation.responses:
        if response.schema is None:
            continue
        form = json.dumps(response.schema)
        for status in statuses(operation, response):
            values = source.few(response.schema) if form in seen else source.right(response.schema)
            found += [(status, drawn) for drawn in values]
            seen.add(form)
    return tuple(found)


def check_call(bench: Bench, operation: Operation, flavour: str, call: Call) -> list[str]:
    """What is asked is what is sent, once, and what is sent is valid."""
    bench.wire.take()
    try:
        bench.bridge.call(operation, flavour, call.arguments)
    except Exception as error:  # whatever it is, it is the finding
        return [f"{type(error).__name__}: {error}"]
    sent = bench.wire.take()
    found = check_sent(bench.contract, operation, call, sent)
    if not found:
        bench.ledger.called(operation, sent[0], "generated")
    return found


def check_sent(contract: Contract, operation: Operation, call: Call, sent: list[Sent]) -> list[str]:
    """The captured requests against the call they were made for."""
    if len(sent) != 1:
        return [f"{len(sent)} requests were sent instead of one"]
    found = complaints(contract, operation, sent[0])
    back = read_back(contract, operation, sent[0])
    if "body" in call.arguments or "body" in back:
        found += differences(call.arguments.get("body"), back.get("body"))
    for place in PLACES:
        asked = {name: _text(value) for name, value in call.arguments.get(place, {}).items()}
        found += [f"{place} {one[1:]}" for one in differences(asked, back[place])]
    return found


def _text(value: JSON) -> JSON:
    return value if isinstance(value, str) else json.dumps(value)


def check_answer(
    bench: Bench, operation: Operation, flavour: str, status: int, body: JSON, call: Call
) -> list[str]:
    """A documented answer is parsed without loss, and every flavour says the same of it."""
    bench.answer_with(status, body)
    bench.wire.take()
    try:
        result = bench.bridge.call(operation, flavour, call.arguments)
        found = list(_loss(bench, operation, flavour, status, body, result))
    except Exception as error:  # whatever it is, it is the finding
        return [f"{type(error).__name__}: {error}"]
    if not found:
        content = json.dumps(body).encode()
        bench.ledger.answered(operation, status, "application/json", content, "generated")
    return found


def _loss(
    bench: Bench, operation: Operation, flavour: str, status: int, body: JSON, result: object
) -> Iterator[str]:
    if flavour.endswith("detailed"):
        yield from _wrong_shell(result, bench.script[0])
        result = result.parsed
    if result is None:
        yield "the answer was not parsed"
        return
    yield from differences(body, bridges.to_json(result))
    yield from hidden(bench, result)
    yield from misplaced(bench.contract, operation.response(status).schema, body, result)
    returned = bench.bridge.module(operation)._parse_response.__annotations__["return"]
    yield from bridges.misfit(bench.bridge, returned, result)


def _wrong_shell(result: object, received: httpx.Response) -> Iterator[str]:
    if result.status_code != received.status_code:
        yield f"status_code is {result.status_code}"
    if result.content != received.content:
        yield "content is not what was received"
    if result.headers != received.headers:
        yield "headers are not those received"


def hidden(bench: Bench, parsed: object, path: str = "") -> Iterator[str]:
    """Declared means modelled: a declared property must not end up among the unknown ones.

    A property that the model lost still survives the round trip, in `additional_properties`.
    """
    if isinstance(parsed, list):
        for index, item in enumerate(parsed):
            yield from hidden(bench, item, f"{path}/{index}")
    if not attrs.has(type(parsed)):
        return
    declared = component_properties(bench.contract, type(parsed).__name__)
    for name in getattr(parsed, "additional_properties", {}):
        if name in declared:
            yield f"{path}/{name} is declared but not modelled in {type(parsed).__name__}"
    for one in attrs.fields(type(parsed)):
        if one.init:
            yield from hidden(bench, getattr(parsed, one.name), f"{path}/{one.name}")


def component_properties(contract: Contract, name: str) -> frozenset[str]:
    """The properties of a named schema; empty for a schema that has no name."""
    schemas = contract.document.get("components", {}).get("schemas", {})
    return frozenset(schemas.get(name, {}).get("properties", {}))


def statuses(operation: Operation, response: Response) -> Iterator[int]:
    """Statuses that one documented answer covers, all of them ones that Python knows.

    The generated code refuses others before it looks at the answer; see the infidelities.
    """
    if response.status.isdigit():
        yield int(response.status)
    elif response.status == "default":
        own = {one.status for one in operation.responses}
        yield from (status for status in (418, 507) if str(status) not in own)
    else:
        yield int(response.status[0]) * 100


def call_breach(bench: Bench, operation: Operation, flavour: str, call: Call) -> Breach:
    """A call that breaks a law, made small."""
    fits = {place: is_right(bench.contract, schema) for place in PLACES
            if (schema := place_schema(operation, place))}  # fmt: skip
    if operation.body_schema is not None:
        fits["body"] = is_right(bench.contract, operation.body_schema)

    def fails(arguments: JSON) -> bool:
        right = arguments.keys() == call.arguments.keys() and all(
            fits[place](value) for place, value in arguments.items()
        )
        return right and bool(check_call(bench, operation, flavour, Call(arguments, "")))

    small = Call(shrink(call.arguments, fails), "made small")
    found = check_call(bench, operation, flavour, small)
    return Breach(
        operation.id, flavour, tuple(found), call.origin, json.dumps(small.arguments),
        bench.wire.last.curl() if bench.wire.last else "",
        as_test(f"{operation.id} {flavour}", "bench",
                f'operation = bench.contract.operation("{operation.id}")\n'
                "laws.prepare(bench, operation)\n"
                'call = laws.Call(arguments, "made small")',
                f'laws.check_call(bench, operation, "{flavour}", call)',
                arguments=small.arguments),
    )  # fmt: skip


def answer_breach(
    bench: Bench, operation: Operation, flavour: str, status: int, drawn: Drawn, call: Call
) -> Breach:
    """An answer that breaks a law, made small."""
    fits = is_right(bench.contract, operation.response(status).schema)

    def fails(body: JSON) -> bool:
        return fits(body) and bool(check_answer(bench, operation, flavour, status, body, call))

    small = shrink(drawn.value, fails)
    others = (one.value for one in bench.source.right(operation.response(status).schema))
    found = named(
        check_answer(bench, operation, flavour, status, small, call), small, others,
        lambda body: fits(body) and not fails(body),
    )  # fmt: skip
    return Breach(
        operation.id, flavour, found, f"answer {status} by {drawn.origin}",
        f"HTTP {status} {json.dumps(small)}",
        bench.wire.last.curl() if bench.wire.last else "",
        as_test(f"{operation.id} {flavour} answered {status}", "bench",
                f'operation = bench.contract.operation("{operation.id}")\n'
                "call = laws.calls(bench.source, operation)[0]",
                f'laws.check_answer(bench, operation, "{flavour}", {status}, answer, call)',
                answer=small),
    )  # fmt: skip


def is_right(contract: Contract, schema: Object) -> Callable[[JSON], bool]:
    """A test for whether a value is one that a schema of the contract allows."""
    return compile_schema(contract.document, schema).is_valid
