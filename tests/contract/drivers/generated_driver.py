"""Calls the generated client with JSON arguments, using only its type hints.

Nothing is imported from the generator, whose internals change between patch releases. The driver
relies on the documented output: one module per operation under ``api.<tag>`` with four functions,
and attrs models whose attributes are the declared properties in snake case.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

import attrs
import httpx

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation

from .request_capture import PARAMETER_LOCATIONS

FLAVOURS = ("sync", "sync_detailed", "asyncio", "asyncio_detailed")
API_KEY = "sk-contract-suite"


class MissingParameterError(Exception):
    """The generated function has no parameter for an argument."""


class GeneratedDriver:
    """One generated package, with a transport that replaces the network.

    Args:
        contract: the contract that the package was generated from.
        package: the import name of the package.
        transport: receives every request.
    """

    def __init__(self, contract: Contract, package: str, transport: httpx.MockTransport) -> None:
        self._package = package
        self._declared = frozenset(all_property_names(contract.document))
        schemas = contract.document.get("components", {}).get("schemas", {})
        self._properties = {
            name: frozenset(one["properties"])
            for name, one in schemas.items()
            if "properties" in one
        }
        client = importlib.import_module(f"{package}.client")
        self._client = client.AuthenticatedClient(
            base_url=contract.servers[0], token=API_KEY, httpx_args={"transport": transport}
        )
        self._hints: dict[type, dict[str, Any]] = {}
        self._runner = asyncio.Runner()
        self.unset = importlib.import_module(f"{package}.types").UNSET
        self.models = importlib.import_module(f"{package}.models")

    def close(self) -> None:
        """Close both httpx clients and the event loop."""
        self._client.get_httpx_client().close()
        self._runner.run(self._client.get_async_httpx_client().aclose())
        self._runner.close()

    def module(self, operation: Operation) -> types.ModuleType:
        """The generated module of an operation."""
        return importlib.import_module(f"{self._package}.api.{operation.tag}.{operation.id}")

    def call(self, operation: Operation, flavour: str, arguments: Object) -> object:
        """Call one flavour with JSON arguments by location; its exceptions propagate."""
        function = getattr(self.module(operation), flavour)
        keywords = dict(self._keywords(function, arguments))
        return self._await(function(client=self._client, **keywords))

    def parse(self, operation: Operation, status: int, body: JSON) -> object:
        """What every flavour returns for a JSON response, without a request for each one."""
        # json.dumps and not httpx, which rejects lone surrogates although JSON can escape them.
        response = httpx.Response(status, content=json.dumps(body).encode())
        built = self.module(operation)._build_response(client=self._client, response=response)
        return built.parsed

    def _await(self, result: object) -> object:
        if not inspect.iscoroutine(result):
            return result
        # `Runner.run` replaces the handler of Ctrl-C for each call, which takes longer than httpx.
        return self._runner.get_loop().run_until_complete(result)

    def type_hints(self, model: type) -> dict[str, Any]:
        """The attribute types of a model; their names are imported for type checkers only."""
        if model not in self._hints:
            self._hints[model] = typing.get_type_hints(model, localns=vars(self.models))
        return self._hints[model]

    def build_value(self, hint: Any, value: JSON) -> object:
        """Convert a JSON value to the type of a parameter."""
        for choice in union_members(hint):
            if attrs.has(choice) and isinstance(value, dict):
                return self._instance(self._best(hint, value), value)
            if typing.get_origin(choice) is list and isinstance(value, list):
                (item,) = typing.get_args(choice)
                return [self.build_value(item, one) for one in value]
        return value

    def _keywords(
        self, function: Callable[..., object], arguments: Object
    ) -> Iterator[tuple[str, object]]:
        parameters = self._parameters(function)
        flat = {"body": arguments["body"]} if "body" in arguments else {}
        for location in PARAMETER_LOCATIONS:
            flat |= arguments.get(location, {})
        for name, value in flat.items():
            if normalize_name(name) not in parameters:
                raise MissingParameterError(f"{function.__module__} has no parameter {name}")
            keyword, hint = parameters[normalize_name(name)]
            yield keyword, self.build_value(hint, value)

    @cache  # noqa: B019 - a driver lives as long as the test run
    def _parameters(self, function: Callable[..., object]) -> dict[str, tuple[str, Any]]:
        hints = typing.get_type_hints(function)
        return {
            normalize_name(name): (name, hints[name])
            for name in inspect.signature(function).parameters
        }

    def _instance(self, model: type, value: dict[str, JSON]) -> object:
        """A model made by its constructor, as in hand-written code."""
        hints = self.type_hints(model)
        attributes = {normalize_name(one.name): one.name for one in attrs.fields(model) if one.init}
        declared = self._properties.get(model.__name__, self._declared)
        modelled = {
            k: v for k, v in value.items() if k in declared and normalize_name(k) in attributes
        }
        names = {key: attributes[normalize_name(key)] for key in modelled}
        instance = model(
            **{names[k]: self.build_value(hints[names[k]], v) for k, v in modelled.items()}
        )
        instance.additional_properties.update({k: v for k, v in value.items() if k not in modelled})
        return instance

    def _best(self, hint: Any, value: dict[str, JSON]) -> type:
        """The model of a union that declares most keys of the value and misses no required one."""
        models = [choice for choice in union_members(hint) if attrs.has(choice)]
        keys = {normalize_name(key) for key in value if key in self._declared}

        def rank(model: type) -> tuple[int, int]:
            fields = [one for one in attrs.fields(model) if one.init]
            missing = sum(one.default is attrs.NOTHING and normalize_name(one.name) not in keys
                          for one in fields)  # fmt: skip
            return missing, -sum(normalize_name(one.name) in keys for one in fields)

        return min(models, key=rank)


def union_members(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself."""
    if hint is Any or isinstance(hint, type):
        return (hint,)
    return _members(hint)


