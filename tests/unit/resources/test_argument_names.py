"""Misspelt, missing and positional arguments, and arguments in messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError

from ..support.both_clients import ASSETS, CHARACTER, ClientHarness
from ..support.inputs import refused
from ..support.operation_cases import OperationCase, each, make


class TestNames:
    @each_case(
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
        with pytest.raises(InvalidRequestError, match="keyword arguments only") as no:
            harness.run(harness.client.character_performance.create(CHARACTER, **ASSETS))
        assert [(one.path, one.rule) for one in no.value.issues] == [("arguments", "by name")]


@each
def test_a_refusal_names_the_argument_next_to_its_field(
    case: OperationCase, harness: ClientHarness
) -> None:
    """Also what is refused while arguments are converted, and nothing where the names agree."""
    for name in case.on(harness.client).signature.parameters:
        try:
            make(harness, case, **{name: {"no": "such"}})
        except InvalidRequestError as error:
            lines = str(error).splitlines()[-len(error.issues) :]
            for issue, line in zip(error.issues, map(str.strip, lines), strict=True):
                assert name in (issue.argument or issue.path.split("/"))
                assert line in {issue.message, f"{name}: {issue.message}"}
                assert line.startswith((f"{name}: /", f"/{name}", f"/options/{name}"))


def test_a_field_that_no_argument_sets_has_none(harness: ClientHarness) -> None:
    (issue,) = refused(harness, extra_body={"expressionIntensity": 99})
    assert (issue.path, issue.argument) == ("/expressionIntensity", None)
    (issue,) = refused(harness, expression_intensity=99)
    assert (issue.path, issue.argument) == ("/expressionIntensity", "expression_intensity")


@each
def test_text_that_names_a_local_file_asks_for_a_path(
    case: OperationCase, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(b"x")
    assets = [name for name, value in case.least.items() if str(value).startswith("https:")]
    for name in assets:
        for value in ("clip.mp4", str(tmp_path / "clip.mp4")):
            with pytest.raises(InvalidRequestError) as caught:
                make(harness, case, **{name: value})
            (issue,) = caught.value.issues
            assert "is text and the name of a local file" in issue.message
            assert ("pathlib.Path" in issue.message) is (case.route == "tasks")
        with pytest.raises(InvalidRequestError) as caught:
            make(harness, case, **{name: "none.mp4"})
        assert "local file" not in str(caught.value)
    assert not harness.network.sent
