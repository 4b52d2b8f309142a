"""``doctor --live --spend``: buy one task of the cheapest operation, once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import fill
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._live_check._evidence import Evidence
from cometapi_runway._settings import resolve_settings
from cometapi_runway.cli._actions.create_task import CreateCommand, create_task
from cometapi_runway.cli._actions.dry_run import format_curl
from cometapi_runway.cli._errors import CommandInterrupted, UsageError, format_command
from cometapi_runway.cli._options.budget import BudgetOptions
from cometapi_runway.cli._options.live import LiveOptions
from cometapi_runway.cli._options.request import RequestOptions, read_body_file
from cometapi_runway.cli._options.resource_options import (
    body_to_arguments,
    list_resource_options,
)
from cometapi_runway.cli._options.shared import ConnectionOptions, SavingOptions, WaitingOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.resources._known_values import read_known_values
from cometapi_runway.resources._prepare_request import prepare_create
from cometapi_runway.resources._prices import Price, read_price
from cometapi_runway.resources._resolved_schema import resolve_schema
from cometapi_runway.validation import Contract

_LINE: Final = 80
_PROMPT: Final = "A red paper boat on a calm lake"
_SEED: Final = 1
_EXAMPLE_HOST: Final = "example.com"
_IMAGE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")


@frozen
class Offer:
    """The cheapest task whose price the contract names.

    Attributes:
        resource: What creates it.
        price: What it costs.
        unpriced: The names of the resources whose price is not known.
    """

    resource: ClientResource
    price: Price
    unpriced: tuple[str, ...]


@frozen(kw_only=True)
class Purchase:
    """How a task is bought.

    Attributes:
        options: Whether one is bought at all, with or without asking, and what is sent.
        connection: Gateway and journal.
        waiting: How the task is waited for.
        budget: What may be spent; the settings file may limit it.
        saving: Where its file is saved.
    """

    options: LiveOptions
    connection: ConnectionOptions
    waiting: WaitingOptions
    budget: BudgetOptions
    saving: SavingOptions


def check_spending(options: LiveOptions, connection: ConnectionOptions) -> None:
    """Refuse to spend where consent or a record is impossible, before anything is sent.

    Raises:
        UsageError: There is no terminal to ask at, or no journal.
    """
    if not options.spend:
        return
    if connection.journal_location is None:
        raise UsageError(
            "--spend needs the journal, which --no-journal switches off: it keeps the task from "
            "being bought twice",
            "leave out --no-journal; the settings file may hold it as no-journal",
        )
    if not options.yes and not sys.stdin.isatty():
        raise UsageError(
            "--spend asks before it buys, and there is no terminal to ask at; nothing was sent",
            "add --yes to buy without asking",
        )


def find_offer() -> Offer:
    """The cheapest task by the contract's prices.

    Raises:
        UsageError: The contract names no price.
    """
    priced: list[tuple[ClientResource, Price]] = []
    unpriced: list[str] = []
    for resource in list_client_resources():
        price = read_price(resource.operation.id)
        if price is None:
            unpriced.append(resource.name)
        else:
            priced.append((resource, price))
    if not priced:
        raise UsageError("the contract names no price; nothing was sent", "leave out --spend")
    resource, price = min(priced, key=lambda one: one[1].amount)
    return Offer(resource, price, tuple(unpriced))


def spend(purchase: Purchase, evidence: Evidence, report: Report) -> ExitCode:
    """Show the cheapest request and its price, ask, and buy it once.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        UsageError: The body cannot be read.
        CommandInterrupted: By Ctrl-C.
    """
    offer, options = find_offer(), purchase.options
    body = make_example_body(offer.resource) if options.json is None else {}
    if options.json is not None:
        body = dict(read_body_file(str(options.json)))
    arguments = body_to_arguments(list_resource_options(offer.resource), body)
    if "seed" in offer.resource.signature.parameters:
        # The request that is shown is then the one that is sent.
        arguments.setdefault("seed", _SEED)
    key = options.idempotency_key or f"doctor --live {offer.resource.name}"
    command = CreateCommand(
        resource=offer.resource,
        arguments=arguments,
        request=RequestOptions(idempotency_key=key),
        budget=purchase.budget,
        waiting=purchase.waiting,
        saving=purchase.saving,
        connection=purchase.connection,
        watcher=evidence,
    )
    _show_offer(offer, command, report)
    if not options.yes and not ask_consent():
        report.show_note("nothing was bought")
        return ExitCode.SUCCESS
    evidence.spent = {
        "operation": offer.resource.operation.id,
        "price": str(offer.price.amount),
        "exit_code": None,
    }
    code = create_task(command, report)
    evidence.spent["exit_code"] = int(code)
    return code


def _show_offer(offer: Offer, command: CreateCommand, report: Report) -> None:
    """Show what would be bought.

    Raises:
        InvalidRequestError: The contract forbids the request.
    """
    settings = resolve_settings(
        # Showing a request must not risk showing a key.
        "none",
        base_url=command.connection.base_url or None,
        runway_version=command.connection.runway_version or None,
    )
    request = prepare_create(
        offer.resource.signature,
        command.create_arguments,
        settings,
    ).call
    price = offer.price
    help_command = format_command(*offer.resource.command_words, "--help")
    remarks = {
        "price": f"{price.amount} USD on {price.as_of}; it may have changed ({price.source})",
        "unknown": f"the prices of {', '.join(offer.unpriced)}; one of them may be cheaper",
        "once": f"its idempotency key is {command.request.idempotency_key!r}; run again, the "
        "command sends nothing and waits for the same task",
        "other": f"--json replaces the body; `{help_command}` explains its fields",
    }
    if not offer.unpriced:
        del remarks["unknown"]
    lines = [
        fill(text, _LINE, initial_indent=f"{name + ':':<9}", subsequent_indent=" " * 9)
        for name, text in remarks.items()
    ]
    curl = format_curl(request, settings.base_url)
    head = f"to buy: one task of {offer.resource.name}, the cheapest by the contract"
    report.show_note("\n".join(["", head, "", curl, "", *lines]))


def ask_consent() -> bool:
    """Ask on the terminal; anything but yes is no."""
    sys.stderr.write("Send it and pay? [y/N] ")
    sys.stderr.flush()
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise CommandInterrupted(
            "interrupted; nothing was bought", "run it again at any time"
        ) from None
    return answer.strip().lower() in {"y", "yes"}


def make_example_body(resource: ClientResource) -> dict[str, JSON]:
    """A body of a resource: its page's example, else one made from its schema."""
    if resource.example:
        return dict(resource.example)
    pictures = sorted(
        _list_pictures(resource.contract),
        # The pages of the same family first: the gateway is known to read their addresses there.
        key=lambda one: one[0] != resource.operation.tag,
    )
    picture = next((address for _, address in pictures), None)
    body = _make_value(resource.contract, resource.body_schema, picture)
    return dict(as_object(body) or {})