@cache
def _members(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return tuple(one for member in typing.get_args(hint) for one in union_members(member))
    return (hint,)


@cache
def normalize_name(name: str) -> str:
    """A name in lower case without separators: ``X-Runway-Version`` and ``x_runway_version`` agree.

    The generator appends an underscore to Python keywords; it is dropped as well.
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())


def all_property_names(value: JSON) -> Iterator[str]:
    """Every property name that a document declares anywhere."""
    if isinstance(value, Mapping):
        properties = value.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for child in value.values():
            yield from all_property_names(child)
    elif isinstance(value, list):
        for child in value:
            yield from all_property_names(child)


def to_json(value: Any) -> JSON:
    """A generated value as JSON."""
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value.to_dict() if attrs.has(type(value)) else value


def find_type_mismatches(
    driver: GeneratedDriver, hint: Any, value: Any, path: str = ""
) -> Iterator[str]:
    """Where a parsed value does not match its type hint, nested models included."""
    members = list(union_members(hint))
    if attrs.has(type(value)) and type(value) in members:
        for name, inner in driver.type_hints(type(value)).items():
            yield from find_type_mismatches(driver, inner, getattr(value, name), f"{path}.{name}")
        return
    lists = [typing.get_args(one)[0] for one in members if typing.get_origin(one) is list]
    if isinstance(value, list) and lists:
        for index, item in enumerate(value):
            yield from find_type_mismatches(driver, lists[0], item, f"{path}[{index}]")
    elif not any(_fits(member, value) for member in members):
        yield f"{path or 'the response'}: {type(value).__name__} {value!r:.80} is not a {hint}"


def _fits(hint: Any, value: object) -> bool:
    if hint is Any:
        return True
    if hint is None:
        return value is None
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if hint is int:
        # JSON has one number type: 59.0 is an integer.
        return type(value) is int or (type(value) is float and value.is_integer())
    if hint is float:
        return type(value) in {int, float}
    origin = typing.get_origin(hint) or hint
    return isinstance(origin, type) and type(value) is origin
