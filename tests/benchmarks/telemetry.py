"""What telemetry adds to one create and one retrieve.

The same two calls are made with telemetry on and off, in rotating order, and ratios are computed
per round. Telemetry is on as in production: OpenTelemetry's SDK records every span, and a batch
processor passes them to an exporter that drops them.

Two of the lines have a limit: telemetry may take 1.05 times as long. The first is of calls to a
server in another process on loopback, wall-clock: no real create does without a connection and a
round trip, and over TLS both take longer. The second is this package's own part, in CPU time and
without any connection or SDK. The others have no limit, because nothing here can change them: the
same with the SDK, and with one span of the SDK that is started and ended by hand, with the same
attributes and without metrics. That span alone takes more than a twentieth of such calls.

    python tests/benchmarks/telemetry.py [ROUNDS] [CALLS]
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import httpx
from _results import report_figure
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "wrapper"), str(ROOT / "generated")]

from tests.wire_server import Connection, WireServer  # noqa: E402  as above

from cometapi_runway import RunwayClient, telemetry  # noqa: E402  the path is set above

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 40
MAX_RATIO = 1.05
TRACING = TracerProvider()
METERING = MeterProvider([InMemoryMetricReader()])
ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
DONE = {"id": ID, "status": "SUCCEEDED", "output": ["https://example.com/output.mp4"]}


class DroppingExporter(SpanExporter):
    """Drops every span."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Report success."""
        return SpanExportResult.SUCCESS


def serve(pipe: Pipe) -> None:
    """Respond to creates and retrieves until the other end of the pipe says stop."""

    def converse(connection: Connection) -> None:
        while request := connection.read_request():
            is_create = request.startswith(b"POST")
            connection.respond(200, json.dumps({"id": ID} if is_create else DONE).encode())

    with WireServer(converse) as server:
        pipe.send(server.base_url)
        pipe.recv()


def gateway(request: httpx.Request) -> httpx.Response:
    """Respond immediately."""
    return httpx.Response(200, json={"id": ID} if request.method == "POST" else DONE)


def call(client: RunwayClient) -> None:
    """Create and retrieve."""
    client.character_performance.create(
        character="https://example.com/face.png",
        reference="https://example.com/performance.mp4",
        seed=7,
    )
    client.tasks.retrieve(ID)


def call_in_span(client: RunwayClient) -> None:
    """Create and retrieve, in a span with the attributes of a create."""
    span = TRACING.get_tracer("by hand").start_span(
        "generate_content act_two",
        kind=SpanKind.CLIENT,
        attributes={
            "gen_ai.operation.name": "generate_content",
            "gen_ai.provider.name": "runway",
            "gen_ai.request.model": "act_two",
            "gen_ai.request.seed": 7,
            "cometapi_runway.operation": "control_a_character",
            "cometapi_runway.price": 0.4,
        },
    )
    call(client)
    span.set_attributes(
        {
            "gen_ai.response.id": ID,
            "cometapi_runway.outcome": "accepted",
            "cometapi_runway.requests": 1,
        }
    )
    span.end()


def measure(
    client: RunwayClient, clock: Callable[[], float], pair: Callable[[RunwayClient], None]
) -> float:
    """Return the microseconds of one create and one retrieve."""
    start = clock()
    for _ in range(CALLS):
        pair(client)
    return (clock() - start) / CALLS * 1e6


def instrument_with_sdk() -> None:
    """Record spans and metrics, as in production."""
    telemetry.instrument(tracer_provider=TRACING, meter_provider=METERING)


def do_not_instrument() -> None:
    """Leave telemetry off."""


def compare(
    client: RunwayClient,
    clock: Callable[[], float],
    instrument: Callable[[], None],
    pair: Callable[[RunwayClient], None] = call,
) -> tuple[float, float, float]:
    """Return the median times off and on, and the median of the rounds' ratios."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS + 2):
        for is_on in (False, True) if number % 2 else (True, False):
            if is_on:
                instrument()
            else:
                telemetry.uninstrument()
            times[is_on].append(measure(client, clock, pair if is_on else call))
        gc.collect()
    telemetry.uninstrument()
    pairs = list(zip(times[False][2:], times[True][2:], strict=True))
    off, on = (statistics.median(one) for one in zip(*pairs, strict=True))
    return off, on, statistics.median(on / off for off, on in pairs)


def main() -> None:
    """Print the times and their ratios."""
    TRACING.add_span_processor(BatchSpanProcessor(DroppingExporter()))
    gc.disable()
    context = multiprocessing.get_context("spawn")
    pipe, other_end = context.Pipe()
    server = context.Process(target=serve, args=(other_end,), daemon=True)
    server.start()
    with RunwayClient("sk-benchmark", base_url=pipe.recv()) as client:
        wall = compare(client, time.perf_counter, instrument_with_sdk)
    pipe.send("stop")
    server.join()
    with RunwayClient("sk-benchmark", transport=httpx.MockTransport(gateway)) as client:
        with_sdk = compare(client, time.process_time, instrument_with_sdk)
        by_hand = compare(client, time.process_time, do_not_instrument, call_in_span)
        alone = compare(client, time.process_time, telemetry.instrument)
    for name, (off, on, ratio), limit in (
        ("on loopback, wall, with the SDK", wall, MAX_RATIO),
        ("no connection, CPU, API alone", alone, MAX_RATIO),
        ("no connection, CPU, with the SDK", with_sdk, None),
        ("no connection, CPU, span by hand", by_hand, None),
    ):
        verdict = "" if limit is None else f", {'within' if ratio <= limit else 'ABOVE'} {limit}"
        print(f"{name:33} off {off:5.0f} us  on {on:5.0f} us  {ratio:.3f}{verdict}")
        report_figure(f"create + retrieve with telemetry, {name}", "without", ratio, limit)
    TRACING.shutdown()


if __name__ == "__main__":
    main()
