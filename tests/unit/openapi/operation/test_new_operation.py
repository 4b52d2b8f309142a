"""From a saved page of a new operation to a method of both clients, in a copy of the project."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen
from tests.contract.page_audit.__main__ import render_entries
from tests.contract.page_audit.findings import Finding, read_reasons
from tests.hypothesis_tables import link_tables

from contract_tools.__main__ import main, vendor
from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.build import overlays
from contract_tools.build.contract import Contract
from contract_tools.generate.operations_table import BEGIN
from contract_tools.generate.python_source import format_module
from contract_tools.operation import names, new_operation
from contract_tools.operation.new_operation import add_operation
from contract_tools.pages import register

ROOT = Path(__file__).parents[4]
PAGES = ROOT / "tests" / "data" / "pages"
DUB, SOUND = PAGES / "invented" / "dub.md", PAGES / "invented" / "sound.md"
# With the bytecode: it takes longer to compile the project than to run the checks.
SKIPPED = shutil.ignore_patterns("_media", "contract_tools", "mutants", "corpus")
# They hold a signature to the contract, the samples and the pages.
CHECKS = (
    "tests/unit/resources/test_signatures.py",
    "tests/unit/resources/test_known_values.py",
    "tests/unit/resources/test_operations.py",
    "tests/unit/resources/test_operation_examples.py",
)
# A body that no page has yet: several forms, lists of several kinds, names that Python needs.
ODD_PAGE = """\
# Odd

