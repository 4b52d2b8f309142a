"""The report's page: what it groups, what it sums, where its links lead; it runs no script."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.batch._report import (
    STATUSES,
    ReportSource,
    count_statuses,
    format_cost,
    group_failures,
    list_files,
    make_bar,
    make_base_link,
    measure_times,
    sum_spending,
)
from cometapi_runway.batch._report_page import (
    format_seconds,
    render_page,
    write_report,
)
from cometapi_runway.batch._results import RowResult, RowStatus
from cometapi_runway.errors import MissingExtraError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ODD_NAMES = (
    "a b.mp4",
    "cat #1.mp4",
    "50%.png",
    "50%25.png",
    "what?.mp4",
    "ümläut — 猫.mp4",
    "'quoted' \"twice\" & <b>.png",
    "plus+and;semi=colon.mp4",
    "scenes/dawn/hero 01.webm",
    "javascript:alert(1).mp4",
    "back\\slash.mp4",
)


class Page(html.parser.HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._is_style = False
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag == "style"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.text += data

    def list_addresses(self) -> list[str]:
        names = ("href", "src", "poster", "data", "action", "srcset")
        return [str(attrs[name]) for _, attrs in self.elements for name in names if name in attrs]


def make_source(*results: RowResult, folder: str = "/batch/out", **more: Any) -> ReportSource:
    return ReportSource("summer", folder, results, more.pop("row_count", len(results)), **more)


def render(source: ReportSource, page: str = "/batch/report.html") -> Page:
    return Page(render_page(source, Path(page), NOW))


def fail(row_id: str, **fields: Any) -> RowResult:
    return RowResult(row_id, fields.pop("status", "FAILED"), **fields)


def test_the_statuses_are_those_of_the_results_file() -> None:
    assert get_args(RowStatus) == STATUSES


@each_case("page", ["report.html", "out/report.html", "pages/of it/#1/report.html"])
@each_case("folder", ["out", "out # 100%", "o'u\"t/<b>"])
def test_odd_names_work_as_links(page: str, folder: str, tmp_path: Path) -> None:
    place, there = tmp_path / folder, tmp_path / page
    source = make_source(RowResult("cat", "SUCCEEDED", files=ODD_NAMES), folder=str(place))

    found = render(source, str(there))

    base = there.as_uri()
    links = [attrs["href"] for tag, attrs in found.elements if tag == "a"]
    targets = [unquote(urlsplit(urljoin(base, link)).path) for link in links]
    assert sorted(targets) == sorted(f"{place.as_posix()}/{name}" for name in ODD_NAMES)
    assert all(urlsplit(urljoin(base, link)).scheme == "file" for link in links)


@each_case("folder", ["/batch", "/batch/out", "/"])
@each_case("name", ["//example.com/x.mp4", "https://example.com/x.mp4"])
def test_no_name_leads_to_another_host(folder: str, name: str) -> None:
    (file,) = list_files(
        [RowResult("a", "SUCCEEDED", files=(name,))], folder, Path("/batch/r.html")
    )

    assert urlsplit(urljoin("file:///batch/r.html", file.link)).netloc == ""
    assert urlsplit(urljoin("file:///batch/r.html", file.link)).scheme == "file"


@pytest.mark.parametrize("folder", ["s3://bucket/out/", "https://example.com/out"])
def test_files_of_a_remote_folder_are_links_that_nothing_loads(folder: str) -> None:
    row = RowResult("cat", "SUCCEEDED", files=("a b.mp4", "b.png"))

    found = render(make_source(row, folder=folder))

    links = [attrs["href"] for tag, attrs in found.elements if tag == "a"]
    assert links[0] == f"{folder.rstrip('/')}/a%20b.mp4"
    assert not {"video", "img"} & {tag for tag, _ in found.elements}
    assert {file.kind for file in list_files([row], folder, Path("/r.html"))} == {"other"}


def test_a_video_shows_its_first_frame_and_a_picture_itself() -> None:
    found = render(make_source(RowResult("cat", "SUCCEEDED", files=("a.mp4", "b.png", "c.bin"))))

    (video,) = [attrs for tag, attrs in found.elements if tag == "video"]
    assert video["src"] == "out/a.mp4#t=0.1"
    assert video["preload"] == "metadata"
    assert "muted" in video
    (image,) = [attrs for tag, attrs in found.elements if tag == "img"]
    assert image["src"] == "out/b.png"
    assert "c.bin" in found.text


def test_files_are_in_the_order_of_their_names_and_numbers() -> None:
    names = ["shot-9.mp4", "shot-10.mp4", "shot-10b.mp4", "shot-100.mp4"]
    rows = [RowResult(name, "SUCCEEDED", files=(name,)) for name in reversed(names)]

    assert [file.name for file in list_files(rows, "/out", Path("/r.html"))] == names


def test_the_cost_of_a_row_is_shown_once() -> None:
    row = RowResult("cat", "SUCCEEDED", files=("a.mp4", "b.mp4"), cost=Decimal("0.5"))

    assert [file.cost for file in list_files([row], "/out", Path("/r.html"))] == [
        Decimal("0.5"),
        None,
    ]


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_nothing_of_a_batch_becomes_markup(name: str, row_id: str, error: str) -> None:
    evil = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
    results = [
        fail(row_id + evil, error=error + evil, failure_code=name + evil, attempts=2),
        fail(row_id, status="UNKNOWN", error=error + evil),
        RowResult(evil, "SUCCEEDED", files=(f"{evil}.mp4", f"{evil}.png", f'" onload="{evil}')),
    ]
    source = ReportSource(
        name + evil, "/out", results, 3, settle_command=lambda row, _: f"settle {row}{evil}"
    )

    found = render(source)

    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "form", "base"}
    attributes = {name for _, attrs in found.elements for name in attrs}
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert "{{ 7 * 7 }}" in found.text


def test_the_page_needs_no_network_and_its_policy_allows_none() -> None:
    content = render_page(
        make_source(RowResult("cat", "SUCCEEDED", files=("a.mp4", "b.png"))),
        Path("/batch/report.html"),
        NOW,
    )
    found = Page(content)

    assert not [link for link in found.list_addresses() if "://" in link or link.startswith("//")]
    assert "url(" not in content
    assert "@import" not in content
    (policy,) = [
        str(attrs["content"])
        for tag, attrs in found.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall(r"<style>(.*?)</style>", content, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_number_of_the_report_is_on_the_page() -> None:
    def row(row_id: str, status: RowStatus, seconds: float, **fields: Any) -> RowResult:
        end = NOW + timedelta(seconds=seconds)
        return RowResult(row_id, status, task_id="t", created_at=NOW, ended_at=end, **fields)

    results = [
        row("a", "SUCCEEDED", 5, cost=Decimal("0.25"), attempts=2, files=("a.png",)),
        row("b", "FAILED", 90, cost=Decimal("0.5"), failure_code="CODE", error="why it failed"),
        row("c", "UNKNOWN", 7200, cost=Decimal("0.125"), error="was lost"),
        row("d", "CANCELLED", 8),
        RowResult("e", "REFUSED", error="no such model"),
        RowResult("f", "BUDGET", error="over the budget"),
    ]
    source = make_source(*results, row_count=9, settle_command=lambda row, n: f"settle {row} {n}")
    content = render_page(source, Path("/batch/report.html"), NOW)
    text = re.sub(r"\s+", " ", Page(content).text)

    for part in (
        "summer",
        "9 rows · files in /batch/out · as of 2026-11-20 12:00:00 UTC",
        "1 succeeded",
        "1 failed",
        "1 cancelled",
        "1 refused",
        "1 over budget",
        "1 unknown outcome",
        "3 not ended",
        "1 row of unknown outcome",
        "c: was lost settle c 0",
        "CODE 1 row, failed why it failed b",
        "no such model 1 row, refused e",
        "over the budget 1 row, over budget f",
        "0.75 USD at the known prices",
        "0.125 USD for unknown outcomes",
        "1 task of unknown price",
        "2 h 00 min 2026-11-20 12:00:00 UTC to 2026-11-20 14:00:00 UTC",
        "8.0 s median time of a row; 95 % within 2 h 00 min, the slowest 2 h 00 min",
        "1 row needed more than one attempt",
        "a.png 0.25 USD",
    ):
        # Elements stand for blanks, or for none.
        assert part.replace(" ", "") in text.replace(" ", ""), part
    assert "a (2 attempts)" not in text
    # A template's blocks leave neither blank lines nor blanks at the ends of lines.
    assert not re.search(r"[ \t]\n|\n[ \t]|\n\n\n", content.partition("</style>")[2])


def test_the_kinds_of_files_are_those_that_browsers_show() -> None:
    kinds = {
        "video": ("m4v", "mov", "mp4", "ogv", "webm", "MP4"),
        "image": ("avif", "bmp", "gif", "jpeg", "jpg", "png", "webp", "PNG"),
        "other": ("bin", "txt", "mp3", "svg", "html"),
    }
    for kind, extensions in kinds.items():
        for one in extensions:
            row = RowResult("a", "SUCCEEDED", files=(f"a.{one}",))
            assert list_files([row], "/out", Path("/r.html"))[0].kind == kind, one


def test_a_page_without_the_extra_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError) as refusal:
        render(make_source())
    assert refusal.value.setting == "batch"


def test_failures_are_grouped_by_reason_the_most_frequent_first() -> None:
    results = [
        fail("a", failure_code="SAFETY", error="task t1 failed: no"),
        fail("b", failure_code="INTERNAL", error="task t2 failed: sorry"),
        fail("c", failure_code="INTERNAL", error="task t3 failed: sorry"),
        fail("row-7", status="REFUSED", error="row-7 (task t-9) was refused", task_id="t-9"),
        fail("row-8", status="REFUSED", error="row-8 (task t-10) was refused", task_id="t-10"),
        fail("x", status="BUDGET", error="over the budget"),
        fail("u", status="UNKNOWN", error="lost"),
        RowResult("s", "SUCCEEDED"),
    ]

    groups = [(one.status, one.reason, len(one.rows)) for one in group_failures(results)]

    assert groups == [
        ("FAILED", "INTERNAL", 2),
        ("REFUSED", "… (task …) was refused", 2),
        ("FAILED", "SAFETY", 1),
        ("BUDGET", "over the budget", 1),
    ]


@given(st.lists(st.sampled_from(STATUSES)), st.lists(st.sampled_from(["A", "B", None])))
def test_every_failed_row_is_in_one_group(statuses: list[RowStatus], codes: list[str]) -> None:
    results = [
        RowResult(str(number), status, failure_code=code)
        for number, (status, code) in enumerate(zip(statuses, codes, strict=False))
    ]

    grouped = [row for group in group_failures(results) for row in group.rows]

    expected = [row for row in results if row.status not in {"SUCCEEDED", "UNKNOWN"}]
    assert sorted(row.id for row in grouped) == sorted(row.id for row in expected)


def test_unknown_rows_are_apart_each_with_its_command() -> None:
    results = [fail("u-1", status="UNKNOWN", attempts=2, error="the response was lost")]
    source = make_source(*results, settle_command=lambda row, attempt: f"settle {row}/{attempt}")

    found = render(source)

    assert "settle u-1/2" in found.text
    assert "may have been charged" in found.text
    assert "Rows that did not succeed" not in found.text


def test_rows_of_a_large_group_are_folded_not_lost() -> None:
    rows = [fail(f"row-{n:04}", failure_code="A") for n in range(12 + 30)]

    found = render(make_source(*rows))

    assert "30 more rows" in found.text
    assert all(row.id in found.text for row in rows)


def test_only_the_first_files_are_opened_by_the_browser() -> None:
    rows = [RowResult(f"{n}", "SUCCEEDED", files=(f"{n}.mp4",)) for n in range(400 + 5)]

    found = render(make_source(*rows))

    assert sum(tag == "video" for tag, _ in found.elements) == 400
    assert sum(tag == "a" for tag, _ in found.elements) == 405
    assert "5 more files" in found.text


def test_spending_keeps_what_is_certain_apart() -> None:
    half = Decimal("0.5")
    spending = sum_spending(
        [
            RowResult("a", "SUCCEEDED", task_id="t", cost=half),
            RowResult("b", "FAILED", task_id="t", cost=half + half),
            RowResult("c", "UNKNOWN", cost=half),
            RowResult("d", "SUCCEEDED", task_id="t"),
            RowResult("e", "UNKNOWN"),
            RowResult("f", "REFUSED"),
        ]
    )

    assert (spending.charged, spending.possibly_charged, spending.unpriced) == (
        Decimal("1.5"),
        half,
        2,
    )


def test_the_page_shows_the_limit_and_unknown_prices() -> None:
    row = RowResult("a", "SUCCEEDED", task_id="t")
    found = render(make_source(row, max_cost=Decimal(25)))

    assert "of at most 25.00 USD" in found.text
    assert "1 task" in found.text
    assert "of unknown price" in found.text


def test_times_are_those_of_rows_with_a_task() -> None:
    rows = [
        RowResult(
            str(n),
            "SUCCEEDED",
            attempts=1 + (n == 100),
            created_at=NOW + timedelta(seconds=n),
            ended_at=NOW + timedelta(seconds=n + n),
        )
        for n in range(1, 101)
    ]

    timing = measure_times([*rows, fail("x", status="BUDGET")])

    assert timing is not None
    assert (timing.median, timing.slow, timing.slowest) == (50, 95, 100)
    assert (timing.elapsed, timing.repeated) == (199, 1)
    assert measure_times([fail("x", status="BUDGET")]) is None


@given(st.lists(st.sampled_from(STATUSES), max_size=50), st.integers(0, 50))
def test_the_bar_is_never_wider_than_whole(statuses: list[RowStatus], more: int) -> None:
    counts = count_statuses(RowResult(str(n), one) for n, one in enumerate(statuses))

    bar = make_bar(counts, len(statuses) + more)

    assert sum(counts.values()) == len(statuses)
    widths = sum(width for _, _, width in bar)
    assert widths <= 100.01
    if statuses and not more:
        assert widths == pytest.approx(100, abs=0.01)
    ends = [0.0, *(offset + width for _, offset, width in bar)]
    assert [offset for _, offset, _ in bar] == pytest.approx(ends[:-1], abs=0.01)
    # A page of many batches is small.
    assert all(round(one, 3) == one for _, *numbers in bar for one in numbers)


def test_rows_that_have_not_ended_are_counted() -> None:
    found = render(make_source(RowResult("a", "SUCCEEDED"), row_count=64))

    assert re.search(r"63\s+not ended", found.text)
    results = [RowResult(name, "SUCCEEDED") for name in "ab"]
    for count in (1, 2):
        assert "not ended" not in render(make_source(*results, row_count=count)).text


@each_case(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (10.0, "10 s"),
        (59.4, "59 s"),
        (60.0, "1 min 0 s"),
        (72, "1 min 12 s"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@each_case(
    ("cost", "text"),
    [
        ("0", "0.00"),
        ("0.5", "0.50"),
        ("0.125", "0.125"),
        ("1E+3", "1,000.00"),
        ("12345", "12,345.00"),
    ],
)
def test_costs(cost: str, text: str) -> None:
    assert format_cost(Decimal(cost)) == text


def test_a_page_is_replaced_as_a_whole(tmp_path: Path) -> None:
    page = tmp_path / "new" / "pages" / "report.html"
    write_report(make_source(RowResult("first", "SUCCEEDED")), page)
    write_report(make_source(fail("second")), page)

    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    assert "second" in page.read_text("utf-8")
    # Anybody may read it whom the umask lets.
    umask = os.umask(0o077)
    os.umask(umask)
    assert page.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.mkdir()

    with pytest.raises(OSError, match="report"):
        write_report(make_source(RowResult("first", "SUCCEEDED")), page)

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_whose_name_is_no_unicode_is_shown(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(make_source(RowResult("a", "SUCCEEDED"), folder="/b\udcff"), page)
    assert "/b\\udcff" in page.read_text()


def test_a_failed_write_is_raised_also_where_its_remains_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not removed")

    page = tmp_path / "report.html"
    page.mkdir()
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(IsADirectoryError):
        write_report(make_source(RowResult("first", "SUCCEEDED")), page)


def test_an_interruption_leaves_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_report(make_source(RowResult("first", "SUCCEEDED")), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_on_another_drive_has_a_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", refuse)
    assert make_base_link("/batch/my out", Path("/r.html")) == "file:///batch/my%20out/"
