"""Misspelt, missing and positional arguments."""

from __future__ import annotations

import pytest

from cometapi_runway import InvalidRequestError

from ..support.both_clients import ASSETS, CHARACTER, ClientHarness
from ..support.inputs import refused


class TestNames:
    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("charactr", "character"),
            ("bodyControl", "body_control"),
            ("expresion_intensity", "expression_intensity"),
            ("extra_header", "extra_headers"),
            ("runwayversion", "runway_version"),
        ],
    )
    def test_a_typo_suggests_the_right_name(
        self, wrong: str, right: str, harness: ClientHarness
    ) -> None:
        (issue,) = refused(harness, **{wrong: "x"})
        assert (issue.path, issue.rule) == (wrong, "unknown")
        assert f"did you mean {right!r}?" in issue.message

    def test_an_unknown_name_lists_all_names(self, harness: ClientHarness) -> None:
        (issue,) = refused(harness, zzz=1)
        assert "use one of: character, reference, model" in issue.message

    def test_what_is_missing_is_named(self, harness: ClientHarness) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            harness.run(harness.client.character_performance.create(seed=1))
        missing = [(issue.path, issue.rule) for issue in caught.value.issues]
        assert missing == [("character", "required"), ("reference", "required")]

    def test_an_argument_without_a_name_is_not_dropped(self, harness: ClientHarness) -> None:
        with pytest.raises(InvalidRequestError, match="keyword arguments only"):
            harness.run(harness.client.character_performance.create(CHARACTER, **ASSETS))
