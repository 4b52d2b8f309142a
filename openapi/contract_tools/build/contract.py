"""Builds the contract: pages merged, overlays applied, rules checked, written as YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools.build import lint, overlays
from contract_tools.build.merge import merge_pages

if TYPE_CHECKING:
    from contract_tools._common.json_values import JsonObject
    from contract_tools._common.workspace import Workspace

HEADING = """\
Derived, not edited: `make regenerate` builds this from openapi/vendor and openapi/overlays.
A fix goes into an overlay, with its evidence; see openapi/README.md.
"""


@frozen
class Contract:
    """The derived contract.

    Attributes:
        document: as JSON values.
        yaml: the content of `openapi/runway.yaml`.
        json: as the generated package contains it.
        warnings: examples that contradict their schemas; they do not stop a build, but `check`
            refuses them.
    """

    document: JsonObject
    yaml: str
    json: str
    warnings: tuple[str, ...]


def build_contract(workspace: Workspace) -> Contract:
    """Build the contract of a workspace; writes nothing.

    Raises:
        ContractError: a page, an overlay or the result breaks a rule.
    """
    document = merge_pages(workspace)
    for overlay in overlays.load_overlays(workspace):
        overlays.apply_overlay(overlay, document)
    lint.check_contract(document)
    text = portable_yaml.dump(document, heading=HEADING)
    if portable_yaml.load_unambiguous(text, workspace.name(workspace.contract)) != document:
        raise ContractError("the written contract does not read back as the same document")
    packaged = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return Contract(document, text, packaged, tuple(lint.invalid_examples(document)))
