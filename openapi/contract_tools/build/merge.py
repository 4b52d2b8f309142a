"""Merges the vendored pages, which describe one operation each, into one document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import JsonObject, as_object, as_text, members
from contract_tools.build.join_operations import join_operations
from contract_tools.pages.confidence import check_confidence
from contract_tools.pages.register import load_vendored, operation_of, read_register
from contract_tools.pages.variants import name_variant_body

if TYPE_CHECKING:
    from contract_tools._common.json_values import Json
    from contract_tools._common.workspace import Workspace
    from contract_tools.pages.register import Entry

# A page with another server or authentication does not describe this gateway.
SHARED = ("openapi", "servers", "security")
PER_PAGE = frozenset({"info", "paths", "components"})


def merge_pages(workspace: Workspace) -> JsonObject:
    """Merge every vendored page, in the order of their file names.

    Returns:
        One OpenAPI document; each operation carries `x-page` and, where the page was
        transcribed, `x-confidence`.

    Raises:
        ContractError: a file does not match its sha256, or two pages contradict each other.
    """
    merged: JsonObject = {}
    owners: dict[str, Entry] = {}
    entries = sorted(read_register(workspace), key=lambda entry: entry.file_name)
    if not entries:
        raise ContractError(f"{workspace.name(workspace.register)}: no page has been vendored yet")
    _check_strays(workspace, entries)
    for entry in entries:
        where = workspace.name(workspace.vendor / entry.file_name)
        vendored = load_vendored(workspace, entry)
        check_confidence(vendored, entry, where)
        page = name_variant_body(vendored, entry, where)
        _take_shared(merged, page, where)
        _take_operation(merged, page, entry, where, owners)
        _take_components(merged, page, where)
    return merged


def _check_strays(workspace: Workspace, entries: list[Entry]) -> None:
    listed = {entry.file_name for entry in entries}
    for file in sorted(workspace.vendor.glob("*.yaml")):
        if file.name not in listed:
            raise ContractError(f"{workspace.name(file)}: not listed in {workspace.register.name}")


def _take_shared(merged: JsonObject, page: JsonObject, where: str) -> None:
    """Take the members at the root of a page; all pages must have the same ones."""
    for key in SHARED:
        if not page.get(key):
            raise ContractError(f"{where}: {key} is missing or empty")
    for key, value in page.items():
        if key not in PER_PAGE and merged.setdefault(key, value) != value:
            raise ContractError(
                f"{where}: {key} is {value!r}, the other pages have {merged[key]!r}"
            )
    # A page's title names that page; an overlay sets the title of the contract.
    merged.setdefault("info", {"title": "Runway API behind CometAPI", "version": "1.0.0"})


def _take_operation(
    merged: JsonObject, page: JsonObject, entry: Entry, where: str, owners: dict[str, Entry]
) -> None:
    operation = operation_of(page, entry, where)
    name = as_text(operation.get("operationId"), f"{where}: {entry.route}: operationId")
    for claim in (entry.route, name):
        owner = owners.setdefault(claim, entry)
        if owner is not entry and not owner.shares_with(entry):
            owning = f"{where.rpartition('/')[0]}/{owner.file_name}"
            raise ContractError(f"{where}: {claim} is already claimed by {owning}")
    operation = {**operation, **_marks(entry)}
    paths = as_object(merged.setdefault("paths", {}), where)
    item = as_object(paths.setdefault(entry.path, {}), where)
    for key, value in members(members(page["paths"])[entry.path]).items():
        if key == entry.method.lower():
            earlier = as_object(item[key], where) if key in item else None
            item[key] = join_operations(earlier, operation) if earlier else operation
        else:
            _take(item, key, value, f"{where}: paths.{entry.path}.{key}")


def _marks(entry: Entry) -> JsonObject:
    """Return `x-page` and `x-confidence`, keyed by variant where the entry has one."""
    page: JsonObject = {"source": entry.source, "obtained": entry.obtained}
    levels: JsonObject = dict(entry.confidence)
    if entry.variant:
        page, levels = {entry.variant: page}, {entry.variant: levels}
    return {"x-page": page, **({"x-confidence": levels} if entry.confidence else {})}


def _take_components(merged: JsonObject, page: JsonObject, where: str) -> None:
    components = as_object(merged.setdefault("components", {}), where)
    for kind, named in members(page.get("components")).items():
        target = as_object(components.setdefault(kind, {}), where)
        for name, component in members(named).items():
            _take(target, name, component, f"{where}: components.{kind}.{name}")


def _take(target: JsonObject, name: str, value: Json, where: str) -> None:
    if target.setdefault(name, value) != value:
        raise ContractError(f"{where}: differs from another page")
