"""The seed page changes: what is red names the cause, and the report says what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import pytest
from attrs import frozen

from contract_tools.__main__ import main

from ..conftest import SEED_OVERLAY, amend_overlay

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace

    from ..conftest import WritePage

Edits: TypeAlias = tuple[tuple[str, str], ...]

CREATE = "client.character_performance.create"
MODEL = "models.CharacterPerformanceRequest"
EXAMPLE = "bodyControl: true\n                  expressionIntensity: 3\n"
RENAMED = (
    ("                bodyControl:\n", "                bodyMotion:\n"),
    ("- bodyControl\n", "- bodyMotion\n"),
    (EXAMPLE, EXAMPLE.replace("bodyControl", "bodyMotion")),
)
CALLED = [
    f"{MODEL}.body_control is called {MODEL}.body_motion",
    f"{CREATE}(body_control=…) is called {CREATE}(body_motion=…)",
]
LOST = "@ == 'bodyControl' matches nothing"


@frozen
class Case:
    """One change of the page.

    Attributes:
        page: the edits of the page.
        cause: what the refusal to build says.
        overlay: the edits of the overlay by which a person decides.
        report: location, change and verdict of each reported change.
        effects: what the changes do in Python.
    """

    page: Edits
    cause: str
    overlay: Edits
    report: list[tuple[str, str, str]]
    effects: list[str]


CASES = {
    "renamed": Case(
        RENAMED,
        LOST,
        (("'bodyControl'", "'bodyMotion'"),),
        [("/bodyControl", "looks renamed to bodyMotion", "breaking")],
        CALLED,
    ),
    "renamed and required": Case(
        RENAMED,
        LOST,
        (("@ == 'bodyControl' || ", ""),),
        [
            ("/bodyControl", "looks renamed to bodyMotion", "breaking"),
            ("/bodyControl", "now required, as bodyMotion", "breaking"),
        ],
        [
            *CALLED,
            f"{MODEL}.body_motion must be passed",
            f"{CREATE}(body_motion=…) must be passed",
        ],
    ),
    "new enum value": Case(
        (
            (
                "Must be act_two.\n",
                "Must be act_two.\n                  enum: [act_two, act_three]\n",
            ),
        ),
        '/model/enum is ["act_two", "act_three"] already, and update has ["act_two"]',
        (("enum: ['act_two']", "enum: ['act_two', 'act_three']"),),
        [("/model", 'allowed value added: "act_three"', "compatible")],
        [
            f'{MODEL}.model allowed value added: "act_three"',
            f'{CREATE}(model=…) allowed value added: "act_three"',
        ],
    ),
    "narrowed bound": Case(
        (
            (
                "expressionIntensity:\n                  type: integer\n",
                "expressionIntensity:\n                  type: integer\n"
                "                  maximum: 3\n",
            ),
        ),
        "/expressionIntensity/maximum is 3 already, and update has 5",
        (("maximum: 5", "maximum: 3"),),
        [("/expressionIntensity", "maximum changed from 5 to 3", "breaking")],
        [],
    ),
    "removed field": Case(
        (
            (
                "                bodyControl:\n                  type: boolean\n"
                "                  description: Enable body control.\n"
                "                  default: true\n",
                "",
            ),
            ("                - bodyControl\n", ""),
        ),
        LOST,
        (("@ == 'bodyControl' || ", ""),),
        [("/bodyControl", "removed", "breaking")],
        [f"{MODEL}.body_control is gone", f"{CREATE}(body_control=…) is gone"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_changed_page_is_red_by_its_cause_and_then_reported_exactly(
    workspace: Workspace, write_page: WritePage, capsys: pytest.CaptureFixture[str], case: Case
) -> None:
    base = workspace.root / "before.yaml"
    base.write_bytes(workspace.contract.read_bytes())
    compare = ["spec-diff", str(base)]
    assert main(["vendor", write_page(*case.page)], workspace) == 0
    for command in (["build"], compare, ["regenerate"], ["check"]):
        capsys.readouterr()
        assert main(command, workspace) == 1
        last = "\n".join(capsys.readouterr().err.splitlines()[-10:])
        assert f"{SEED_OVERLAY}: action " in last
        assert case.cause in last
    assert workspace.contract.read_bytes() == base.read_bytes()

    amend_overlay(workspace, *case.overlay)
    assert main(compare, workspace) == 0
    report = json.loads((workspace.scratch / "spec-diff.json").read_text("utf-8"))
    changes = report["changes"]
    assert [(one["place"], one["what"], one["verdict"]) for one in changes] == case.report
    assert {(one["operation"], one["part"]) for one in changes} == {("control_a_character", "body")}
    effects = [f"{one['name']} {one['what']}" for change in changes for one in change["python"]]
    assert effects == case.effects
    capsys.readouterr()
    assert main(["check"], workspace) == 1
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line.endswith("from what `make regenerate` makes; run it")
