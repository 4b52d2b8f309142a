"""The advice that follows an unknown name."""

from __future__ import annotations

from cometapi_runway._core.suggestions import find_similar_name, suggest_name


def test_a_similar_name_is_suggested() -> None:
    assert suggest_name("ration", ("model", "ratio")) == "did you mean 'ratio'?"


def test_without_a_similar_name_all_are_listed() -> None:
    assert suggest_name("x", ("model", "ratio")) == "use one of: model, ratio"
    assert suggest_name("x", ("model", "ratio"), listed=["the ratio"]) == "use one of: the ratio"


def test_a_similar_name_is_found() -> None:
    assert find_similar_name("ration", ["model", "ratio"]) == "ratio"
    assert find_similar_name("x", ["model", "ratio"]) is None
