"""`python -m tests.contract.page_audit`: append what is neither resolved nor listed to the list.

`make operation` runs it after it has taken in a page. Each new entry waits for its reason.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import tomlkit

from cometapi_runway.validation import Contract
from contract_tools._common.workspace import Workspace

from .findings import OPEN_FINDINGS_FILE, Finding, audit_pages, read_reasons

REASON = "Not decided yet: resolve it by an overlay action, or say here why it stays open."


def main(workspace: Workspace, listed: Path = OPEN_FINDINGS_FILE) -> int:
    """List the open findings that are missing, and print them."""
    target = Contract(json.loads((workspace.package / "contract.json").read_text("utf-8")))
    reasons = read_reasons(listed)
    missing = [one for one in audit_pages(target, workspace)
               if one.open and str(one) not in reasons]  # fmt: skip
    if missing:
        text = listed.read_text("utf-8")
        listed.write_text(f"{text.rstrip()}\n\n{render_entries(missing)}", "utf-8")
    for (_, message), places in _group(missing).items():
        print(f"- tests/contract/page_audit/{listed.name}: {', '.join(places)}: {message}")
    return 0


def render_entries(findings: Iterable[Finding]) -> str:
    """The entries of the list for these findings, as TOML."""
    entries = [
        tomlkit.dumps({"open": [{"pages": [page], "places": names, "message": message,
                                 "reason": REASON}]})
        for (page, message), names in _group(findings).items()
    ]  # fmt: skip
    return "\n".join(entry.strip() + "\n" for entry in entries)


def _group(findings: Iterable[Finding]) -> dict[tuple[str, str], list[str]]:
    """The places of each contradiction of a page."""
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in findings:
        places[one.page, one.message].append(one.place)
    return places


if __name__ == "__main__":
    sys.exit(main(Workspace.here()))
