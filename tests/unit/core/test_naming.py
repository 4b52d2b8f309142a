"""Names in the spelling of Python and of the command line."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway._core.naming import count_noun, kebab_case, snake_case


@each_case(
    ("name", "snake", "kebab"),
    [
        ("bodyControl", "body_control", "body-control"),
        ("body_control", "body_control", "body-control"),
        ("body-control", "body_control", "body-control"),
        ("videoURL", "video_url", "video-url"),
        ("URLOfVideo", "url_of_video", "url-of-video"),
        ("seed", "seed", "seed"),
        ("/x", "x", "x"),
        ("XRay", "x_ray", "x-ray"),
    ],
)
def test_names_change_their_spelling(name: str, snake: str, kebab: str) -> None:
    assert snake_case(name) == snake
    assert kebab_case(name) == kebab


@pytest.mark.parametrize(("count", "text"), [(0, "0 polls"), (1, "1 poll"), (2, "2 polls")])
def test_a_noun_agrees_with_its_number(count: int, text: str) -> None:
    assert count_noun(count, "poll") == text
