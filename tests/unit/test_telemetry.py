"""Spans and metrics: what is recorded, what is linked, and what is never shown."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from tests.cases import each_case

from cometapi_runway import Budget, RunwayClient, RunwayError, __version__, errors, telemetry
from cometapi_runway._flows import observation
from cometapi_runway._flows.entries import SubmissionAccepted
from cometapi_runway._flows.steps import Record
from cometapi_runway._flows.submit import submit
from cometapi_runway._flows.wait import wait
from cometapi_runway.errors import BadRequestError, BudgetExceededError, SubmissionUnknownError

from .support import fault_table
from .support.both_clients import ASSETS, ID, ClientHarness
from .support.fault_table import ACCEPTED, DONE, RUNNING, Row, family
from .support.flow_runner import FlowRunner, submit_request, submit_task, wait_request
from .support.scripted_transport import HANG, Failure, Interruption, Reply, json_reply
from .support.virtual_time import FixedJitter

ROOT = Path(__file__).parents[2]
MARKER = "MARKERMARKER"
FILM = Reply(200, b"film", {"content-type": "video/mp4"})
FAILED = json_reply({"id": ID, "status": "FAILED", "failureCode": "SAFETY.INPUT.TEXT"})


@frozen
class Recorded:
    """What telemetry has recorded so far."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def metrics(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        data = json.loads(self.reader.get_metrics_data().to_json())  # type: ignore[union-attr]
        return {
            metric["name"]: [
                (point["attributes"], point.get("value", point.get("sum")))
                for point in metric["data"]["data_points"]
            ]
            for resource in data["resource_metrics"]
            for scope in resource["scope_metrics"]
            for metric in scope["metrics"]
        }

    def everything(self) -> str:
        texts = [span.to_json() for span in self.spans]
        data = self.reader.get_metrics_data()
        return "\n".join([*texts, "" if data is None else data.to_json()])


def start_recording() -> Recorded:
    recorded = Recorded(InMemorySpanExporter(), InMemoryMetricReader())
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(recorded.exporter))
    telemetry.instrument(tracer_provider=tracing, meter_provider=MeterProvider([recorded.reader]))
    return recorded


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    yield start_recording()
    telemetry.uninstrument()


def test_a_create_a_wait_and_a_download_are_one_span_each(
    harness: ClientHarness, recorded: Recorded, tmp_path: Path
) -> None:
    harness.respond_with(ACCEPTED, RUNNING, RUNNING, DONE, FILM)
    task = harness.run(harness.create(seed=7).wait())
    harness.run(task.download(tmp_path))
    create, waited, download = recorded.spans
    assert [span.name for span in recorded.spans] == [
        "generate_content act_two",
        "fetch_response",
        "download",
    ]
    assert {span.attributes["gen_ai.response.id"] for span in recorded.spans} == {ID}
    assert [span.attributes["cometapi_runway.requests"] for span in recorded.spans] == [1, 3, 1]
    assert [(event.name, event.attributes) for event in waited.events] == [
        ("status", {"cometapi_runway.status": "RUNNING"}),
        ("status", {"cometapi_runway.status": "SUCCEEDED"}),
    ]
    assert download.attributes["cometapi_runway.output.bytes"] == 4
    assert {span.attributes["gen_ai.provider.name"] for span in recorded.spans} == {"runway"}
    assert [span.attributes.get("gen_ai.operation.name") for span in recorded.spans] == [
        "generate_content",
        "fetch_response",
        None,
    ]
    for span in (waited, download):
        assert [link.context.span_id for link in span.links] == [create.context.span_id]
    assert not create.links


def test_a_wait_in_another_process_links_to_the_create(
    harness: ClientHarness, recorded: Recorded, tmp_path: Path
) -> None:
    client = harness.new(journal=tmp_path / "journal")
    harness.respond_with(ACCEPTED)
    harness.run(client.character_performance.create(**ASSETS, idempotency_key="k"))
    harness.run(client.close())
    other = harness.new(journal=tmp_path / "journal")
    again = harness.run(other.character_performance.create(**ASSETS, idempotency_key="k"))
    harness.respond_with(DONE)
    harness.run(other.tasks.wait(ID))
    harness.run(again.wait())
    harness.list(other.journal.resume(include_unfetched=True))
    create, repeated, *waits = recorded.spans
    assert repeated.attributes["cometapi_runway.outcome"] == "repeated"
    assert len(waits) == 3
    for span in waits:
        (link,) = span.links
        assert link.context.trace_id == create.context.trace_id
        assert link.context.span_id == create.context.span_id


