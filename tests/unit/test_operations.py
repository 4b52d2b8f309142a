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

from .twin import ID, KEY, Twin
from .wire import Reply, answer

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
class Story:
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


STORIES = [
    Story(
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
    Story(
        "image_to_video",
        {"prompt_image": IMAGE, "model": "gen4_turbo"},
        "/runwayml/v1/image_to_video",
        {"promptImage": IMAGE, "model": "gen4_turbo"},
    ),
    Story(
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
    Story(
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
    Story(
        "video_upscale",
        {"video_uri": VIDEO},
        "/runwayml/v1/video_upscale",
        {"videoUri": VIDEO, "model": "upscale_v1"},
        seeded=False,
    ),
    Story(
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
    Story(
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
    Story(
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
    Story(
        "compat.act_one",
        {"video": VIDEO, "image": IMAGE, "callback_url": HOOK},
        "/runway/pro/act_one",
        {"video": VIDEO, "image": IMAGE, "callback_url": HOOK},
        route="feed",
        seeded=False,
    ),
]
each = pytest.mark.parametrize("story", STORIES, ids=[story.resource for story in STORIES])
compat = pytest.mark.parametrize(
    "story", [s for s in STORIES if s.route == "feed"], ids=lambda story: story.resource
)


def make(twin: Twin, story: Story, **more: Any) -> Any:
    twin.plays(answer(ACCEPTED[story.route]))
    return twin.run(story.on(twin.client).create(**{**story.least, **more}))


def test_every_pair_of_method_and_path_has_its_story() -> None:
    told = {("POST", story.path) for story in STORIES}
    reads = {("GET", "/runwayml/v1/tasks/{id}"), ("POST", "/runway/feed")}
    assert told | reads == {(one.method, one.path) for one in contract().operations}


@each
def test_the_request(story: Story, twin: Twin) -> None:
    task = make(twin, story)
    (sent,) = twin.wire.sent
    assert (sent.method, sent.url.path, sent.url.query) == ("POST", story.path, b"")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-runway-version"] == "2024-11-06"
    assert sent.headers["content-type"] == "application/json"
    seed = {"seed": task.seed} if story.seeded else {}
    assert sent.json == story.body | seed
    # The page that is strictest about it ends at this number.
    assert task.seed in range(10**9) if story.seeded else task.seed is None
    assert (task.id, task.status, task.route) == (ID, "PENDING", story.route)


@each
def test_the_task_is_polled_where_its_kind_is_known(story: Story, twin: Twin) -> None:
    task = make(twin, story)
    twin.plays(answer(ENDED[story.route]))
    ended = twin.run(task.wait())
    assert (ended.status, ended.output, ended.operation) == ("SUCCEEDED", (OUTPUT,), task.operation)
    poll = twin.wire.sent[1]
    if story.route == "feed":
        assert (poll.method, poll.url.path, poll.json) == ("POST", "/runway/feed", {"task_id": ID})
    else:
        assert (poll.method, poll.url.path) == ("GET", f"/runwayml/v1/tasks/{ID}")
    assert poll.headers["x-runway-version"] == "2024-11-06"


@each
def test_the_options_of_one_call(story: Story, twin: Twin) -> None:
    options = {
        "runway_version": "2030-01-01",
        "extra_headers": {"X-Note": "one"},
        "extra_body": {"cfgScale": 0.5},
    }
    make(twin, story, **options, timeout=7)
    (sent,) = twin.wire.sent
    assert sent.headers["x-runway-version"] == "2030-01-01"
    assert sent.headers["x-note"] == "one"
    assert sent.json.items() >= story.body.items()
    assert sent.json["cfgScale"] == 0.5


@each
def test_what_is_newer_than_the_contract_has_a_way_out(story: Story, twin: Twin) -> None:
    field = next(iter(story.body))
    newer = {"extra_body": {field: {"newer": True}}}
    with pytest.raises(InvalidRequestError, match=f"/{field}"):
        make(twin, story, **newer)
    assert twin.wire.sent == []
    make(twin, story, **newer, validate=False)
    assert twin.wire.sent[0].json[field] == {"newer": True}


@each
def test_an_argument_that_is_missing_is_named(story: Story, twin: Twin) -> None:
    for name in story.least:
        rest = {key: value for key, value in story.least.items() if key != name}
        with pytest.raises(InvalidRequestError, match=f"{name}: {story.resource} requires") as no:
            twin.run(story.on(twin.client).create(**rest))
        assert [(issue.path, issue.rule) for issue in no.value.issues] == [(name, "required")]
    assert twin.wire.sent == []


@each
def test_an_argument_that_is_misspelt_is_named(story: Story, twin: Twin) -> None:
    name = next(iter(story.least))
    with pytest.raises(InvalidRequestError, match=f"did you mean {name!r}"):
        make(twin, story, **{name + "s": "x"})
    assert twin.wire.sent == []


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
def test_the_least_satisfies_the_page_as_it_stands(story: Story, twin: Twin) -> None:
    make(twin, story)
    page = page_of(story.on(twin.client).signature)
    assert page["required"]
    jsonschema.validate(twin.wire.sent[0].json, page)


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
def test_every_sample_of_a_page_can_be_said(name: str, twin: Twin) -> None:
    sample = SHOWN[name]
    story = next(story for story in STORIES if story.resource == resource_of(sample))
    arguments = {snake(field): value for field, value in sample["body"].items()}
    create = story.on(twin.client).create
    if sample["verdict"] != "valid":
        with pytest.raises(InvalidRequestError):
            twin.run(create(**arguments))
        assert twin.wire.sent == []
        return
    twin.plays(answer(ACCEPTED[story.route]))
    twin.run(create(**arguments))
    assert twin.wire.sent[0].json.items() >= sample["body"].items()


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


def body(twin: Twin, resource: str, **more: Any) -> Any:
    """What leaves for a resource."""
    story = next(story for story in STORIES if story.resource == resource)
    make(twin, story, **more)
    return twin.wire.sent[-1].json


def test_a_local_file_stands_wherever_a_data_uri_may(picture: Path, clip: Path, twin: Twin) -> None:
    sent = body(twin, "character_performance", character=picture, reference=clip)
    assert sent["character"] == {"type": "image", "uri": PICTURE}
    assert sent["reference"] == {"type": "video", "uri": CLIP}
    assert body(twin, "image_to_video", prompt_image=picture)["promptImage"] == PICTURE
    placed = [{"uri": picture, "position": "last"}]
    assert body(twin, "image_to_video", prompt_image=placed)["promptImage"] == [
        {"uri": PICTURE, "position": "last"}
    ]
    tagged = [picture, {"uri": picture, "tag": "cat"}]
    assert body(twin, "text_to_image", reference_images=tagged)["referenceImages"] == [
        {"uri": PICTURE},
        {"uri": PICTURE, "tag": "cat"},
    ]
    sent = body(twin, "video_to_video", video_uri=clip, references=(picture, IMAGE))
    assert sent["videoUri"] == CLIP
    assert sent["references"] == [
        {"type": "image", "uri": PICTURE},
        {"type": "image", "uri": IMAGE},
    ]
    assert body(twin, "video_upscale", video_uri=clip)["videoUri"] == CLIP


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
    resource: str, argument: str, pointer: str, picture: Path, clip: Path, twin: Twin
) -> None:
    wrong = clip if argument == "prompt_image" else picture
    with pytest.raises(InvalidRequestError, match=rf"{pointer}: .* has an extension") as no:
        body(twin, resource, **{argument: wrong})
    assert no.value.issues[0].path == pointer
    assert twin.wire.sent == []


@pytest.mark.parametrize("name", ["\0.png", "\ud800.png", "no\0where/a.png"])
def test_a_file_whose_name_no_system_has_is_refused(name: str, twin: Twin) -> None:
    with pytest.raises(InvalidRequestError, match=r"/promptImage: .* cannot be read") as no:
        body(twin, "image_to_video", prompt_image=Path(name))
    assert str(no.value).encode()
    assert twin.wire.sent == []


@compat
def test_a_route_that_takes_addresses_only_says_so(story: Story, picture: Path, twin: Twin) -> None:
    for name in story.least.keys() & {"video", "image", "callback_url"}:
        with pytest.raises(InvalidRequestError, match=f"/{name}: is a local file"):
            make(twin, story, **{name: picture})
        with pytest.raises(InvalidRequestError, match=rf"/{name} does not fit \(pattern\)"):
            make(twin, story, **{name: PICTURE})
    assert twin.wire.sent == []


def test_a_picture_is_one_or_a_list_of_places(twin: Twin) -> None:
    alone = body(twin, "image_to_video", prompt_image=[{"uri": IMAGE}])
    assert alone["promptImage"] == [{"uri": IMAGE, "position": "first"}]
    two = [{"uri": IMAGE, "position": "first"}, {"uri": IMAGE, "position": "last"}]
    assert body(twin, "image_to_video", prompt_image=two)["promptImage"] == two
    with pytest.raises(InvalidRequestError, match="/promptImage/1/position"):
        body(twin, "image_to_video", prompt_image=[two[0], {"uri": IMAGE}])


@pytest.mark.parametrize("resource", [s.resource for s in STORIES if "ratio" in s.body])
def test_a_ratio_may_be_a_pair(resource: str, twin: Twin) -> None:
    assert body(twin, resource, ratio=(720, 1280))["ratio"] == "720:1280"


@pytest.mark.parametrize("resource", ["text_to_image", "video_to_video", "character_performance"])
@pytest.mark.parametrize(
    "given", ["low", {"public_figure_threshold": "low"}, {"publicFigureThreshold": "low"}]
)
def test_a_threshold_may_be_spelt_in_three_ways(resource: str, given: Any, twin: Twin) -> None:
    sent = body(twin, resource, content_moderation=given)
    assert sent["contentModeration"] == {"publicFigureThreshold": "low"}


def test_no_picture_is_made_without_a_reference(twin: Twin) -> None:
    """The gateway answers `reference_images_empty`; Runway itself would take it."""
    with pytest.raises(InvalidRequestError, match="/referenceImages must have at least 1"):
        body(twin, "text_to_image", reference_images=[])
    with pytest.raises(InvalidRequestError, match="/referenceImages must have at most 3"):
        body(twin, "text_to_image", reference_images=[IMAGE] * 4)
    for wrong in (IMAGE, None, 3):
        with pytest.raises(InvalidRequestError, match="/referenceImages: must be a list"):
            body(twin, "text_to_image", reference_images=wrong)
    assert twin.wire.sent == []


def test_options_of_a_video_from_words_are_completed(twin: Twin) -> None:
    given = {"seconds": 10}
    sent = body(twin, "compat.text_to_video", options=given)
    assert sent["options"] == {"seconds": 10, "motion_vector": STILL}
    assert given == {"seconds": 10}
    zoom = {"z": 1.5}
    sent = body(twin, "compat.text_to_video", options={"motion_vector": zoom, "newer": 1})
    assert sent["options"] == {"seconds": 5, "motion_vector": zoom, "newer": 1}
    for resource in ("compat.image_to_video", "compat.video_to_video"):
        assert body(twin, resource, options={})["options"] == {}
        assert body(twin, resource, options={"seconds": 10})["options"] == {"seconds": 10}


@compat
def test_options_that_are_none(story: Story, twin: Twin) -> None:
    if "options" in story.on(twin.client).signature.parameters:
        with pytest.raises(InvalidRequestError, match="/options: must be an object"):
            make(twin, story, options=5)
        assert twin.wire.sent == []


# --- tasks of the compatibility format


def test_a_compatibility_task_is_taken_up_by_its_id(twin: Twin) -> None:
    twin.plays(answer(ENDED["feed"]))
    tasks = twin.client.compat.tasks
    assert twin.run(tasks.retrieve(ID)).route == "feed"
    assert twin.run(tasks.wait(ID)).output == (OUTPUT,)
    assert [task.route for task in twin.run(tasks.wait_all([ID, "other"]))] == ["feed", "feed"]
    assert [task.output for task in twin.list(tasks.as_completed([ID]))] == [(OUTPUT,)]
    assert {one.url.path for one in twin.wire.sent} == {"/runway/feed"}


def test_tasks_of_both_formats_are_waited_for_together(twin: Twin) -> None:
    old, new = make(twin, STORIES[-1]), "another"

    def gateway(request: Any) -> Reply:
        return answer(ENDED["feed" if request.url.path == "/runway/feed" else "tasks"])

    twin.wire.by(gateway)
    first, second = twin.run(twin.client.tasks.wait_all([old, new]))
    assert (first.route, second.route) == ("feed", "tasks")
    assert first.output == second.output == (OUTPUT,)


# --- an operation without a resource


@each
def test_an_operation_can_be_had_by_its_id(story: Story, twin: Twin) -> None:
    signature = story.on(twin.client).signature
    twin.plays(answer(ACCEPTED[story.route]))
    wanted = story.body | ({"seed": 7} if story.seeded else {})
    said = {snake(field): value for field, value in wanted.items()}
    task = twin.run(twin.client.operation(signature.operation).create(**said))
    (sent,) = twin.wire.sent
    assert (sent.url.path, sent.json) == (story.path, wanted)
    assert (task.id, task.route, task.operation) == (ID, story.route, signature.operation)


def test_an_operation_by_its_id_fills_in_nothing(twin: Twin) -> None:
    create = twin.client.operation("generate_an_image_from_text").create
    with pytest.raises(InvalidRequestError) as no:
        twin.run(create(prompt_text="a cat"))
    assert {issue.path for issue in no.value.issues} == {"ratio", "model", "reference_images"}


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("upscale_video", "did you mean 'upscale_a_video'"),
        ("", "use one of"),
        (None, "use one of"),
        ("feed_get_task", "makes no task"),
        ("runway_to_get_task_details", "makes no task"),
    ],
)
def test_an_operation_that_is_none(operation: Any, words: str, twin: Twin) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        twin.client.operation(operation)


def test_models_may_stand_for_objects(twin: Twin) -> None:
    models = pytest.importorskip("cometapi_runway_api.models")
    create = twin.client.operation("generate_a_video_from_a_video").create
    twin.plays(answer(ACCEPTED["tasks"]))
    said = {"video_uri": VIDEO, "prompt_text": "x", "model": "m", "ratio": "1:1"}
    twin.run(create(**said, references=[models.VideoReference("image", IMAGE)]))
    assert twin.wire.sent[0].json["references"] == [{"type": "image", "uri": IMAGE}]
    sent = body(
        twin,
        "text_to_image",
        reference_images=[models.ReferenceImage(IMAGE, tag="cat")],
        content_moderation=models.ContentModeration("low"),
    )
    assert sent["referenceImages"] == [{"uri": IMAGE, "tag": "cat"}]
    assert sent["contentModeration"] == {"publicFigureThreshold": "low"}


def test_every_signature_is_on_the_clients(twin: Twin) -> None:
    known = {one.name for one in vars(signatures).values() if isinstance(one, Signature)}
    assert known == {story.resource for story in STORIES}