def _make_value(source: Contract, schema: JSON, picture: str | None) -> JSON:
    """A value of a schema: what the contract names, else the smallest."""
    rules = resolve_schema(source, schema)
    named = _list_named_values(rules)
    if named:
        return picture or named[0] if _is_placeholder(named[0]) else named[0]
    properties = as_object(rules.get("properties"))
    if properties is not None:
        names = _texts(rules.get("required"))
        return {name: _make_value(source, properties[name], picture) for name in names}
    if "items" in rules:
        return [_make_value(source, rules["items"], picture)]
    return _PROMPT


def _list_named_values(rules: Object) -> list[JSON]:
    known: list[JSON] = [value for group in read_known_values(rules) for value in group.values]
    for keyword in ("examples", "enum"):
        listed = rules.get(keyword)
        known += listed if isinstance(listed, list) else []
    return known


def _is_placeholder(value: JSON) -> bool:
    """Whether a value is an address at which there is nothing."""
    return isinstance(value, str) and urlsplit(value).hostname == _EXAMPLE_HOST


def _list_pictures(source: Contract) -> Iterator[tuple[str, str]]:
    """The pictures of all example requests, each with the tag of its operation."""
    for resource in list_client_resources(source):
        for value in _find_texts(resource.example):
            is_picture = urlsplit(value).path.lower().endswith(_IMAGE_SUFFIXES)
            if value.startswith("https://") and is_picture and not _is_placeholder(value):
                yield resource.operation.tag, value


def _find_texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    items = value if isinstance(value, list) else list((as_object(value) or {}).values())
    for item in items:
        yield from _find_texts(item)


def _texts(value: JSON) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