@pytest.mark.parametrize(
    ("event", "error", "outcome"),
    [
        (ACCEPTED, None, "accepted"),
        (family(400, "invalid_request"), BadRequestError, "refused"),
        (HANG, SubmissionUnknownError, "unknown"),
        (Failure(httpx.UnsupportedProtocol), errors.APIConnectionError, "refused"),
    ],
)
def test_the_outcome_of_a_create(
    harness: ClientHarness,
    recorded: Recorded,
    tmp_path: Path,
    event: Any,
    error: type[RunwayError] | None,
    outcome: str,
) -> None:
    budget = Budget(prices={"character_performance": "0.5"})
    client = harness.new(journal=tmp_path / "journal", budget=budget)
    harness.respond_with(event)
    with contextlib.nullcontext() if error is None else pytest.raises(error):
        harness.run(client.character_performance.create(**ASSETS))
    (span,) = recorded.spans
    assert span.attributes["cometapi_runway.outcome"] == outcome
    assert span.attributes.get("error.type") == (None if error is None else error.__name__)
    assert span.status.is_ok is (error is None)
    metrics = recorded.metrics()
    by_outcome = {
        "cometapi_runway.operation": "control_a_character",
        "cometapi_runway.outcome": outcome,
    }
    assert metrics["cometapi_runway.submissions"] == [(by_outcome, 1)]
    assert metrics["cometapi_runway.cost.reserved"][0][1] == 0.5
    assert ("cometapi_runway.cost.spent" in metrics) is (outcome == "accepted")


def test_a_repeated_request_has_the_outcome_of_the_first(
    harness: ClientHarness, recorded: Recorded, tmp_path: Path
) -> None:
    for event, error, outcome in (
        (HANG, SubmissionUnknownError, "unknown"),
        (ACCEPTED, None, "repeated"),
    ):
        client = harness.new(journal=tmp_path / f"{outcome}.journal")
        harness.respond_with(event)
        for _ in range(2):
            with contextlib.nullcontext() if error is None else pytest.raises(error):
                harness.run(client.character_performance.create(**ASSETS, idempotency_key="k"))
        last = recorded.spans[-1]
        assert last.attributes["cometapi_runway.outcome"] == outcome
        assert last.attributes["cometapi_runway.requests"] == 0
        assert last.kind is trace.SpanKind.CLIENT


def test_what_a_budget_refuses_is_neither_sent_nor_reserved(
    harness: ClientHarness, recorded: Recorded, tmp_path: Path
) -> None:
    budget = Budget(max_cost=Decimal(0), prices={"character_performance": "0.5"})
    client = harness.new(journal=tmp_path / "journal", budget=budget)
    with pytest.raises(BudgetExceededError):
        harness.run(client.character_performance.create(**ASSETS))
    (span,) = recorded.spans
    assert span.attributes["cometapi_runway.outcome"] == "budget"
    assert span.attributes["cometapi_runway.requests"] == 0
    assert set(recorded.metrics()) == {"cometapi_runway.submissions"}


def test_how_long_a_task_took_and_how_it_ended(harness: ClientHarness, recorded: Recorded) -> None:
    harness.respond_with(ACCEPTED, RUNNING, RUNNING, FAILED)
    with pytest.raises(errors.TaskFailedError):
        harness.run(harness.create().wait())
    ended = {
        "cometapi_runway.operation": "control_a_character",
        "cometapi_runway.status": "FAILED",
    }
    metrics = recorded.metrics()
    assert metrics["cometapi_runway.task.polls"] == [(ended, 3)]
    ((attributes, seconds),) = metrics["cometapi_runway.task.duration"]
    assert attributes == {**ended, "cometapi_runway.failure_code": "SAFETY.INPUT.TEXT"}
    assert seconds == pytest.approx(harness.time)
    assert recorded.spans[-1].attributes["cometapi_runway.failure_code"] == "SAFETY.INPUT.TEXT"


def test_a_task_that_had_ended_before_the_wait_has_no_duration(
    harness: ClientHarness, recorded: Recorded
) -> None:
    harness.respond_with(ACCEPTED, DONE)
    harness.run(harness.create().wait())
    assert "cometapi_runway.task.duration" not in recorded.metrics()


