"""Every route: its operation, its version header, its errors, its named body."""

from __future__ import annotations

import pytest

from cometapi_runway.validation import contract

CREATES = "/runwayml/v1"
COMPAT = "/runway/pro"
ROUTES = {
    "runway_images_raw_video": (f"POST {CREATES}/image_to_video", "official", "image_to_video"),
    "generate_an_image_from_text": (f"POST {CREATES}/text_to_image", "official", "text_to_image"),
    "generate_a_video_from_a_video": (
        f"POST {CREATES}/video_to_video",
        "official",
        "video_to_video",
    ),
    "upscale_a_video": (f"POST {CREATES}/video_upscale", "official", "video_upscale"),
    "control_a_character": (
        f"POST {CREATES}/character_performance",
        "official",
        "character_performance",
    ),
    "runway_to_get_task_details": (f"GET {CREATES}/tasks/{{id}}", "official", "tasks"),
    "generate": (f"POST {COMPAT}/generate", "compat", "text_to_video"),
    "video_to_video_style_redraw": (f"POST {COMPAT}/video2video", "compat", "video_to_video"),
    "act_one_expression_migration": (f"POST {COMPAT}/act_one", "compat", "act_one"),
    "feed_get_task": ("POST /runway/feed", "compat", "feed"),
}
BODIES = {
    "runway_images_raw_video": "ImageToVideoRequest",
    "generate_an_image_from_text": "TextToImageRequest",
    "generate_a_video_from_a_video": "VideoToVideoRequest",
    "upscale_a_video": "VideoUpscaleRequest",
    "control_a_character": "CharacterPerformanceRequest",
    "video_to_video_style_redraw": "CompatVideoToVideoRequest",
    "act_one_expression_migration": "CompatActOneRequest",
    "feed_get_task": "FeedRequest",
}
READS = {"runway_to_get_task_details", "feed_get_task"}
FAILURES = {"400", "401", "403", "404", "429", "500", "502", "503", "504", "default"}


EVERY = [one.id for one in contract().operations]


def test_every_known_operation_is_there() -> None:
    found = {
        one.id: (f"{one.method} {one.path}", one.tag, one.resource) for one in contract().operations
    }
    assert found.items() >= ROUTES.items()
    # A new operation is named like these.
    for route, tag, _ in found.values():
        assert route.partition(" ")[2].startswith(CREATES if tag == "official" else "/runway/")


@pytest.mark.parametrize("name", ROUTES)
def test_the_version_header_is_required_where_a_page_requires_it(name: str) -> None:
    operation = contract().operation(name)
    (header,) = operation.parameters_in("header")
    assert header.name == "X-Runway-Version"
    assert header.required is (operation.tag == "official" and name not in READS)


@pytest.mark.parametrize("name", EVERY)
def test_failures_are_documented_as_on_the_first_page(name: str) -> None:
    operation = contract().operation(name)
    statuses = {one.status for one in operation.responses}
    assert statuses >= FAILURES
    assert {status[0] for status in statuses - FAILURES} == {"2"}
    assert operation.security == (frozenset({"bearerAuth"}),)


@pytest.mark.parametrize("name", EVERY)
def test_a_body_is_a_named_component(name: str) -> None:
    operation = contract().operation(name)
    if operation.body_schema is None or operation.variants:
        assert name not in BODIES
        return
    assert operation.body_required
    assert operation.body_schema.keys() == {"$ref"}
    component = operation.body_schema["$ref"].removeprefix("#/components/schemas/")
    assert component == BODIES.get(name, component)


def test_the_shared_operation_names_a_component_for_each_resource() -> None:
    operation = contract().operation("generate")
    assert operation.variants == {
        "text_to_video": "CompatTextToVideoRequest",
        "image_to_video": "CompatImageToVideoRequest",
    }
    assert operation.body_required
    assert operation.body_schema is not None
    assert [one["$ref"].rpartition("/")[2] for one in operation.body_schema["anyOf"]] == list(
        operation.variants.values()
    )
