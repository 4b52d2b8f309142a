"""Every sample request that a version of a page shows, validated by the contract.

A sample that cannot be valid says why; `tests/data/samples` has one file for each.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import pytest

from cometapi_runway.validation import contract

FOLDER = Path(__file__).resolve().parents[3] / "data" / "samples"


class Sample(TypedDict):
    """One sample request.

    Keys:
        operation: the id of the operation it is for.
        source: the page that shows it, or who was seen to send it.
        era: of the page: older (until March 2026) or newer; or observed.
        shown_as: in what form the page shows it, and what of it is ours.
        headers: those shown, without the key's; angle brackets are the page's placeholders.
        body: the JSON body.
        verdict: whether the contract allows the body: valid or invalid.
        reason: why it does not, beginning with the pointer of the field.
        refused_headers: headers over which the contract refuses the request, each with why.
    """

    operation: str
    source: str
    era: str
    shown_as: str
    headers: dict[str, str]
    body: dict[str, object]
    verdict: str
    reason: str | None
    refused_headers: dict[str, str]


SAMPLES: dict[str, Sample] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_has_its_recorded_verdict(name: str) -> None:
    sample = SAMPLES[name]
    issues = contract().check_body(sample["operation"], sample["body"])
    if sample["verdict"] == "valid":
        assert issues == ()
        assert sample["reason"] is None
    else:
        assert sample["reason"] is not None
        field, _, why = sample["reason"].partition(": ")
        assert [issue.path for issue in issues] == [field]
        assert why


@pytest.mark.parametrize("name", SAMPLES)
def test_the_headers_of_a_sample_have_their_recorded_verdict(name: str) -> None:
    sample = SAMPLES[name]
    operation = contract().operation(sample["operation"])
    headers = {
        **sample["headers"],
        "Authorization": "Bearer key",
        "Content-Type": "application/json",
    }
    content = json.dumps(sample["body"]).encode()
    found = contract().check_request(
        operation.method, operation.path, headers.items(), content, operation_id=operation.id
    )
    about_headers = {issue.path for issue in found if not issue.path.startswith("/")}
    assert about_headers == set(sample["refused_headers"])
    assert all(sample["refused_headers"].values())


def test_every_operation_with_a_body_has_a_valid_sample() -> None:
    shown = {sample["operation"] for sample in SAMPLES.values() if sample["verdict"] == "valid"}
    bodies = {one.id for one in contract().operations if one.body_schema is not None}
    assert shown == bodies, f"write a file into {FOLDER} for {', '.join(sorted(bodies - shown))}"


def test_both_bodies_of_the_shared_operation_have_samples() -> None:
    shared = [sample["body"] for sample in SAMPLES.values() if sample["operation"] == "generate"]
    assert {"image" in body for body in shared} == {True, False}


def test_the_refused_samples_are_listed() -> None:
    refused = {name for name, sample in SAMPLES.items() if sample["verdict"] == "invalid"}
    assert refused == {
        "compat-text-to-video-without-callback",
        "text-to-image-without-reference",
        "video-to-video-x-ratio",
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_states_its_source(name: str) -> None:
    sample = SAMPLES[name]
    assert sample.keys() == Sample.__annotations__.keys()
    assert sample["source"]
    assert sample["shown_as"]
    assert set(sample["era"].split(" and ")) <= {"older", "newer", "observed"}
