"""Every contradiction of every page, and the overlay action that resolved it.

The contract is derived again, one overlay action at a time, and each claim is tested on each state:
the action after which a claim no longer holds resolved it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from attrs import define, field, frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Contract, ContractError, Operation
from contract_tools._common.workspace import Workspace
from contract_tools.build import overlays
from contract_tools.build.merge import merge_pages
from contract_tools.build.overlays import Overlay
from contract_tools.pages.register import Entry, load_vendored, read_register

from .claims import Claim, collect_claims
from .code_samples import read_samples

OPEN_FINDINGS_FILE = Path(__file__).with_name("open_findings.toml")


@frozen
class Finding:
    """One contradiction.

    Attributes:
        page: the vendored file.
        place: the part of the page that contradicts.
        message: the contradiction in words.
        on_page: whether the page has it; otherwise only the contract has it.
        open: whether the contract has it.
        resolved_by: the overlay action that resolved it, with its reason; empty while open.
    """

    page: str
    place: str
    message: str
    on_page: bool
    open: bool
    resolved_by: str = ""

    def __str__(self) -> str:
        return f"{self.page}: {self.place}: {self.message}"


@define(eq=False)
class _PageAudit:
    """A page and its claims while the contract is derived.

    Attributes:
        resolved: the claims that hold of the page but not of the contract, with the last action
            that resolved each.
    """

    entry: Entry
    page: Contract
    operation: Operation
    claims: list[Claim]
    resolved: dict[Claim, str] = field(factory=dict)
    _held: dict[Claim, bool] = field(factory=dict)
    _last_state: str = ""

    def select_resolved(self, target: Contract, same: Operation) -> None:
        """Select the claims whose resolving action is wanted."""
        self.resolved = {claim: "" for claim in self.claims
                         if claim.holds(self.page, self.operation)
                         and not claim.holds(target, same)}  # fmt: skip

    def test_state(self, state: Contract, action: str) -> None:
        """Test the claims on one state of the contract, unless the operation is unchanged."""
        operation = _find_operation(state, self.entry)
        if operation is None:
            return
        text = _with_references(state.document, operation.document)
        if text == self._last_state:
            return
        self._last_state = text
        for claim in self.resolved:
            holds = claim.holds(state, operation)
            if self._held.get(claim, True) and not holds:
                self.resolved[claim] = action
            self._held[claim] = holds

    def findings(self, target: Contract) -> Iterator[Finding]:
        """The contradictions of the page or of the contract."""
        same = _find_operation(target, self.entry)
        for claim in self.claims:
            is_open = claim.holds(target, same)
            if claim in self.resolved or is_open:
                on_page = claim in self.resolved or claim.holds(self.page, self.operation)
                action = self.resolved.get(claim, "")
                file = self.entry.file_name
                yield Finding(file, claim.place, claim.message, on_page, is_open, action)


def audit_pages(target: Contract, workspace: Workspace) -> tuple[Finding, ...]:
    """Every contradiction of every vendored page.

    Args:
        target: the contract derived from the pages.
        workspace: the folder of the pages and overlays.
    """
    audits = [_audit(target, workspace, entry) for entry in read_register(workspace)]
    for action, state in _states(workspace):
        for audit in audits:
            audit.test_state(state, action)
    return tuple(finding for audit in audits for finding in audit.findings(target))


def _audit(target: Contract, workspace: Workspace, entry: Entry) -> _PageAudit:
    page = Contract(load_vendored(workspace, entry))
    operation, same = _find_operation(page, entry), _find_operation(target, entry)
    if operation is None or same is None:
        raise LookupError(f"{entry.route} is not in the contract")
    audit = _PageAudit(entry, page, operation, list(collect_claims(page, target, operation, same)))
    audit.select_resolved(target, same)
    return audit


def _find_operation(contract: Contract, entry: Entry) -> Operation | None:
    return next((one for one in contract.operations
                 if (one.method, one.path) == (entry.method, entry.path)), None)  # fmt: skip


def _states(workspace: Workspace) -> Iterator[tuple[str, Contract]]:
    """The contract after each overlay action, without states that are not valid contracts.

    Every state is the same document, modified: test it before requesting the next.
    """
    document = merge_pages(workspace)
    yield "the merge of the pages of one operation", Contract(document)
    for fixes in overlays.load_overlays(workspace):
        reasons = _reasons(workspace, fixes.name)
        for index, action in enumerate(fixes.actions):
            overlays.apply_overlay(Overlay(fixes.name, (action,)), document)
            name = f"{Path(fixes.name).name}, action {index + 1}: {reasons[index]}"
            try:
                yield name, Contract(document)
            except ContractError:
                continue


def _with_references(document: JSON, value: JSON) -> str:
    """A value and everything it references as text; equal texts mean equal contracts."""
    found: dict[str, str] = {}
    waiting = [json.dumps(value)]
    while waiting:
        text = waiting.pop()
        for name in set(re.findall(r'"#/components/(\w+/[^"]+)"', text)) - found.keys():
            kind, _, key = name.partition("/")
            found[name] = json.dumps(document["components"].get(kind, {}).get(key))
            waiting.append(found[name])
    return json.dumps([value, sorted(found.items())])


def _reasons(workspace: Workspace, name: str) -> list[str]:
    document = yaml.safe_load((workspace.root / name).read_text("utf-8"))
    return [one["description"].strip() for one in document["actions"]]


def list_samples(workspace: Workspace) -> list[tuple[str, str]]:
    """The page and the name of every code sample, valid ones included."""
    return [
        (entry.file_name, sample.name)
        for entry in read_register(workspace)
        for operation in Contract(load_vendored(workspace, entry)).operations
        for sample in read_samples(operation.document)
    ]


def read_reasons(path: Path = OPEN_FINDINGS_FILE) -> Mapping[str, str]:
    """The reason of each listed open finding, by the text of the finding."""
    listed = tomllib.loads(path.read_text("utf-8")).get("open", [])
    return {
        f"{page}: {place}: {one['message']}": " ".join(one["reason"].split())
        for one in listed
        for page in one["pages"]
        for place in one["places"]
    }


def find_problems(findings: Iterable[Finding], listed: Mapping[str, str]) -> list[str]:
    """Open findings that are not listed, and listed findings that are not open."""
    is_open = {str(one) for one in findings if one.open}
    found = [f"neither resolved by an overlay nor listed: {one}" for one in sorted(is_open)
             if one not in listed]  # fmt: skip
    return found + [f"listed as open, but not open: {one}" for one in listed if one not in is_open]
