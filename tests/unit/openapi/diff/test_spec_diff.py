"""The report: what changes mean in Python, where it is written, and how the command is run."""

from __future__ import annotations

import copy
import importlib
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from contract_tools.__main__ import main
from contract_tools._common.errors import ContractError
from contract_tools.diff import python_names, report, spec_diff
from contract_tools.diff.compare import compare
from contract_tools.diff.judge import judge
from contract_tools.diff.spec_diff import Comparison

from .test_compare import BASE, COMPATIBLE, changes, field, operation, rename_field, schema

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace

    from ..conftest import WritePage


def effects(change: Any) -> dict[str, tuple[str, bool]]:
    return {one.name: (one.what, one.breaking) for c in changes(change) for one in c.effects}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: schema(d)["properties"].pop("seed"),
            {"models.StillRequest.seed": ("is gone", True),
             "client.still.create(seed=…)": ("is gone", True)},
        ),
        (
            rename_field,
            {"models.StillRequest.prompt_text": ("is called models.StillRequest.prompt_words",
                                                 True),
             "client.still.create(prompt_text=…)": ("is called client.still.create prompt_words",
                                                    True)},
        ),
        (
            lambda d: schema(d, "Mark")["required"].append("name"),
            {"models.Mark.name": ("must be given", True)},
        ),
        (
            lambda d: field(d, "kind", "Frame")["enum"].append("sound"),
            {"models.Frame.kind": ('allowed values added: "sound"', False)},
        ),
        (
            lambda d: field(d, "seed").update(type="string"),
            {"models.StillRequest.seed":
                ('type changed from "integer" to "string"', True),
             "client.still.create(seed=…)":
                ('type changed from "integer" to "string"', True)},
        ),
        (lambda d: field(d, "strength").update(maximum=3), {}),
        (
            lambda d: operation(d).update({"x-resource": "picture"}),
            {"client.still": ("is gone; there are client.picture", True),
             "client.picture": ("is new", False)},
        ),
        (
            lambda d: operation(d).update({"operationId": "still"}),
            {"cometapi_runway_api.api.official.make_a_still":
                ("is called cometapi_runway_api.api.official.still", True)},
        ),
        (
            lambda d: operation(d)["parameters"].pop(),
            {"cometapi_runway_api.api.official.make_a_still(draft=…)": ("is gone", True)},
        ),
        (
            lambda d: operation(d)["parameters"][0].update(required=False),
            {"cometapi_runway_api.api.official.make_a_still(x_version=…)":
                ("may be left out", False)},
        ),
    ],
)  # fmt: skip
def test_a_change_is_told_by_the_names_that_it_hits(
    change: Any, expected: dict[str, tuple[str, bool]]
) -> None:
    assert effects(change) == expected


def test_a_field_that_is_gone_breaks_programs_though_not_the_wire() -> None:
    (one,) = changes(lambda d: schema(d)["properties"].pop("seed"))
    assert (one.judgement.verdict, one.verdict) == ("compatible", "breaking")


def test_names_are_those_of_the_generated_package(repository: Workspace) -> None:
    generated = importlib.import_module("cometapi_runway_api.models")
    document = json.loads((repository.package / "contract.json").read_text("utf-8"))
    for name, fields in python_names.models(document).items():
        found = [one.name for one in attrs.fields(getattr(generated, name)) if one.init]
        assert sorted(found) == sorted(fields), name
    for item in document["paths"].values():
        for raw in (one for one in item.values() if "operationId" in one):
            module = importlib.import_module(python_names.module(raw))
            assert callable(module.sync)


def test_an_operation_of_several_resources_is_told_by_each() -> None:
    raw = {"tags": ["compat"], "x-resource": {"text_to_video": "A", "image_to_video": "B"}}
    every = ["client.compat.text_to_video", "client.compat.image_to_video"]
    assert python_names.resources(raw) == every
    assert python_names.resources(raw, "B") == every[1:]


@pytest.fixture
def told() -> Comparison:
    changed = copy.deepcopy(BASE)
    field(changed, "strength").update(maximum=3)
    COMPATIBLE["a server came"][0](changed)
    schema(changed)["properties"]["<b>"] = {"type": "string"}
    return Comparison("v1", tuple(compare(BASE, changed, judge)))


def test_the_markdown_names_verdict_place_and_witness(told: Comparison) -> None:
    text = "\n".join(report.as_markdown(told))
    assert "3 changes since v1: 1 breaking, 0 undecided, 2 compatible." in text
    assert "- **breaking** body /strength: maximum changed from 5 to 3" in text
    witness = re.search(r"for example `(.+)`", text)
    assert witness
    assert json.loads(witness[1])["strength"] in {4, 5}


