"""The changes of a contract that are no matter of schemas: operations, security, servers, statuses.

Plain rules, each a sentence. A change is breaking where a client that kept to the old contract can
fail at the new gateway, or where a program that used the old package has to be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from contract_tools import specdiff_python as python
from contract_tools.page import operations
from contract_tools.specdiff_edits import show
from contract_tools.specdiff_judge import Judgement
from contract_tools.specdiff_python import Effect
from contract_tools.values import JsonObject, entries, members

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen
class Change:
    """One change of the contract.

    Attributes:
        operation: the operation's id, empty for the document's own.
        part: what of it: body, a parameter, an answer, security; empty for the whole.
        place: a JSON pointer into an instance of that part, where there is one.
        what: the change in words.
        judgement: what it means on the wire.
        effects: what it does in Python.
    """

    operation: str
    part: str
    place: str
    what: str
    judgement: Judgement
    effects: tuple[Effect, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """Breaking if it breaks the wire or programs; else the judgement's own verdict."""
        breaks = any(effect.breaking for effect in self.effects)
        return "breaking" if breaks else self.judgement.verdict


def breaking(reason: str) -> Judgement:
    """A judgement by rule."""
    return Judgement("breaking", reason)


FINE = Judgement("compatible")


@frozen
class Operation:
    """One operation of a document."""

    method: str
    path: str
    raw: JsonObject
    shared: JsonObject

    @property
    def id(self) -> str:
        """Its operationId; its line where the document gives none."""
        return str(self.raw.get("operationId") or f"{self.method} {self.path}")

    @property
    def line(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


def listed(document: JsonObject) -> dict[str, Operation]:
    """The operations of a document by id."""
    found = [_operation(document, method, path) for method, path in operations(document)]
    return {one.id: one for one in found}


def _operation(document: JsonObject, method: str, path: str) -> Operation:
    item = members(members(document["paths"])[path])
    return Operation(method, path, members(item[method.lower()]), item)


def document_changes(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Servers and security schemes."""
    before, after = _urls(old), _urls(new)
    for url in before:
        if url not in after:
            reason = breaking("requests to it are outside the contract now")
            yield Change("", "server", "", f"{url} is gone", reason)
    for url in after:
        if url not in before:
            yield Change("", "server", "", f"{url} is new", FINE)
    schemes, others = (_schemes(one) for one in (old, new))
    for name in [*schemes, *(n for n in others if n not in schemes)]:
        if schemes.get(name) != others.get(name):
            words = f"{name} was {show(schemes.get(name))}, is {show(others.get(name))}"
            judgement = breaking("keys are sent otherwise") if name in schemes else FINE
            yield Change("", "security scheme", "", words, judgement)


def _urls(document: JsonObject) -> list[str]:
    return [str(members(server).get("url")) for server in entries(document.get("servers"))]


def _schemes(document: JsonObject) -> dict[str, JsonObject]:
    found = members(members(document.get("components")).get("securitySchemes"))
    said = {"type", "scheme", "in", "name", "flows", "bearerFormat", "openIdConnectUrl"}
    return {name: {k: v for k, v in members(one).items() if k in said}
            for name, one in found.items()}  # fmt: skip


def pairs(
    old: dict[str, Operation], new: dict[str, Operation]
) -> Iterator[tuple[Operation | None, Operation | None]]:
    """Operations of both documents: by id, else by method and path; then those alone."""
    lines = {one.line: one for one in new.values() if one.id not in old}
    taken = set()
    for one in old.values():
        other = new.get(one.id) or lines.get(one.line)
        if other is not None:
            taken.add(other.id)
        yield one, other
    yield from ((None, one) for one in new.values() if one.id not in taken)


def come_or_gone(old: Operation | None, new: Operation | None) -> Iterator[Change]:
    """An operation that is in one document only."""
    if old is not None and new is None:
        effects = [Effect(python.module(old.raw), "is gone", breaking=True)]
        effects += [Effect(name, "is gone", breaking=True) for name in python.resources(old.raw)]
        judgement = breaking("the route is not in the contract any more")
        yield Change(old.id, "", "", f"{old.line} is gone", judgement, tuple(effects))
    if new is not None and old is None:
        effects = [Effect(python.module(new.raw), "is new", breaking=False)]
        effects += [Effect(name, "is new", breaking=False) for name in python.resources(new.raw)]
        yield Change(new.id, "", "", f"{new.line} is new", FINE, tuple(effects))


def operation_changes(
    documents: tuple[JsonObject, JsonObject], old: Operation, new: Operation
) -> Iterator[Change]:
    """Route, names and security of an operation that is in both."""
    if old.line != new.line:
        judgement = breaking("requests to the old route are outside the contract now")
        yield Change(new.id, "", "", f"{old.line} moved to {new.line}", judgement)
    was, now = python.module(old.raw), python.module(new.raw)
    if was != now:
        gone = Effect(was, f"is called {now}", breaking=True)
        yield Change(new.id, "", "", "id or tag changed", FINE, (gone,))
    before, after = python.resources(old.raw), python.resources(new.raw)
    if before != after:
        moved = [Effect(one, f"is gone; there are {', '.join(after) or 'none'}", breaking=True)
                 for one in before if one not in after]  # fmt: skip
        moved += [Effect(one, "is new", breaking=False) for one in after if one not in before]
        yield Change(new.id, "", "", "resource changed", FINE, tuple(moved))
    yield from _security(documents, old, new)
    if new.raw.get("deprecated") and not old.raw.get("deprecated"):
        yield Change(new.id, "", "", "deprecated", FINE)


def _security(
    documents: tuple[JsonObject, JsonObject], old: Operation, new: Operation
) -> Iterator[Change]:
    was, now = (_choices(d, one) for d, one in zip(documents, (old, new), strict=True))
    if set(was) == set(now):
        return
    kept = all(any(choice <= other for choice in now) for other in was)
    words = f"was {_said(was)}, is {_said(now)}"
    judgement = FINE if kept else breaking("what was authorised is not any more")
    yield Change(new.id, "security", "", words, judgement)


def _choices(document: JsonObject, operation: Operation) -> list[frozenset[str]]:
    """Sets of schemes, one of which must be satisfied; an empty set needs no key."""
    stated = operation.raw.get("security", document.get("security"))
    return [frozenset(members(choice)) for choice in entries(stated)] or [frozenset()]


def _said(choices: list[frozenset[str]]) -> str:
    return " or ".join(" and ".join(sorted(one)) or "no key" for one in choices)
