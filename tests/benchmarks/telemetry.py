"""CPU time that telemetry adds to one create and one retrieve, without a network.

The same two calls are made with telemetry on and off, in rotating order, and ratios are computed
per round. Telemetry is on as in production: OpenTelemetry's SDK records every span, and a batch
processor passes them to an exporter that drops them. It may take 1.05 times as long.

    python tests/benchmarks/telemetry.py [ROUNDS] [CALLS]
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway import RunwayClient, telemetry  # noqa: E402  the path is set above

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 40
MAX_RATIO = 1.05
ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
DONE = {"id": ID, "status": "SUCCEEDED", "output": ["https://example.com/output.mp4"]}


class DroppingExporter(SpanExporter):
    """Drops every span."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Report success."""
        return SpanExportResult.SUCCESS


def gateway(request: httpx.Request) -> httpx.Response:
    """Respond immediately."""
    return httpx.Response(200, json={"id": ID} if request.method == "POST" else DONE)


def measure(client: RunwayClient) -> float:
    """Return the microseconds of one create and one retrieve."""
    start = time.process_time()
    for _ in range(CALLS):
        client.character_performance.create(
            character="https://example.com/face.png",
            reference="https://example.com/performance.mp4",
            seed=7,
        )
        client.tasks.retrieve(ID)
    return (time.process_time() - start) / CALLS * 1e6


def main() -> None:
    """Print the times and their ratio."""
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(DroppingExporter()))
    metering = MeterProvider([InMemoryMetricReader()])
    client = RunwayClient("sk-benchmark", transport=httpx.MockTransport(gateway))
    times: dict[bool, list[float]] = {False: [], True: []}
    gc.disable()
    for number in range(ROUNDS + 2):
        for is_on in (False, True) if number % 2 else (True, False):
            if is_on:
                telemetry.instrument(tracer_provider=tracing, meter_provider=metering)
            else:
                telemetry.uninstrument()
            times[is_on].append(measure(client))
        gc.collect()
    ratios = [on / off for off, on in zip(times[False][2:], times[True][2:], strict=True)]
    ratio = statistics.median(ratios)
    off, on = (statistics.median(times[is_on]) for is_on in (False, True))
    print(f"off {off:7.0f} us   on {on:7.0f} us")
    verdict = "within" if ratio <= MAX_RATIO else "ABOVE"
    print(f"telemetry: {ratio:.3f} times a create and retrieve, {verdict} {MAX_RATIO}")
    tracing.shutdown()


if __name__ == "__main__":
    main()
