"""The report of `make vendor`: what changed in a page, by operation and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import pointer, shorten
from contract_tools.diff.changes import UNDECIDED
from contract_tools.diff.compare import compare
from contract_tools.diff.json_differences import differences
from contract_tools.pages.register import load_vendored

if TYPE_CHECKING:
    from contract_tools._common.json_values import JsonObject
    from contract_tools.diff.changes import Change, Direction, Judgement
    from contract_tools.diff.json_differences import Difference
    from contract_tools.pages.register import Entry
    from contract_tools.pages.vendor import VendorPlan


def report_page(plan: VendorPlan) -> list[str]:
    """Report how a page differs from what it replaces, a line for each change."""
    if not plan.replaced:
        return [f"{plan.page.route}: new page, operationId {plan.page.operation_id}"]
    lines: list[str] = []
    for old in plan.replaced:
        if old.obtained == "transcribed":
            lines.append(f"{old.route}: the page replaces its transcription")
        lines += _changes_since(plan, old)
    return lines


def _changes_since(plan: VendorPlan, old: Entry) -> list[str]:
    route = plan.entry.route
    if old.sha256 == plan.entry.sha256:
        return [f"{route}: the same page; its entry or file had been changed"]
    try:
        before = load_vendored(plan.workspace, old)
    except ContractError as error:
        return [f"{route}: no comparison with the earlier version: {error}"]
    return describe_changes(before, plan.page.document) or [
        f"{route}: layout only (order of keys, line breaks or comments); the data is the same"
    ]


def describe_changes(old: JsonObject, new: JsonObject) -> list[str]:
    """Describe the changes from one document to another, a line each.

    A difference that the comparison of operations and schemas ignores is described by its JSON
    pointer.

    Returns:
        No lines if, and only if, the two hold the same data, whatever their layout.
    """
    lines = [_line(change) for change in _changes(old, new)]
    # Each difference alone, because a change that is reported would hide another that is not.
    rest = [one for one in differences(old, new) if not (lines and _changes(old, one.apply(old)))]
    return lines + [_line_by_pointer(one) for one in rest]


def _changes(old: JsonObject, new: JsonObject) -> list[Change]:
    try:
        return list(compare(old, new, _leave_undecided))
    except ContractError:
        # A reference that points nowhere; `differences` follows none.
        return []


def _leave_undecided(_old: JsonObject, _new: JsonObject, _way: Direction, _at: str) -> Judgement:
    """Judge nothing: a page alone does not decide what the contract allows."""
    return UNDECIDED


def _line(change: Change) -> str:
    operation = f"{change.operation}: " if change.operation else ""
    return f"{operation}{change.location}: {change.what}"


def _line_by_pointer(one: Difference) -> str:
    where = f"at {pointer(one.path)}"
    match one.kind:
        case "added":
            return f"{where}: added: {shorten(one.after)}"
        case "removed":
            return f"{where}: removed (was {shorten(one.before)})"
        case "renamed":
            return f"{where}: looks renamed to {one.after}"
        case "reordered":
            return f"{where}: the same entries in another order"
        case _:
            old, new = shorten(one.before), shorten(one.after)
            # Two long values may look the same once shortened.
            return f"{where}: changed" + (f" from {old} to {new}" if old != new else "")
