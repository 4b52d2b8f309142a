"""Every contradiction of every page, and what became of it.

The contract is derived anew, one overlay action after the other, and each claim is put to every
state on the way: the action after which it holds no more is the one that settled it.
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
from contract_tools import merge, overlay, registry
from contract_tools.overlay import Overlay
from contract_tools.registry import Entry
from contract_tools.workspace import Workspace

from .claims import Claim, collect_claims
from .code_samples import read_samples

OPEN_FINDINGS_FILE = Path(__file__).with_name("findings.toml")


@frozen
class Finding:
    """One contradiction.

    Attributes:
        page: the vendored file.
        place: what of the page contradicts.
        words: what it contradicts, and how.
        on_page: whether the page contradicts itself; otherwise only the contract does.
        open: whether the contract still has it.
        settled: the overlay action that ended it, with its reason; empty while it is open.
    """

    page: str
    place: str
    words: str
    on_page: bool
    open: bool
    settled: str = ""

    def __str__(self) -> str:
        return f"{self.page}: {self.place}: {self.words}"


@define(eq=False)
class _Case:
    """A page with its collect_claims, while the contract is being derived.

    Attributes:
        ended: the collect_claims that the page has and the contract has not, with what last ended each.
    """

    entry: Entry
    page: Contract
    operation: Operation
    collect_claims: list[Claim]
    ended: dict[Claim, str] = field(factory=dict)
    _held: dict[Claim, bool] = field(factory=dict)
    _seen: str = ""

    def settle(self, target: Contract, same: Operation) -> None:
        """Note the collect_claims whose end is to be looked for."""
        self.ended = {claim: "" for claim in self.claims
                      if claim.holds(self.page, self.operation) and not claim.holds(target, same)
                      }  # fmt: skip

    def ask(self, state: Contract, action: str) -> None:
        """Put the collect_claims to one state of the contract, unless it says of them what the last did."""
        operation = _same(state, self.entry)
        if operation is None or self._seen == (now := _all_of(state.document, operation.document)):
            return
        self._seen = now
        for claim in self.ended:
            holds = claim.holds(state, operation)
            if self._held.get(claim, True) and not holds:
                self.ended[claim] = action
            self._held[claim] = holds

    def findings(self, target: Contract) -> Iterator[Finding]:
        """What the page or the contract contradicts."""
        same = _same(target, self.entry)
        for claim in self.claims:
            is_open = claim.holds(target, same)
            if claim in self.ended or is_open:
                on_page = claim in self.ended or claim.holds(self.page, self.operation)
                settled = self.ended.get(claim, "")
                file = self.entry.file_name
                yield Finding(file, claim.place, claim.words, on_page, is_open, settled)


def audit_pages(target: Contract, workspace: Workspace) -> tuple[Finding, ...]:
    """Every contradiction of every vendored page.

    Args:
        target: the contract derived from the pages.
        workspace: where the pages and overlays are.
    """
    cases = [_case(target, workspace, entry) for entry in registry.read(workspace)]
    for action, state in _states(workspace):
        for case in cases:
            case.ask(state, action)
    return tuple(finding for case in cases for finding in case.findings(target))


def _case(target: Contract, workspace: Workspace, entry: Entry) -> _Case:
    page = Contract(merge.load_vendored(workspace, entry))
    operation, same = _same(page, entry), _same(target, entry)
    if operation is None or same is None:
        raise LookupError(f"{entry.route} is not in the contract")
    case = _Case(entry, page, operation, list(collect_claims(page, target, operation, same)))
    case.settle(target, same)
    return case


def _same(contract: Contract, entry: Entry) -> Operation | None:
    return next((one for one in contract.operations
                 if (one.method, one.path) == (entry.method, entry.path)), None)  # fmt: skip


def _states(workspace: Workspace) -> Iterator[tuple[str, Contract]]:
    """The contract after each overlay action; a state that is no contract yet is passed over.

    Each is the same document, further on: it is to be looked at before the next is asked for.
    """
    document = merge.merge(workspace)
    yield "the pages of one operation, brought together", Contract(document)
    for fixes in overlay.load_all(workspace):
        read_reasons = _reasons(workspace, fixes.name)
        for index, action in enumerate(fixes.actions):
            overlay.apply(Overlay(fixes.name, (action,)), document)
            name = f"{Path(fixes.name).name}, action {index + 1}: {read_reasons[index]}"
            try:
                yield name, Contract(document)
            except ContractError:
                continue


def _all_of(document: JSON, value: JSON) -> str:
    """A value with everything it refers to, as text: equal texts mean equal contracts."""
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
    """The page and the name of every code sample there is, right ones too."""
    return [
        (entry.file_name, sample.name)
        for entry in registry.read(workspace)
        for operation in Contract(merge.load_vendored(workspace, entry)).operations
        for sample in read_samples(operation.document)
    ]


def read_reasons(path: Path = OPEN_FINDINGS_FILE) -> Mapping[str, str]:
    """Why each open finding is left open, by the finding in words."""
    listed = tomllib.loads(path.read_text("utf-8")).get("open", [])
    return {
        f"{page}: {place}: {one['words']}": " ".join(one["reason"].split())
        for one in listed
        for page in one["pages"]
        for place in one["places"]
    }


def find_problems(findings: Iterable[Finding], listed: Mapping[str, str]) -> list[str]:
    """What the list leaves to be mended: a finding that is missing from it, or one too many."""
    is_open = {str(one) for one in findings if one.open}
    found = [f"neither settled by an overlay nor listed: {one}" for one in sorted(is_open)
             if one not in listed]  # fmt: skip
    return found + [f"listed as open, but it is not: {one}" for one in listed if one not in is_open]