def test_the_page_shows_the_same_and_escapes_it(told: Comparison) -> None:
    page = report.as_html(told)
    assert "maximum changed from 5 to 3" in page
    assert "/&lt;b&gt;" in page
    assert "<b>: " not in page
    assert "prefers-color-scheme: dark" in page
    assert "<script" not in page


def test_the_json_holds_every_change(told: Comparison) -> None:
    data = report.as_json(told)
    assert (data["breaking"], data["compatible"], len(data["changes"])) == (1, 2, 3)
    (one,) = [change for change in data["changes"] if change["verdict"] == "breaking"]
    assert one["place"] == "/strength"
    assert one["operation"] == "make_a_still"
    assert one["witness"][0]["strength"] in {4, 5}


def test_no_change_is_said_to_be_none() -> None:
    same = Comparison("v1", tuple(compare(BASE, BASE, judge)))
    assert "Nothing that matters has changed since v1." in report.as_markdown(same)


def test_the_command_compares_with_a_file(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = workspace.root / "earlier.yaml"
    text = workspace.contract.read_text("utf-8")
    assert "maximum: 5" in text
    earlier.write_text(text.replace("maximum: 5", "maximum: 6", 1), "utf-8")
    assert main(["spec-diff", str(earlier)], workspace) == 0
    said = capsys.readouterr().out
    assert "maximum changed from 6 to 5" in said
    written = json.loads((workspace.scratch / "spec-diff.json").read_text("utf-8"))
    assert written["breaking"] >= 1
    assert (workspace.scratch / "spec-diff.html").exists()


@pytest.fixture
def committed(workspace: Workspace) -> Workspace:
    """A workspace whose contract is in its git history."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=workspace.root, check=True,
                       capture_output=True)  # fmt: skip

    git("init", "-q")
    git("add", "openapi/runway.yaml")
    git("commit", "-q", "-m", "before")
    return workspace


RENAMED = (("                bodyControl:\n", "                bodyMotion:\n"),
           ("- bodyControl\n", "- bodyMotion\n"))  # fmt: skip
STALE = "Run `make regenerate` to update it"


def test_a_page_is_compared_before_anything_is_regenerated(
    committed: Workspace, write_page: WritePage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The order that the README gives: vendor, spec-diff, regenerate."""
    before = committed.contract.read_bytes()
    assert main(["vendor", write_page(*RENAMED)], committed) == 0
    assert main(["spec-diff", "HEAD"], committed) == 0
    assert committed.contract.read_bytes() == before
    early = capsys.readouterr().out
    assert "1 changes since HEAD: 1 breaking, 0 undecided, 0 compatible." in early
    assert STALE in early
    page, data = (committed.scratch / f"spec-diff.{kind}" for kind in ("html", "json"))
    assert "regenerate" in page.read_text("utf-8")
    told = json.loads(data.read_text("utf-8"))
    assert STALE in told["note"]
    assert main(["build"], committed) == 0
    assert main(["spec-diff", "HEAD"], committed) == 0
    assert STALE not in capsys.readouterr().out
    assert json.loads(data.read_text("utf-8")) == told | {"note": ""}


def test_nothing_changed_is_said_of_what_the_pages_make(
    committed: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not of the file, which anybody may have edited."""
    assert main(["spec-diff", "HEAD"], committed) == 0
    said = capsys.readouterr().out
    assert "Nothing that matters has changed since HEAD." in said
    assert STALE not in said
    text = committed.contract.read_text("utf-8")
    committed.contract.write_text(text.replace("maximum: 5", "maximum: 4", 1), "utf-8")
    assert main(["spec-diff", "HEAD"], committed) == 0
    said = capsys.readouterr().out
    assert "Nothing that matters has changed since HEAD." in said
    assert STALE in said
    committed.contract.unlink()
    assert main(["spec-diff", "HEAD"], committed) == 0
    assert STALE in capsys.readouterr().out


def test_pages_that_make_no_contract_are_an_error_and_not_no_change(
    committed: Workspace, write_page: WritePage, capsys: pytest.CaptureFixture[str]
) -> None:
    """An overlay action looks for a field that the page has under another name now."""
    assert main(["spec-diff", "HEAD"], committed) == 0
    gone = ("                expressionIntensity:\n", "                intensity:\n")
    assert main(["vendor", write_page(gone)], committed) == 0
    capsys.readouterr()
    assert main(["spec-diff", "HEAD"], committed) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "nothing was compared with HEAD" in said.err
    assert "20-character-performance.overlay.yaml: action" in said.err
    assert "expressionIntensity" in said.err
    assert "matches nothing" in said.err
    # Else `make contract` would show the report of before.
    assert list(committed.scratch.glob("spec-diff.*")) == []


@pytest.mark.parametrize("base", ["no-such-revision", "--output=x"])
def test_a_base_that_is_neither_is_an_error(workspace: Workspace, base: str) -> None:
    with pytest.raises(ContractError, match="is not a file, and git says"):
        spec_diff.load_contract(workspace, base)
