"""The contract: merged pages, overlaid, linted, and written so that every reader agrees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools import lint, merge, overlay, yaml_text
from contract_tools.errors import ContractError

if TYPE_CHECKING:
    from contract_tools.values import JsonObject
    from contract_tools.workspace import Workspace

HEADING = """\
Derived, not edited: `make regenerate` builds this from openapi/vendor and openapi/overlays.
A fix goes into an overlay, with its evidence; see openapi/README.md.
"""


@frozen
class Contract:
    """The derived contract.

    Attributes:
        document: as JSON values.
        yaml: as `openapi/runway.yaml` holds it.
        json: as the generated package holds it.
        warnings: what does not stop a build, and has to be settled before a commit.
    """

    document: JsonObject
    yaml: str
    json: str
    warnings: tuple[str, ...]


def build(workspace: Workspace) -> Contract:
    """Build the contract of a workspace; nothing is written.

    Raises:
        ContractError: a page, an overlay or the result breaks a rule.
    """
    document = merge.merge(workspace)
    for fixes in overlay.load_all(workspace):
        overlay.apply(fixes, document)
    lint.check(document)
    text = yaml_text.dump(document, heading=HEADING)
    if yaml_text.load_unambiguous(text, workspace.name(workspace.contract)) != document:
        raise ContractError("the written contract does not read back as it was meant")
    packaged = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return Contract(document, text, packaged, tuple(lint.contradictions(document)))