````yaml runway/compatibility-format/post-odd.openapi.json POST /runway/pro/invented_odd
openapi: 3.1.0
info: {title: Odd, version: 1.0.0}
servers: [{url: 'https://api.cometapi.com'}]
security: [{bearerAuth: []}]
paths:
  /runway/pro/invented_odd:
    post:
      summary: Make something “odd” \\ "quoted"
      operationId: make_invention_odd
      parameters:
        - {name: X-Runway-Version, in: header, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [callback_url, shape, class]
              properties:
                callback_url: {type: string, description: Where the result is posted.}
                shape:
                  anyOf:
                    - {type: object, required: [side], properties: {side: {type: integer}}}
                    - {type: array, items: {type: object, properties: {x: {type: number}}}}
                class: {type: string, enum: [a, b]}
                timeout: {type: [integer, 'null'], description: From 5 to 9 seconds.}
                options: {type: object}
                frames: {type: array, items: {type: object, properties: {at: {type: number}}}}
                urls: {type: array, items: {type: string, format: uri}}
      responses:
        '200': {description: Accepted.}
components:
  securitySchemes:
    bearerAuth:
      type: http
      scheme: bearer
      description: Bearer token authentication. Use your CometAPI key.
````
"""
# In a process of its own: the wrapper and the generated package there are others.
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
from cometapi_runway import AsyncRunwayClient, InvalidRequestError, RunwayClient
from cometapi_runway_api import models

sent = []

def gateway(request):
    sent.append([request.url.path, json.loads(request.content)])
    created = {"code": 200, "msg": "success", "data": {"task_id": "t"}, "id": "t"}
    return httpx.Response(200, json=created)

def both(resource, **arguments):
    def find(client):
        for name in resource.split("."):
            client = getattr(client, name)
        return client

    async def asynchronous():
        async with AsyncRunwayClient("sk", transport=httpx.MockTransport(gateway)) as client:
            return await find(client).create(**arguments)

    with RunwayClient("sk", transport=httpx.MockTransport(gateway)) as client:
        one = find(client).create(**arguments)
    other = asyncio.run(asynchronous())
    assert (one.id, other.id, sent[-1]) == ("t", "t", sent[-2]), sent
    return sent[-1][1]

def refused(resource, **arguments):
    count = len(sent)
    try:
        both(resource, **arguments)
    except InvalidRequestError as error:
        assert len(sent) == count
        return [issue.path for issue in error.issues]

picture = Path(sys.argv[1], "a.png")
picture.write_bytes(b"x")
clip, speech = "https://example.com/a.mp4", {"type": "audio", "uri": "https://example.com/a.mp3"}
sound = {"video_uri": clip, "prompt_text": "rain", "mood": "calm", "seed": 7}
odd = {"callback_url": "https://example.com/hook", "class_": "a"}
voice = models.InventedSoundVoice("deep")
print(json.dumps({
    "dub": both("invented_dub", video_uri=clip, speech=speech, ratio=(1280, 720), seed=7),
    "least": both("invented_sound", **sound),
    "most": both("invented_sound", **sound, voice={"preset": "deep", "pitch": 2}, keywords=["wet"],
                 references=[picture, {"uri": "https://example.com/a.png", "tag": "x"}]),
    "model": both("invented_sound", **sound, voice=voice)["voice"],
    "odd": both("compat.invented_odd", **odd, shape=[{"x": 1}], timeout_=6, options={"a": [1]},
                frames=[{"at": 0.5}], urls=["https://example.com/a"]),
    "one shape": both("compat.invented_odd", **odd, shape={"side": 2}),
    "refused": [
        refused("invented_sound", **{**sound, "mood": "sad"}),
        refused("invented_sound", **sound, voice=3),
        refused("invented_sound", **sound, voice={}),
        refused("invented_sound", **sound, references="x"),
        refused("invented_sound", **sound, volume=11),
        refused("invented_sound", **{**sound, "prompt_text": "x" * 501}),
        refused("invented_dub", video_uri="a.mp4", speech=speech, seed=7),
        refused("invented_dub", video_uri=clip, speech=None),
        refused("compat.invented_odd", **odd, shape=5),
        refused("compat.invented_odd", **odd, shape=None),
    ],
}))
"""
SENT_SOUND = {
    "videoUri": "https://example.com/a.mp4",
    "promptText": "rain",
    "mood": "calm",
    "model": "sound_one",
    "volume": 5,
    "seed": 7,
    "contentModeration": {"publicFigureThreshold": "auto"},
}


def copy_project(root: Path) -> Workspace:
    for folder in ("openapi", "generated", "wrapper", "tests/data/samples"):
        shutil.copytree(ROOT / folder, root / folder, ignore=SKIPPED)
    for file in ("pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / file, root / file)
    return Workspace(root)


@frozen
class Project:
    """A copy of the project that has taken in three pages, and the report on each."""

    workspace: Workspace
    reports: dict[str, list[str]]


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Project:
    workspace = copy_project(tmp_path_factory.mktemp("project"))
    odd = workspace.root / "odd.md"
    odd.write_text(ODD_PAGE, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        # The package of the last page has the others too; generating it takes seconds.
        patch.setattr(new_operation, "generate_package", copy_package)
        reports = {page.stem: add_operation(workspace, str(page)) for page in (DUB, SOUND)}
    reports["odd"] = add_operation(workspace, str(odd))
    return Project(workspace, reports)


def copy_package(workspace: Workspace, _: Contract, folder: Path) -> Path:
    return Path(shutil.copytree(workspace.package, folder / workspace.package.name))


@pytest.fixture(scope="module")
def project(taken_in: Project) -> Workspace:
    return taken_in.workspace


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the project for pages that are refused."""
    return copy_project(tmp_path_factory.mktemp("untouched"))


def run(project: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    packages = (project.package.parent, project.root / "wrapper", ROOT / "openapi")
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, packages))},
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )


def test_both_clients_send_what_the_page_describes(project: Workspace, tmp_path: Path) -> None:
    done = run(project, "-W", "error", "-c", PROGRAM, str(tmp_path))

    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)
    assert sent["dub"] == {
        "videoUri": "https://example.com/a.mp4",
        "speech": {"type": "audio", "uri": "https://example.com/a.mp3"},
        "model": "dub_one",
        "ratio": "1280:720",
        "seed": 7,
    }
    assert sent["least"] == SENT_SOUND
    assert sent["most"] == SENT_SOUND | {
        "voice": {"preset": "deep", "pitch": 2},
        "keywords": ["wet"],
        "references": [
            {"uri": "data:image/png;base64,eA=="},
            {"uri": "https://example.com/a.png", "tag": "x"},
        ],
    }
    assert sent["model"] == {"preset": "deep"}
    assert sent["odd"] == {
        "callback_url": "https://example.com/hook",
        "class": "a",
        "shape": [{"x": 1}],
        "timeout": 6,
        "options": {"a": [1]},
        "frames": [{"at": 0.5}],
        "urls": ["https://example.com/a"],
    }
    assert sent["one shape"]["shape"] == {"side": 2}
    assert sent["refused"] == [
        ["/mood"],
        ["/voice"],
        ["/voice/preset"],
        ["/references"],
        ["/volume"],
        ["/promptText"],
        ["/videoUri"],
        ["/speech"],
        ["/shape"],
        ["/shape"],
    ]


def test_the_tests_hold_the_new_signatures_to_the_contract(project: Workspace) -> None:
    shutil.copytree(
        ROOT / "tests", project.root / "tests", ignore=SKIPPED, dirs_exist_ok=True
    )  # fmt: skip
    link_tables(project.root)
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    selected = (
        "-k",
        "invented_sound or invented_dub or odd or invented-sound or invented-dub or every",
    )

    done = run(project, "-m", "pytest", *options, *CHECKS, *selected)

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_what_is_written_is_formatted_and_exported(project: Workspace) -> None:
    for name in ("invented_dub", "invented_sound", "compat_invented_odd"):
        file = project.signatures / f"{name}.py"
        text = file.read_text("utf-8")
        assert format_module(project, project.name(file), text) == text
        assert max(map(len, text.splitlines())) <= 100
        (function,) = (one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef))
        assert function.name == name
    exports = (project.signatures / "__init__.py").read_text("utf-8")
    assert exports.count("invented_sound") == 3
    assert exports.count("compat_invented_odd") == 3
    client = project.client.read_text("utf-8")
    assert "    invented_sound = ResourceDescriptor(signatures.invented_sound)\n" in client
    assert "    invented_odd = ResourceDescriptor(signatures.compat_invented_odd)\n" in client
    readme = (project.root / "README.md").read_text("utf-8")
    assert BEGIN not in readme or "`client.compat.invented_odd.create`" in readme


@pytest.mark.parametrize("name", ["invented_dub", "invented_sound", "compat_invented_odd"])
def test_every_file_is_written_as_reviewed(project: Workspace, name: str, tmp_path: Path) -> None:
    """Overlay, signature and samples; once reviewed, the new text replaces the old one."""
    label = name.replace("_", "-")
    files = [
        *project.overlays.glob(f"[0-9]*-{label}.overlay.yaml"),
        project.signatures / f"{name}.py",
        *sorted(project.samples.glob(f"{label}-*.json")),
    ]
    # An overlay's number depends on the repository's others.
    texts = {re.sub(r"^\d+-", "", file.name): file.read_text("utf-8") for file in files}
    written = "".join(f"===== {file}\n{text}" for file, text in texts.items())
    new = tmp_path / f"{name}.txt"
    new.write_text(written, "utf-8")
    reviewed = PAGES / "invented" / "written" / new.name
    assert written.splitlines() == reviewed.read_text("utf-8").splitlines(), f"see {new}"


def test_what_the_page_shows_is_kept_as_samples(project: Workspace) -> None:
    samples = {
        file.stem: json.loads(file.read_text("utf-8"))
        for file in project.samples.glob("*.json")
        if file.stem.startswith(("invented", "compat-invented"))
    }
    assert {name: one["shown_as"] for name, one in samples.items()} == {
        "invented-dub-example": "example Default of the body",
        "invented-dub-code": "code sample",
        "invented-sound-example": "example Default of the body",
        "invented-sound-default": "default of the body",
        "invented-sound-code": "code sample",
        "compat-invented-odd-made-up": "prose; the values are ours",
    }
    assert samples["invented-dub-code"]["headers"] == {"X-Runway-Version": "2024-11-06"}
    assert samples["invented-sound-code"]["refused_headers"].keys() == {"X-Runway-Version"}
    assert set(samples["invented-sound-code"]["body"]) == {
        "videoUri", "promptText", "mood", "model"
    }  # fmt: skip


def test_every_action_of_the_overlay_has_its_evidence(project: Workspace) -> None:
    written = [one for one in overlays.load_overlays(project) if "invented-sound" in one.name]
    text = (project.root / written[0].name).read_text("utf-8")
    assert re.fullmatch(r"openapi/overlays/2\d-invented-sound.overlay.yaml", written[0].name)
    assert text.count("x-evidence:") == len(written[0].actions)
    assert "The page: Loudness, 1 to 10." in text
    assert "Left out by: code sample." in text
    listed = {entry.route: entry.obtained for entry in register.read_register(project)}
    assert listed["POST /runwayml/v1/invented_sound"] == "page"


@pytest.mark.parametrize(
    ("page", "name", "decisions"),
    [
        ("dub", "invented_dub", ["docstring", "x-price", "CHANGELOG"]),
        ("sound", "invented_sound", ["narrator: has several", "docstring", "x-price", "CHANGELOG"]),
        (
            "odd",
            "compat.invented_odd",
            ["shape: has several forms", "shows no request", "docstring", "x-price", "CHANGELOG"],
        ),
    ],
)
def test_what_is_left_to_decide_is_listed_last(
    taken_in: Project, page: str, name: str, decisions: list[str]
) -> None:
    lines = taken_in.reports[page]
    start = lines.index(f"client.{name}.create is there. To decide:")
    assert all(line.endswith(": written") for line in lines[:start])
    assert "generated/cometapi_runway_api: written" in lines[:start]
    assert len(lines[start + 1 :]) == len(decisions)
    for line, part in zip(lines[start + 1 :], decisions, strict=True):
        assert line.startswith("- ")
        assert part in line


def test_the_command_names_the_resource(
    untouched: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["operation", str(DUB), "--name", "tasks"], untouched) == 1
    assert "client.tasks exists already; choose another NAME" in capsys.readouterr().err


def test_a_name_whose_component_is_taken_is_refused(
    untouched: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "component_names", lambda _: {"OtherRequest"})
    message = "the contract has a component OtherRequest already; choose another NAME"
    with pytest.raises(ContractError, match=message):
        add_operation(untouched, str(DUB), "other")


REFUSED: dict[str, tuple[Callable[[str], str], str, str]] = {
    "no block": (lambda _: "# A page\n", "", "no OpenAPI block"),
    "a page of the contract": (
        lambda _: (PAGES / "control-a-character.md").read_text("utf-8"),
        "",
        "POST /runwayml/v1/character_performance is in the contract already",
    ),
    "an operation of another page": (
        lambda text: text.replace("dub_an_invention", "control_a_character"),
        "",
        "operationId control_a_character is already",
    ),
    "a route of a transcription": (
        lambda text: text.replace("/invented_dub", "/video_upscale"),
        "",
        "POST /runwayml/v1/video_upscale is in the contract already; for a changed page",
    ),
    "a taken name": (str, "video_upscale", "client.video_upscale exists already"),
    "an attribute of the client": (str, "tasks", "client.tasks exists already"),
    "a property of the client": (str, "journal", "client.journal exists already"),
    "a function of the signatures": (str, "from_contract", "exists already"),
    "a name with a hyphen": (str, "invented-dub", "'invented-dub' is not a Python name"),
    "a keyword": (str, "class", "'class' is not a Python name"),
    "a path as a name": (str, "../x", "is not a Python name"),
    "an operationId with a hyphen": (
        lambda text: text.replace("dub_an_invention", "dub-an-invention"),
        "",
        "operationId must be snake_case, is 'dub-an-invention'",
    ),
    "a read": (
        lambda text: text.replace("POST /", "GET /").replace("    post:", "    get:"),
        "",
        "has no JSON body",
    ),
    "a parameter in the path": (
        lambda text: text.replace("in: header", "in: query"),
        "",
        "`create` cannot send the query parameter X-Runway-Version",
    ),
    "a parameter of the whole path": (
        lambda text: text.replace(
            "    post:\n",
            "    parameters: [{name: trace, in: query, schema: {type: string}}]\n    post:\n",
        ),
        "",
        "`create` cannot send the query parameter trace",
    ),
    "a component of the contract": (
        lambda text: text.replace("InventedDubSpeech", "TaskCreated"),
        "",
        "the contract has a component TaskCreated already",
    ),
    "another server": (
        lambda text: text.replace("https://api.cometapi.com\n", "https://example.com\n", 1),
        "",
        "the other pages have",
    ),
    "a source outside": (
        lambda text: text.replace("official-format/", "").replace("/runwayml/v1/", "/v2/"),
        "",
        "begins like no route",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "name", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refused_page_changes_nothing(
    change: Callable[[str], str], name: str, message: str, untouched: Workspace, tmp_path: Path,
    snapshot: Callable[[Path], dict[str, bytes]],
) -> None:  # fmt: skip
    page = tmp_path / "page.md"
    page.write_text(change(DUB.read_text("utf-8")), "utf-8")
    before = snapshot(untouched.root)

    with pytest.raises(ContractError, match=re.escape(message)):
        add_operation(untouched, str(page), name)

    assert snapshot(untouched.root) == before


def test_a_page_that_was_only_vendored_is_taken_in(
    untouched: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(Path(shutil.copytree(untouched.root, tmp_path / "project")))
    monkeypatch.setattr(new_operation, "generate_package", copy_package)

    report = vendor(workspace, str(DUB))
    assert report[-1].endswith(f"stored; next: make operation PAGE={DUB}")
    stored = workspace.register.read_bytes()
    assert "client.invented_dub.create is there. To decide:" in add_operation(workspace, str(DUB))
    assert workspace.register.read_bytes() == stored


def test_a_failure_on_the_way_changes_nothing(
    untouched: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: Callable[[Path], dict[str, bytes]],
) -> None:
    def fail(*_: object) -> None:
        raise ContractError("the generator refused the contract")

    monkeypatch.setattr(new_operation, "generate_package", fail)
    before = snapshot(untouched.root)
    with pytest.raises(ContractError, match="refused"):
        add_operation(untouched, str(DUB))
    assert snapshot(untouched.root) == before


def test_open_contradictions_are_listed_for_a_person(tmp_path: Path) -> None:
    found = [
        Finding("a.yaml", f"body /{name}", 'a "quoted" \\ text', on_page=True, open=True)
        for name in "bc"
    ]
    file = tmp_path / "open.toml"
    file.write_text(render_entries(found), "utf-8")
    assert set(read_reasons(file)) == {str(one) for one in found}
    assert file.read_text("utf-8").count("[[open]]") == 1
