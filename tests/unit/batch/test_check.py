"""The check of a manifest refuses what `create` refuses, and estimates the rest."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError, RunwayClient
from cometapi_runway._settings import resolve_settings
from cometapi_runway.batch._check import ManifestReport, check_manifest
from cometapi_runway.batch._manifest import Manifest, RowList
from cometapi_runway.resources._argument_fields import list_argument_fields
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources

from ..support.manifests import PICTURE, UPSCALE, VIDEO, to_csv, to_jsonl

GOOD = {**VIDEO, "id": "good"}


def check(folder: Path, rows: list[Any], **options: Any) -> ManifestReport:
    file = folder / "m.jsonl"
    file.write_bytes(to_jsonl(rows))
    return check_manifest(Manifest(file), **options)


@each_case(
    "resource", [one for one in list_client_resources() if one.example], ids=lambda one: one.name
)
def test_the_example_of_every_operation_is_valid(resource: ClientResource, tmp_path: Path) -> None:
    names = {one.field: one.argument.name for one in list_argument_fields(resource)}
    row = {names[field]: value for field, value in resource.example.items()}
    rows = [{"operation": resource.name, **row}]
    report = check(tmp_path, rows)

    assert report.is_valid, report.bad_rows
    # In CSV objects and lists are JSON, and everything else is as it is written.
    file = tmp_path / "m.csv"
    file.write_bytes(to_csv(rows))
    assert check_manifest(Manifest(file)).is_valid


@each_case(
    "arguments",
    [
        {"duration": "5"},
        {"duration": 5.5},
        {"seed": -1},
        {"prompt_image": "https://example.com/a b.png"},
        {"prompt_image": [{"position": "first"}]},
        {"prompt_text": "x" * 2000},
        {"prompt_text": "\ud800"},
        {"model": ""},
        {"runway_version": "a\nb"},
        {"extra_body": [1]},
        {"validate": "no"},
    ],
)
def test_it_refuses_what_create_refuses(arguments: dict[str, Any], tmp_path: Path) -> None:
    report = check(tmp_path, [GOOD, {**VIDEO, **arguments, "id": "bad"}])
    plain = {name: value for name, value in VIDEO.items() if name != "operation"}
    with (
        RunwayClient("key") as client,
        pytest.raises(InvalidRequestError) as caught,
    ):
        client.image_to_video.create(**{**plain, **arguments})  # type: ignore[arg-type]

    (bad,) = report.bad_rows
    assert (bad.line, bad.id, report.row_count) == (2, "bad", 2)
    assert [issue.rule for issue in bad.issues] == [issue.rule for issue in caught.value.issues]
    for issue in bad.issues:
        (name,) = arguments
        assert issue.path.partition("/")[0] == name
        assert issue.message.startswith(name)
        assert issue.rule in issue.message


def test_a_missing_argument_is_named(tmp_path: Path) -> None:
    report = check(tmp_path, [{"operation": "image-to-video", "id": "a"}])
    (bad,) = report.bad_rows
    assert [(issue.path, issue.rule) for issue in bad.issues] == [
        ("model", "required"),
        ("prompt_image", "required"),
    ]


def test_a_local_file_is_read(tmp_path: Path) -> None:
    rows = [{**VIDEO, "prompt_image": name} for name in ("cat.png", "dog.png", "cat.mp4")]
    (tmp_path / "cat.png").write_bytes(b"picture")
    bad = check(tmp_path, rows).bad_rows
    found = [(one.line, issue.path, issue.rule) for one in bad for issue in one.issues]
    assert found == [(2, "prompt_image", "readable"), (3, "prompt_image", "type")]
    assert f"{tmp_path / 'dog.png'} cannot be read" in bad[0].issues[0].message


def test_the_request_of_a_row_with_other_issues_is_checked_too(tmp_path: Path) -> None:
    rows = [GOOD, {**VIDEO, "id": "good", "seed": -1, "extra": 1}]
    (bad,) = check(tmp_path, rows).bad_rows
    assert [issue.path for issue in bad.issues] == ["extra", "id", "seed"]


def test_a_field_whose_template_fails_is_reported_once(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    file.write_bytes(to_jsonl([{"operation": "image_to_video", "model": "m"}]))
    report = check_manifest(Manifest(file, assignments=["prompt_image={picture}"]))
    (bad,) = report.bad_rows
    assert [(issue.path, issue.rule) for issue in bad.issues] == [("prompt_image", "template")]


def test_the_number_of_bad_rows_and_issues_kept_is_bounded(tmp_path: Path) -> None:
    rows = [{**VIDEO, **{f"x{i}": 1 for i in range(50)}, "id": str(n)} for n in range(100)]
    report = check(tmp_path, [*rows, GOOD])
    assert (report.row_count, report.bad_row_count) == (101, 100)
    assert len(report.bad_rows) == 20
    assert {len(bad.issues) for bad in report.bad_rows} == {10}
    assert "100 of 101 rows" in report.message
    assert check(tmp_path, rows[:1]).message.endswith(" is not valid: 1 of 1 row refused")
    assert report.to_error().issues[0].message.startswith("line 1 (0): ")


def test_a_manifest_without_rows_is_refused(tmp_path: Path) -> None:
    report = check(tmp_path, [])
    assert not report.is_valid
    assert [issue.rule for issue in report.to_error().issues] == ["minItems"]
    assert report.message == f"{tmp_path / 'm.jsonl'} has no rows (minItems)"
    assert check_manifest(RowList([])).message == "rows has no rows (minItems)"


class TestEstimates:
    rows = (
        *({**VIDEO, "id": f"v{n}"} for n in range(3)),
        *({**UPSCALE, "id": f"u{n}"} for n in range(2)),
        {"operation": "compat.act-one", "id": "c", "video": PICTURE, "image": PICTURE}
        | {"callback_url": "https://example.com/done"},
    )

    def estimate(self, folder: Path, prices: dict[str, str]) -> Any:
        def price_of(name: str) -> Decimal | None:
            return Decimal(prices[name]) if name in prices else None

        return check(folder, list(self.rows), price_of=price_of).estimate

    def test_known_and_unknown_prices(self, tmp_path: Path) -> None:
        estimate = self.estimate(tmp_path, {"image_to_video": "0.1", "compat.act_one": "0.02"})
        assert estimate.rows == {"image_to_video": 3, "video_upscale": 2, "compat.act_one": 1}
        assert estimate.known_cost == Decimal("0.32")
        assert estimate.unpriced_rows == 2

    def test_an_unknown_price_is_not_zero_and_zero_is_a_price(self, tmp_path: Path) -> None:
        estimate = self.estimate(tmp_path, {"video_upscale": "0"})
        assert estimate.known_cost == 0
        assert estimate.unpriced_rows == 4
        assert check(tmp_path, list(self.rows)).estimate.unpriced_rows == 6

    def test_bad_rows_cost_nothing(self, tmp_path: Path) -> None:
        report = check(tmp_path, [GOOD, {**VIDEO, "seed": -1}], price_of=lambda _: Decimal(1))
        assert report.estimate.known_cost == 1


def test_it_needs_no_key_and_takes_the_clients_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMETAPI_KEY", raising=False)
    # No word in the gateway's URL is mistaken for a key.
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", "https://offline.example/none/of/these")
    assert check(tmp_path, [GOOD]).is_valid
    assert not check(tmp_path, [{**GOOD, "seed": -1}]).is_valid
    settings = resolve_settings("key", validate=False)
    assert check(tmp_path, [{**GOOD, "seed": -1}], settings=settings).is_valid


def test_no_message_shows_a_signed_address_or_an_embedded_file(tmp_path: Path) -> None:
    secrets = ("https://example.com/a.png?signature=abc", "data:image/png;base64,abc")
    rows = [
        {**VIDEO, "id": f"{n}-{name}", name: value}
        for n, value in enumerate(secrets)
        for name in ("unknown", "ratio", "duration", "id", "output", "operation")
    ]
    shown = json.dumps([str(one) for one in check(tmp_path, rows).to_error().issues])
    assert "abc" not in shown