def test_a_status_that_is_no_name_is_called_other(
    harness: ClientHarness, recorded: Recorded
) -> None:
    harness.respond_with(ACCEPTED, *[json_reply({"id": ID, "status": "a sentence"})] * 9)
    with pytest.raises(errors.TaskTimeoutError):
        harness.run(harness.create().wait(timeout=9))
    waited = recorded.spans[-1]
    shown = {"cometapi_runway.status": "other"}
    assert [(event.name, event.attributes) for event in waited.events] == [("status", shown)]
    assert waited.attributes.items() >= shown.items()


def test_an_interrupted_call_ends_its_span(harness: ClientHarness, recorded: Recorded) -> None:
    harness.respond_with(Interruption())
    with pytest.raises(harness.interrupt):
        harness.create()
    (span,) = recorded.spans
    assert span.attributes["cometapi_runway.outcome"] == "unknown"
    assert span.attributes["error.type"] == harness.interrupt.__name__


def test_requests_are_children_of_the_call_and_nothing_stays_current(
    harness: ClientHarness, recorded: Recorded
) -> None:
    """Also in waits for many tasks, whose requests are sent by other threads."""
    current: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        current.append(trace.get_current_span().get_span_context().span_id)
        status = "SUCCEEDED" if len(current) > 8 else "RUNNING"
        task_id = request.url.path.rpartition("/")[2]
        output = ["https://e.com/v.mp4"]
        return httpx.Response(200, json={"id": task_id, "status": status, "output": output})

    client = harness.new(transport=httpx.MockTransport(answer))
    tasks = harness.run(client.tasks.wait_all([f"task-{number}" for number in range(4)]))
    assert {task.status for task in tasks} == {"SUCCEEDED"}
    spans = {span.context.span_id: span for span in recorded.spans}
    assert set(current) == set(spans)
    for span_id, span in spans.items():
        assert current.count(span_id) == span.attributes["cometapi_runway.requests"]
    assert not trace.get_current_span().get_span_context().is_valid


def test_waits_that_are_left_early_end_their_spans_without_an_error(
    harness: ClientHarness, recorded: Recorded
) -> None:
    harness.respond_with(DONE)

    async def leave_early() -> None:
        completed = harness.client.tasks.as_completed([ID, "other"])
        async for _ in completed:
            break
        await completed.aclose()

    if harness.is_async:
        harness.run(leave_early())
    else:
        for _ in harness.client.tasks.as_completed([ID, "other"]):
            break
    # A poll that is under way when the wait is left ends its span a moment later.
    end = time.monotonic() + 5
    while len(recorded.spans) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    assert len(recorded.spans) == 2
    assert recorded.spans[0].status.is_ok


@each_case("row", fault_table.SUBMISSIONS, ids=lambda row: row.name)
def test_a_watched_submission_takes_the_same_steps(row: Row) -> None:
    def run() -> tuple[Any, ...]:
        runner = FlowRunner()
        request = submit_request(timeout=row.request_timeout)
        try:
            result = runner.run(
                submit_task(request, started=0.0, rng=FixedJitter(1.0)), *row.events
            )
        except RunwayError as error:
            result = repr(error)
        kinds = [type(entry) for entry in runner.written]
        return runner.sent, runner.pauses, runner.warnings, kinds, result

    alone = run()
    start_recording()
    try:
        assert run() == alone
    finally:
        telemetry.uninstrument()


@each_case("row", fault_table.WAITS, ids=lambda row: row.name)
def test_a_watched_wait_takes_the_same_steps(row: Row) -> None:
    def run() -> tuple[Any, ...]:
        runner = FlowRunner()
        timeout = float("inf") if row.timeout is None else row.timeout
        request = wait_request(timeout=timeout, request_timeout=row.request_timeout)
        try:
            result = runner.run(wait(request, started=0.0, rng=FixedJitter(0.0)), *row.events)
        except RunwayError as error:
            result = repr(error)
        return runner.sent, runner.pauses, runner.updates, runner.warnings, result

    alone = run()
    start_recording()
    try:
        assert run() == alone
    finally:
        telemetry.uninstrument()


SECRETS = st.text(min_size=0, max_size=20).map(lambda text: f"{MARKER} {text}")


