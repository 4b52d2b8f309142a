"""`vendor PAGE`: store a documentation page's OpenAPI block in the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.atomic_files import replace_files
from contract_tools._common.errors import ContractError
from contract_tools.pages import register
from contract_tools.pages.register import Entry, load_vendored, operation_of
from contract_tools.pages.saved_page import Page, read_page
from contract_tools.pages.variants import name_variant_body

if TYPE_CHECKING:
    from pathlib import Path

    from contract_tools._common.workspace import Workspace


@frozen
class VendorPlan:
    """A page that can be vendored, and what storing it changes.

    Attributes:
        workspace: where to store it.
        page: the saved page.
        entry: its entry in the register.
        replaced: the entries that it replaces: its earlier version, or a transcription.
        kept: the other entries.
    """

    workspace: Workspace
    page: Page
    entry: Entry
    replaced: tuple[Entry, ...]
    kept: tuple[Entry, ...]

    @property
    def file(self) -> Path:
        """Where the page's block is stored."""
        return self.workspace.vendor / self.entry.file_name

    @property
    def is_stored(self) -> bool:
        """Whether the file and the entry are already as this page makes them."""
        is_same_file = self.file.is_file() and self.file.read_bytes() == self.page.block
        return is_same_file and self.replaced == (self.entry,)

    def store(self) -> None:
        """Write the block and the register, and delete the files replaced; all or nothing."""
        files: dict[Path, bytes | None] = {
            self.workspace.vendor / old.file_name: None for old in self.replaced
        }
        files[self.file] = self.page.block
        files[self.workspace.register] = register.render_register([*self.kept, self.entry])
        replace_files(files)


def plan_vendoring(workspace: Workspace, argument: str, variant: str = "") -> VendorPlan:
    """Read a saved page and decide what it replaces; writes nothing.

    A page replaces the earlier version of itself, and a transcription of its operation.

    Args:
        workspace: where the page would be stored.
        argument: the saved page, as on the command line.
        variant: which of an operation's bodies the page describes, where several pages describe
            one operation; a page whose source is already listed keeps its variant.

    Raises:
        ContractError: the page cannot be vendored.
    """
    page = read_page(argument)
    listed = register.read_register(workspace)
    entry = _entry(page, listed, register.check_variant(variant, argument))
    name_variant_body(page.document, entry, argument)
    replaced = tuple(old for old in listed if _is_replaced(old, entry))
    kept = tuple(old for old in listed if old not in replaced)
    _check_claims(workspace, page, entry, kept)
    return VendorPlan(workspace, page, entry, replaced, kept)


def _entry(page: Page, listed: list[Entry], variant: str) -> Entry:
    earlier = next((old.variant for old in listed if old.source == page.source), "")
    return Entry(
        page.source,
        page.method,
        page.path,
        register.sha256(page.block),
        obtained="page",
        variant=variant or earlier,
    )


def _is_replaced(old: Entry, entry: Entry) -> bool:
    """Whether an entry is an earlier version of the page, or a transcription of its operation.

    The source name of a transcription may have been a guess, so its operation is compared.
    """
    is_same_operation = (old.route, old.variant) == (entry.route, entry.variant)
    return old.source == entry.source or (old.obtained == "transcribed" and is_same_operation)


def _check_claims(
    workspace: Workspace, page: Page, entry: Entry, others: tuple[Entry, ...]
) -> None:
    """Check that the page's file name, route and operationId are not another page's."""
    for other in others:
        if other.file_name == entry.file_name:
            raise ContractError(f"{page.source}: {entry.file_name} already holds {other.source}")
        if other.shares_with(entry):
            continue
        if other.route == page.route:
            raise ContractError(
                f"{page.source}: {page.route} is already claimed by {other.source}{_advice(other)}"
            )
        operation = operation_of(load_vendored(workspace, other), other, other.file_name)
        if operation["operationId"] == page.operation_id:
            raise ContractError(
                f"{page.source}: operationId {page.operation_id} is already claimed by "
                f"{other.source}"
            )


def _advice(other: Entry) -> str:
    if not other.variant:
        return ""
    return (
        f" as its variant {other.variant}; state which variant this page describes "
        "(--variant NAME, VARIANT=NAME for make)"
    )
