"""Runs a batch of one row with telemetry, and prints each span when it ends.

python trace_batch.py FOLDER BASE_URL
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from cometapi_runway import telemetry
from cometapi_runway.batch import Batch

ROW = {
    "id": "hero",
    "operation": "text_to_image",
    "prompt_text": "a hero at dawn",
    "reference_images": ["https://example.com/reference.png"],
}


class PrintingExporter(SpanExporter):
    """Prints each span in one line."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            print(span.to_json(indent=None), flush=True)
        return SpanExportResult.SUCCESS


def main(folder: str, base_url: str) -> None:
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(PrintingExporter()))
    telemetry.instrument(tracer_provider=tracing)
    with Batch(
        "traced", f"{folder}/out", data=f"{folder}/data", api_key="a-key", base_url=base_url
    ) as batch:
        batch.add([ROW])
        for _ in batch.run(interval=0.1):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
