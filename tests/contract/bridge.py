"""The generated client, driven from JSON by its type hints alone.

Nothing is imported from the generator, whose internals move between patch releases; what is used
is what its output promises: a module per operation under ``api.<tag>``, four functions in it, and
attrs models whose attributes are the declared properties in snake case.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

import attrs
import httpx

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation

FLAVOURS = ("sync", "sync_detailed", "asyncio", "asyncio_detailed")
TOKEN = "sk-contract-suite"


class NotExpressibleError(Exception):
    """The generated signature has no way to say what was drawn."""


class Bridge:
    """One generated package behind one transport.

    Args:
        contract: the contract it was generated from.
        package: its import name.
        transport: where its requests go.
    """

    def __init__(self, contract: Contract, package: str, transport: httpx.MockTransport) -> None:
        self._package = package
        self._declared = frozenset(declared_names(contract.document))
        schemas = contract.document.get("components", {}).get("schemas", {})
        self._properties = {
            name: frozenset(one["properties"])
            for name, one in schemas.items()
            if "properties" in one
        }
        client = importlib.import_module(f"{package}.client")
        self._client = client.AuthenticatedClient(
            base_url=contract.servers[0], token=TOKEN, httpx_args={"transport": transport}
        )
        self._hints: dict[type, dict[str, Any]] = {}
        self._runner = asyncio.Runner()
        self.unset = importlib.import_module(f"{package}.types").UNSET
        self.models = importlib.import_module(f"{package}.models")

    def close(self) -> None:
        """Close both of the client's connections' keepers and the loop."""
        self._client.get_httpx_client().close()
        self._runner.run(self._client.get_async_httpx_client().aclose())
        self._runner.close()

    def module(self, operation: Operation) -> types.ModuleType:
        """The generated module of an operation."""
        return importlib.import_module(f"{self._package}.api.{operation.tag}.{operation.id}")

    def call(self, operation: Operation, flavour: str, arguments: Object) -> object:
        """Call one flavour with JSON arguments by place; whatever it raises comes through."""
        function = getattr(self.module(operation), flavour)
        keywords = dict(self._keywords(function, arguments))
        return self.run(function(client=self._client, **keywords))

    def run(self, result: object) -> object:
        """The result itself, waited for if it is still to come."""
        return self._runner.run(result) if inspect.iscoroutine(result) else result

    def hints(self, model: type) -> dict[str, Any]:
        """The attribute types of a model; their names are only imported for type checkers."""
        if model not in self._hints:
            self._hints[model] = typing.get_type_hints(model, localns=vars(self.models))
        return self._hints[model]

    def build(self, hint: Any, value: JSON) -> object:
        """A JSON value as the type that a signature asks for."""
        for choice in choices(hint):
            if attrs.has(choice) and isinstance(value, dict):
                return self._instance(self._best(hint, value), value)
            if typing.get_origin(choice) is list and isinstance(value, list):
                (item,) = typing.get_args(choice)
                return [self.build(item, one) for one in value]
        return value

    def _keywords(
        self, function: Callable[..., object], arguments: Object
    ) -> Iterator[tuple[str, object]]:
        parameters = self._parameters(function)
        flat = {"body": arguments["body"]} if "body" in arguments else {}
        for place in ("path", "query", "header"):
            flat |= arguments.get(place, {})
        for name, value in flat.items():
            if squeeze(name) not in parameters:
                raise NotExpressibleError(f"{function.__module__} has no parameter {name}")
            keyword, hint = parameters[squeeze(name)]
            yield keyword, self.build(hint, value)

    @cache  # noqa: B019 - a bridge lives as long as the tests
    def _parameters(self, function: Callable[..., object]) -> dict[str, tuple[str, Any]]:
        hints = typing.get_type_hints(function)
        return {
            squeeze(name): (name, hints[name]) for name in inspect.signature(function).parameters
        }

    def _instance(self, model: type, value: dict[str, JSON]) -> object:
        """A model made by its constructor: the road a hand-written caller takes."""
        hints = self.hints(model)
        attributes = {squeeze(one.name): one.name for one in attrs.fields(model) if one.init}
        declared = self._properties.get(model.__name__, self._declared)
        given = {k: v for k, v in value.items() if k in declared and squeeze(k) in attributes}
        names = {key: attributes[squeeze(key)] for key in given}
        made = model(**{names[key]: self.build(hints[names[key]], v) for key, v in given.items()})
        made.additional_properties.update({k: v for k, v in value.items() if k not in given})
        return made

    def _best(self, hint: Any, value: dict[str, JSON]) -> type:
        """The model of a union that models most of the value and lacks nothing it requires."""
        models = [choice for choice in choices(hint) if attrs.has(choice)]
        keys = {squeeze(key) for key in value if key in self._declared}

        def fit(model: type) -> tuple[int, int]:
            fields = [one for one in attrs.fields(model) if one.init]
            missing = sum(one.default is attrs.NOTHING and squeeze(one.name) not in keys
                          for one in fields)  # fmt: skip
            return missing, -sum(squeeze(one.name) in keys for one in fields)

        return min(models, key=fit)


def choices(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself."""
    if hint is Any or isinstance(hint, type):
        return (hint,)
    return _members(hint)


@cache
def _members(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return tuple(one for member in typing.get_args(hint) for one in choices(member))
    return (hint,)


@cache
def squeeze(name: str) -> str:
    """A name without what spelling conventions add: ``X-Runway-Version`` is ``x_runway_version``.

    The generator sets a trailing underscore after a Python keyword; it goes the same way.
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())


def declared_names(value: JSON) -> Iterator[str]:
    """Every property name that a document declares anywhere."""
    if isinstance(value, Mapping):
        properties = value.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for child in value.values():
            yield from declared_names(child)
    elif isinstance(value, list):
        for child in value:
            yield from declared_names(child)


def to_json(value: Any) -> JSON:
    """What a generated value says as JSON."""
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value.to_dict() if attrs.has(type(value)) else value


def misfit(bridge: Bridge, hint: Any, value: Any, path: str = "") -> Iterator[str]:
    """Where a parsed value is not what its type hint says, models within it included."""
    members = list(choices(hint))
    if attrs.has(type(value)) and type(value) in members:
        for name, inner in bridge.hints(type(value)).items():
            yield from misfit(bridge, inner, getattr(value, name), f"{path}.{name}")
        return
    lists = [typing.get_args(one)[0] for one in members if typing.get_origin(one) is list]
    if isinstance(value, list) and lists:
        for index, item in enumerate(value):
            yield from misfit(bridge, lists[0], item, f"{path}[{index}]")
    elif not any(_fits(member, value) for member in members):
        yield f"{path or 'the answer'}: {type(value).__name__} {value!r:.80} is no {hint}"


def _fits(hint: Any, value: object) -> bool:
    if hint is Any:
        return True
    if hint is None:
        return value is None
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if hint is int:
        # JSON has one kind of number: 59.0 is a whole one.
        return type(value) is int or (type(value) is float and value.is_integer())
    if hint is float:
        return type(value) in {int, float}
    origin = typing.get_origin(hint) or hint
    return isinstance(origin, type) and type(value) is origin
