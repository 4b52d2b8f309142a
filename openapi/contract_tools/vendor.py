"""`vendor PAGE`: take a documentation page's OpenAPI block into the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools import changes, files, merge, page, registry, variants
from contract_tools.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path

    from contract_tools.page import Page
    from contract_tools.registry import Entry
    from contract_tools.workspace import Workspace


def vendor(workspace: Workspace, argument: str, variant: str = "") -> list[str]:
    """Store a saved page's block, byte for byte, and list it in the register.

    A page replaces the earlier version of itself, and a transcription of its operation.

    Args:
        workspace: where to store it.
        argument: the saved page, as given on the command line.
        variant: which of an operation's bodies the page describes, where several pages describe
            one operation; known already if the page, by its source, is vendored.

    Returns:
        What happened, a line each.

    Raises:
        ContractError: the page cannot be taken; nothing was written.
    """
    new = page.read(argument)
    known = registry.read(workspace)
    entry = _entry(new, known, registry.check_variant(variant, argument))
    variants.named(new.document, entry, argument)
    replaced = [old for old in known if _gives_way(old, entry)]
    kept = [old for old in known if old not in replaced]
    _check_claims(workspace, new, entry, kept)
    target = workspace.vendor / entry.file_name
    report = [f"note: {note}" for note in new.notes]
    if replaced == [entry] and _holds(target, new.block):
        return [*report, f"{workspace.name(target)}: unchanged"]
    report += _report(workspace, new, entry, replaced)
    retired: dict[Path, bytes | None] = {
        workspace.vendor / old.file_name: None
        for old in replaced
        if old.file_name != entry.file_name
    }
    files.replace(
        {target: new.block, **retired, workspace.register: registry.render([*kept, entry])}
    )
    return [*report, f"{workspace.name(target)}: stored; next: make regenerate"]


def _entry(new: Page, known: list[Entry], variant: str) -> Entry:
    earlier = next((old.variant for old in known if old.source == new.source), "")
    return registry.Entry(
        new.source,
        new.method,
        new.path,
        registry.sha256(new.block),
        obtained="page",
        variant=variant or earlier,
    )


def _gives_way(old: Entry, entry: Entry) -> bool:
    """Whether an entry is an older form of the page, or a transcription of its operation.

    A transcription's source name may have been a guess, so there the operation counts.
    """
    same = (old.route, old.variant) == (entry.route, entry.variant)
    return old.source == entry.source or (old.obtained == "transcribed" and same)


def _check_claims(workspace: Workspace, new: Page, entry: Entry, others: list[Entry]) -> None:
    for other in others:
        if other.file_name == entry.file_name:
            raise ContractError(f"{new.source}: {entry.file_name} already holds {other.source}")
        if other.shares_with(entry):
            continue
        if other.route == new.route:
            raise ContractError(
                f"{new.source}: {new.route} is already claimed by {other.source}{_advice(other)}"
            )
        vendored = merge.load_vendored(workspace, other)
        operation = merge.operation_of(vendored, other, other.file_name)
        if operation["operationId"] == new.operation_id:
            raise ContractError(
                f"{new.source}: operationId {new.operation_id} is already claimed by {other.source}"
            )


def _advice(other: Entry) -> str:
    if not other.variant:
        return ""
    return (
        f" as its variant {other.variant}; say which variant this page describes "
        "(--variant NAME, VARIANT=NAME for make)"
    )


def _holds(file: Path, content: bytes) -> bool:
    return file.is_file() and file.read_bytes() == content


def _report(workspace: Workspace, new: Page, entry: Entry, replaced: list[Entry]) -> list[str]:
    if not replaced:
        return [f"{new.route}: new page, operationId {new.operation_id}"]
    lines: list[str] = []
    for old in replaced:
        if old.obtained == "transcribed":
            lines.append(f"{old.route}: the page replaces its transcription")
        lines += _difference(workspace, new, entry, old)
    return lines


def _difference(workspace: Workspace, new: Page, entry: Entry, old: Entry) -> list[str]:
    if old.sha256 == entry.sha256:
        return [f"{entry.route}: the same page; its entry or file was not as recorded"]
    try:
        before = merge.load_vendored(workspace, old)
    except ContractError as error:
        return [f"{entry.route}: no comparison with the earlier version: {error}"]
    return changes.describe(before, new.document) or [
        f"{entry.route}: layout only (order of keys, line breaks or comments); it says the same"
    ]
