"""Changes of servers, routes, names and security: whatever is not a schema or a parameter.

A change is breaking where a client that follows the old contract can fail at the new gateway, or
where a program that uses the old package must be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.json_values import JsonObject, entries, members, shorten
from contract_tools.diff import python_names as python
from contract_tools.diff.changes import COMPATIBLE, Change, Effect, breaking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contract_tools._common.openapi import Operation


def document_changes(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """Yield the changes of servers and security schemes."""
    before, after = _urls(old), _urls(new)
    for url in before:
        if url not in after:
            reason = breaking("requests to it are no longer in the contract")
            yield Change("", "server", "", f"{url} is gone", reason)
    for url in after:
        if url not in before:
            yield Change("", "server", "", f"{url} is new", COMPATIBLE)
    schemes, others = (_schemes(one) for one in (old, new))
    for name in [*schemes, *(n for n in others if n not in schemes)]:
        if schemes.get(name) != others.get(name):
            what = f"{name} was {shorten(schemes.get(name))}, is {shorten(others.get(name))}"
            judgement = breaking("the key is sent differently") if name in schemes else COMPATIBLE
            yield Change("", "security scheme", "", what, judgement)


def _urls(document: JsonObject) -> list[str]:
    return [str(members(server).get("url")) for server in entries(document.get("servers"))]


def _schemes(document: JsonObject) -> dict[str, JsonObject]:
    found = members(members(document.get("components")).get("securitySchemes"))
    rules = {"type", "scheme", "in", "name", "flows", "bearerFormat", "openIdConnectUrl"}
    return {
        name: {key: value for key, value in members(one).items() if key in rules}
        for name, one in found.items()
    }


@frozen
class ResourceRoutes:
    """The route of each resource of the wrapper, in both documents."""

    old: dict[str, str]
    new: dict[str, str]

    @classmethod
    def of(cls, old: Iterable[Operation], new: Iterable[Operation]) -> ResourceRoutes:
        """Read them from the operations of both documents."""
        return cls(*({name: one.route for one in every for name in python.resources(one.raw)}
                     for every in (old, new)))  # fmt: skip


def pair_operations(
    old: dict[str, Operation], new: dict[str, Operation]
) -> Iterator[tuple[Operation | None, Operation | None]]:
    """Pair the operations of two documents by operationId, else by route; None for no partner."""
    routes = {one.route: one for one in new.values() if one.id not in old}
    paired = set()
    for one in old.values():
        other = new.get(one.id) or routes.get(one.route)
        if other is not None:
            paired.add(other.id)
        yield one, other
    yield from ((None, one) for one in new.values() if one.id not in paired)


def added_or_removed(
    old: Operation | None, new: Operation | None, routes: ResourceRoutes
) -> Iterator[Change]:
    """Yield the change of an operation that is in one document only."""
    if old is not None:
        effects = [Effect(python.module(old.raw), "is gone", breaking=True)]
        effects += [Effect(name, "is gone", breaking=True) for name in python.calls(old.raw)]
        effects += [_lost(name, routes) for name in python.resources(old.raw)]
        judgement = breaking("the route is no longer in the contract")
        yield Change(old.id, "", "", f"{old.route} is gone", judgement, tuple(effects))
    if new is not None:
        effects = [Effect(python.module(new.raw), "is new", breaking=False)]
        effects += [Effect(name, "is new", breaking=False) for name in python.calls(new.raw)]
        effects += _gained(python.resources(new.raw), routes)
        yield Change(new.id, "", "", f"{new.route} is new", COMPATIBLE, tuple(effects))


def _lost(name: str, routes: ResourceRoutes, instead: Sequence[str] = ()) -> Effect:
    """Return what happens to a resource that its operation loses; another may have taken it."""
    route = routes.new.get(name)
    if route is not None:
        # The bodies of two operations are not compared.
        return Effect(name, f"calls {route} now", breaking=True)
    verb = "is" if len(instead) == 1 else "are"
    listed = f"; there {verb} {', '.join(instead)}" if instead else ""
    return Effect(name, f"is gone{listed}", breaking=True)


def _gained(names: Sequence[str], routes: ResourceRoutes) -> list[Effect]:
    """Return which resources a program did not have under any operation.

    A client has a resource from its signature, which a person writes, and not from the contract.
    """
    what = "is new once it has a signature"
    return [Effect(name, what, breaking=False) for name in names if name not in routes.old]


def operation_changes(
    documents: tuple[JsonObject, JsonObject],
    old: Operation,
    new: Operation,
    routes: ResourceRoutes,
) -> Iterator[Change]:
    """Yield the changes of route, names and security of an operation that is in both documents."""
    if old.route != new.route:
        judgement = breaking("requests to the old route are no longer in the contract")
        yield Change(new.id, "", "", f"{old.route} moved to {new.route}", judgement)
    was, now = python.module(old.raw), python.module(new.raw)
    if was != now:
        called = [(was, now)]
        if old.id != new.id:
            called += zip(python.calls(old.raw), python.calls(new.raw), strict=False)
        effects = [Effect(one, f"is called {other}", breaking=True) for one, other in called]
        what = f"operationId or tag changed (operationId was {old.id})"
        yield Change(new.id, "", "", what, COMPATIBLE, tuple(effects))
    before, after = python.resources(old.raw), python.resources(new.raw)
    if before != after:
        moved = [_lost(one, routes, after) for one in before if one not in after]
        moved += _gained([one for one in after if one not in before], routes)
        yield Change(new.id, "", "", "resource changed", COMPATIBLE, tuple(moved))
    yield from _security(documents, old, new)
    if new.raw.get("deprecated") and not old.raw.get("deprecated"):
        yield Change(new.id, "", "", "deprecated", COMPATIBLE)


def _security(
    documents: tuple[JsonObject, JsonObject], old: Operation, new: Operation
) -> Iterator[Change]:
    was, now = (_choices(d, one) for d, one in zip(documents, (old, new), strict=True))
    if set(was) == set(now):
        return
    is_enough = all(any(choice <= other for choice in now) for other in was)
    what = f"was {_list_choices(was)}, is {_list_choices(now)}"
    judgement = COMPATIBLE if is_enough else breaking("the old credentials no longer suffice")
    yield Change(new.id, "security", "", what, judgement)


def _choices(document: JsonObject, operation: Operation) -> list[frozenset[str]]:
    """Return the sets of schemes of which one must be satisfied; an empty set needs no key."""
    stated = operation.raw.get("security", document.get("security"))
    return [frozenset(members(choice)) for choice in entries(stated)] or [frozenset()]


def _list_choices(choices: list[frozenset[str]]) -> str:
    return " or ".join(" and ".join(sorted(one)) or "no key" for one in choices)