@settings(max_examples=60, deadline=None)
@given(
    prompt=SECRETS,
    key=st.from_regex(r"[a-z]{0,8}", fullmatch=True).map(lambda text: MARKER + text),
    status=st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING", f"{MARKER} {MARKER}"]),
    failure=SECRETS,
    code=st.sampled_from(["ASSET.INVALID", f"{MARKER} x", f"https://{MARKER}/"]),
    model=st.sampled_from(["act_two", f"{MARKER} model", f"https://{MARKER}/", "x" * 99]),
)
def test_nothing_secret_is_in_any_attribute(
    prompt: str, key: str, status: str, failure: str, code: str, model: str
) -> None:
    """No prompt, address, key or file's name, wherever the caller or the gateway puts it."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"id": ID})
        output = [f"https://{MARKER}.example/{MARKER}.mp4?sig={MARKER}"]
        task = {"id": ID, "status": status, "failure": failure, "failureCode": code}
        return httpx.Response(200, json={**task, "output": output})

    recorded = start_recording()
    try:
        with RunwayClient(
            f"sk-{MARKER}-{key or 'k'}", transport=httpx.MockTransport(answer), clock=_Clock()
        ) as client:
            task = client.image_to_video.create(
                prompt_image=f"https://user:{MARKER}@e.com/{MARKER}.png?sig={MARKER}",
                model=model,
                prompt_text=prompt,
                validate=False,
                extra_headers={"X-Secret": MARKER},
            )
            with contextlib.suppress(RunwayError):
                task.wait(timeout=20)
        everything = recorded.everything()
    finally:
        telemetry.uninstrument()
    assert MARKER not in everything
    assert ID in everything


class _Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_every_attribute_and_metric_is_listed(
    harness: ClientHarness, recorded: Recorded, tmp_path: Path
) -> None:
    budget = Budget(prices={"character_performance": "0.5"})
    client = harness.new(journal=tmp_path / "journal", budget=budget)
    harness.respond_with(ACCEPTED, RUNNING, RUNNING, DONE, FILM)
    task = harness.run(client.character_performance.create(**ASSETS))
    harness.run(harness.run(task.wait()).download(tmp_path))
    harness.respond_with(ACCEPTED, RUNNING, FAILED)
    task = harness.run(client.character_performance.create(**ASSETS))
    with pytest.raises(errors.TaskFailedError):
        harness.run(task.wait())
    used = {name for span in recorded.spans for name in span.attributes}
    used |= {name for span in recorded.spans for event in span.events for name in event.attributes}
    metrics = recorded.metrics()
    used |= {name for points in metrics.values() for attributes, _ in points for name in attributes}
    assert used == set(telemetry.ATTRIBUTES)
    assert set(metrics) == set(telemetry.METRICS)


def test_the_documentation_lists_every_name() -> None:
    text = (ROOT / "docs" / "logging-and-telemetry.md").read_text("utf-8")
    for name in (*telemetry.ATTRIBUTES, *telemetry.METRICS):
        assert f"`{name}`" in text
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "wrapper").rglob("*.py"))
    loggers = set(re.findall(r'getLogger\("(cometapi_runway[a-z.]*)"\)', sources))
    assert len(loggers) > 3
    for name in loggers:
        assert f"`{name}`" in text


def test_a_flow_that_no_span_is_for_is_the_flow_itself(recorded: Recorded) -> None:
    flow = submit_task(submit_request(), started=0.0, rng=FixedJitter(1.0))
    (observer,) = observation._observers
    assert observer(flow, object()) is flow
    flow.close()


def test_without_telemetry_a_flow_is_the_flow_itself() -> None:
    flow = submit_task(submit_request(), started=0.0, rng=FixedJitter(1.0))
    assert not observation._observers
    flow.close()


def test_counters_go_on_with_their_meter(harness: ClientHarness) -> None:
    """To instrument again loses no count and doubles none; another meter begins at zero."""
    counts: list[Any] = []
    try:
        for _ in range(2):
            reader = InMemoryMetricReader()
            recorded, provider = Recorded(InMemorySpanExporter(), reader), MeterProvider([reader])
            for _ in range(2):
                telemetry.instrument(meter_provider=provider)
                harness.respond_with(ACCEPTED)
                harness.create()
                telemetry.uninstrument()
                counted = recorded.metrics()["cometapi_runway.submissions"]
                counts.append([value for _, value in counted])
    finally:
        telemetry.uninstrument()
    assert counts == [[1], [2], [1], [2]]


def test_it_can_be_turned_off(harness: ClientHarness) -> None:
    recorded = start_recording()
    telemetry.uninstrument()
    harness.respond_with(ACCEPTED)
    harness.create()
    assert recorded.spans == []


@pytest.mark.parametrize(
    ("seed", "shown"),
    [(7, 7), (0, 0), (None, None), (2**63 - 1, 2**63 - 1), (2**63, None), (-(2**63), None)],
)
def test_a_create_has_these_attributes_from_the_start(
    recorded: Recorded, seed: int | None, shown: int | None
) -> None:
    """An abandoned flow has them alone; it has not failed."""
    flow = submit(submit_request(seed=seed), started=0.0, rng=FixedJitter(1.0))
    next(flow)
    flow.close()
    (span,) = recorded.spans
    assert span.name == "generate_content"
    expected = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "runway",
        "gen_ai.request.seed": shown,
        "cometapi_runway.operation": "control_a_character",
        "cometapi_runway.requests": 0,
    }
    assert span.attributes == {name: value for name, value in expected.items() if value is not None}
    assert span.status.status_code is StatusCode.UNSET
    assert span.kind is trace.SpanKind.CLIENT


def test_a_create_that_is_interrupted_before_it_is_sent_is_refused(recorded: Recorded) -> None:
    flow = submit(submit_request(), started=0.0, rng=FixedJitter(1.0))
    next(flow)
    # What was interrupted is recorded first.
    flow.throw(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        list(flow)
    (span,) = recorded.spans
    assert span.attributes["cometapi_runway.outcome"] == "refused"
    assert span.attributes["error.type"] == "KeyboardInterrupt"


def test_a_create_that_is_interrupted_after_its_acceptance_is_accepted(recorded: Recorded) -> None:
    flow = submit(submit_request(), started=0.0, rng=FixedJitter(1.0))

    def interrupt() -> Iterator[Any]:
        for step in flow:
            yield step
            if isinstance(step, Record) and isinstance(step.entry, SubmissionAccepted):
                yield flow.throw(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        FlowRunner().run(interrupt(), ACCEPTED)  # type: ignore[arg-type] # it never returns
    (span,) = recorded.spans
    assert span.attributes["cometapi_runway.outcome"] == "accepted"


def test_numbers_of_a_trace_are_hexadecimal() -> None:
    context = telemetry._parse_trace_parent(f"00-{'1' * 32}-{'2' * 16}-10")
    assert context is not None
    assert (context.trace_id, context.span_id) == (int("1" * 32, 16), int("2" * 16, 16))
    assert context.trace_flags == 16


def test_a_task_takes_no_less_than_no_time(recorded: Recorded) -> None:
    request = wait_request(created=1000.0, seen=True)
    FlowRunner().run(wait(request, started=0.0, rng=FixedJitter(0.0)), RUNNING, DONE)
    ((_, seconds),) = recorded.metrics()["cometapi_runway.task.duration"]
    assert seconds == 0.0


def test_a_task_that_succeeds_is_measured(harness: ClientHarness, recorded: Recorded) -> None:
    harness.respond_with(ACCEPTED, RUNNING, DONE)
    harness.run(harness.create().wait())
    ended = {
        "cometapi_runway.operation": "control_a_character",
        "cometapi_runway.status": "SUCCEEDED",
    }
    metrics = recorded.metrics()
    assert metrics["cometapi_runway.task.polls"] == [(ended, 2)]
    assert metrics["cometapi_runway.task.duration"] == [(ended, pytest.approx(harness.time))]
    assert recorded.spans[-1].attributes["cometapi_runway.status"] == "SUCCEEDED"


def test_every_metric_has_its_unit_and_its_description(
    harness: ClientHarness, recorded: Recorded, tmp_path: Path
) -> None:
    budget = Budget(prices={"character_performance": "0.5"})
    client = harness.new(journal=tmp_path / "journal", budget=budget)
    harness.respond_with(ACCEPTED, RUNNING, DONE)
    harness.run(harness.run(client.character_performance.create(**ASSETS)).wait())
    data = json.loads(recorded.reader.get_metrics_data().to_json())  # type: ignore[union-attr]
    (scope,) = (one for found in data["resource_metrics"] for one in found["scope_metrics"])
    assert (scope["scope"]["name"], scope["scope"]["version"]) == ("cometapi_runway", __version__)
    assert {one["name"]: (one["unit"], one["description"]) for one in scope["metrics"]} == {
        name: (unit, telemetry.METRICS[name])
        for name, unit in {
            "cometapi_runway.submissions": "{submission}",
            "cometapi_runway.cost.reserved": "{USD}",
            "cometapi_runway.cost.spent": "{USD}",
            "cometapi_runway.task.duration": "s",
            "cometapi_runway.task.polls": "{request}",
        }.items()
    }
    tracing = recorded.spans[0].instrumentation_scope
    assert (tracing.name, tracing.version) == ("cometapi_runway", __version__)
