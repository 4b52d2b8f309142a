"""The vendored pages, one operation each, brought together into one document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools import confidence, registry, variants, yaml_text
from contract_tools.errors import ContractError
from contract_tools.values import JsonObject, as_object, as_text, members

if TYPE_CHECKING:
    from contract_tools.registry import Entry
    from contract_tools.values import Json
    from contract_tools.workspace import Workspace

# One server and one way to authenticate: a page that differs is not about this gateway.
SHARED = ("openapi", "servers", "security")
PER_PAGE = frozenset({"info", "paths", "components"})


def merge(workspace: Workspace) -> JsonObject:
    """Merge every vendored page, in the order of their file names.

    Returns:
        One OpenAPI document; each operation carries `x-page` and, where the page was
        transcribed, `x-confidence`.

    Raises:
        ContractError: a file does not match its sha256, or two pages contradict each other.
    """
    merged: JsonObject = {}
    owners: dict[str, Entry] = {}
    entries = sorted(registry.read(workspace), key=lambda entry: entry.file_name)
    if not entries:
        raise ContractError(f"{workspace.name(workspace.register)}: no page has been vendored yet")
    _check_strays(workspace, entries)
    for entry in entries:
        where = workspace.name(workspace.vendor / entry.file_name)
        vendored = load_vendored(workspace, entry)
        confidence.check(vendored, entry, where)
        page = variants.named(vendored, entry, where)
        _take_shared(merged, page, where)
        _take_operation(merged, page, entry, where, owners)
        _take_components(merged, page, where)
    return merged


def load_vendored(workspace: Workspace, entry: Entry) -> JsonObject:
    """Read one vendored file, having checked that nobody edited it.

    Raises:
        ContractError: it is missing, or its sha256 is not the one in the register.
    """
    file = workspace.vendor / entry.file_name
    where = workspace.name(file)
    if not file.is_file():
        raise ContractError(f"{where}: listed in {workspace.register.name}, but not there")
    content = file.read_bytes()
    found = registry.sha256(content)
    if found != entry.sha256:
        raise ContractError(
            f"{where}: sha256 is {found}, {workspace.register.name} says {entry.sha256}; "
            "vendored files are never edited, fixes go into an overlay"
        )
    return as_object(yaml_text.load(content.decode("utf-8"), where), where)


def _check_strays(workspace: Workspace, entries: list[Entry]) -> None:
    listed = {entry.file_name for entry in entries}
    for file in sorted(workspace.vendor.glob("*.yaml")):
        if file.name not in listed:
            raise ContractError(f"{workspace.name(file)}: not listed in {workspace.register.name}")


def operation_of(page: JsonObject, entry: Entry, where: str) -> JsonObject:
    """Return the operation that an entry is about."""
    item = members(members(page.get("paths")).get(entry.path))
    return as_object(item.get(entry.method.lower()), f"{where}: {entry.route}")


def _take_shared(merged: JsonObject, page: JsonObject, where: str) -> None:
    """Take what stands at the root of a page; the pages must agree about it."""
    for key in SHARED:
        if not page.get(key):
            raise ContractError(f"{where}: {key} is missing or empty")
    for key, value in page.items():
        if key not in PER_PAGE and merged.setdefault(key, value) != value:
            raise ContractError(f"{where}: {key} is {value!r}, the other pages say {merged[key]!r}")
    # The pages' own titles describe one page each; an overlay names the whole.
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
            item[key] = variants.joined(earlier, operation) if earlier else operation
        else:
            _take(item, key, value, f"{where}: paths.{entry.path}.{key}")


def _marks(entry: Entry) -> JsonObject:
    """How sure the reader of an operation may be, by variant where it has several."""
    page: JsonObject = {"source": entry.source, "obtained": entry.obtained}
    words: JsonObject = dict(entry.confidence)
    if entry.variant:
        page, words = {entry.variant: page}, {entry.variant: words}
    return {"x-page": page, **({"x-confidence": words} if entry.confidence else {})}


def _take_components(merged: JsonObject, page: JsonObject, where: str) -> None:
    target = as_object(merged.setdefault("components", {}), where)
    for kind, named in members(page.get("components")).items():
        shelf = as_object(target.setdefault(kind, {}), where)
        for name, component in members(named).items():
            _take(shelf, name, component, f"{where}: components.{kind}.{name}")


def _take(shelf: JsonObject, name: str, value: Json, where: str) -> None:
    if shelf.setdefault(name, value) != value:
        raise ContractError(f"{where}: differs from what another page says")
