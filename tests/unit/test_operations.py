"""Every operation of the gateway, from a call in Python to the request, and back to the output."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from attrs import frozen

from cometapi_runway import InvalidRequestError
from cometapi_runway.resources import _signatures as signatures
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import contract

from .support.both_clients import ID, KEY, ClientHarness
from .support.scripted_transport import Reply, json_reply

ROOT = Path(__file__).parents[2]
IMAGE = "https://your-image-host/picture.png"
VIDEO = "https://your-video-host/clip.mp4"
HOOK = "https://your-server/hook"
OUTPUT = "https://cdn.example/output.mp4"
STILL = {"x": 0, "y": 0, "z": 0, "r": 0, "bg_x_pan": 0, "bg_y_pan": 0}
ACCEPTED = {
    "tasks": {"id": ID},
    "feed": {"code": 200, "message": "", "msg": "success", "data": {"task_id": ID}},
}
ENDED = {
    "tasks": {"id": ID, "status": "SUCCEEDED", "output": [OUTPUT]},
    "feed": {"task_id": ID, "status": "SUCCESS", "result_url": OUTPUT},
}


@frozen
class OperationCase:
    """The least that a resource needs, and what leaves for it.

    A body without a seed that has `seeded` set is sent with a fresh one.
    """

    resource: str
    least: dict[str, Any]
    path: str
    body: dict[str, Any]
    route: str = "tasks"
    seeded: bool = True

    def on(self, client: Any) -> Any:
        found = client
        for name in self.resource.split("."):
            found = getattr(found, name)
        return found


CASES = [
    OperationCase(
        "character_performance",
        {"character": IMAGE, "reference": VIDEO},
        "/runwayml/v1/character_performance",
        {
            "character": {"type": "image", "uri": IMAGE},
            "reference": {"type": "video", "uri": VIDEO},
            "bodyControl": True,
            "expressionIntensity": 3,
            "model": "act_two",
            "ratio": "1280:720",
            "contentModeration": {"publicFigureThreshold": "auto"},
        },
    ),
    OperationCase(
        "image_to_video",
        {"prompt_image": IMAGE, "model": "gen4_turbo"},
        "/runwayml/v1/image_to_video",
        {"promptImage": IMAGE, "model": "gen4_turbo"},
    ),
    OperationCase(
        "text_to_image",
        {"prompt_text": "a cat", "reference_images": [IMAGE]},
        "/runwayml/v1/text_to_image",
        {
            "promptText": "a cat",
            "referenceImages": [{"uri": IMAGE}],
            "model": "gen4_image",
            "ratio": "1280:720",
        },
    ),
    OperationCase(
        "video_to_video",
        {"video_uri": VIDEO, "prompt_text": "make it snow"},
        "/runwayml/v1/video_to_video",
        {
            "videoUri": VIDEO,
            "promptText": "make it snow",
            "model": "gen4_aleph",
            "ratio": "1280:720",
        },
    ),
    OperationCase(
        "video_upscale",
        {"video_uri": VIDEO},
        "/runwayml/v1/video_upscale",
        {"videoUri": VIDEO, "model": "upscale_v1"},
        seeded=False,
    ),
    OperationCase(
        "compat.text_to_video",
        {"prompt": "a cat", "callback_url": HOOK},
        "/runway/pro/generate",
        {
            "prompt": "a cat",
            "callback_url": HOOK,
            "model": "gen4_turbo",
            "ratio": "16:9",
            "style": "cinematic",
            "options": {"seconds": 5, "motion_vector": STILL},
        },
        route="feed",
        seeded=False,
    ),
    OperationCase(
        "compat.image_to_video",
        {"image": IMAGE, "prompt": "it moves", "callback_url": HOOK},
        "/runway/pro/generate",
        {
            "image": IMAGE,
            "prompt": "it moves",
            "callback_url": HOOK,
            "model": "gen4",
            "ratio": "1280:720",
        },
        route="feed",
        seeded=False,
    ),
    OperationCase(
        "compat.video_to_video",
        {"video": VIDEO, "prompt": "pixelated style", "callback_url": HOOK},
        "/runway/pro/video2video",
        {
            "video": VIDEO,
            "prompt": "pixelated style",
            "callback_url": HOOK,
            "model": "gen4",
            "options": {"seconds": 5},
        },
        route="feed",
        seeded=False,
    ),
    OperationCase(
        "compat.act_one",
        {"video": VIDEO, "image": IMAGE, "callback_url": HOOK},
        "/runway/pro/act_one",
        {"video": VIDEO, "image": IMAGE, "callback_url": HOOK},
        route="feed",
        seeded=False,
    ),
]
each = pytest.mark.parametrize("case", CASES, ids=[case.resource for case in CASES])
compat = pytest.mark.parametrize(
    "case", [s for s in CASES if s.route == "feed"], ids=lambda case: case.resource
)


def make(harness: ClientHarness, case: OperationCase, **more: Any) -> Any:
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    return harness.run(case.on(harness.client).create(**{**case.least, **more}))


def test_every_pair_of_method_and_path_has_its_story() -> None:
    told = {("POST", case.path) for case in CASES}
    reads = {("GET", "/runwayml/v1/tasks/{id}"), ("POST", "/runway/feed")}
    assert told | reads == {(one.method, one.path) for one in contract().operations}


@each
def test_the_request(case: OperationCase, harness: ClientHarness) -> None:
    task = make(harness, case)
    (sent,) = harness.network.sent
    assert (sent.method, sent.url.path, sent.url.query) == ("POST", case.path, b"")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-runway-version"] == "2024-11-06"
    assert sent.headers["content-type"] == "application/json"
    seed = {"seed": task.seed} if case.seeded else {}
    assert sent.json == case.body | seed
    # The page that is strictest about it ends at this number.
    assert task.seed in range(10**9) if case.seeded else task.seed is None
    assert (task.id, task.status, task.route) == (ID, "PENDING", case.route)


@each
def test_the_task_is_polled_where_its_kind_is_known(case: OperationCase, harness: ClientHarness) -> None:
    task = make(harness, case)
    harness.respond_with(json_reply(ENDED[case.route]))
    ended = harness.run(task.wait())
    assert (ended.status, ended.output, ended.operation) == ("SUCCEEDED", (OUTPUT,), task.operation)
    poll = harness.network.sent[1]
    if case.route == "feed":
        assert (poll.method, poll.url.path, poll.json) == ("POST", "/runway/feed", {"task_id": ID})
    else:
        assert (poll.method, poll.url.path) == ("GET", f"/runwayml/v1/tasks/{ID}")
    assert poll.headers["x-runway-version"] == "2024-11-06"


@each
def test_the_options_of_one_call(case: OperationCase, harness: ClientHarness) -> None:
    options = {
        "runway_version": "2030-01-01",
        "extra_headers": {"X-Note": "one"},
        "extra_body": {"cfgScale": 0.5},
    }
    make(harness, case, **options, timeout=7)
    (sent,) = harness.network.sent
    assert sent.headers["x-runway-version"] == "2030-01-01"
    assert sent.headers["x-note"] == "one"
    assert sent.json.items() >= case.body.items()
    assert sent.json["cfgScale"] == 0.5


@each
def test_what_is_newer_than_the_contract_has_a_way_out(
    case: OperationCase, harness: ClientHarness
) -> None:
    field = next(iter(case.body))
    newer = {"extra_body": {field: {"newer": True}}}
    with pytest.raises(InvalidRequestError, match=f"/{field}"):
        make(harness, case, **newer)
    assert harness.network.sent == []
    make(harness, case, **newer, validate=False)
    assert harness.network.sent[0].json[field] == {"newer": True}


@each
def test_an_argument_that_is_missing_is_named(case: OperationCase, harness: ClientHarness) -> None:
    for name in case.least:
        rest = {key: value for key, value in case.least.items() if key != name}
        with pytest.raises(InvalidRequestError, match=f"{name}: {case.resource} requires") as no:
            harness.run(case.on(harness.client).create(**rest))
        assert [(issue.path, issue.rule) for issue in no.value.issues] == [(name, "required")]
    assert harness.network.sent == []


@each
def test_an_argument_that_is_misspelt_is_named(case: OperationCase, harness: ClientHarness) -> None:
    name = next(iter(case.least))
    with pytest.raises(InvalidRequestError, match=f"did you mean {name!r}"):
        make(harness, case, **{name + "s": "x"})
    assert harness.network.sent == []


# --- what the pages themselves ask for


def page_of(signature: Signature[...]) -> dict[str, Any]:
    """The request schema of the vendored page behind a signature, as it stands."""
    operation = contract().operation(signature.operation)
    page = operation.document["x-page"]
    if operation.variants:
        page = page[operation.variants[signature.name.rpartition(".")[2]]]
    name = page["source"].rpartition("/")[2].replace(".json", ".yaml")
    document = yaml.safe_load((ROOT / "openapi/vendor" / name).read_text("utf-8"))
    (item,) = document["paths"].values()
    schema = next(iter(item.values()))["requestBody"]["content"]["application/json"]["schema"]
    return {**schema, "components": document.get("components", {})}


@each
def test_the_least_satisfies_the_page_as_it_stands(case: OperationCase, harness: ClientHarness) -> None:
    make(harness, case)
    page = page_of(case.on(harness.client).signature)
    assert page["required"]
    jsonschema.validate(harness.network.sent[0].json, page)


SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "tests/data/samples").glob("*.json"))
}
READS = {one.id for one in contract().operations if one.resource in {"tasks", "feed"}}
SHOWN = {name: one for name, one in SAMPLES.items() if one["operation"] not in READS}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def resource_of(sample: dict[str, Any]) -> str:
    operation = contract().operation(sample["operation"])
    group = "compat." if operation.tag == "compat" else ""
    if not operation.variants:
        return group + operation.resource
    return group + ("image_to_video" if "image" in sample["body"] else "text_to_video")


@pytest.mark.parametrize("name", SHOWN)
def test_every_sample_of_a_page_can_be_said(name: str, harness: ClientHarness) -> None:
    sample = SHOWN[name]
    case = next(case for case in CASES if case.resource == resource_of(sample))
    arguments = {snake(field): value for field, value in sample["body"].items()}
    create = case.on(harness.client).create
    if sample["verdict"] != "valid":
        with pytest.raises(InvalidRequestError):
            harness.run(create(**arguments))
        assert harness.network.sent == []
        return
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    harness.run(create(**arguments))
    assert harness.network.sent[0].json.items() >= sample["body"].items()


# --- conveniences


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG")
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.MP4"
    path.write_bytes(b"mp4")
    return path


PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
CLIP = "data:video/mp4;base64," + base64.b64encode(b"mp4").decode()


def body(harness: ClientHarness, resource: str, **more: Any) -> Any:
    """What leaves for a resource."""
    case = next(case for case in CASES if case.resource == resource)
    make(harness, case, **more)
    return harness.network.sent[-1].json


def test_a_local_file_stands_wherever_a_data_uri_may(
    picture: Path, clip: Path, harness: ClientHarness
) -> None:
    sent = body(harness, "character_performance", character=picture, reference=clip)
    assert sent["character"] == {"type": "image", "uri": PICTURE}
    assert sent["reference"] == {"type": "video", "uri": CLIP}
    assert body(harness, "image_to_video", prompt_image=picture)["promptImage"] == PICTURE
    placed = [{"uri": picture, "position": "last"}]
    assert body(harness, "image_to_video", prompt_image=placed)["promptImage"] == [
        {"uri": PICTURE, "position": "last"}
    ]
    tagged = [picture, {"uri": picture, "tag": "cat"}]
    assert body(harness, "text_to_image", reference_images=tagged)["referenceImages"] == [
        {"uri": PICTURE},
        {"uri": PICTURE, "tag": "cat"},
    ]
    sent = body(harness, "video_to_video", video_uri=clip, references=(picture, IMAGE))
    assert sent["videoUri"] == CLIP
    assert sent["references"] == [
        {"type": "image", "uri": PICTURE},
        {"type": "image", "uri": IMAGE},
    ]
    assert body(harness, "video_upscale", video_uri=clip)["videoUri"] == CLIP


@pytest.mark.parametrize(
    ("resource", "argument", "pointer"),
    [
        ("character_performance", "reference", "/reference/uri"),
        ("image_to_video", "prompt_image", "/promptImage"),
        ("video_to_video", "video_uri", "/videoUri"),
        ("video_upscale", "video_uri", "/videoUri"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused(
    resource: str, argument: str, pointer: str, picture: Path, clip: Path, harness: ClientHarness
) -> None:
    wrong = clip if argument == "prompt_image" else picture
    with pytest.raises(InvalidRequestError, match=rf"{pointer}: .* has an extension") as no:
        body(harness, resource, **{argument: wrong})
    assert no.value.issues[0].path == pointer
    assert harness.network.sent == []


@pytest.mark.parametrize("name", ["\0.png", "\ud800.png", "no\0where/a.png"])
def test_a_file_whose_name_no_system_has_is_refused(name: str, harness: ClientHarness) -> None:
    with pytest.raises(InvalidRequestError, match=r"/promptImage: .* cannot be read") as no:
        body(harness, "image_to_video", prompt_image=Path(name))
    assert str(no.value).encode()
    assert harness.network.sent == []


@compat
def test_a_route_that_takes_addresses_only_says_so(
    case: OperationCase, picture: Path, harness: ClientHarness
) -> None:
    for name in case.least.keys() & {"video", "image", "callback_url"}:
        with pytest.raises(InvalidRequestError, match=f"/{name}: is a local file"):
            make(harness, case, **{name: picture})
        with pytest.raises(InvalidRequestError, match=rf"/{name} does not fit \(pattern\)"):
            make(harness, case, **{name: PICTURE})
    assert harness.network.sent == []


def test_a_picture_is_one_or_a_list_of_places(harness: ClientHarness) -> None:
    alone = body(harness, "image_to_video", prompt_image=[{"uri": IMAGE}])
    assert alone["promptImage"] == [{"uri": IMAGE, "position": "first"}]
    two = [{"uri": IMAGE, "position": "first"}, {"uri": IMAGE, "position": "last"}]
    assert body(harness, "image_to_video", prompt_image=two)["promptImage"] == two
    with pytest.raises(InvalidRequestError, match="/promptImage/1/position"):
        body(harness, "image_to_video", prompt_image=[two[0], {"uri": IMAGE}])


@pytest.mark.parametrize("resource", [s.resource for s in CASES if "ratio" in s.body])
def test_a_ratio_may_be_a_pair(resource: str, harness: ClientHarness) -> None:
    assert body(harness, resource, ratio=(720, 1280))["ratio"] == "720:1280"


@pytest.mark.parametrize("resource", ["text_to_image", "video_to_video", "character_performance"])
@pytest.mark.parametrize(
    "given", ["low", {"public_figure_threshold": "low"}, {"publicFigureThreshold": "low"}]
)
def test_a_threshold_may_be_spelt_in_three_ways(
    resource: str, given: Any, harness: ClientHarness
) -> None:
    sent = body(harness, resource, content_moderation=given)
    assert sent["contentModeration"] == {"publicFigureThreshold": "low"}


def test_no_picture_is_made_without_a_reference(harness: ClientHarness) -> None:
    """The gateway answers `reference_images_empty`; Runway itself would take it."""
    with pytest.raises(InvalidRequestError, match="/referenceImages must have at least 1"):
        body(harness, "text_to_image", reference_images=[])
    with pytest.raises(InvalidRequestError, match="/referenceImages must have at most 3"):
        body(harness, "text_to_image", reference_images=[IMAGE] * 4)
    for wrong in (IMAGE, None, 3):
        with pytest.raises(InvalidRequestError, match="/referenceImages: must be a list"):
            body(harness, "text_to_image", reference_images=wrong)
    assert harness.network.sent == []


def test_options_of_a_video_from_words_are_completed(harness: ClientHarness) -> None:
    given = {"seconds": 10}
    sent = body(harness, "compat.text_to_video", options=given)
    assert sent["options"] == {"seconds": 10, "motion_vector": STILL}
    assert given == {"seconds": 10}
    zoom = {"z": 1.5}
    sent = body(harness, "compat.text_to_video", options={"motion_vector": zoom, "newer": 1})
    assert sent["options"] == {"seconds": 5, "motion_vector": zoom, "newer": 1}
    for resource in ("compat.image_to_video", "compat.video_to_video"):
        assert body(harness, resource, options={})["options"] == {}
        assert body(harness, resource, options={"seconds": 10})["options"] == {"seconds": 10}


@compat
def test_options_that_are_none(case: OperationCase, harness: ClientHarness) -> None:
    if "options" in case.on(harness.client).signature.parameters:
        with pytest.raises(InvalidRequestError, match="/options: must be an object"):
            make(harness, case, options=5)
        assert harness.network.sent == []


# --- tasks of the compatibility format


def test_a_compatibility_task_is_taken_up_by_its_id(harness: ClientHarness) -> None:
    harness.respond_with(json_reply(ENDED["feed"]))
    tasks = harness.client.compat.tasks
    assert harness.run(tasks.retrieve(ID)).route == "feed"
    assert harness.run(tasks.wait(ID)).output == (OUTPUT,)
    assert [task.route for task in harness.run(tasks.wait_all([ID, "other"]))] == ["feed", "feed"]
    assert [task.output for task in harness.list(tasks.as_completed([ID]))] == [(OUTPUT,)]
    assert {one.url.path for one in harness.network.sent} == {"/runway/feed"}


def test_tasks_of_both_formats_are_waited_for_together(harness: ClientHarness) -> None:
    old, new = make(harness, CASES[-1]), "another"

    def gateway(request: Any) -> Reply:
        return json_reply(ENDED["feed" if request.url.path == "/runway/feed" else "tasks"])

    harness.network.respond_by(gateway)
    first, second = harness.run(harness.client.tasks.wait_all([old, new]))
    assert (first.route, second.route) == ("feed", "tasks")
    assert first.output == second.output == (OUTPUT,)


# --- an operation without a resource


@each
def test_an_operation_can_be_had_by_its_id(case: OperationCase, harness: ClientHarness) -> None:
    signature = case.on(harness.client).signature
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    wanted = case.body | ({"seed": 7} if case.seeded else {})
    said = {snake(field): value for field, value in wanted.items()}
    task = harness.run(harness.client.operation(signature.operation).create(**said))
    (sent,) = harness.network.sent
    assert (sent.url.path, sent.json) == (case.path, wanted)
    assert (task.id, task.route, task.operation) == (ID, case.route, signature.operation)


def test_an_operation_by_its_id_fills_in_nothing(harness: ClientHarness) -> None:
    create = harness.client.operation("generate_an_image_from_text").create
    with pytest.raises(InvalidRequestError) as no:
        harness.run(create(prompt_text="a cat"))
    assert {issue.path for issue in no.value.issues} == {"ratio", "model", "reference_images"}


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("upscale_video", "did you mean 'upscale_a_video'"),
        ("", "it has"),
        (None, "it has"),
        ("feed_get_task", "makes no task"),
        ("runway_to_get_task_details", "makes no task"),
    ],
)
def test_an_operation_that_is_none(operation: Any, words: str, harness: ClientHarness) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        harness.client.operation(operation)


def test_models_may_stand_for_objects(harness: ClientHarness) -> None:
    models = pytest.importorskip("cometapi_runway_api.models")
    create = harness.client.operation("generate_a_video_from_a_video").create
    harness.respond_with(json_reply(ACCEPTED["tasks"]))
    said = {"video_uri": VIDEO, "prompt_text": "x", "model": "m", "ratio": "1:1"}
    harness.run(create(**said, references=[models.VideoReference("image", IMAGE)]))
    assert harness.network.sent[0].json["references"] == [{"type": "image", "uri": IMAGE}]
    sent = body(
        harness,
        "text_to_image",
        reference_images=[models.ReferenceImage(IMAGE, tag="cat")],
        content_moderation=models.ContentModeration("low"),
    )
    assert sent["referenceImages"] == [{"uri": IMAGE, "tag": "cat"}]
    assert sent["contentModeration"] == {"publicFigureThreshold": "low"}


def test_every_signature_is_on_the_clients(harness: ClientHarness) -> None:
    known = {one.name for one in vars(signatures).values() if isinstance(one, Signature)}
    assert known == {case.resource for case in CASES}
